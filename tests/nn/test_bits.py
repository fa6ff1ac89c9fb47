"""Powers of integers, and the bits of numbers."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nn.cases import value
from nn.relations import run
from xdsl.dialects.builtin import (
    Float16Type,
    Float32Type,
    Float64Type,
    IntegerType,
    Signedness,
    f16,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of

UNSIGNED = IntegerType(8, Signedness.UNSIGNED)


def _power(base: int, exponent: int, width: int) -> int:
    """Of Python's integers, in the low bits; the reciprocal rounded towards zero."""
    if exponent < 0:
        return base ** (exponent % 2) if base in (1, -1) else 0
    power = pow(base, exponent, 1 << width)
    return power - (1 << width) * (power >> (width - 1))


@pytest.mark.parametrize("element", [i8, i16, i32, i64, UNSIGNED], ids=str)
@given(data=st.data())
def test_powers_of_integers(element: Attribute, data: st.DataObject) -> None:
    dtype = dtype_of(element)
    limits, width = np.iinfo(dtype), 8 * dtype.itemsize
    lowest = max(-5, int(limits.min))
    few = st.integers(lowest, 5)
    pairs = data.draw(
        st.lists(
            st.tuples(
                few | st.integers(int(limits.min), int(limits.max)),
                few | st.integers(lowest, int(limits.max)),
            ),
            min_size=1,
            max_size=6,
        )
    )
    base, exponent = (np.array(column, dtype) for column in zip(*pairs, strict=True))
    op = nn.PowOp(value(len(pairs), element=element), value(len(pairs), element=element))
    if dtype.kind == "u":
        expected = np.array([pow(a, b, 1 << width) for a, b in pairs], dtype)
    else:
        expected = np.array([_power(a, b, width) for a, b in pairs], dtype)
    result = op.evaluate(base, exponent)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(run(op, [base, exponent]), expected)


WIDTHS = {
    f16: (i16, "<e", "<h", st.floats(width=16)),
    f32: (i32, "<f", "<i", st.floats(width=32)),
    f64: (i64, "<d", "<q", st.floats()),
}


@pytest.mark.parametrize("element", [f16, f32, f64], ids=str)
@given(data=st.data())
def test_bits_of_floats(
    element: Float16Type | Float32Type | Float64Type, data: st.DataObject
) -> None:
    integer, from_float, to_integer, floats = WIDTHS[element]
    numbers = data.draw(st.lists(floats, min_size=1, max_size=6))
    bits = [struct.unpack(to_integer, struct.pack(from_float, x))[0] for x in numbers]
    x, whole = np.array(numbers, dtype_of(element)), np.array(bits, dtype_of(integer))
    op = nn.BitcastOp(value(len(bits), element=element), integer)
    back = nn.BitcastOp(value(len(bits), element=integer), element)
    np.testing.assert_array_equal(op.evaluate(x), whole)
    np.testing.assert_array_equal(run(op, [x]), whole)
    np.testing.assert_array_equal(back.evaluate(whole).view(whole.dtype), whole)
    np.testing.assert_array_equal(run(back, [whole]).view(whole.dtype), whole)


def test_what_has_another_width_is_no_bitcast() -> None:
    with pytest.raises(VerifyException, match="elements of f32 cannot be reinterpreted as i64"):
        nn.BitcastOp(value(3), i64)
