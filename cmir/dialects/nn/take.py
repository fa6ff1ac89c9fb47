"""Selection of slices by indices that are data: look-up in a table, embedding of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import IntegerAttr, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def
from xdsl.utils.exceptions import VerifyException

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
        x, indices = operands
        if x not in ELEMENT_TYPES or indices not in (i32, i64):
            raise VerifyException(
                f"the indices must have elements of i32 or i64, got {indices} for a tensor of {x}"
            )
        return x

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
        try:
            picked = pick(positions, indices.reshape(1, *indices.shape))
        except IndexError as error:
            raise CompileError(self, str(error)) from None
        return picked.reshape(self.result_shape)

    def _dimensions(self) -> tuple[Box, Box, Box]:
        """Return the dimensions before `axis`, those of the indices, and those after `axis`."""
        x, axis = shape_of(self.x), number(self.properties, "axis")
        parts = {"a": x[:axis], "i": shape_of(self.indices), "b": x[axis + 1 :]}
        before, indices, after = (
            {f"{name}{d}": size for d, size in enumerate(sizes)} for name, sizes in parts.items()
        )
        return before, indices, after
