"""cmir: a compiler toolkit for computational-memory accelerators."""
