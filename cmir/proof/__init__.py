"""Proofs about compiled networks. They judge what is in the IR and share no code with what derives it."""
