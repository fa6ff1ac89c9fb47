"""Random quantised networks: operators between DequantizeLinear and QuantizeLinear, onnxruntime's, and QONNX's.

Scales fit the data, so that integers use their range, and some are round numbers, as which ties are frequent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from end_to_end.drawn_networks import (
    FLOAT,
    INT8,
    OPSETS,
    UINT8,
    Argument,
    Impossible,
    Net,
    Network,
    Settings,
    Value,
    network_of,
)
from end_to_end.drawn_operators import RECIPES, axes_of, axis_of, groups_of, window
from hypothesis import reject
from hypothesis import strategies as st
from onnx import TensorProto

INT16, UINT16 = TensorProto.INT16, TensorProto.UINT16
DTYPES: dict[int, type[np.integer[Any]]] = {
    INT8: np.int8,
    UINT8: np.uint8,
    INT16: np.int16,
    UINT16: np.uint16,
}

MICROSOFT, QONNX = "com.microsoft", "qonnx.custom_op.general"


@dataclass(frozen=True)
class Quantised:
    """A tensor of integers, (numbers − zero) · scale."""

    numbers: Value
    scale: np.ndarray
    zero: np.ndarray


class Quantiser:
    """A network in the making, and the quantised tensors among its values."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.tensors: list[Quantised] = []

    def kind(self) -> int:
        wide = [INT16, UINT16] if self.net.opset >= 21 else []
        return self.net.choose([INT8, UINT8, INT8, UINT8, *wide])

    def parameters(self, x: Value, kind: int) -> tuple[np.ndarray, np.ndarray]:
        """A scale and a zero point with which most of the numbers of a tensor are in range."""
        limits, net = np.iinfo(DTYPES[kind]), self.net
        largest = max(float(np.abs(array).max()) for array in x.data) or 1.0
        scale = largest * net.number(0.8, 3) / (limits.max - limits.min)
        if net.integer(0, 3) == 0:
            scale = net.choose([2.0 ** round(np.log2(scale)), float(f"{scale:.0e}")])
        middle = (int(limits.min) + int(limits.max) + 1) // 2
        zero = middle + net.choose([0, 0, -3, limits.max // 4])
        return np.array(max(scale, 1e-6), np.float32), np.array(zero, DTYPES[kind])

    def quantize(self, x: Value) -> Quantised:
        scale, zero = self.parameters(x, self.kind())
        (numbers,) = self.net.node("QuantizeLinear", x, scale, zero)
        return self.add(numbers, scale, zero)

    def add(self, numbers: Value, scale: np.ndarray, zero: np.ndarray) -> Quantised:
        self.tensors.append(Quantised(numbers, scale, zero))
        return self.tensors[-1]

    def pick(self, *kinds: int, low: int = 1) -> Quantised:
        """One of the quantised tensors: mostly the latest one of these types."""
        fitting = [
            q
            for q in self.tensors
            if (not kinds or q.numbers.kind in kinds) and low <= q.numbers.rank <= 5
        ]
        return fitting[-1] if fitting and self.net.integer(0, 2) else self.net.choose(fitting)

    def dequantize(self, q: Quantised) -> Value:
        return self.net.node("DequantizeLinear", q.numbers, q.scale, q.zero)[0]

    def weights(self, *shape: int, axis: int) -> tuple[Value, np.ndarray]:
        """Dequantised weights, with one scale or one for each index of an axis, which are returned, too."""
        net = self.net
        kind = net.choose([INT8, INT8, UINT8])
        each = (shape[axis],) if net.opset >= 13 and net.chance() else ()
        scale = np.asarray(net.random.uniform(0.003, 0.02, each), np.float32)
        zero = np.full(each, 0 if kind == INT8 else net.integer(100, 150), DTYPES[kind])
        settings: Settings = {"axis": axis} if each else {}
        (w,) = net.node("DequantizeLinear", net.integers(kind, *shape), scale, zero, **settings)
        net.values.remove(w)  # which is a constant
        return w, scale

    def bias(self, outputs: int, scale: np.ndarray) -> list[Argument]:
        """A bias, of floats or of integers that count in units of products, or none."""
        net = self.net
        match net.integer(0, 2):
            case 0:
                return []
            case 1:
                return [net.weights(outputs)]
            case _:
                numbers = net.random.integers(-999, 999, outputs).astype(np.int32)
                settings: Settings = {"axis": 0} if scale.ndim else {}
                (b,) = net.node("DequantizeLinear", numbers, scale, **settings)
                net.values.remove(b)
                return [b]


Step = Callable[[Quantiser], object]
STEPS: dict[str, Step] = {}


def step(*names: str) -> Callable[[Step], Step]:
    def register(function: Step) -> Step:
        STEPS.update(dict.fromkeys(names, function))
        return function

    return register


AROUND = (
    *("Add", "Sub", "Mul", "Div", "AveragePool", "GlobalAveragePool", "MaxPool", "GlobalMaxPool"),
    *("Concat", "Reshape", "Transpose", "Pad", "Slice", "Resize", "Flatten", "Squeeze", "Gather"),
    *("Relu", "LeakyRelu", "Clip", "Sigmoid", "HardSwish", "Tanh", "Softmax", "Gelu", "Max"),
    *("ReduceMean", "ReduceMax", "LayerNormalization", "BatchNormalization", "DepthToSpace"),
    *("Conv", "MatMul", "Gemm", "Einsum", "Expand", "Split"),
)
"""Operators of floats that are drawn between DequantizeLinear and QuantizeLinear."""


def around(op: str) -> Step:
    """The operator on dequantised tensors, one of them new, and its first result quantised."""

    def draw(quantiser: Quantiser) -> object:
        net = quantiser.net
        operands = [quantiser.dequantize(quantiser.pick()) for _ in range(net.integer(1, 2))]
        count = len(net.values)
        RECIPES[op](net, op)
        made = [value for value in net.values[count:] if value.kind == FLOAT]
        if not made or not operands:
            raise Impossible
        return quantiser.quantize(made[-1])

    return draw


STEPS.update({f"around {op}": around(op) for op in AROUND})


@step("quantised Conv")
def conv(quantiser: Quantiser) -> object:
    net = quantiser.net
    q = quantiser.pick(low=3)
    x = quantiser.dequantize(q)
    settings = window(net, x, "Conv")
    kernel = settings["kernel_shape"]
    assert isinstance(kernel, list)
    group = groups_of(net, x.shape[1])
    outputs = group * net.integer(1, 3)
    w, scale = quantiser.weights(outputs, x.shape[1] // group, *kernel, axis=0)
    bias = quantiser.bias(outputs, np.asarray(q.scale * scale))
    (y,) = net.node("Conv", x, w, *bias, group=group, **settings)
    return quantiser.quantize(_activated(net, y))


@step("quantised MatMul")
def matmul(quantiser: Quantiser) -> object:
    net = quantiser.net
    x = quantiser.dequantize(quantiser.pick(low=2))
    w, _ = quantiser.weights(x.shape[-1], net.integer(1, 4), axis=1)
    return quantiser.quantize(_activated(net, *net.node("MatMul", x, w)))


@step("quantised Gemm")
def gemm(quantiser: Quantiser) -> object:
    net = quantiser.net
    q = quantiser.pick()
    (x,) = net.node("Flatten", quantiser.dequantize(q))
    outputs = net.integer(1, 4)
    w, scale = quantiser.weights(outputs, x.shape[1], axis=0)
    bias = quantiser.bias(outputs, np.asarray(q.scale * scale))
    return quantiser.quantize(_activated(net, *net.node("Gemm", x, w, *bias, transB=1)))


@step("MatMul of two")
def matmul_of_two(quantiser: Quantiser) -> object:
    net = quantiser.net
    x = quantiser.dequantize(quantiser.pick(low=2 + net.outer))
    order = [*range(x.rank - 2), x.rank - 1, x.rank - 2]
    other = quantiser.quantize(*net.node("Transpose", x, perm=order))
    return quantiser.quantize(*net.node("MatMul", x, quantiser.dequantize(other)))


def _activated(net: Net, x: Value) -> Value:
    op = net.choose([None, "Relu", "HardSwish"])
    return x if op is None or not net.has(op) else net.node(op, x)[0]


def _result_of(quantiser: Quantiser, kind: int, largest: float) -> tuple[np.ndarray, np.ndarray]:
    """A scale and a zero point for results up to a number."""
    limits, net = np.iinfo(DTYPES[kind]), quantiser.net
    scale = largest * net.number(0.5, 2) / 255
    return (
        np.array(scale, np.float32),
        np.array(net.integer(int(limits.min), int(limits.max)), DTYPES[kind]),
    )


def _parts(q: Quantised) -> list[Argument]:
    return [q.numbers, q.scale, q.zero]


def _largest(q: Quantised) -> float:
    """The largest number that a tensor of bytes may stand for."""
    return float(q.scale) * 255


@step("QLinearAdd", "QLinearMul")
def pair(quantiser: Quantiser) -> object:
    net = quantiser.net
    a = quantiser.pick(INT8, UINT8)
    alike = [
        q
        for q in quantiser.tensors
        if q.numbers.kind == a.numbers.kind and q.numbers.shape == a.numbers.shape
    ]
    b = net.choose(alike)
    op = net.choose(["QLinearAdd", "QLinearMul"])
    both = (_largest(a), _largest(b))
    y = _result_of(
        quantiser, a.numbers.kind, sum(both) if op == "QLinearAdd" else both[0] * both[1]
    )
    (result,) = net.node(f"{MICROSOFT}.{op}", *_parts(a), *_parts(b), *y)
    return quantiser.add(result, *y)


@step("QLinearConcat")
def concat(quantiser: Quantiser) -> object:
    net = quantiser.net
    a = quantiser.pick(INT8, UINT8)
    axis = axis_of(net, a.numbers)
    shape = a.numbers.shape
    alike = [
        q
        for q in quantiser.tensors
        if q.numbers.kind == a.numbers.kind
        and q.numbers.rank == len(shape)
        and all(
            i == axis % len(shape) or m == n for i, (m, n) in enumerate(zip(q.numbers.shape, shape))
        )
    ]
    pieces = [a, *(net.choose(alike) for _ in range(net.integer(1, 2)))]
    kept = (a.scale, a.zero)
    y = kept if net.chance() else _result_of(quantiser, a.numbers.kind, _largest(a))
    parts = [part for piece in pieces for part in _parts(piece)]
    (result,) = net.node(f"{MICROSOFT}.QLinearConcat", *y, *parts, axis=axis)
    return quantiser.add(result, *y)


@step("QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax")
def unary(quantiser: Quantiser) -> object:
    net = quantiser.net
    x = quantiser.pick(INT8, UINT8)
    op = net.choose(["QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax"])
    settings: Settings = {}
    if op == "QLinearLeakyRelu":
        settings["alpha"] = net.number(0.05, 0.9)
    if op == "QLinearSoftmax":
        settings = {"axis": axis_of(net, x.numbers), "opset": net.choose([12, 13])}
    largest = _largest(x) if op == "QLinearLeakyRelu" else 1.0
    y = _result_of(quantiser, x.numbers.kind, largest)
    (result,) = net.node(f"{MICROSOFT}.{op}", *_parts(x), *y, **settings)
    return quantiser.add(result, *y)


@step("QLinearGlobalAveragePool", "QLinearReduceMean")
def mean(quantiser: Quantiser) -> object:
    net = quantiser.net
    if net.chance():
        x, op = quantiser.pick(INT8, UINT8, low=3), "QLinearGlobalAveragePool"
        settings: Settings = {"channels_last": net.integer(0, 1)}
    else:
        x, op = quantiser.pick(INT8, UINT8), "QLinearReduceMean"
        settings = {"axes": axes_of(net, x.numbers), "keepdims": net.integer(0, 1)}
    y = _result_of(quantiser, x.numbers.kind, _largest(x))
    (result,) = net.node(f"{MICROSOFT}.{op}", *_parts(x), *y, **settings)
    return quantiser.add(result, *y)


@step("QGemm")
def qgemm(quantiser: Quantiser) -> object:
    net = quantiser.net
    a = quantiser.pick(INT8, UINT8)
    (flat,) = net.node("Flatten", a.numbers)
    outputs, kind = net.integer(1, 4), net.choose([INT8, UINT8])
    each = (outputs,) if net.chance() else ()
    scale = np.asarray(net.random.uniform(0.003, 0.02, each), np.float32)
    zero = np.zeros(each, DTYPES[kind])
    trans = net.integer(0, 1)
    w = net.integers(kind, *((outputs, flat.shape[1]) if trans else (flat.shape[1], outputs)))
    c = net.random.integers(-999, 999, (1, outputs)).astype(np.int32) if net.chance() else None
    y = _result_of(quantiser, a.numbers.kind, _largest(a) * flat.shape[1])
    operands: list[Argument] = [flat, a.scale, a.zero, w, scale, zero, c, *y]
    settings: Settings = {"transB": trans, "alpha": net.choose([1.0, 0.75])}
    (result,) = net.node(f"{MICROSOFT}.QGemm", *operands, **settings)
    return quantiser.add(result, *y)


@step("Quant", "BipolarQuant")
def qonnx(quantiser: Quantiser) -> object:
    """Of one of the float tensors, or of a dequantised one."""
    net = quantiser.net
    x = net.pick() if net.chance() else quantiser.dequantize(quantiser.pick())
    channels = (x.shape[1], *(1,) * (x.rank - 2)) if x.rank > 1 and net.chance() else ()
    largest = max(float(np.abs(array).max()) for array in x.data) or 1.0
    scale = np.asarray(net.random.uniform(0.5, 1.5, channels), np.float32)
    if net.integer(0, 3) == 0:
        (y,) = net.node(f"{QONNX}.BipolarQuant", x, scale)
    else:
        bits = net.integer(2, 9)
        signed, narrow = net.integer(0, 1), net.integer(0, 1)
        if not signed:
            bits, narrow = net.choose([(8, 0), (4, 0), (3, 1)])
        scale *= np.float32(largest / 2 ** (bits - 1))
        shift = np.float32(net.choose([0, 0, 3]) if bits > 3 else 0)
        numbers = [scale, np.asarray(shift), np.array(bits, np.float32)]
        mode = net.choose(["ROUND", "ROUND", "CEIL", "FLOOR"])
        settings: Settings = {"signed": signed, "narrow": narrow, "rounding_mode": mode}
        (y,) = net.node(f"{QONNX}.Quant", x, *numbers, **settings)
    return quantiser.quantize(y)


@st.composite
def quantised_networks(draw: st.DrawFn, most: int = 5, last: str | None = None) -> Network:
    """A network of at most `most` steps on quantised tensors, the last one of the given name."""
    net = Net(
        draw,
        draw(st.sampled_from([opset for opset in OPSETS if opset >= 10])),
        batch=draw(st.integers(0, 3)) > 0,
        random=np.random.default_rng(draw(st.integers(0, 99))),
    )
    batch = 1 if net.batch else net.integer(1, 2)
    net.input(FLOAT, [batch, *net.sizes(net.choose([1, 2, 3, 3, 3]), 1, 6)])
    quantiser = Quantiser(net)
    try:
        quantiser.quantize(net.inputs[0])
    except Impossible:
        reject()
    chosen = [net.choose(sorted(STEPS)) for _ in range(net.integer(1, most))]
    if last is not None:
        chosen[-1] = last
    for name in chosen:
        try:
            STEPS[name](quantiser)
        except Impossible:
            if name == last:
                reject()
    made = [value for value in net.values if value not in net.inputs]
    if net.chance():
        made.append(quantiser.dequantize(quantiser.pick()))
    if not made:
        reject()
    outputs = [made[-1], *(net.choose(made) for _ in range(net.integer(0, 2)))]
    return network_of(net, [value for value in net.values if value in outputs])
