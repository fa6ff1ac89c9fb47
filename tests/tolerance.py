"""The comparison of arrays in tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cmir.checking import difference

_RTOL = 1e-5
"""Below that of `cm-run --check`: networks of tests are small."""


def assert_close(
    result: ArrayLike,
    expected: ArrayLike,
    rtol: float | None = None,
    atol: float | None = None,
    terms: float = 0.0,
) -> None:
    """Fail if arrays differ in shape, or in value by more than 2e-5 (in half precision, what `cm-run --check` allows).

    That is relative to the largest element: errors of sums depend on the kernels that a BLAS library has for the
    processor, and are those of the terms. A test that sets rtol and atol says why.

    terms: the size of the terms, for drawn operators: one whose only result is a sum may well give almost zero.
    """
    result, expected = np.asarray(result), np.asarray(expected)
    assert result.shape == expected.shape
    if rtol is None and expected.dtype.kind == "f" and expected.dtype.itemsize > 2:
        rtol = _RTOL
    problem = difference(result, expected, rtol, atol, terms)
    assert problem is None, problem
