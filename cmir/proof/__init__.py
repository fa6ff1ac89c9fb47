"""Proofs that a compiled network is right."""
