"""Normalisation by statistics that are known before the network runs, or that the network computes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, ClassVar

import islpy as isl
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from xdsl.builder import Builder
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, f32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn import formula
from cmir.dialects.nn.along import AxisOp
from cmir.dialects.nn.interface import Access, IterationOp, PointwiseOp
from cmir.dialects.nn.operation import FLOAT, FLOATS, INT, TENSOR, Shape, number, shape_of
from cmir.dialects.nn.relations import element_box, element_map, element_names
from cmir.dialects.nn.window import verify_has_spatial_dimensions

_EPSILON = 1e-5


@irdl_op_definition
class BatchNormOp(PointwiseOp):
    """Batch normalisation: (x - mean) / sqrt(variance + epsilon) · scale + bias, with parameters for each channel.

    x: C×sizes; scale, bias, mean and variance: C; result: C×sizes.

    ```mlir
    %y = nn.batch_norm %x, %scale, %bias, %mean, %variance {epsilon = 1.000000e-03}
        : (tensor<16x8x8xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>)
        -> tensor<16x8x8xf32>
    ```

    ONNX: BatchNormalization.
    """

    name = "nn.batch_norm"

    TAKES: ClassVar[Sequence[Attribute]] = FLOATS

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
        return formula.build_formula(builder, self._formula, values)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        x, *statistics = operands
        columns = (s.reshape(-1, *(1,) * (x.ndim - 1)) for s in statistics)
        return formula.compute(self._formula, x, *columns)

    def _formula(self, x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
        return (x - mean) / np.sqrt(variance + self.epsilon.value.data) * scale + bias


class StandardizeOp(AxisOp):
    """Base of (x - mean) / sqrt(variance + epsilon) · scale + bias.

    Mean and variance are those of the elements along some axes.
    """

    TAKES: ClassVar[Sequence[Attribute]] = FLOATS

    x = operand_def(TENSOR)
    scale = operand_def(TENSOR)
    bias = opt_operand_def(TENSOR)
    epsilon = prop_def(FLOAT)

    def __init__(
        self,
        x: SSAValue | Operation,
        scale: SSAValue | Operation,
        bias: SSAValue | Operation | None = None,
        epsilon: float = _EPSILON,
    ):
        super().__init__([x, scale, bias], {"epsilon": FloatAttr(epsilon, f32)})

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return {"epsilon": FloatAttr(_EPSILON, f32)}

    @property
    @abstractmethod
    def scaled_axes(self) -> Sequence[int]:
        """The axes of scale and bias."""

    def reads(self) -> Sequence[Access]:
        names = [*element_box(self.result_shape)]
        location = [names[axis] for axis in self.scaled_axes]
        scales = [self.access(location, shape_of(operand)) for operand in self.operands[1:]]
        return [self.write(), *scales]

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        axes = tuple(range(len(self.lane_axes)))
        return formula.build_formula(builder, partial(self._formula, axes), values)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        x, *scales = operands
        others = [axis for axis in range(x.ndim) if axis not in self.scaled_axes]
        scales = [np.expand_dims(scale, others) for scale in scales]
        return formula.compute(partial(self._formula, tuple(self.lane_axes)), x, *scales)

    def _formula(self, axes: tuple[int, ...], x: Any, scale: Any, *bias: Any) -> Any:
        share = 1 / prod(self.result_shape[axis] for axis in self.lane_axes)
        centred = x - np.add.reduce(x, axis=axes, keepdims=True) * share
        variance = np.add.reduce(centred * centred, axis=axes, keepdims=True) * share
        scaled = centred / np.sqrt(variance + self.epsilon.value.data) * scale
        return scaled + bias[0] if bias else scaled


@irdl_op_definition
class LayerNormOp(StandardizeOp):
    """Layer normalisation: (x - mean) / sqrt(variance + epsilon) · scale + bias.

    Mean and variance are those of the elements along the last axes, which are the axes of scale and bias.

    ```mlir
    %y = nn.layer_norm %x, %scale bias %bias
        : (tensor<16x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<16x64xf32>
    ```

    One iteration computes all elements along these axes.

    ONNX: LayerNormalization.
    """

    name = "nn.layer_norm"

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        x, scale, *bias = shapes
        if not scale or x[len(x) - len(scale) :] != scale:
            raise VerifyException(
                f"the scale must have the last dimensions of the input, {list(x)},"
                f" got {list(scale)}"
            )
        if bias and bias[0] != scale:
            raise VerifyException(
                f"the bias must have the shape of the scale, {list(scale)}, got {list(bias[0])}"
            )
        return x

    @property
    def lane_axes(self) -> Sequence[int]:
        rank = len(self.result_shape)
        return range(rank - len(shape_of(self.scale)), rank)

    @property
    def scaled_axes(self) -> Sequence[int]:
        return self.lane_axes


@irdl_op_definition
class InstanceNormOp(StandardizeOp):
    """Instance normalisation: (x - mean) / sqrt(variance + epsilon) · scale + bias.

    Mean and variance are those of the elements of each channel; each channel has its own scale and bias.

    x: C×sizes, scale: C, bias: C, result: C×sizes.

    ```mlir
    %y = nn.instance_norm %x, %scale bias %bias
        : (tensor<16x8x8xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<16x8x8xf32>
    ```

    One iteration computes one channel.

    ONNX: InstanceNormalization.
    """

    name = "nn.instance_norm"

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        x, *scales = shapes
        verify_has_spatial_dimensions(x)
        for name, shape in zip(("scale", "bias"), scales, strict=False):
            if shape != x[:1]:
                raise VerifyException(
                    f"the {name} must have shape [{x[0]}], one per channel, got {list(shape)}"
                )
        return x

    @property
    def lane_axes(self) -> Sequence[int]:
        return range(1, len(self.result_shape))

    @property
    def scaled_axes(self) -> Sequence[int]:
        return (0,)


@irdl_op_definition
class LRNOp(IterationOp):
    """Local response normalisation: x / (bias + alpha / size · s)^beta for each element x.

    s is the sum of the squares of the elements at the same position in `size` channels around that of x. Channels
    that do not exist are left out.

    x: C×sizes, result: C×sizes.

    ```mlir
    %y = nn.lrn %x {size = 5} : (tensor<96x27x27xf32>) -> tensor<96x27x27xf32>
    ```

    If `size` is even, one more channel lies behind the element than before it.

    ONNX: LRN.
    """

    name = "nn.lrn"

    TAKES: ClassVar[Sequence[Attribute]] = FLOATS

    x = operand_def(TENSOR)
    size = prop_def(INT)
    alpha = prop_def(FLOAT)
    beta = prop_def(FLOAT)
    bias = prop_def(FLOAT)

    DEFAULTS: ClassVar[Mapping[str, float]] = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0}

    def __init__(self, x: SSAValue | Operation, size: int, **options: float):
        values = {name: FloatAttr(value, f32) for name, value in options.items()}
        super().__init__([x], {"size": IntegerAttr(size, i64), **values})

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return {name: FloatAttr(value, f32) for name, value in cls.DEFAULTS.items()}

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,), size = shapes, number(options, "size")
        if not x:
            raise VerifyException("the input must have channels, got a tensor without dimensions")
        if size < 1:
            raise VerifyException(f"`size` must be > 0, got {size}")
        return x

    def reads(self) -> Sequence[Access]:
        x = shape_of(self.x)
        before, after = self._around
        lanes = {"k": before + 1 + after, "c": x[0]}
        location = [f"c + k - {before}", *self.iterations()]
        return [Access.build(self.iterations(), lanes, location, x)]

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return formula.build_formula(builder, self._formula, values)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        (x,) = operands
        margins = [self._around, *((0, 0) for _ in x.shape[1:])]
        seen = sliding_window_view(np.pad(x, margins), sum(self._around) + 1, axis=0)
        return formula.compute(self._formula, np.moveaxis(seen, -1, 0))

    @property
    def _around(self) -> tuple[int, int]:
        """Numbers of the channels before and behind the element's own, as far as any element has them."""
        others, most = number(self.properties, "size") - 1, shape_of(self.x)[0] - 1
        return min(others // 2, most), min(others - others // 2, most)

    def _formula(self, seen: Any) -> Any:
        """Return the result for the channels in the window, an array (size, C, …) or a `Vector`."""
        squares = np.add.reduce(seen * seen, axis=(0,))
        scale = self.alpha.value.data / number(self.properties, "size")
        return seen[self._around[0]] / np.power(
            squares * scale + self.bias.value.data, self.beta.value.data
        )
