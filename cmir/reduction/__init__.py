"""Reduction of IR that fails a test: the smallest modules with the same failure that a search finds."""
