"""Operators that move elements without computation. They take no core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import prod
from typing import Literal, Self

import islpy as isl
import numpy as np
from xdsl.dialects.builtin import DenseArrayBase, FloatAttr, UnitAttr, f32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, traits_def
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.traits import HasCanonicalizationPatternsTrait
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.cuts import Cuts, count_crossing, cuts_of_reshape
from cmir.dialects.nn.interface import LayoutOp
from cmir.dialects.nn.operation import FLOAT, INTS, TENSOR, Shape, ints, numbers, shape_of
from cmir.dialects.nn.relations import element_box, element_map, element_names, row_major
from cmir.dialects.nn.widening import LayoutCanonicalization
from cmir.support.counts import count_of

MOST_CROSSING = 1
"""Maximum number of axes that operand and result of a reshape may divide in crossing ways, if it is read as a view.

Each one leaves a floor in the access of the reader, and ISL's maxima multiply the cases of several floors.
"""


class ReshapeCanonicalization(HasCanonicalizationPatternsTrait):
    """Canonicalization of a reshape of a reshape to one reshape."""

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        return (MergeReshapes(),)


class TransposeCanonicalization(HasCanonicalizationPatternsTrait):
    """Canonicalization of a transpose of a transpose to one transpose."""

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        return (MergeTransposes(),)


@irdl_op_definition
class ReshapeOp(LayoutOp):
    """The elements of the operand, in row-major order, in another shape.

    ```mlir
    %y = nn.reshape %x {shape = [1024]} : (tensor<16x8x8xf32>) -> tensor<1024xf32>
    ```

    ONNX: Reshape and Flatten.
    """

    name = "nn.reshape"

    x = operand_def(TENSOR)
    shape = prop_def(INTS)

    traits = traits_def(LayoutCanonicalization(), ReshapeCanonicalization())

    def __init__(self, x: SSAValue | Operation, shape: Sequence[int]):
        super().__init__([x], {"shape": ints(shape)})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,), shape = shapes, numbers(options, "shape")
        if any(size < 1 for size in shape):
            raise VerifyException(f"`shape` must be > 0, got {list(shape)}")
        if prod(shape) != prod(x):
            raise VerifyException(
                f"`shape` must have {count_of(prod(x), 'element')}, got {prod(shape)} in {list(shape)}"
            )
        return shape

    def element_relation(self, operand: int = 0) -> isl.Map:
        shape, x = self.result_shape, shape_of(self.x)
        names = element_names(len(shape))
        location = [f"x{axis}" for axis in range(len(x))]
        same_position = [
            f"{row_major(names[ours], shape[ours])} = {row_major(location[theirs], x[theirs])}"
            for ours, theirs in _aligned_blocks(shape, x)
        ]
        return element_map(element_box(shape), location, x, *same_position)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return operands[0].reshape(self.result_shape)

    def is_identity(self) -> bool:
        return self.result_shape == shape_of(self.x)

    def cuts(self, operands: Sequence[Cuts]) -> Cuts:
        return cuts_of_reshape(shape_of(self.x), operands[0], self.result_shape)

    def joined(self, cuts: Cuts) -> Shape | None:
        """Return the shape with the axes that operand and result divide, if they cross in several."""
        x = shape_of(self.x)
        sizes = (prod(x[theirs]) for _, theirs in _aligned_blocks(self.result_shape, x))
        joined = tuple(size for size in sizes if size > 1)
        crossing = count_crossing(x, cuts, self.result_shape, joined)
        return joined if crossing > MOST_CROSSING else None

    def inverse(self) -> Callable[[SSAValue], LayoutOp]:
        return partial(ReshapeOp, shape=shape_of(self.x))


@irdl_op_definition
class TransposeOp(LayoutOp):
    """Permutation of dimensions: dimension i of the result is dimension `perm[i]` of the operand.

    ```mlir
    %y = nn.transpose %x {perm = [1, 0]} : (tensor<16x64xf32>) -> tensor<64x16xf32>
    ```

    ONNX: Transpose.
    """

    name = "nn.transpose"

    x = operand_def(TENSOR)
    perm = prop_def(INTS)

    traits = traits_def(LayoutCanonicalization(), TransposeCanonicalization())

    def __init__(self, x: SSAValue | Operation, perm: Sequence[int]):
        super().__init__([x], {"perm": ints(perm)})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,), perm = shapes, numbers(options, "perm")
        if sorted(perm) != list(range(len(x))):
            raise VerifyException(
                f"`perm` must have each of the {len(x)} dimensions once, got {list(perm)}"
            )
        return tuple(x[axis] for axis in perm)

    def element_relation(self, operand: int = 0) -> isl.Map:
        names = element_names(len(self.result_shape))
        location = [names[axis] for axis in np.argsort(self.perm.get_values())]
        return element_map(element_box(self.result_shape), location, shape_of(self.x))

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return operands[0].transpose(self.perm.get_values())

    def is_identity(self) -> bool:
        return self.perm.get_values() == tuple(range(len(self.perm)))

    def cuts(self, operands: Sequence[Cuts]) -> Cuts:
        return tuple(operands[0][axis] for axis in self.perm.get_values())

    def inverse(self) -> Callable[[SSAValue], LayoutOp]:
        return partial(TransposeOp, perm=np.argsort(self.perm.get_values()).tolist())


@irdl_op_definition
class SliceOp(LayoutOp):
    """Slices of each dimension, with the indices of Python's `range(start, end, step)`.

    All of these indices must exist. As in Python, an end of -1 includes element 0 if the step is negative.

    ```mlir
    %y = nn.slice %x {starts = [0, 0, 1], ends = [16, 32, 32], steps = [1, 2, 2]}
        : (tensor<16x32x32xf32>) -> tensor<16x16x16xf32>
    ```

    ONNX: Slice, with indices that are neither relative to the end nor beyond it.
    """

    name = "nn.slice"

    x = operand_def(TENSOR)
    starts = prop_def(INTS)
    ends = prop_def(INTS)
    steps = prop_def(INTS)

    traits = traits_def(LayoutCanonicalization())

    def __init__(
        self,
        x: SSAValue | Operation,
        starts: Sequence[int] | None = None,
        ends: Sequence[int] | None = None,
        steps: Sequence[int] | None = None,
    ):
        super().__init__([x], {"starts": ints(starts), "ends": ints(ends), "steps": ints(steps)})

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        (x,) = shapes
        return {
            "starts": DenseArrayBase.from_list(i64, [0] * len(x)),
            "ends": DenseArrayBase.from_list(i64, x),
            "steps": DenseArrayBase.from_list(i64, [1] * len(x)),
        }

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,) = shapes
        for name in ("starts", "ends", "steps"):
            count = len(numbers(options, name))
            if count != len(x):
                raise VerifyException(
                    f"`{name}` must have {count_of(len(x), 'entry', 'entries')}, one per dimension, got {count}"
                )
        if 0 in numbers(options, "steps"):
            raise VerifyException(f"`steps` must not be 0, got {list(numbers(options, 'steps'))}")
        taken = _ranges(options)
        for axis, (indices, size) in enumerate(zip(taken, x, strict=True)):
            if not indices:
                raise VerifyException(f"{indices} selects no element of dimension {axis}")
            outside = [index for index in (indices[0], indices[-1]) if not 0 <= index < size]
            if outside:
                raise VerifyException(
                    f"index {outside[0]} is outside dimension {axis}, which has {count_of(size, 'element')}"
                )
        return tuple(map(len, taken))

    def element_relation(self, operand: int = 0) -> isl.Map:
        names = element_names(len(self.result_shape))
        location = [
            f"{indices.step}*{name} + {indices.start}"
            for name, indices in zip(names, _ranges(self.properties), strict=True)
        ]
        return element_map(element_box(self.result_shape), location, shape_of(self.x))

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return operands[0][np.ix_(*_ranges(self.properties))]

    def is_identity(self) -> bool:
        return all(
            indices == range(size)
            for indices, size in zip(_ranges(self.properties), shape_of(self.x), strict=True)
        )


@irdl_op_definition
class PadOp(LayoutOp):
    """Padding before and after each dimension.

    `pads` gives the number of added elements before each dimension, then after. Their value is `value`, or an element
    of the operand:

    - with `edge`, the nearest element,
    - with `reflect`, the mirror image at the first or last element,
    - with `wrap`, that of a repeated copy of the operand.

    A negative number removes elements of the operand; this requires `value`.

    ```mlir
    %y = nn.pad %x {pads = [8, 0, 0, 8, 0, 0]} : (tensor<16x8x8xf32>) -> tensor<32x8x8xf32>
    %z = nn.pad %x {pads = [0, 1, 1, 0, 1, 1], reflect} : (tensor<16x8x8xf32>) -> tensor<16x10x10xf32>
    ```

    ONNX: Pad.
    """

    name = "nn.pad"

    x = operand_def(TENSOR)
    pads = prop_def(INTS)
    value = prop_def(FLOAT)
    edge = opt_prop_def(UnitAttr)
    reflect = opt_prop_def(UnitAttr)
    wrap = opt_prop_def(UnitAttr)

    traits = traits_def(LayoutCanonicalization())

    def __init__(
        self,
        x: SSAValue | Operation,
        pads: Sequence[int],
        value: float = 0.0,
        mode: Literal["edge", "reflect", "wrap"] | None = None,
    ):
        options: dict[str, Attribute | None] = {"value": FloatAttr(value, f32), "pads": ints(pads)}
        super().__init__([x], options | ({mode: UnitAttr()} if mode else {}))

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return {"value": FloatAttr(0.0, f32)}

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,), pads = shapes, numbers(options, "pads")
        if len(pads) != 2 * len(x):
            raise VerifyException(
                f"`pads` must have {count_of(2 * len(x), 'entry', 'entries')}, a begin and an end per dimension,"
                f" got {len(pads)}"
            )
        sizes = tuple(map(sum, zip(pads, x, pads[len(x) :], strict=False)))
        for axis, size in enumerate(sizes):
            if size < 1:
                raise VerifyException(f"`pads` leave a size of {size} in dimension {axis}")
        modes = [mode for mode in _PAD_MODES if mode in options]
        if len(modes) > 1:
            raise VerifyException(f"a pad must not have both `{modes[0]}` and `{modes[1]}`")
        if modes:
            _verify_elements_as_pads(modes[0], x, pads)
        return sizes

    @property
    def pad_value(self) -> float:
        return self.value.value.data

    @property
    def has_padding(self) -> bool:
        return self.mode is None and any(pad > 0 for pad in self.pads.get_values())

    def on(self, operands: Sequence[SSAValue], pad_value: float = 0.0) -> Self:
        result = super().on(operands)
        result.value = FloatAttr(pad_value, f32)
        return result

    def element_relation(self, operand: int = 0) -> isl.Map:
        names, x = element_names(len(self.result_shape)), shape_of(self.x)
        positions = [
            f"{name} - {begin}" for name, begin in zip(names, self.pads.get_values(), strict=False)
        ]
        if (mode := self.mode) is None:
            return element_map(element_box(self.result_shape), positions, x)
        location = [f"x{axis}" for axis in range(len(x))]
        where = [
            name + " = " + position if result == size else _reflected(mode, name, position, size)
            for name, position, size, result in zip(
                location, positions, x, self.result_shape, strict=True
            )
        ]
        return element_map(element_box(self.result_shape), location, x, *where)

    @property
    def mode(self) -> Literal["edge", "reflect", "wrap"] | None:
        """The name of the mode that repeats elements of the operand, or None if the padding is a value."""
        return next((mode for mode in _PAD_MODES if mode in self.properties), None)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        (x,), pads = operands, self.pads.get_values()
        if mode := self.mode:
            return np.pad(x, list(zip(pads, pads[x.ndim :], strict=False)), mode)
        margins = [(max(0, b), max(0, e)) for b, e in zip(pads, pads[x.ndim :], strict=False)]
        kept = tuple(
            slice(max(0, -begin), max(0, -begin) + size)
            for begin, size in zip(pads, self.result_shape, strict=False)
        )
        return np.pad(x, margins, constant_values=self.pad_value)[kept]

    def is_identity(self) -> bool:
        return not any(self.pads.get_values())


class MergeReshapes(RewritePattern):
    """Pattern that rewrites reshape(reshape(x)) to one reshape of x."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReshapeOp, rewriter: PatternRewriter) -> None:
        if isinstance(inner := op.x.owner, ReshapeOp):
            merged = ReshapeOp(inner.x, op.result_shape)
            merged.location = op.location
            rewriter.replace(op, merged)


