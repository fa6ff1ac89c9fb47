"""Concatenation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import islpy as isl
import numpy as np
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, prop_def, traits_def, var_operand_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.interface import LayoutOp
from cmir.dialects.nn.operation import INT, TENSOR, Shape, number, shape_of
from cmir.dialects.nn.relations import element_box, element_map
from cmir.dialects.nn.widening import LayoutCanonicalization


@irdl_op_definition
class ConcatOp(LayoutOp):
    """Concatenation of the operands along dimension `axis`; their other dimensions must agree.

    ```mlir
    %y = nn.concat %a, %b {axis = 0} : (tensor<16x8x8xf32>, tensor<8x8x8xf32>) -> tensor<24x8x8xf32>
    ```

    Readers of the result read from several arrays; nothing is copied.

    ONNX: Concat.
    """

    name = "nn.concat"

    inputs = var_operand_def(TENSOR)
    axis = prop_def(INT)

    traits = traits_def(LayoutCanonicalization())

    def __init__(self, inputs: Sequence[SSAValue | Operation], axis: int):
        super().__init__([inputs], {"axis": IntegerAttr(axis, i64)})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        if not shapes:
            raise VerifyException("a concatenation must have an operand")
        axis, first = number(options, "axis"), shapes[0]
        if not 0 <= axis < len(first):
            raise VerifyException(
                f"`axis` must be one of the {len(first)} dimensions, counted from 0, got {axis}"
            )
        for shape in shapes:
            if len(shape) != len(first) or _without(shape, axis) != _without(first, axis):
                raise VerifyException(
                    f"shapes {list(first)} and {list(shape)} differ in more than dimension {axis}"
                )
        return (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])

    def element_relation(self, operand: int = 0) -> isl.Map:
        return self.element_relations()[operand]

    def element_relations(self) -> Sequence[isl.Map]:
        axis, box = number(self.properties, "axis"), element_box(self.result_shape)
        relations: list[isl.Map] = []
        before = 0
        for shape in map(shape_of, self.inputs):
            location = list(box)
            location[axis] += f" - {before}"
            relations.append(element_map(box, location, shape))
            before += shape[axis]
        return relations

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return np.concatenate(operands, number(self.properties, "axis"))

    def is_identity(self) -> bool:
        return len(self.inputs) == 1


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])
