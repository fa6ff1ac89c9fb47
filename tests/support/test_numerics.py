"""Functions that NumPy lacks, against Python's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cmir.support.numerics import erf, matrix_product, position

POINTS = np.concatenate(
    [
        np.linspace(-8, 8, 20_001),
        np.logspace(-40, 2, 2_000),
        [0.46875, np.nextafter(0.46875, 1), 0.0, -0.0, np.inf, -np.inf],
    ]
)


def test_erf_in_double_precision():
    expected = [math.erf(x) for x in POINTS]
    # A few units in the last place, also where it is almost zero: that is what the module promises.
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


def test_products_of_halves_are_summed_in_single_precision():
    random = np.random.default_rng(0)
    a, b = (random.normal(size=shape).astype(np.float16) for shape in ((5, 2000), (2000, 7)))
    product = matrix_product(a, b)
    assert product.dtype == np.float16
    exact = a.astype(np.float64) @ b.astype(np.float64)
    # Half a unit in the last place, and what the sums in single precision may be off.
    limit = np.spacing(np.abs(exact).astype(np.float16)).astype(np.float64) / 2 + 2e-4
    assert (np.abs(product - exact) <= limit).all()


def test_products_of_halves_may_overflow():
    large = np.full((1, 2), 60000, np.float16)
    assert np.isinf(matrix_product(large, np.ones((2, 1), np.float16))).all()


@pytest.mark.parametrize(("largest", "last", "expected"), [(True, False, 1), (True, True, 3)])
def test_positions_of_nan(largest: bool, last: bool, expected: int):
    """NaN counts as the extreme one, whichever that is."""
    numbers = np.array([1.0, np.nan, np.inf, np.nan, -np.inf], np.float32)
    assert position(numbers, 0, largest, last) == expected
    assert position(-numbers, 0, not largest, last) == expected
