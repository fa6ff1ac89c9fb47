"""Operators of com.microsoft: inputs, nodes, outputs, and constants by name."""

from __future__ import annotations

import numpy as np
from frontends.quantized_cases import Case, floats, ints, numbers


def _scale(value: float) -> np.ndarray:
    return np.array(value, np.float32)


_PAIR = {
    "sa": _scale(0.02),
    "za": numbers("uint8", 131),
    "sb": _scale(0.013),
    "zb": numbers("uint8", 99),
    "sy": _scale(0.027),
    "zy": numbers("uint8", 120),
}
_ONE = {name: _PAIR[name] for name in ("sa", "za", "sy", "zy")}
_GEMM = {
    **_ONE,
    "w": ints("int8", 4, 6),
    "sw": floats(4),
    "zw": numbers("int8", 0, 0, 0, 0),
    "b": np.array([-900, 12, 0, 3000], np.int32),
}

QUANTISED: dict[str, Case] = {
    "QLinearAdd": (
        "uint8[1,3,4] x1, uint8[1,3,4] x2",
        "y = com.microsoft.QLinearAdd(x1, sa, za, x2, sb, zb, sy, zy)",
        "uint8[] y",
        _PAIR,
    ),
    "QLinearAdd of a constant": (
        "int8[1,3,4] x",
        "y = com.microsoft.QLinearAdd(x, sa, , c, sb, , sy)",
        "int8[] y",
        {"sa": _scale(0.02), "sb": _scale(0.1), "c": ints("int8", 4), "sy": _scale(0.09)},
    ),
    "QLinearMul": (
        "uint8[1,3,4] x1, uint8[1,1,4] x2",
        "y = com.microsoft.QLinearMul(x1, sa, za, x2, sb, zb, sy, zy)",
        "uint8[] y",
        _PAIR,
    ),
    "QLinearMul of a constant": (
        "int8[1,3,4] x",
        "y = com.microsoft.QLinearMul(x, sa, z, c, sb, zc, sy, z)",
        "int8[] y",
        {**_PAIR, "z": numbers("int8", -3), "c": ints("int8", 1, 3, 1), "zc": numbers("int8", 9)},
    ),
    "QLinearConcat": (
        "uint8[1,3,4] x1, uint8[1,2,4] x2",
        "y = com.microsoft.QLinearConcat<axis = 1>(sy, zy, x1, sa, za, x2, sy, zy, c, sb, zb)",
        "uint8[] y",
        {**_PAIR, "c": ints("uint8", 1, 1, 4)},
    ),
    "QLinearSigmoid": (
        "int8[1,3,4] x",
        "y = com.microsoft.QLinearSigmoid(x, sa, z, sy, z)",
        "int8[] y",
        {"sa": _scale(0.05), "sy": _scale(1 / 250), "z": numbers("int8", -128)},
    ),
    "QLinearLeakyRelu": (
        "uint8[1,3,4] x",
        "y = com.microsoft.QLinearLeakyRelu<alpha = 0.1>(x, sa, za, sy, zy)",
        "uint8[] y",
        _ONE,
    ),
    "QLinearSoftmax": (
        "uint8[1,3,4] x",
        "y = com.microsoft.QLinearSoftmax<axis = 2, opset = 13>(x, sa, za, s, z)",
        "uint8[] y",
        {**_ONE, "s": _scale(1 / 256), "z": numbers("uint8", 0)},
    ),
    "QLinearSoftmax before opset 13": (
        "uint8[1,3,4] x",
        "y = com.microsoft.QLinearSoftmax<axis = 1, opset = 12>(x, sa, za, s, z)",
        "uint8[] y",
        {**_ONE, "s": _scale(1 / 256), "z": numbers("uint8", 0)},
    ),
    "QLinearGlobalAveragePool": (
        "uint8[1,3,4,5] x",
        "y = com.microsoft.QLinearGlobalAveragePool(x, sa, za, sb, zy)",
        "uint8[] y",
        {**_PAIR, "sb": _scale(0.004)},
    ),
    "QLinearGlobalAveragePool channels_last": (
        "uint8[1,4,5,3] x",
        "y = com.microsoft.QLinearGlobalAveragePool<channels_last = 1>(x, sa, za, sb, zy)",
        "uint8[] y",
        {**_PAIR, "sb": _scale(0.004)},
    ),
    "QLinearAveragePool": (
        "uint8[1,3,6,5] x",
        "y = com.microsoft.QLinearAveragePool<kernel_shape = [3, 2], strides = [2, 1],"
        " pads = [1, 0, 1, 1]>(x, sa, za, sb, zy)",
        "uint8[] y",
        _PAIR,
    ),
    "QLinearAveragePool of the padding, too": (
        "int8[1,3,6,5] x",
        "y = com.microsoft.QLinearAveragePool<kernel_shape = [3, 2], strides = [2, 2],"
        " pads = [1, 0, 1, 1], count_include_pad = 1>(x, sa, z, sb, z)",
        "int8[] y",
        {**_PAIR, "z": numbers("int8", -9)},
    ),
    "QLinearAveragePool channels_last": (
        "uint8[1,6,5,3] x",
        "y = com.microsoft.QLinearAveragePool<kernel_shape = [2, 2], channels_last = 1>"
        "(x, sa, za, sb, zy)",
        "uint8[] y",
        _PAIR,
    ),
    "QLinearConv channels_last": (
        "uint8[1,6,5,3] x",
        "y = com.microsoft.QLinearConv<channels_last = 1, strides = [2, 1], pads = [1, 1, 1, 1]>"
        "(x, sa, za, w, sw, zw, sy, zy, b)",
        "uint8[] y",
        {
            **_PAIR,
            "w": ints("int8", 4, 3, 3, 3),
            "sw": floats(4),
            "zw": numbers("int8", 0, 0, 0, 0),
            "b": np.array([-900, 12, 0, 3000], np.int32),
        },
    ),
    "QLinearWhere": (
        "bool[1,3,1] x0, uint8[1,3,4] x1, uint8[1,1,4] x2",
        "y = com.microsoft.QLinearWhere(x0, x1, sa, za, x2, sb, zb, sy, zy)",
        "uint8[] y",
        _PAIR,
    ),
    "QLinearWhere of a constant": (
        "bool[1,3,4] x0, uint8[1,3,4] x1",
        "y = com.microsoft.QLinearWhere(x0, x1, sa, za, c, sb, zb, sy, zy)",
        "uint8[] y",
        {**_PAIR, "c": ints("uint8", 1, 3, 1)},
    ),
    "MatMulIntegerToFloat": (
        "uint8[1,5,6] x",
        "y = com.microsoft.MatMulIntegerToFloat(x, w, sa, sw, za, zw, c)",
        "float[] y",
        {
            **_PAIR,
            "w": ints("int8", 6, 4),
            "sw": floats(4),
            "zw": numbers("int8", 1, -2, 0, 5),
            "c": floats(4),
        },
    ),
    "MatMulIntegerToFloat of two activations": (
        "uint8[1,5,6] x1, uint8[1,6,4] x2",
        "y = com.microsoft.MatMulIntegerToFloat(x1, x2, sa, sb, za, zb)",
        "float[] y",
        _PAIR,
    ),
    "MatMulInteger16": (
        "int16[1,5,6] x",
        "y = com.microsoft.MatMulInteger16(x, w)",
        "int32[] y",
        {"w": ints("int16", 6, 4)},
    ),
    "QLinearReduceMean": (
        "int8[1,3,4,5] x",
        "y = com.microsoft.QLinearReduceMean<axes = [2, 3], keepdims = 0>(x, sa, z, sb, z)",
        "int8[] y",
        {**_PAIR, "z": numbers("int8", 5), "sb": _scale(0.004)},
    ),
    "QGemm": (
        "uint8[1,6] x",
        "y = com.microsoft.QGemm<transB = 1, alpha = 0.5>(x, sa, za, w, sw, zw, b, sy, zy)",
        "uint8[] y",
        {**_GEMM, "sy": _scale(0.5)},
    ),
    "QGemm of floats": (
        "uint8[1,6] x",
        "y = com.microsoft.QGemm<transB = 1>(x, sa, za, w, sw, zw)",
        "float[] y",
        _GEMM,
    ),
    "QuantizeLinear of com.microsoft": (
        "float[1,3,4] x",
        "q = com.microsoft.QuantizeLinear(x, s, z) y = com.microsoft.DequantizeLinear(q, s, z)",
        "float[] y",
        {"s": _scale(0.0003), "z": numbers("int16", -1200)},
    ),
}

