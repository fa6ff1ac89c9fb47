"""Functions that NumPy lacks, against Python's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cmir.numerics import erf

POINTS = np.concatenate(
    [
        np.linspace(-8, 8, 20_001),
        np.logspace(-40, 2, 2_000),
        [0.46875, np.nextafter(0.46875, 1), 0.0, -0.0, np.inf, -np.inf],
    ]
)


def test_erf_in_double_precision():
    expected = [math.erf(x) for x in POINTS]
    np.testing.assert_allclose(erf(POINTS), expected, rtol=1e-15)


def test_erf_in_single_precision_is_correctly_rounded():
    points = POINTS.astype(np.float32)
    expected = np.array([math.erf(x) for x in points], np.float32)
    assert erf(points).dtype == np.float32
    np.testing.assert_array_equal(erf(points), expected)


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_erf_keeps_shapes(shape: tuple[int, ...]):
    assert erf(np.ones(shape, np.float32)).shape == shape


def test_erf_of_nan_and_of_negative_zero():
    assert np.isnan(erf(np.array(np.nan)))
    assert np.signbit(erf(np.array(-0.0)))
