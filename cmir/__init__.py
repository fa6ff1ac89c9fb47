"""cmir: a compiler toolkit for computational-memory accelerators."""

from cmir import renamed

__version__ = "0.2.0.dev0"

renamed.install()
