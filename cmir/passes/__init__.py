"""Passes: one file a pass, named as its pass."""