class MergeTransposes(RewritePattern):
    """Pattern that rewrites transpose(transpose(x)) to one transpose of x."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: TransposeOp, rewriter: PatternRewriter) -> None:
        if isinstance(inner := op.x.owner, TransposeOp):
            perm = inner.perm.get_values()
            merged = TransposeOp(inner.x, [perm[axis] for axis in op.perm.get_values()])
            merged.location = op.location
            rewriter.replace(op, merged)


_PAD_MODES: tuple[Literal["edge", "reflect", "wrap"], ...] = ("edge", "reflect", "wrap")


def _verify_elements_as_pads(mode: str, x: Shape, pads: Sequence[int]) -> None:
    if min(pads, default=0) < 0:
        raise VerifyException(f"`pads` must be >= 0 with `{mode}`, got {list(pads)}")
    for axis, (size, *margins) in enumerate(zip(x, pads, pads[len(x) :], strict=False)):
        if mode == "reflect" and max(margins) >= size:
            raise VerifyException(
                f"`reflect` must pad dimension {axis}, which has {count_of(size, 'element')}, by less than"
                f" that, got {max(margins)}"
            )


def _reflected(mode: str, name: str, position: str, size: int) -> str:
    """Return constraints on the element `name` that a padded dimension has at `position`, which may lie outside it."""
    last = size - 1
    match mode:
        case "edge":
            before, behind = f"{name} = 0", f"{name} = {last}"
        case "reflect":
            before, behind = f"{name} = -({position})", f"{name} = {2 * last} - ({position})"
        case _:
            return f"{name} = ({position}) mod {size}"
    return (
        f"(({position} < 0 and {before}) or ({position} > {last} and {behind})"
        f" or (0 <= {position} <= {last} and {name} = {position}))"
    )


def _aligned_blocks(a: Shape, b: Shape) -> Iterator[tuple[slice, slice]]:
    """Yield the smallest blocks of dimensions that have the same number of elements in both shapes.

    A reshape acts within each block separately, which keeps its relation simple.
    """
    cuts_a, cuts_b = ({prod(s[:cut]): cut for cut in range(len(s) + 1)} for s in (a, b))
    start_a = start_b = 0
    for elements in sorted(cuts_a.keys() & cuts_b.keys()):
        end_a, end_b = cuts_a[elements], cuts_b[elements]
        yield slice(start_a, end_a), slice(start_b, end_b)
        start_a, start_b = end_a, end_b


def _ranges(options: Mapping[str, Attribute]) -> list[range]:
    """Return the indices of each dimension that a slice selects."""
    lists = (numbers(options, name) for name in ("starts", "ends", "steps"))
    return [range(*indices) for indices in zip(*lists, strict=True)]
