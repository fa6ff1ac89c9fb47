"""cmir: a compiler toolkit for computational-memory accelerators."""

__version__ = "0.2.0.dev0"
