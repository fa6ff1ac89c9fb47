"""The model of crossbars that a description names."""

from __future__ import annotations

# Register their classes.
from cmir.crossbars import (
    aihwkit,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    analog,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    bit_sliced,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    pcm,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    reram,  # noqa: F401  # pyright: ignore[reportUnusedImport]
)
from cmir.crossbars.model import CrossbarModel, class_of
from cmir.crossbars.ranges import Ranges
from cmir.hardware.sections import Crossbar


def model_of(crossbar: Crossbar, ranges: Ranges | None = None) -> CrossbarModel | None:
    """Return the model of crossbars of a description; None for exact products.

    ranges: calibrated ranges, if there are any. Raises CompileError for settings that the model cannot compute.
    """
    found = class_of(crossbar.model)
    return None if found is None else found(crossbar.model, crossbar, ranges)
