"""Proof that a compiled network computes what its `nn` source does, by random interpretation."""
