"""Comparison of results with a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cmir.support.numerics import held, is_float

TOLERANCES: Mapping[str, tuple[float, float]] = {
    "bf16": (1.6e-2, 1.6e-2),
    "f16": (2e-3, 2e-3),
    "f32": (1e-4, 1e-5),
    "f64": (1e-11, 1e-12),
}
"""Default rtol and atol by float type, the least precise first: MLIR's names.

Their precision is 8e-3, 1e-3, 1e-7 and 2e-16. In the narrow types, a rounding outweighs the errors of sums, which are
computed in f32.
"""

_NAMES = {"bfloat16": "bf16", "float16": "f16", "float32": "f32", "float64": "f64"}


def narrower(*floats: str | None) -> str | None:
    """Return the least precise of the float types with these names; None stands for no float."""
    return next((name for name in TOLERANCES if name in floats), None)


def default_tolerances(dtype: np.dtype, narrowest: str | None = None) -> tuple[float, float]:
    """Return the default rtol and atol for an element type: 0 for integers.

    narrowest: the least precise float type in the network that computed the elements, if it is known.
    """
    if dtype.kind in "iub":
        return 0.0, 0.0
    found = narrower(_NAMES.get(dtype.name), narrowest)
    return TOLERANCES[found or "f32"]


def difference(
    result: np.ndarray,
    expected: np.ndarray,
    rtol: float | None = None,
    atol: float | None = None,
    terms: float = 0.0,
    narrowest: str | None = None,
) -> str | None:
    """Describe how arrays of one shape differ, or return None if they agree.

    Elements agree if |result − expected| ≤ atol · max|expected| + rtol · |expected|. The error of a sum scales with its
    terms, not with the sum, and the largest element of the output approximates the terms. NaN agrees with NaN.

    rtol, atol: None for the default of the less precise element type, or of `narrowest`. terms: the magnitude of the
    terms, if it is known to be larger than that of the elements. narrowest: see `default_tolerances`.
    """
    result, expected = held(result), held(expected)
    if is_float(expected.dtype):
        narrowest = narrower(_NAMES.get(result.dtype.name), narrowest)
    defaults = default_tolerances(expected.dtype, narrowest)
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
    got, wanted = _shown(result[where], expected[where])
    return (
        f"{int((~close).sum())} of {close.size} elements differ, "
        f"first at {list(where)}: {got}, expected {wanted}"
    )


def _shown(*numbers: np.generic) -> tuple[str, ...]:
    """Return numbers with as many digits as tell them apart, six at least."""
    if all(number.dtype.kind in "iub" for number in numbers):
        return tuple(str(int(number)) for number in numbers)
    texts: tuple[str, ...] = ()
    for digits in range(6, 18):
        texts = tuple(f"{float(number):.{digits}g}" for number in numbers)
        if len(set(texts)) == len(texts):
            break
    return texts


def deviation(result: np.ndarray, exact: np.ndarray) -> float:
    """Return the largest error of an element, relative to the largest element; infinite if an element is not finite.

    Elements that are infinite or NaN in both count as exact.
    """
    a, b = np.asarray(result, np.float64), np.asarray(exact, np.float64)
    with np.errstate(invalid="ignore"):
        errors = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    largest = float(np.max(errors, initial=0.0))
    if not np.isfinite(largest):
        return float("inf")
    scale = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
    return largest / scale if scale else largest


def fitted(array: np.ndarray, shape: Sequence[int]) -> np.ndarray | None:
    """Return an array without or with leading dimensions of size 1, in this shape; None if its shape is another one."""
    return array.reshape(shape) if _inner(array.shape) == _inner(shape) else None


def _inner(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape without the leading dimensions of size 1, such as that of a batch."""
    first = next((i for i, size in enumerate(shape) if size != 1), len(shape))
    return tuple(shape[first:])


def compare(
    outputs: Sequence[Mapping[str, np.ndarray]],
    references: Sequence[Sequence[np.ndarray]],
    rtol: float | None = None,
    atol: float | None = None,
    narrowest: str | None = None,
    exact: Sequence[Sequence[np.ndarray]] | None = None,
) -> list[str]:
    """Compare the outputs of inferences with references, in order; return a line for each output that differs.

    References may have additional leading dimensions of size 1. rtol, atol, narrowest: as `difference` takes them.
    exact: the outputs in double precision; an output that agrees with them need not agree with the reference.
    """
    problems: list[str] = []
    for inference, (got, expected) in enumerate(zip(outputs, references, strict=True)):
        for index, ((name, a), b) in enumerate(zip(got.items(), expected, strict=True)):
            found = difference_of_output(a, b, rtol, atol, narrowest)
            if found is not None and exact is not None:
                wide = exact[inference][index]
                if difference_of_output(a, wide, rtol, atol, narrowest) is None:
                    continue
            if found is not None:
                problems.append(f"output '{name}' of inference {inference}: {found}")
    return problems


def difference_of_output(
    result: np.ndarray,
    expected: np.ndarray,
    rtol: float | None = None,
    atol: float | None = None,
    narrowest: str | None = None,
) -> str | None:
    """Like `difference`, for arrays of any shapes. `expected` may have additional leading dimensions of size 1."""
    wanted = fitted(expected, result.shape)
    if wanted is None:
        return f"it has the shape {list(result.shape)}, expected {list(expected.shape)}"
    return difference(result, wanted, rtol, atol, narrowest=narrowest)
