"""Comparison of results with a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

TOLERANCES: Mapping[str, tuple[float, float]] = {
    "integer": (0.0, 0.0),
    "half": (2e-3, 2e-3),
    "float": (1e-4, 1e-5),
}
"""Default rtol and atol by element type of an output.

Integers are exact; the unit in the last place of half precision is 1e-3.
"""


def default_tolerances(dtype: np.dtype) -> tuple[float, float]:
    """Return the default rtol and atol for an element type."""
    if dtype.kind in "iub":
        return TOLERANCES["integer"]
    return TOLERANCES["half" if dtype.itemsize == 2 else "float"]


def difference(
    result: np.ndarray,
    expected: np.ndarray,
    rtol: float | None = None,
    atol: float | None = None,
    terms: float = 0.0,
) -> str | None:
    """Describe how arrays of one shape differ, or return None if they agree.

    Elements agree if |result − expected| ≤ atol · max|expected| + rtol · |expected|. The error of a sum scales with its
    terms, not with the sum, and the largest element of the output approximates the terms. NaN agrees with NaN.

    rtol, atol: None for the default of the expected elements' type. terms: the magnitude of the terms, if it is known
    to be larger than that of the elements.
    """
    defaults = default_tolerances(expected.dtype)
    relative = defaults[0] if rtol is None else rtol
    absolute = defaults[1] if atol is None else atol
    if relative == absolute == 0:
        close = (result == expected) | ((result != result) & (expected != expected))
    else:
        a, b = np.asarray(result, np.float64), np.asarray(expected, np.float64)
        scale = float(np.max(np.abs(b), initial=terms, where=np.isfinite(b)))
        close = np.isclose(a, b, rtol=relative, atol=absolute * scale, equal_nan=True)
    if close.all():
        return None
    where = tuple(int(i) for i in np.argwhere(~close)[0])
    return (
        f"{int((~close).sum())} of {close.size} elements differ, "
        f"first at {list(where)}: {float(result[where]):g}, expected {float(expected[where]):g}"
    )


def compare(
    outputs: Sequence[Mapping[str, np.ndarray]],
    references: Sequence[Sequence[np.ndarray]],
    rtol: float | None = None,
    atol: float | None = None,
) -> list[str]:
    """Compare the outputs of inferences with references, in order; return a line for each output that differs.

    References may have additional dimensions of size 1. rtol, atol: as `difference` takes them.
    """
    problems: list[str] = []
    for inference, (got, expected) in enumerate(zip(outputs, references, strict=True)):
        for (name, a), b in zip(got.items(), expected, strict=True):
            if (found := difference(a, b.reshape(a.shape), rtol, atol)) is not None:
                problems.append(f"output '{name}' of inference {inference}: {found}")
    return problems
