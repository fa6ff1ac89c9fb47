"""The comparison of arrays in tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cmir.checking import difference


def assert_close(
    result: ArrayLike,
    expected: ArrayLike,
    rtol: float | None = None,
    atol: float | None = None,
    terms: float = 0.0,
) -> None:
    """Fail if arrays differ in shape, or in value by more than `cm-run --check` allows.

    That is relative to the largest element: errors of sums depend on the kernels that a BLAS library has for the
    processor, and are those of the terms. A test that sets rtol and atol says why.

    terms: the size of the terms, for drawn operators: one whose only result is a sum may well give almost zero.
    """
    result, expected = np.asarray(result), np.asarray(expected)
    assert result.shape == expected.shape
    problem = difference(result, expected, rtol, atol, terms)
    assert problem is None, problem
