"""onnxruntime as it is on processors with AVX2 and without VNNI.

There, its kernel for products of uint8 and int8 adds up pairs of products in 16 bits, with saturation
(`vpmaddubsw`), before it adds these to sums of 32 bits. All other operators are those of the true onnxruntime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

TrueSession = onnxruntime.InferenceSession

PRODUCTS = ("ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul")


class SaturatingSession:
    """A stand-in for `onnxruntime.InferenceSession`: what cmir uses of it."""

    def __init__(self, source: str | bytes, *arguments: Any) -> None:
        self.model = onnx.load(source) if isinstance(source, str) else onnx.load_from_string(source)
        self.arguments = arguments
        self.session = TrueSession(source, *arguments)

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, np.ndarray]) -> list[Any]:
        """All outputs of the model."""
        if not any(node.op_type in PRODUCTS for node in self.model.graph.node):
            return [*self.session.run(outputs, feeds)]
        values = {t.name: numpy_helper.to_array(t) for t in self.model.graph.initializer} | dict(
            feeds
        )
        for node in self.model.graph.node:
            inputs = [values[name] for name in node.input]
            results = (
                product(node, inputs) if node.op_type in PRODUCTS else self._node(node, inputs)
            )
            values.update(zip(node.output, results, strict=True))
        return [values[output.name] for output in self.model.graph.output]

    def _node(self, node: onnx.NodeProto, inputs: Sequence[np.ndarray]) -> list[Any]:
        infos = [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for n, x in zip(node.input, inputs, strict=True)
        ]
        results = [onnx.ValueInfoProto(name=name) for name in node.output]
        model = helper.make_model(
            helper.make_graph([node], "node", infos, results),
            opset_imports=self.model.opset_import,
            ir_version=self.model.ir_version,
        )
        session = TrueSession(model.SerializeToString(), *self.arguments)
        return [*session.run(None, dict(zip(node.input, inputs, strict=True)))]


def product(node: onnx.NodeProto, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """One of PRODUCTS, for one image or matrix."""
    if not node.op_type.startswith("QLinear"):
        a, b, *zeros = inputs
        a_zero, b_zero = [*zeros, *[np.zeros((), np.int32)] * 2][:2]
        return [_sums(node, a, a_zero, b, b_zero).astype(np.int32)]
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero, *bias = inputs
    sums = _sums(node, a, a_zero, b, b_zero)
    along = (-1, *(1,) * (sums.ndim - 2)) if "Conv" in node.op_type else (-1,)
    if bias:
        sums = sums + bias[0].reshape(along)
    factor = (a_scale * b_scale / y_scale).astype(np.float32).reshape(along)
    limits = np.iinfo(y_zero.dtype)
    rounded = np.rint(sums.astype(np.float32) * factor) + y_zero.astype(np.float32)
    return [np.clip(rounded, limits.min, limits.max).astype(y_zero.dtype)]


def _sums(
    node: onnx.NodeProto, a: np.ndarray, a_zero: np.ndarray, b: np.ndarray, b_zero: np.ndarray
) -> np.ndarray:
    left, right = (zero.astype(np.int64).reshape(-1) for zero in (a_zero, b_zero))
    if "Conv" not in node.op_type:
        return _matrices(a, left, b, right)
    settings = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return _convolution(a, left[0], b, right[0], settings)


def _matrices(a: np.ndarray, a_zero: Any, b: np.ndarray, b_zero: Any) -> np.ndarray:
    """The kernel's sums of raw products, and what zero points add to them."""
    wide_a, wide_b = a.astype(np.int64), b.astype(np.int64)
    sums = (
        saturating(wide_a, wide_b) if (a.dtype, b.dtype) == (np.uint8, np.int8) else wide_a @ wide_b
    )
    columns, rows = wide_b.sum(-2, keepdims=True), wide_a.sum(-1, keepdims=True)
    return sums - a_zero * columns - rows * b_zero + a.shape[-1] * a_zero * b_zero


def saturating(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b, with sums of pairs that are saturated to 16 bits."""
    odd = a.shape[-1] % 2
    a = np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, odd)])
    b = np.pad(b, [(0, 0)] * (b.ndim - 2) + [(0, odd), (0, 0)])
    products = a[..., :, :, None] * b[..., None, :, :]
    pairs = products[..., 0::2, :] + products[..., 1::2, :]
    return np.clip(pairs, -(2**15), 2**15 - 1).sum(-2)


def _convolution(
    x: np.ndarray, x_zero: int, w: np.ndarray, w_zero: int, settings: Mapping[str, Any]
) -> np.ndarray:
    """By matrices of what windows see; of two spatial dimensions."""
    outputs, channels, *kernel = w.shape
    strides, dilations = settings.get("strides", [1, 1]), settings.get("dilations", [1, 1])
    pads = settings.get("pads", [0] * 4)
    if settings.get("auto_pad", b"NOTSET") == b"SAME_UPPER":
        assert strides == [1, 1]
        total = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
        pads = [t // 2 for t in total] + [t - t // 2 for t in total]
    edges = [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])]
    padded = np.pad(x, edges, constant_values=x_zero)
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)], axis=(2, 3)
    )[0, :, :: strides[0], :: strides[1], :: dilations[0], :: dilations[1]]
    groups = []
    for group in range(settings.get("group", 1)):
        seen = windows[group * channels : (group + 1) * channels]
        rows = seen.transpose(1, 2, 0, 3, 4).reshape(-1, channels * kernel[0] * kernel[1])
        count = outputs // settings.get("group", 1)
        weights = w[group * count : (group + 1) * count].reshape(count, -1).T
        groups.append(_matrices(rows, x_zero, weights, w_zero).T)
    return np.concatenate(groups).reshape(1, outputs, *windows.shape[1:3])
