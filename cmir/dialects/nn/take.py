"""Operators that select parts of a tensor by indices that are data."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import ClassVar

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import IntegerAttr, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn import formula
from cmir.dialects.nn.interface import Access, IterationOp
from cmir.dialects.nn.operation import ELEMENT_TYPES, INT, TENSOR, Shape, number, shape_of
from cmir.dialects.nn.relations import Box
from cmir.dialects.vectors import PickOp
from cmir.support.diagnostics import CompileError
from cmir.support.numerics import pick


@irdl_op_definition
class TakeOp(IterationOp):
    """Slices of dimension `axis` selected by a tensor of indices, which takes the place of the dimension.

    ```mlir
    %y = nn.take %table, %tokens {axis = 0} : (tensor<20x6xf32>, tensor<5xi64>) -> tensor<5x6xf32>
    ```

    Negative indices count from the end. An index that is out of range is an error of the run. Accesses cannot depend on
    data, so an iteration reads everything that it may select, and selects in its body. One iteration selects one slice;
    without further dimensions after `axis`, it selects all elements of one position in those before.

    ONNX: Gather with indices that are data.
    """

    name = "nn.take"

    x = operand_def(TENSOR)
    indices = operand_def(TENSOR)
    axis = prop_def(INT)

    def __init__(self, x: SSAValue | Operation, indices: SSAValue | Operation, axis: int):
        super().__init__([x, indices], {"axis": IntegerAttr(axis, i64)})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x, indices), axis = shapes, number(options, "axis")
        if not 0 <= axis < len(x):
            raise VerifyException(
                f"`axis` must be one of the {len(x)} dimensions, counted from 0, got {axis}"
            )
        return (*x[:axis], *indices, *x[axis + 1 :])

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        return check_indices(*operands)

    def iterations(self) -> Box:
        before, indices, after = self._dimensions()
        return {**before, **indices} if after else before

    def reads(self) -> Sequence[Access]:
        before, indices, after = self._dimensions()
        x, at = shape_of(self.x), shape_of(self.indices)
        lanes = {"v": x[number(self.properties, "axis")], **after}
        return [
            Access.build(self.iterations(), lanes, [*before, *lanes], x),
            Access.build(self.iterations(), {} if after else indices, [*indices], at),
        ]

    def write(self) -> Access:
        before, indices, after = self._dimensions()
        location = [*before, *indices, *after]
        return Access.build(self.iterations(), after or indices, location, self.result_shape)

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return builder.insert(PickOp(*values)).result

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        x, indices = operands
        axis, shape = number(self.properties, "axis"), x.shape
        positions = x.reshape(prod(shape[:axis]), *shape[axis:])
        with index_errors(self):
            picked = pick(positions, indices.reshape((1, *indices.shape)))
        return picked.reshape(self.result_shape)

    def _dimensions(self) -> tuple[Box, Box, Box]:
        """Return the dimensions before `axis`, those of the indices, and those after `axis`."""
        x, axis = shape_of(self.x), number(self.properties, "axis")
        parts = {"a": x[:axis], "i": shape_of(self.indices), "b": x[axis + 1 :]}
        before, indices, after = (
            {f"{name}{d}": size for d, size in enumerate(sizes)} for name, sizes in parts.items()
        )
        return before, indices, after


class ElementsOp(IterationOp):
    """Base of operators with an index for each element along `axis`, at each position in the other dimensions.

    An iteration handles one position. Lanes are the elements along `axis`.
    """

    axis = prop_def(INT)

    TAKES: ClassVar[Sequence[Attribute]] = ELEMENT_TYPES

    @classmethod
    def check(cls, x: Shape, indices: Shape, axis: int) -> None:
        """Raise VerifyException unless these shapes fit together."""
        if not 0 <= axis < len(x):
            raise VerifyException(
                f"`axis` must be one of the {len(x)} dimensions, counted from 0, got {axis}"
            )
        others = zip(x, indices, strict=False)
        if len(x) != len(indices) or any(b > a for d, (a, b) in enumerate(others) if d != axis):
            raise VerifyException(
                f"the indices must have at most the sizes of the tensor, {list(x)}, in all dimensions"
                f" but {axis}, got {list(indices)}"
            )

    def iterations(self) -> Box:
        return self._others(self.result_shape)

    def write(self) -> Access:
        return self._row(self.result_shape)

    @property
    def place(self) -> int:
        """The axis."""
        return number(self.properties, "axis")

    def _others(self, shape: Shape) -> Box:
        return {f"a{d}": size for d, size in enumerate(shape) if d != self.place}

    def _row(self, shape: Shape) -> Access:
        """Return the access to all elements of a tensor along the axis."""
        location = [f"a{d}" for d in range(len(shape))]
        location[self.place] = "v"
        return Access.build(self.iterations(), {"v": shape[self.place]}, location, shape)

    def _rows(self, x: np.ndarray, shape: Shape) -> np.ndarray:
        """Return the rows of a tensor along the axis at the positions in a shape, an array of rank 2."""
        axis = self.place
        inside = tuple(slice(None) if d == axis else slice(n) for d, n in enumerate(shape))
        return np.moveaxis(x[inside], axis, -1).reshape(-1, x.shape[axis])

    def _from_rows(self, rows: np.ndarray) -> np.ndarray:
        axis, shape = self.place, self.result_shape
        sizes = (*shape[:axis], *shape[axis + 1 :], shape[axis])
        return np.moveaxis(rows.reshape(sizes), -1, axis)


@irdl_op_definition
class TakeElementsOp(ElementsOp):
    """Elements selected along `axis` by an index for each of them, at the same position in the other dimensions.

    ```mlir
    %y = nn.take_elements %x, %i {axis = 1} : (tensor<3x8xf32>, tensor<3x2xi64>) -> tensor<3x2xf32>
    ```

    Negative indices count from the end. An index that is out of range is an error of the run.

    ONNX: GatherElements.
    """

    name = "nn.take_elements"

    x = operand_def(TENSOR)
    indices = operand_def(TENSOR)

    def __init__(self, x: SSAValue | Operation, indices: SSAValue | Operation, axis: int):
        super().__init__([x, indices], {"axis": IntegerAttr(axis, i64)})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        x, indices = shapes
        cls.check(x, indices, number(options, "axis"))
        return indices

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        return check_indices(*operands)

    def reads(self) -> Sequence[Access]:
        return [self._row(shape_of(operand)) for operand in self.operands]

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return builder.insert(PickOp(*values)).result

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        x, indices = (self._rows(operand, self.result_shape) for operand in operands)
        with index_errors(self):
            return self._from_rows(pick(x, indices))


@irdl_op_definition
class TakeSlicesOp(IterationOp):
    """Slices selected by vectors of indices for the first dimensions, behind `batch_dims` dimensions in common.

    The last dimension of the indices holds the vectors.

    ```mlir
    %y = nn.take_slices %x, %i {batch_dims = 0} : (tensor<8x8x3xf32>, tensor<5x2xi64>) -> tensor<5x3xf32>
    ```

    Negative indices count from the end. An index that is out of range is an error of the run. One iteration selects one
    slice; if slices are single elements, it selects all of one position in the dimensions in common.

    ONNX: GatherND.
    """

    name = "nn.take_slices"

    x = operand_def(TENSOR)
    indices = operand_def(TENSOR)
    batch_dims = prop_def(INT)

    def __init__(self, x: SSAValue | Operation, indices: SSAValue | Operation, batch_dims: int = 0):
        super().__init__([x, indices], {"batch_dims": IntegerAttr(batch_dims, i64)})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x, indices), common = shapes, number(options, "batch_dims")
        if not 0 <= common < min(len(x), len(indices)):
            raise VerifyException(
                f"`batch_dims` must be at least 0 and less than the number of dimensions, got {common}"
            )
        count = indices[-1]
        if x[:common] != indices[:common] or not 1 <= count <= len(x) - common:
            raise VerifyException(
                f"indices of shape {list(indices)} do not select slices of a tensor of shape {list(x)}"
            )
        return (*indices[:-1], *x[common + count :])

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        return check_indices(*operands)

    def iterations(self) -> Box:
        common, indices, _, kept = self._dimensions()
        return {**common, **indices} if kept else common

    def reads(self) -> Sequence[Access]:
        common, indices, picked, kept = self._dimensions()
        x, at = shape_of(self.x), shape_of(self.indices)
        lanes = {"k": at[-1], **(ONE if kept else indices or ONE)}
        return [
            Access.build(self.iterations(), {**picked, **kept}, [*common, *picked, *kept], x),
            Access.build(self.iterations(), lanes, [*common, *indices, "k"], at),
        ]

    def write(self) -> Access:
        common, indices, _, kept = self._dimensions()
        location = [*common, *indices, *kept]
        lanes = {**ONE, **kept} if kept else indices or ONE
        return Access.build(self.iterations(), lanes, location, self.result_shape)

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        x, indices = values[0], formula.Vector(builder, values[1])
        places = (indices[k].value for k in range(indices.shape[0]))
        return builder.insert(PickOp(x, *places)).result

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        x, indices = operands
        common = number(self.properties, "batch_dims")
        x = x.reshape((-1, *x.shape[common:]))
        indices = indices.reshape((-1, *indices.shape[common:]))
        with index_errors(self):
            found = pick(x, *(indices[..., k] for k in range(indices.shape[-1])))
        return found.reshape(self.result_shape)

    def _dimensions(self) -> tuple[Box, Box, Box, Box]:
        """Return the dimensions in common, of the indices, and those of the tensor that are selected and kept."""
        x, at, common = (
            shape_of(self.x),
            shape_of(self.indices),
            number(self.properties, "batch_dims"),
        )
        end = common + at[-1]
        parts = {"a": x[:common], "i": at[common:-1], "v": x[common:end], "b": x[end:]}
        boxes = [{f"{n}{d}": size for d, size in enumerate(sizes)} for n, sizes in parts.items()]
        return boxes[0], boxes[1], boxes[2], boxes[3]


ONE: Box = {"o": 1}
"""The lane of a single vector of indices: a vector cannot be taken apart into numbers."""


@contextmanager
def index_errors(op: Operation) -> Generator[None]:
    """Report indices that are out of range at the operator."""
    try:
        yield
    except IndexError as error:
        raise CompileError(op, str(error)) from None


def check_indices(x: Attribute, indices: Attribute) -> Attribute:
    """Return the element type of a tensor. Raises VerifyException unless its indices are integers."""
    if x not in ELEMENT_TYPES or indices not in (i32, i64):
        raise VerifyException(
            f"the indices must have elements of i32 or i64, got {indices} for a tensor of {x}"
        )
    return x
