"""Sweeps: a network on a grid of machines, in parallel processes."""
