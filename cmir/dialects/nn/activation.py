"""Activation functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor, inf, isfinite, pi, sqrt
from typing import Any, ClassVar

import numpy as np
from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def, traits_def

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn import functions
from cmir.dialects.nn.canonicalization import IdentityCanonicalization
from cmir.dialects.nn.operation import FLOAT, FLOATS, WHOLE, element_of, flag
from cmir.dialects.nn.pointwise import BinaryOp, UnaryOp
from cmir.support.numerics import erf


@irdl_op_definition
class ReluOp(UnaryOp):
    """Rectified linear unit: max(x, 0) for each element x.

    ```mlir
    %y = nn.relu %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Relu.
    """

    name = "nn.relu"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    traits = traits_def(IdentityCanonicalization())

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        return np.maximum(x, 0)

    def is_identity(self) -> bool:
        return isinstance(self.x.owner, ReluOp)


@irdl_op_definition
class ClipOp(UnaryOp):
    """Clamp: elements below `min` become `min`, elements above `max` become `max`. By default both bounds are infinite.

    Bounds of integers are the integers between them.

    ```mlir
    %y = nn.clip %x {min = 0.0, max = 6.0} : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Clip.
    """

    name = "nn.clip"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    min = prop_def(FLOAT)
    max = prop_def(FLOAT)

    DEFAULTS: ClassVar[Mapping[str, float]] = {"min": -inf, "max": inf}

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        low, high = self.number("min"), self.number("max")
        if element_of(self.result) in WHOLE:
            low, high = self._whole(low, ceil), self._whole(high, floor)
        return functions.clip(x, low, high)

    def _whole(self, bound: float, rounded: Callable[[float], int]) -> float:
        """Return a bound of integers as an integer of their type; an infinite one is unchanged."""
        limits = np.iinfo(dtype_of(self.result))
        return min(max(rounded(bound), limits.min), limits.max) if isfinite(bound) else bound


@irdl_op_definition
class LeakyReluOp(UnaryOp):
    """Leaky rectified linear unit: x, or `alpha` · x if x is negative, for each element x.

    ```mlir
    %y = nn.leaky_relu %x {alpha = 0.1} : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: LeakyRelu.
    """

    name = "nn.leaky_relu"

    alpha = prop_def(FLOAT)

    DEFAULTS: ClassVar[Mapping[str, float]] = {"alpha": 0.01}

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        return functions.leaky(x, self.number("alpha"))


@irdl_op_definition
class PReluOp(BinaryOp):
    """Parametric rectified linear unit: x, or slope · x if x is negative, for each element x of the first operand.

    The second operand holds the slopes and is broadcast as in NumPy.

    ```mlir
    %y = nn.prelu %x, %slope : (tensor<16x8x8xf32>, tensor<16x1x1xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: PRelu.
    """

    name = "nn.prelu"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    def formula(self, *operands: Any) -> Any:
        x, slope = operands
        return functions.leaky(x, slope)


@irdl_op_definition
class EluOp(UnaryOp):
    """Exponential linear unit: x, or `alpha` · (exp(x) - 1) if x is negative, for each element x.

    ```mlir
    %y = nn.elu %x {alpha = 0.5} : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Elu.
    """

    name = "nn.elu"

    alpha = prop_def(FLOAT)

    DEFAULTS: ClassVar[Mapping[str, float]] = {"alpha": 1.0}

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        return functions.elu(x, self.number("alpha"))


@irdl_op_definition
class SeluOp(UnaryOp):
    """Scaled exponential linear unit: `gamma` · x, or `gamma` · `alpha` · (exp(x) - 1) if x is not positive.

    ```mlir
    %y = nn.selu %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Selu.
    """

    name = "nn.selu"

    alpha = prop_def(FLOAT)
    gamma = prop_def(FLOAT)

    DEFAULTS: ClassVar[Mapping[str, float]] = {
        "alpha": 1.67326319217681884765625,
        "gamma": 1.05070102214813232421875,
    }

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        negative = self.number("alpha") * np.expm1(x)
        return self.number("gamma") * np.where(x > 0, x, negative)


@irdl_op_definition
class SigmoidOp(UnaryOp):
    """Logistic sigmoid: 1 / (1 + exp(-x)) for each element x.

    ```mlir
    %y = nn.sigmoid %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Sigmoid.
    """

    name = "nn.sigmoid"

    def formula(self, *operands: Any) -> Any:
        return functions.sigmoid(*operands)


@irdl_op_definition
class HardSigmoidOp(UnaryOp):
    """Hard sigmoid: `alpha` · x + `beta`, clamped to [0, 1], for each element x.

    ```mlir
    %y = nn.hard_sigmoid %x {alpha = 0.25} : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: HardSigmoid.
    """

    name = "nn.hard_sigmoid"

    alpha = prop_def(FLOAT)
    beta = prop_def(FLOAT)

    DEFAULTS: ClassVar[Mapping[str, float]] = {"alpha": 0.2, "beta": 0.5}

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        return functions.hard_sigmoid(x, self.number("alpha"), self.number("beta"))


@irdl_op_definition
class HardSwishOp(UnaryOp):
    """Hard swish: x · min(max(x / 6 + 1 / 2, 0), 1) for each element x.

    ```mlir
    %y = nn.hard_swish %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: HardSwish.
    """

    name = "nn.hard_swish"

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        return x * functions.clip(x * (1 / 6) + 0.5, 0, 1)


@irdl_op_definition
class TanhOp(UnaryOp):
    """Hyperbolic tangent of each element.

    ```mlir
    %y = nn.tanh %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Tanh.
    """

    name = "nn.tanh"

    UFUNC: ClassVar[np.ufunc] = np.tanh


@irdl_op_definition
class ErfOp(UnaryOp):
    """Error function of each element.

    ```mlir
    %y = nn.erf %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Erf.
    """

    name = "nn.erf"

    def formula(self, *operands: Any) -> Any:
        return erf(*operands)


@irdl_op_definition
class GeluOp(UnaryOp):
    """Gaussian error linear unit: x · (1 + erf(x / √2)) / 2 for each element x.

    With `tanh`, the second factor is approximated by (1 + tanh(√(2 / π) · (x + 0.044715 · x³))) / 2.

    ```mlir
    %y = nn.gelu %x {tanh} : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Gelu.
    """

    name = "nn.gelu"

    tanh = opt_prop_def(UnitAttr)

    def __init__(self, x: SSAValue | Operation, tanh: bool = False):
        super().__init__(x)
        self.tanh = flag(tanh)

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        if self.tanh is None:
            sign = erf(x * sqrt(1 / 2))
        else:
            sign = np.tanh(sqrt(2 / pi) * (x + 0.044715 * (x * x * x)))
        return x * 0.5 * (1 + sign)


@irdl_op_definition
class SoftplusOp(UnaryOp):
    """Softplus: log(1 + exp(x)) for each element x.

    ```mlir
    %y = nn.softplus %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Softplus.
    """

    name = "nn.softplus"

    def formula(self, *operands: Any) -> Any:
        return functions.softplus(*operands)


@irdl_op_definition
class MishOp(UnaryOp):
    """Mish: x · tanh(log(1 + exp(x))) for each element x.

    ```mlir
    %y = nn.mish %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Mish.
    """

    name = "nn.mish"

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        return x * np.tanh(functions.softplus(x))
