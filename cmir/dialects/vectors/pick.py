"""Selection of elements of a vector by indices that are data."""

from __future__ import annotations

from math import prod

from xdsl.dialects.builtin import VectorType, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException


@irdl_op_definition
class PickOp(IRDLOperation):
    """Picks elements, or parts, of a vector along its first dimension by indices that are data.

    ```mlir
    %y = cmcore.pick %table at %i : vector<20x6xf32>, vector<5xi64> -> vector<5x6xf32>
    ```

    Negative indices count from the end. An index that is out of range is an error of the program: a run stops. The
    vector holds everything that the indices may select, so an iteration waits for all of it, and control logic does not
    depend on data. The picked elements alone pass through the SRAM port and the vector unit.
    """

    name = "cmcore.pick"

    vector = operand_def(VectorType)
    indices = operand_def(VectorType)
    result = result_def(VectorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$vector `at` $indices attr-dict `:` type($vector) `,` type($indices) `->` type($result)"
    )

    def __init__(self, vector: SSAValue | Operation, indices: SSAValue | Operation):
        vector = SSAValue.get(vector, type=VectorType)
        indices = SSAValue.get(indices, type=VectorType)
        result = self.infer(vector.type, indices.type)
        super().__init__(operands=[vector, indices], result_types=[result])

    @staticmethod
    def infer(
        vector: VectorType[Attribute], indices: VectorType[Attribute]
    ) -> VectorType[Attribute]:
        """Return the type of the result."""
        return VectorType(vector.element_type, [*indices.get_shape(), *vector.get_shape()[1:]])

    def verify_(self) -> None:
        vector, indices = self.vector.type, self.indices.type
        assert isinstance(vector, VectorType) and isinstance(indices, VectorType)
        if not vector.get_shape():
            raise VerifyException("the vector must have a dimension to pick along")
        if indices.element_type not in (i32, i64):
            raise VerifyException(
                f"the indices must have elements of i32 or i64, got {indices.element_type}"
            )
        if self.result.type != (expected := self.infer(vector, indices)):
            raise VerifyException(f"the result must have type {expected}, got {self.result.type}")


def elements_used(vector: SSAValue) -> int:
    """Return the number of elements of a vector that an iteration uses: the picked ones if it only picks from it."""
    uses = list(vector.uses)
    picks = [op for use in uses if isinstance(op := use.operation, PickOp) and use.index == 0]
    picked = sum(_elements(op.result) for op in picks)
    return picked if picks and len(picks) == len(uses) else _elements(vector)


def _elements(value: SSAValue) -> int:
    return prod(value.type.get_shape()) if isinstance(value.type, VectorType) else 1
