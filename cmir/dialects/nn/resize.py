"""Resampling of dimensions: nearest element, or interpolation between neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import reduce
from itertools import product
from math import ceil
from typing import TypeAlias

import islpy as isl
import numpy as np
from xdsl.builder import Builder
from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    TensorType,
    UnitAttr,
    f32,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, traits_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.interface import Access, IterationOp, LayoutOp
from cmir.dialects.nn.operation import FLOAT, INTS, TENSOR, Shape, flag, ints, numbers, shape_of
from cmir.dialects.nn.relations import (
    access_map,
    box_set,
    element_box,
    element_map,
    element_names,
    spatial_names,
)
from cmir.dialects.nn.widening import LayoutCanonicalization
from cmir.dialects.vectors import ReduceOp
from cmir.isl.text import read_map
from cmir.support.counts import count_of


@irdl_op_definition
class ResizeOp(LayoutOp):
    """Nearest-neighbour resizing of each dimension.

    Result element i of a dimension is element `⌊(factor · i + offset) / divisor⌋` of the operand, clamped to the
    operand's range.

    ```mlir
    %y = nn.resize %x {sizes = [16, 12, 12], factors = [1, 2, 2], offsets = [0, 0, 0], divisors = [1, 3, 3]}
        : (tensor<16x8x8xf32>) -> tensor<16x12x12xf32>
    ```

    ONNX: Resize and Upsample, mode nearest. All of their coordinate transformations and roundings have this form.
    """

    name = "nn.resize"

    x = operand_def(TENSOR)
    sizes = prop_def(INTS)
    factors = prop_def(INTS)
    offsets = prop_def(INTS)
    divisors = prop_def(INTS)

    traits = traits_def(LayoutCanonicalization())

    def __init__(
        self,
        x: SSAValue | Operation,
        sizes: Sequence[int],
        factors: Sequence[int] | None = None,
        offsets: Sequence[int] | None = None,
        divisors: Sequence[int] | None = None,
    ):
        super().__init__(
            [x],
            {
                "sizes": ints(sizes),
                "factors": ints(factors),
                "offsets": ints(offsets),
                "divisors": ints(divisors),
            },
        )

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return coordinate_defaults(len(shapes[0]))

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        verify_coordinates(len(shapes[0]), options)
        return numbers(options, "sizes")

    def element_relation(self, operand: int = 0) -> isl.Map:
        x, names = shape_of(self.x), element_names(len(self.result_shape))
        location = [f"x{axis}" for axis in range(len(x))]
        where = [
            clamped(position, name, size)
            for position, name, size in zip(
                location, coordinates(names, self.properties), x, strict=True
            )
        ]
        return element_map(element_box(self.result_shape), location, x, *where)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        (x,) = operands
        picked = [
            np.clip(floors, 0, size - 1)
            for (floors, _, _), size in zip(_floors(self.properties), x.shape, strict=True)
        ]
        return x[np.ix_(*picked)]

    def is_identity(self) -> bool:
        return self.result_shape == shape_of(self.x) and all(
            (floors == np.arange(len(floors))).all() for floors, _, _ in _floors(self.properties)
        )


_Tap: TypeAlias = tuple[np.ndarray, np.ndarray]
"""For each position along a dimension, an element on which it depends, and the weight of the element."""


@irdl_op_definition
class InterpolateOp(IterationOp):
    """Linear or cubic interpolation of each spatial dimension.

    Result element i of a dimension lies at position `(factor · i + offset) / divisor` of the operand, between two
    elements. It is their mean, weighted by nearness. Outside the operand, its outermost elements are repeated.

    With `cubic`, the result is the weighted sum of four elements, two on either side, by the convolution kernel of
    R. G. Keys, "Cubic convolution interpolation for digital image processing" (1981), eq. 15 with slope a = `cubic`.

    With `antialias`, the kernel is widened where the result has fewer elements, by as much, and its weights are divided
    by their sum. With `exclude_outside`, elements outside the operand do not count, and the weights of the others are
    divided by their sum.

    x: C×sizes, result: C×`sizes`.

    ```mlir
    %y = nn.interpolate %x {sizes = [16, 16], factors = [2, 2], offsets = [-1, -1], divisors = [4, 4]}
        : (tensor<3x8x8xf32>) -> tensor<3x16x16xf32>
    ```

    One iteration computes one position of the result. For each dimension, it reads the elements on which a position
    depends, two or four without `antialias`, and as many weights from a table. The table has a row for each distinct
    fraction or for each position, whichever are fewer.

    ONNX: Resize and Upsample, modes linear and cubic.
    """

    name = "nn.interpolate"

    x = operand_def(TENSOR)
    sizes = prop_def(INTS)
    factors = prop_def(INTS)
    offsets = prop_def(INTS)
    divisors = prop_def(INTS)
    cubic = opt_prop_def(FLOAT)
    antialias = opt_prop_def(UnitAttr)
    exclude_outside = opt_prop_def(UnitAttr)

    def __init__(
        self,
        x: SSAValue | Operation,
        sizes: Sequence[int],
        factors: Sequence[int] | None = None,
        offsets: Sequence[int] | None = None,
        divisors: Sequence[int] | None = None,
        cubic: float | None = None,
        antialias: bool = False,
        exclude_outside: bool = False,
    ):
        super().__init__(
            [x],
            {
                "sizes": ints(sizes),
                "factors": ints(factors),
                "offsets": ints(offsets),
                "divisors": ints(divisors),
                "cubic": None if cubic is None else FloatAttr(cubic, f32),
                "antialias": flag(antialias),
                "exclude_outside": flag(exclude_outside),
            },
        )

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return coordinate_defaults(max(0, len(shapes[0]) - 1))

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,) = shapes
        if len(x) < 2:
            raise VerifyException(
                f"the input must have channels and spatial dimensions, got shape {list(x)}"
            )
        verify_coordinates(len(x) - 1, options)
        return (x[0], *numbers(options, "sizes"))

    @property
    def rank(self) -> int:
        """The number of spatial dimensions."""
        return len(self.result_shape) - 1

    def domain(self) -> isl.Set:
        return box_set(self._iterations())

    def reads(self) -> Sequence[Access]:
        x, names = shape_of(self.x), spatial_names(self.rank)
        iterations, kernel = self._iterations(), [f"k{name}" for name in names]
        befores = [self._before(axis) for axis in range(self.rank)]
        lanes = {**{k: 2 + 2 * n for k, n in zip(kernel, befores, strict=True)}, "c": x[0]}
        location = [f"x{axis}" for axis in range(self.rank)]
        places = coordinates(names, self.properties)
        bounds = [f"0 <= {name} < {size}" for name, size in {**iterations, **lanes}.items()]
        where = [
            clamped(position, f"{place} + {k} - {before}", size)
            for position, place, k, before, size in zip(
                location, places, kernel, befores, x[1:], strict=True
            )
        ]
        relation = read_map(
            f"{{ [[{', '.join(iterations)}] -> [{', '.join(lanes)}]] -> [c, {', '.join(location)}]"
            f" : {' and '.join([*bounds, *where])} }}"
        )
        reads = [Access(relation, tuple(lanes.values()))]
        rows = zip(names, fractions(names, self.properties), strict=True)
        for axis, (k, (name, fraction)) in enumerate(zip(kernel, rows, strict=True)):
            by_fraction, weights = self._weights(axis)
            table = _table(weights)
            # The weight of an element does not depend on the channel or on other dimensions.
            row = fraction if by_fraction else name
            weight = access_map(iterations, lanes, [row, k], table.get_shape())
            reads.append(Access(weight, tuple(lanes.values()), constant=table))
        return reads

    def write(self) -> Access:
        lanes = {"c": self.result_shape[0]}
        names = element_names(len(self.result_shape))
        relation = access_map(self._iterations(), lanes, names, self.result_shape)
        return Access(relation, self.result_shape[:1])

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        value, *weights = values
        for weight in weights:
            value = builder.insert(arith.MulfOp(value, weight)).result
        return builder.insert(ReduceOp("add", value, range(self.rank))).results[0]

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        (x,) = operands
        return reduce(np.add, (self._part(x, taps) for taps in product(*self._taps(x.shape[1:]))))

    def _taps(self, sizes: Sequence[int]) -> list[list[_Tap]]:
        """Return, for each spatial dimension, the elements on which the positions depend: one after the other."""
        taps: list[list[_Tap]] = []
        for axis, (floors, rests, _) in enumerate(_floors(self.properties)):
            before = self._before(axis)
            by_fraction, rows = self._weights(axis)
            rows = rows[rests] if by_fraction else rows
            places = (floors + k - before for k in range(rows.shape[1]))
            clipped = (np.clip(place, 0, sizes[axis] - 1) for place in places)
            taps.append([*zip(clipped, rows.T, strict=True)])
        return taps

    def _part(self, x: np.ndarray, taps: Sequence[_Tap]) -> np.ndarray:
        """Return the summand of all positions that one element in each dimension contributes."""
        for axis, (places, _) in enumerate(taps, 1):
            x = x.take(places, axis)
        for axis, (_, weights) in enumerate(taps, 1):
            x = x * weights.reshape(-1, *(1,) * (x.ndim - axis - 1))
        return x

    def _scale(self, axis: int) -> Fraction:
        """Return the factor by which the kernel is narrowed in a spatial dimension: at most 1."""
        if self.antialias is None:
            return Fraction(1)
        options = zip(*(numbers(self.properties, n) for n in ("divisors", "factors")), strict=True)
        return min(Fraction(1), Fraction(*[*options][axis]))

    def _before(self, axis: int) -> int:
        """Return the number of elements before the one at or before a position on which the position depends.

        As many elements after the next one count.
        """
        return ceil((1 if self.cubic is None else 2) / self._scale(axis)) - 1

    def _weights(self, axis: int) -> tuple[bool, np.ndarray]:
        """Return the weights of these elements; True if they have a row for each fraction, not for each position."""
        floors, rests, divisor = _floors(self.properties)[axis]
        by_fraction = divisor <= len(floors) and self.exclude_outside is None
        before = self._before(axis)
        taken = np.arange(-before, 2 + before)
        # The distances of the elements from the positions.
        distances = taken - (np.arange(divisor) if by_fraction else rests)[:, None] / divisor
        weights = self._kernel(np.abs(distances) * float(self._scale(axis)))
        if self.exclude_outside is not None:
            places = floors[:, None] + taken
            weights *= (places >= 0) & (places < shape_of(self.x)[1 + axis])
        if self.antialias is not None or self.exclude_outside is not None:
            weights /= weights.sum(1, keepdims=True)
        return by_fraction, weights.astype(np.float32)

    def _kernel(self, distances: np.ndarray) -> np.ndarray:
        """Return the weights at these distances, in elements."""
        s = distances
        if self.cubic is None:
            return np.maximum(1 - s, 0)
        a = self.cubic.value.data
        near = ((a + 2) * s - (a + 3)) * s**2 + 1
        far = a * (((s - 5) * s + 8) * s - 4)
        return np.where(s <= 1, near, np.where(s < 2, far, 0))

    def _iterations(self) -> dict[str, int]:
        return dict(zip(spatial_names(self.rank), self.result_shape[1:], strict=True))


def coordinate_defaults(rank: int) -> Mapping[str, Attribute]:
    """Return the options of a resize that keeps each element in its place."""
    ones, zeros = (DenseArrayBase.from_list(i64, [number] * rank) for number in (1, 0))
    return {"factors": ones, "offsets": zeros, "divisors": ones}


def verify_coordinates(rank: int, options: Mapping[str, Attribute]) -> None:
    """Raise VerifyException if the options do not fit each other."""
    for name in ("sizes", "factors", "offsets", "divisors"):
        values = numbers(options, name)
        if len(values) != rank:
            raise VerifyException(
                f"`{name}` must have {count_of(rank, 'entry', 'entries')}, got {len(values)}"
            )
        if name != "offsets" and min(values, default=1) < 1:
            raise VerifyException(f"`{name}` must be > 0, got {list(values)}")


def coordinates(names: Sequence[str], options: Mapping[str, Attribute]) -> list[str]:
    """Return, for each dimension, the element at or before a position, as an expression in the dimension's name."""
    return [
        name
        if (factor, offset, divisor) == (1, 0, 1)
        else f"floor(({factor}*{name} + {offset})/{divisor})"
        for name, factor, offset, divisor in _per_dimension(names, options)
    ]


