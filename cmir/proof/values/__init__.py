"""Proof by random interpretation that a compiled network computes the values of its `nn` source."""
