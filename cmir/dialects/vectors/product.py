"""Matrix-vector product."""

from __future__ import annotations

from math import prod

from xdsl.dialects.builtin import IntegerType, TensorType, VectorType, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cmir.support.counts import count_of


@irdl_op_definition
class MxvOp(IRDLOperation):
    """Multiplies a matrix and a vector on crossbars, y = M·x.

    ```mlir
    %y = cmcore.mxv %m, %x : tensor<16x27xf32>, vector<3x3x3xf32> -> vector<16xf32>
    ```

    The elements of x are its lanes in row-major order. A rank-3 matrix `[block, row, column]` is block-diagonal: block
    b multiplies the b-th run of elements of x and yields the b-th run of elements of y.

    Integers are multiplied exactly and summed in `i32`, or those of `i64` in `i64`. Products of `f16` are summed in
    `f32`, and the sums are rounded.
    """

    name = "cmcore.mxv"

    matrix = operand_def(TensorType)
    vector = operand_def(VectorType)
    result = result_def(VectorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$matrix `,` $vector attr-dict `:` type($matrix) `,` type($vector) `->` type($result)"
    )

    def __init__(
        self,
        matrix: SSAValue | Operation,
        vector: SSAValue | Operation,
        result_type: VectorType[Attribute] | None = None,
    ):
        matrix = SSAValue.get(matrix, type=TensorType)
        if result_type is None:
            *rows, _ = matrix.type.get_shape()
            element = matrix.type.element_type
            element = i32 if isinstance(element, IntegerType) and element != i64 else element
            result_type = VectorType(element, [prod(rows)])
        super().__init__(operands=[matrix, vector], result_types=[result_type])

    def verify_(self) -> None:
        assert isinstance(self.matrix.type, TensorType)
        assert isinstance(self.vector.type, VectorType)
        shape = self.matrix.type.get_shape()
        if len(shape) not in (2, 3):
            raise VerifyException(f"the matrix must have rank 2 or 3, got rank {len(shape)}")
        elements = {self.matrix.type.element_type, self.vector.type.element_type}
        result = self.result.type.element_type
        integers = all(isinstance(element, IntegerType) for element in elements)
        if elements != {result} and not (integers and result == i32):
            raise VerifyException(
                "the matrix, the vector and the result must have one element type, or integers with"
                " a result of i32"
            )
        *blocks, rows, columns = shape
        inputs, outputs = prod(blocks) * columns, prod(blocks) * rows
        if prod(self.vector.type.get_shape()) != inputs:
            raise VerifyException(
                f"the matrix takes {count_of(inputs, 'element')}, the vector has "
                f"{prod(self.vector.type.get_shape())}"
            )
        if prod(self.result.type.get_shape()) != outputs:
            raise VerifyException(
                f"the matrix gives {count_of(outputs, 'element')}, the result has "
                f"{prod(self.result.type.get_shape())}"
            )
