"""Matrix products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import UnitAttr, VectorType, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, opt_prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.body import add, products
from cmir.dialects.nn.interface import Access, Cells, LinearOp
from cmir.dialects.nn.operation import FLOATS, TENSOR, Shape, accumulator, flag, shape_of
from cmir.dialects.nn.parameter import parameter_of
from cmir.dialects.nn.relations import Box, element_map
from cmir.dialects.vectors import MxvOp
from cmir.support.numerics import matrix_product


@irdl_op_definition
class GemmOp(LinearOp):
    """Product of a vector, or of the rows of a matrix, with a matrix, plus an optional bias.

    x: K or M×K, weight: K×N or, with `trans_b`, N×K, bias: N, result: N or M×N. For a batch of matrices,
    x and the result have more dimensions in front, and the weight has either the same or none.

    ```mlir
    %y = nn.gemm %x, %w bias %b {trans_b}
        : (tensor<64xf32>, tensor<10x64xf32>, tensor<10xf32>) -> tensor<10xf32>
    ```

    One iteration computes one row of the result: a crossbar product if the weight is one matrix of parameters,
    otherwise products and sums of elements. Products of integers are summed in `i32`, which is then the type of the
    bias, and those of `i64` in `i64`.

    ONNX: Gemm, MatMul, MatMulInteger and QLinearMatMul.
    """

    name = "nn.gemm"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, i64)

    x = operand_def(TENSOR)
    weight = operand_def(TENSOR)
    bias = opt_operand_def(TENSOR)
    trans_b = opt_prop_def(UnitAttr)

    def __init__(
        self,
        x: SSAValue | Operation,
        weight: SSAValue | Operation,
        bias: SSAValue | Operation | None = None,
        trans_b: bool = False,
    ):
        super().__init__([x, weight, bias], {"trans_b": flag(trans_b)})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        x, weight, *bias = shapes
        if not x:
            raise VerifyException("the input must have rows, got a tensor without dimensions")
        if len(weight) < 2:
            raise VerifyException(f"the weight must have 2 dimensions or more, got {len(weight)}")
        if len(weight) > 2 and weight[:-2] != x[:-2]:
            raise VerifyException(
                f"the weight must have 2 dimensions, or those of the input, {list(x)}, in front of"
                f" them, got {list(weight)}"
            )
        inner, columns = reversed(weight[-2:]) if "trans_b" in options else weight[-2:]
        if inner != x[-1]:
            raise VerifyException(
                f"the input has rows of {x[-1]} elements, the weight takes {inner}"
            )
        if bias and bias[0] != (columns,):
            raise VerifyException(
                f"the bias must have shape [{columns}], one per result column, got {list(bias[0])}"
            )
        return (*x[:-1], columns)

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        return accumulator(operands) or super().element(operands)

    @property
    def channel_axis(self) -> int | None:
        if len(self.result_shape) != 1:
            return None
        return 0 if self.trans_b is not None else 1

    def iterations(self) -> Box:
        rows = self.result_shape[:-1]
        names = [*(f"b{i}" for i in range(len(rows) - 1)), "m"]
        return dict(zip(names, rows, strict=False))

    def reads(self) -> Sequence[Access | Cells]:
        x, weight, rows = shape_of(self.x), shape_of(self.weight), self.iterations()
        outer, inner = self.result_shape[-1], x[-1]
        reads: list[Access | Cells] = [Access.build(rows, {"k": inner}, [*rows, "k"], x)]
        if parameter_of(self.weight) is None or len(weight) > 2:
            matrix = [*rows][: len(weight) - 2]
            location = [*matrix, *("nk" if self.trans_b else "kn")]
            reads.append(Access.build(rows, {"n": outer, "k": inner}, location, weight))
        else:
            location = ["row", "col"] if self.trans_b else ["col", "row"]
            relation = element_map({"row": outer, "col": inner}, location, weight)
            reads.append(Cells(relation, (outer, inner)))
        if self.bias is not None:
            reads.append(Access.build(rows, {"n": outer}, ["n"], shape_of(self.bias)))
        return reads

    def write(self) -> Access:
        rows, lanes = self.iterations(), {"n": self.result_shape[-1]}
        return Access.build(rows, lanes, [*rows, "n"], self.result_shape)

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        x, weight, *bias = values
        if isinstance(weight.type, VectorType):
            result = products(builder, x, weight, 1)
        else:
            result = builder.insert(MxvOp(weight, x)).results[0]
        return add(builder, result, bias[0]) if bias else result

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        x, weight, *bias = operands
        result = matrix_product(x, weight.swapaxes(-1, -2) if self.trans_b else weight)
        return result + bias[0] if bias else result
