"""cmir: a compiler toolkit for computational-memory accelerators."""

__version__ = "0.1.0"
