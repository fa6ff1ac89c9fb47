"""Normalisation with statistics that are known before the network runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import islpy as isl
import numpy as np
from xdsl.builder import Builder
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, f32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.body import splat
from cmir.dialects.nn.interface import PointwiseOp
from cmir.dialects.nn.operation import FLOAT, TENSOR, Shape
from cmir.dialects.nn.relations import element_box, element_map, element_names

_EPSILON = 1e-5


@irdl_op_definition
class BatchNormOp(PointwiseOp):
    """
    (x - mean) / sqrt(variance + epsilon) · scale + bias, with a scale, bias, mean and variance for
    each channel.

    x: C×sizes; scale, bias, mean and variance: C; result: C×sizes.

    ```mlir
    %y = nn.batch_norm %x, %scale, %bias, %mean, %variance {epsilon = 1.000000e-03}
        : (tensor<16x8x8xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>)
        -> tensor<16x8x8xf32>
    ```

    ONNX: BatchNormalization.
    """

    name = "nn.batch_norm"

    x = operand_def(TENSOR)
    scale = operand_def(TENSOR)
    bias = operand_def(TENSOR)
    mean = operand_def(TENSOR)
    variance = operand_def(TENSOR)
    epsilon = prop_def(FLOAT)

    def __init__(
        self,
        x: SSAValue | Operation,
        scale: SSAValue | Operation,
        bias: SSAValue | Operation,
        mean: SSAValue | Operation,
        variance: SSAValue | Operation,
        epsilon: float = _EPSILON,
    ):
        super().__init__([x, scale, bias, mean, variance], {"epsilon": FloatAttr(epsilon, f32)})

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return {"epsilon": FloatAttr(_EPSILON, f32)}

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        x, *statistics = shapes
        if not x:
            raise VerifyException("the input must have channels, got a tensor without dimensions")
        for name, shape in zip(("scale", "bias", "mean", "variance"), statistics, strict=True):
            if shape != x[:1]:
                raise VerifyException(
                    f"the {name} must have shape [{x[0]}], one per channel, got {list(shape)}"
                )
        return x

    def element_relation(self, operand: int) -> isl.Map:
        names = element_names(len(self.result_shape))
        rank = len(names) if operand == 0 else 1
        return element_map(element_box(self.result_shape), names[:rank], self.result_shape[:rank])

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        x, scale, bias, mean, variance = values
        epsilon = splat(builder, self.epsilon.value.data, x.type)
        centred = builder.insert(arith.SubfOp(x, mean)).result
        shifted = builder.insert(arith.AddfOp(variance, epsilon)).result
        deviation = builder.insert(math.SqrtOp(shifted)).result
        normal = builder.insert(arith.DivfOp(centred, deviation)).result
        scaled = builder.insert(arith.MulfOp(normal, scale)).result
        return builder.insert(arith.AddfOp(scaled, bias)).result

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        x, *statistics = operands
        scale, bias, mean, variance = (s.reshape(-1, *(1,) * (x.ndim - 1)) for s in statistics)
        deviation = np.sqrt(variance + np.float32(self.epsilon.value.data))
        return (x - mean) / deviation * scale + bias
