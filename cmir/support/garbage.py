"""Python's collection of cyclic garbage, which computations that keep most of what they allocate need rarely."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager

_ALLOCATIONS = 400_000
"""Objects that are allocated between two collections; Python's default is 700."""


@contextmanager
def rare_collection() -> Generator[None]:
    """Collect cyclic garbage more rarely inside the `with` block.

    Operations and their uses refer to each other, so the collector goes through the whole IR again and again. A user's
    larger threshold stays, and so does 0, which means never.
    """
    allocations, *generations = gc.get_threshold()
    if allocations:
        gc.set_threshold(max(allocations, _ALLOCATIONS), *generations)
    try:
        yield
    finally:
        gc.set_threshold(allocations, *generations)
