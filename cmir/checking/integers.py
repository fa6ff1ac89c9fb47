"""Products of integers, accumulated in 64 bits.

ONNX's results are int32, and its accumulation may overflow in 32 bits: `wrapped` reduces exact sums modulo 2**32.
Matrix products do not use BLAS, so results do not depend on the processor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np


def centred(x: np.ndarray, zero_point: np.ndarray | None, axis: int | None = None) -> np.ndarray:
    """Return x − zero point as int64. A list of zero points lies along `axis`; other shapes broadcast."""
    wide = x.astype(np.int64)
    return wide if zero_point is None else wide - along(zero_point, x.ndim, axis).astype(np.int64)


def along(values: np.ndarray, rank: int, axis: int | None) -> np.ndarray:
    """Reshape a scalar or a list of numbers along `axis` so that it broadcasts to arrays of `rank`."""
    if values.size == 1:
        return values.reshape(())
    if values.ndim != 1 or axis is None:
        return values
    shape = [1] * rank
    shape[axis] = -1
    return values.reshape(shape)


def wrapped(sums: np.ndarray) -> np.ndarray:
    """Return exact sums as int32, modulo 2**32."""
    return sums.astype(np.int32)


def exact_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the matrix product of int64 arrays, batched as in NumPy."""
    return np.matmul(a, b)


def window_pads(
    space: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int] | None,
    auto_pad: str,
) -> tuple[list[int], list[int]]:
    """Return ONNX's padding before and after each spatial dimension."""
    rank = len(space)
    if auto_pad in ("NOTSET", ""):
        given = list(pads) if pads else [0] * 2 * rank
        return given[:rank], given[rank:]
    if auto_pad == "VALID":
        return [0] * rank, [0] * rank
    if auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
        raise ValueError(f"auto_pad = {auto_pad} is not known")
    total = [
        max(0, (-(-size // s) - 1) * s + d * (k - 1) + 1 - size)
        for size, k, s, d in zip(space, kernel, strides, dilations, strict=True)
    ]
    less, more = [t // 2 for t in total], [t - t // 2 for t in total]
    return (less, more) if auto_pad == "SAME_UPPER" else (more, less)


def taps(
    x: np.ndarray,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    sizes: Sequence[int],
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """Yield each offset in the kernel with its elements of padded `x`: a view of spatial size `sizes`."""
    for offset in np.ndindex(*kernel):
        slices = tuple(
            slice(o * d, o * d + (n - 1) * s + 1, s)
            for o, d, n, s in zip(offset, dilations, sizes, strides, strict=True)
        )
        yield offset, x[:, :, *slices]


def convolution(
    x: np.ndarray,
    w: np.ndarray,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> np.ndarray:
    """Return the convolution of int64 arrays [N, C, ...] and [M, C / group, ...], padded with zeros.

    Raises ValueError if the operands do not fit.
    """
    kernel, rank = w.shape[2:], x.ndim - 2
    strides, dilations = list(strides or [1] * rank), list(dilations or [1] * rank)
    if kernel_shape is not None and tuple(kernel_shape) != kernel:
        raise ValueError(f"kernel_shape {list(kernel_shape)} is not that of the weights")
    before, after = window_pads(x.shape[2:], kernel, strides, dilations, pads, auto_pad)
    x = np.pad(x, [(0, 0), (0, 0), *zip(before, after, strict=True)])
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    sizes = [(n - e) // s + 1 for n, e, s in zip(x.shape[2:], extents, strides, strict=True)]
    if min(sizes, default=1) < 1:
        raise ValueError("the kernel is larger than its input")
    if x.shape[1] != group * w.shape[1] or w.shape[0] % group:
        raise ValueError("the channels do not fit the weights and groups")
    outputs = w.shape[0] // group
    grouped = w.reshape(group, outputs, w.shape[1], *kernel)
    sums = np.zeros((x.shape[0], group, outputs, int(np.prod(sizes))), np.int64)
    for offset, part in taps(x, kernel, strides, dilations, sizes):
        part = part.reshape(x.shape[0], group, w.shape[1], -1)
        sums += exact_product(grouped[:, :, :, *offset], part)
    return sums.reshape(x.shape[0], w.shape[0], *sizes)
