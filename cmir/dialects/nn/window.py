"""Windows that slide over spatial dimensions, as in convolution and pooling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.operation import Shape
from cmir.dialects.nn.relations import Box, spatial_names
from cmir.support.counts import count_of
from cmir.support.limits import count_text

_MOST_POSITIONS = 1 << 24
"""Limit of the positions of a window in one dimension: their numbers of elements are verified one by one."""


def window_defaults(x: Shape) -> Mapping[str, Attribute]:
    """Return the options of a window that moves by one element over an unpadded input (C, *sizes)."""
    rank = max(0, len(x) - 1)
    ones = DenseArrayBase.from_list(i64, [1] * rank)
    return {
        "strides": ones,
        "pads": DenseArrayBase.from_list(i64, [0] * 2 * rank),
        "dilations": ones,
    }


def verify_has_spatial_dimensions(x: Shape) -> None:
    """Raise VerifyException if the input of a window lacks channels or spatial dimensions."""
    if len(x) < 2:
        raise VerifyException(
            f"the input must have channels and spatial dimensions, got shape {list(x)}"
        )


@dataclass(frozen=True)
class Window:
    """A window: kernel sizes, strides, pads (all begins, then all ends) and dilations, as in ONNX.

    At position `i` of the result, the window covers the elements `strides * i + dilations * k - begins` of the input,
    for `k` in the kernel.
    """

    kernel: Shape
    strides: Shape
    pads: Shape
    dilations: Shape
    ceil_mode: bool = False
    """True if a last window that extends beyond the padded input counts."""

    @property
    def rank(self) -> int:
        """The number of spatial dimensions."""
        return len(self.kernel)

    @property
    def begins(self) -> Shape:
        """The padding before the first element of each dimension."""
        return self.pads[: self.rank]

    @property
    def ends(self) -> Shape:
        """The padding after the last element of each dimension."""
        return self.pads[self.rank :]

    @property
    def extents(self) -> Shape:
        """The distance from the first to the last element of the window, both included."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilations, strict=True))

    def result_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes of the result for an input of these spatial sizes.

        Raises VerifyException if the options do not fit the rank, or the window does not fit the input.
        """
        self._verify(len(sizes))
        return tuple(self._result_size(sizes, axis) for axis in range(self.rank))

    def _verify(self, rank: int) -> None:
        lists = {"kernel": self.kernel, "strides": self.strides, "dilations": self.dilations}
        for name, values in lists.items():
            if len(values) != rank:
                raise VerifyException(
                    f"`{name}` must have {count_of(rank, 'entry', 'entries')}, one per spatial dimension,"
                    f" got {len(values)}"
                )
            if values and min(values) < 1:
                raise VerifyException(f"`{name}` must be > 0, got {list(values)}")
        if len(self.pads) != 2 * rank:
            raise VerifyException(
                f"`pads` must have {count_of(2 * rank, 'entry', 'entries')}, a begin and an end per spatial dimension,"
                f" got {len(self.pads)}"
            )
        if self.pads and min(self.pads) < 0:
            raise VerifyException(f"`pads` must be >= 0, got {list(self.pads)}")

    def padded_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes of the input with its padding."""
        return tuple(map(sum, zip(self.begins, sizes, self.ends, strict=True)))

    def _result_size(self, sizes: Shape, axis: int) -> int:
        stride, begin, extent = self.strides[axis], self.begins[axis], self.extents[axis]
        padded = self.padded_sizes(sizes)[axis]
        if extent > padded:
            raise VerifyException(
                f"a window of extent {extent} does not fit the padded size {padded} of"
                f" spatial dimension {axis}"
            )
        if not self.ceil_mode:
            return (padded - extent) // stride + 1
        result = -((extent - padded) // stride) + 1
        # A window that would start in the padding at the end does not count.
        return result if (result - 1) * stride < begin + sizes[axis] else result - 1

    def counts(self, sizes: Shape, padded: bool = False) -> Iterator[np.ndarray]:
        """Return, for each spatial dimension, the number of input elements in the window at each position.

        With `padded`, elements of the padding count. The product over the dimensions is the number of elements in a
        window. Raises VerifyException if there are too many positions to count at each.
        """
        for axis, (size, result) in enumerate(zip(sizes, self.result_sizes(sizes), strict=True)):
            if result > _MOST_POSITIONS:
                raise VerifyException(
                    f"the window has {count_text(result)} positions in spatial dimension {axis},"
                    f" {count_text(_MOST_POSITIONS)} at most"
                )
            low = -self.begins[axis] if padded else 0
            high = size + self.ends[axis] if padded else size
            first = np.arange(result) * self.strides[axis] - self.begins[axis]
            before, through = (
                np.clip(-((first - limit) // self.dilations[axis]), 0, self.kernel[axis])
                for limit in (low, high)
            )
            yield through - before

    def locations(self, origin: Sequence[int] | None = None) -> list[str]:
        """Return the coordinates in the input of a window's elements.

        They are text in the names of the spatial dimensions and `kernel_names`, relative to `origin` if that is given.
        """
        origin = origin or (0,) * self.rank
        return [
            f"{stride}*{position} + {dilation}*{k} - {begin + first}"
            for position, k, stride, dilation, begin, first in zip(
                spatial_names(self.rank),
                self.kernel_names(),
                self.strides,
                self.dilations,
                self.begins,
                origin,
                strict=True,
            )
        ]

    def kernel_box(self) -> Box:
        """Return the box of the elements of the kernel."""
        return dict(zip(self.kernel_names(), self.kernel, strict=True))

    def kernel_names(self) -> list[str]:
        """Return names for the dimensions of the kernel: kd, kh, kw."""
        return [f"k{name}" for name in spatial_names(self.rank)]

    def view(self, x: np.ndarray, pad: float) -> np.ndarray:
        """Return the elements of `x` (C, *sizes) in each window: an array (C, *result sizes, *kernel)."""
        sizes = x.shape[1:]
        results = self.result_sizes(sizes)
        margins = [(0, 0)]
        for axis, result in enumerate(results):
            needed = (result - 1) * self.strides[axis] + self.extents[axis]
            begin = self.begins[axis]
            margins.append((begin, max(0, needed - begin - sizes[axis])))
        x = np.pad(x, margins, constant_values=pad)
        axes = tuple(range(1, 1 + self.rank))
        windows = np.lib.stride_tricks.sliding_window_view(x, self.extents, axes)
        positions = [slice(0, n * s, s) for n, s in zip(results, self.strides, strict=True)]
        elements = [slice(None, None, d) for d in self.dilations]
        return windows[(slice(None), *positions, *elements)]
