"""Elementary functions of each element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition

from cmir.dialects.nn.operation import FLOATS, WHOLE
from cmir.dialects.nn.pointwise import UnaryOp


@irdl_op_definition
class SinOp(UnaryOp):
    """Sine of each element, an angle in radians.

    ```mlir
    %y = nn.sin %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Sin.
    """

    name = "nn.sin"

    UFUNC: ClassVar[np.ufunc] = np.sin


@irdl_op_definition
class CosOp(UnaryOp):
    """Cosine of each element, an angle in radians.

    ```mlir
    %y = nn.cos %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Cos.
    """

    name = "nn.cos"

    UFUNC: ClassVar[np.ufunc] = np.cos


@irdl_op_definition
class TanOp(UnaryOp):
    """Tangent of each element, an angle in radians.

    ```mlir
    %y = nn.tan %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Tan.
    """

    name = "nn.tan"

    UFUNC: ClassVar[np.ufunc] = np.tan


@irdl_op_definition
class AsinOp(UnaryOp):
    """Arcsine of each element, in radians. Outside [-1, 1], the result is NaN.

    ```mlir
    %y = nn.asin %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Asin.
    """

    name = "nn.asin"

    UFUNC: ClassVar[np.ufunc] = np.arcsin


@irdl_op_definition
class AcosOp(UnaryOp):
    """Arccosine of each element, in radians. Outside [-1, 1], the result is NaN.

    ```mlir
    %y = nn.acos %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Acos.
    """

    name = "nn.acos"

    UFUNC: ClassVar[np.ufunc] = np.arccos


@irdl_op_definition
class AtanOp(UnaryOp):
    """Arctangent of each element, in radians.

    ```mlir
    %y = nn.atan %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Atan.
    """

    name = "nn.atan"

    UFUNC: ClassVar[np.ufunc] = np.arctan


@irdl_op_definition
class SinhOp(UnaryOp):
    """Hyperbolic sine of each element.

    ```mlir
    %y = nn.sinh %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Sinh.
    """

    name = "nn.sinh"

    UFUNC: ClassVar[np.ufunc] = np.sinh


@irdl_op_definition
class CoshOp(UnaryOp):
    """Hyperbolic cosine of each element.

    ```mlir
    %y = nn.cosh %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Cosh.
    """

    name = "nn.cosh"

    UFUNC: ClassVar[np.ufunc] = np.cosh


@irdl_op_definition
class AsinhOp(UnaryOp):
    """Inverse hyperbolic sine of each element.

    ```mlir
    %y = nn.asinh %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Asinh.
    """

    name = "nn.asinh"

    UFUNC: ClassVar[np.ufunc] = np.arcsinh


@irdl_op_definition
class AcoshOp(UnaryOp):
    """Inverse hyperbolic cosine of each element. Below 1, the result is NaN.

    ```mlir
    %y = nn.acosh %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Acosh.
    """

    name = "nn.acosh"

    UFUNC: ClassVar[np.ufunc] = np.arccosh


@irdl_op_definition
class AtanhOp(UnaryOp):
    """Inverse hyperbolic tangent of each element. Outside [-1, 1], the result is NaN.

    ```mlir
    %y = nn.atanh %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Atanh.
    """

    name = "nn.atanh"

    UFUNC: ClassVar[np.ufunc] = np.arctanh


@irdl_op_definition
class SignOp(UnaryOp):
    """Sign of each element: 1, -1, or the element itself if it is 0 or NaN.

    ```mlir
    %y = nn.sign %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Sign.
    """

    name = "nn.sign"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        return np.where(x > 0, 1, np.where(x < 0, -1, x))
