"""Passes, one per file. Each file has the name of its pass."""
