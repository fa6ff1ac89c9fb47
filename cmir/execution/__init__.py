"""Streams of inferences, and references that their results are compared with."""