_HEADS = {
    "w": floats(8, 24) * 30,
    "b": floats(24) * 10,
}

FUSED: dict[str, Case] = {
    "FusedConv": (
        "float[1,3,6,5] x, float[1,4,6,5] x2",
        'y = com.microsoft.FusedConv<pads = [1, 1, 1, 1], activation = "LeakyRelu",'
        " activation_params = [0.3]>(x, w, b, x2)",
        "float[] y",
        {"w": floats(4, 3, 3, 3) * 50, "b": floats(4)},
    ),
    "FusedConv Clip": (
        "float[1,3,6,5] x",
        'y = com.microsoft.FusedConv<activation = "Clip", activation_params = [0.0, 0.5]>(x, w)',
        "float[] y",
        {"w": floats(4, 3, 3, 3) * 50},
    ),
    "FusedMatMul": (
        "float[1,5,6] x1, float[1,4,6] x2",
        "y = com.microsoft.FusedMatMul<transB = 1, alpha = 0.25>(x1, x2)",
        "float[] y",
        {},
    ),
    "FusedMatMul of a constant": (
        "float[1,6,5] x",
        "y = com.microsoft.FusedMatMul<transA = 1, transB = 1, alpha = 2.0>(x, w)",
        "float[] y",
        {"w": floats(4, 6) * 50},
    ),
    "SkipLayerNormalization": (
        "float[1,5,8] x1, float[1,5,8] x2",
        "y, , , s = com.microsoft.SkipLayerNormalization<epsilon = 0.001>(x1, x2, g, b, c)"
        " z = Add(y, s)",
        "float[] z",
        {"g": floats(8) * 50, "b": floats(8), "c": floats(8) * 20},
    ),
    "Gelu": ("float[1,5,8] x", "y = com.microsoft.Gelu(x)", "float[] y", {}),
    "BiasGelu": (
        "float[1,5,8] x",
        "y = com.microsoft.BiasGelu(x, b)",
        "float[] y",
        {"b": floats(8) * 20},
    ),
    "FastGelu": (
        "float[1,5,8] x",
        "y = com.microsoft.FastGelu(x, b)",
        "float[] y",
        {"b": floats(8) * 20},
    ),
    "QuickGelu": (
        "float[1,5,8] x",
        "y = com.microsoft.QuickGelu<alpha = 1.5>(x)",
        "float[] y",
        {},
    ),
    "Attention": (
        "float[1,5,8] x",
        "y = com.microsoft.Attention<num_heads = 2>(x, w, b)",
        "float[] y",
        _HEADS,
    ),
    "Attention of the past": (
        "float[1,5,8] x",
        "y = com.microsoft.Attention<num_heads = 2, unidirectional = 1, scale = 0.7>(x, w, b)",
        "float[] y",
        _HEADS,
    ),
    "MatMulNBits": (
        "float[1,5,40] x",
        "y = com.microsoft.MatMulNBits<K = 40, N = 6, bits = 4, block_size = 16>(x, w, s)",
        "float[] y",
        {"w": ints("uint8", 6, 3, 8), "s": floats(18)},
    ),
    "MatMulNBits with zero points": (
        "float[1,5,40] x",
        "y = com.microsoft.MatMulNBits<K = 40, N = 6, bits = 4, block_size = 16>(x, w, s, z, , b)",
        "float[] y",
        {"w": ints("uint8", 6, 3, 8), "s": floats(18), "z": ints("uint8", 12), "b": floats(6)},
    ),
    "MatMulNBits of bytes": (
        "float[1,32] x",
        "y = com.microsoft.MatMulNBits<K = 32, N = 6, bits = 8, block_size = 32>(x, w, s)",
        "float[] y",
        {"w": ints("uint8", 6, 1, 32), "s": floats(6)},
    ),
}
