"""ONNX's own operators on integers.

A function takes the inputs of a node as positional arguments, None for a missing input, and its attributes by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cmir.checking.integers import along, centred, convolution, exact_product, wrapped
from cmir.checking.registry import operator
from cmir.checking.scales import requantize, single


@operator("ConvInteger")
def conv_integer(
    x: np.ndarray,
    w: np.ndarray,
    x_zero_point: np.ndarray | None = None,
    w_zero_point: np.ndarray | None = None,
    **window: Any,
) -> np.ndarray:
    return wrapped(convolution(centred(x, x_zero_point), centred(w, w_zero_point, 0), **window))


@operator("QLinearConv")
def qlinear_conv(
    x: np.ndarray,
    x_scale: np.ndarray,
    x_zero_point: np.ndarray,
    w: np.ndarray,
    w_scale: np.ndarray,
    w_zero_point: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray,
    bias: np.ndarray | None = None,
    **window: Any,
) -> np.ndarray:
    sums = convolution(centred(x, x_zero_point), centred(w, w_zero_point, 0), **window)
    if bias is not None:
        sums = sums + along(bias.astype(np.int64), sums.ndim, 1)
    factor = single(x_scale) * single(w_scale) / single(y_scale)
    return requantize(sums, along(factor, sums.ndim, 1), y_zero_point)


@operator("MatMulInteger")
def matmul_integer(
    a: np.ndarray,
    b: np.ndarray,
    a_zero_point: np.ndarray | None = None,
    b_zero_point: np.ndarray | None = None,
) -> np.ndarray:
    return wrapped(centred_product(a, b, a_zero_point, b_zero_point))


def centred_product(
    a: np.ndarray,
    b: np.ndarray,
    a_zero_point: np.ndarray | None,
    b_zero_point: np.ndarray | None,
) -> np.ndarray:
    """Return exact sums of products. Lists of zero points apply to the rows of a and the columns of b."""
    return exact_product(centred(a, a_zero_point, -2), centred(b, b_zero_point, -1))


@operator("QLinearMatMul")
def qlinear_matmul(
    a: np.ndarray,
    a_scale: np.ndarray,
    a_zero_point: np.ndarray,
    b: np.ndarray,
    b_scale: np.ndarray,
    b_zero_point: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray,
) -> np.ndarray:
    sums = centred_product(a, b, a_zero_point, b_zero_point)
    rows = along(single(a_scale), max(sums.ndim, 2), -2)
    columns = along(single(b_scale), max(sums.ndim, 2), -1)
    scale, zero = (along(v, max(sums.ndim, 2), -2) for v in (single(y_scale), y_zero_point))
    return requantize(sums, rows * columns / scale, zero)


@operator("Pow")
def power_of_integers(base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Return the low bits of powers of integers. onnxruntime computes powers in double precision."""
    whole = exponent.dtype.kind in "iu" or bool((np.trunc(exponent) == exponent).all())
    if base.dtype.kind not in "iu" or not whole or (np.abs(exponent) > 2**20).any():
        return NotImplemented

    def power(number: int, times: int) -> int:
        if times < 0:
            return int(number in (1, -1)) and number ** (times % 2)
        return pow(number, times, 2**64)

    powers = np.frompyfunc(power, 2, 1)(
        base.astype(object), exponent.astype(np.int64).astype(object)
    )
    return (np.asarray(powers, object) % 2**64).astype(np.uint64).astype(base.dtype)
