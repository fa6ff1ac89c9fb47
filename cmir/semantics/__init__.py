"""Meaning of operations on arrays: bodies of iterations, loop nests, constants, and the reference evaluation."""
