"""Elaborated networks: cores, programs and automata as arrays over iterations, independent of hardware."""
