"""Proofs about compiled networks. They judge the IR and share no code with the passes that derive it."""
