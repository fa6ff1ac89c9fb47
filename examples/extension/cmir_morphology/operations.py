"""An operation for bodies of iterations, what it computes, and what it costs."""

from __future__ import annotations

from math import prod

import numpy as np
from xdsl.dialects.builtin import VectorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cmir.semantics.implementations import implements


@irdl_op_definition
class ReduceMedianOp(IRDLOperation):
    """
    The median of an odd number of elements, along all dimensions but the last.

    ```mlir
    %y = morphology.reduce_median %x : vector<3x3x16xf32> -> vector<16xf32>
    ```
    """

    name = "morphology.reduce_median"

    vector = operand_def(VectorType)
    result = result_def(VectorType)

    traits = traits_def(Pure())

    assembly_format = "$vector attr-dict `:` type($vector) `->` type($result)"

    def __init__(self, vector: SSAValue | Operation):
        vector = SSAValue.get(vector, type=VectorType)
        super().__init__(operands=[vector], result_types=[self.infer(vector.type)])

    @staticmethod
    def infer(vector: VectorType[Attribute]) -> VectorType[Attribute]:
        return VectorType(vector.element_type, vector.get_shape()[-1:])

    def verify_(self) -> None:
        assert isinstance(self.vector.type, VectorType)
        if prod(self.vector.type.get_shape()[:-1]) % 2 == 0:
            raise VerifyException(f"there is no median of the elements of {self.vector.type}")
        if self.result.type != (expected := self.infer(self.vector.type)):
            raise VerifyException(f"the result must have type {expected}, got {self.result.type}")


def _work(op: ReduceMedianOp) -> int:
    """An odd-even transposition sort of n elements: n rounds of n / 2 exchanges, each a minimum and a maximum."""
    assert isinstance(op.vector.type, VectorType)
    *window, lanes = op.vector.type.get_shape()
    count = prod(window)
    return count * (count - 1) * lanes


@implements(ReduceMedianOp, work=_work)
def median(x: np.ndarray) -> np.ndarray:
    """x: iterations × window × lanes, of any number of window dimensions; result: iterations × lanes."""
    return np.median(x, axis=tuple(range(1, x.ndim - 1)))