def fractions(names: Sequence[str], options: Mapping[str, Attribute]) -> list[str]:
    """Return, for each dimension, the distance of a position from that element, in units of 1 / divisor."""
    return [
        f"(({factor}*{name} + {offset}) mod {divisor})"
        for name, factor, offset, divisor in _per_dimension(names, options)
    ]


def clamped(name: str, value: str, size: int) -> str:
    """Return the constraint that `name` is the element of a dimension nearest to `value`."""
    last = size - 1
    return (
        f"(({value} < 0 and {name} = 0) or ({value} > {last} and {name} = {last})"
        f" or (0 <= {value} <= {last} and {name} = {value}))"
    )


def _per_dimension(names: Sequence[str], options: Mapping[str, Attribute]):
    lists = (numbers(options, name) for name in ("factors", "offsets", "divisors"))
    return zip(names, *lists, strict=True)


def _floors(options: Mapping[str, Attribute]) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Return, for each dimension, quotient and remainder of all positions, and the divisor."""
    found: list[tuple[np.ndarray, np.ndarray, int]] = []
    for size, factor, offset, divisor in zip(
        *(numbers(options, name) for name in ("sizes", "factors", "offsets", "divisors")),
        strict=True,
    ):
        positions = factor * np.arange(size) + offset
        found.append((positions // divisor, positions % divisor, divisor))
    return found


def _table(rows: np.ndarray) -> DenseIntOrFPElementsAttr:
    return DenseIntOrFPElementsAttr.from_list(
        TensorType(f32, rows.shape), rows.reshape(-1).tolist()
    )
