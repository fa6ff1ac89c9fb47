"""Quantised models: inputs, nodes, and constants by name."""

from __future__ import annotations

import numpy as np

_random = np.random.default_rng(5)


def ints(dtype: str, *shape: int) -> np.ndarray:
    limits = np.iinfo(dtype)
    return _random.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def floats(*shape: int) -> np.ndarray:
    return _random.uniform(0.001, 0.02, shape).astype(np.float32)


def numbers(dtype: str, *values: int) -> np.ndarray:
    return np.array(values[0] if len(values) == 1 else values, dtype)


SCALE = np.float32(0.0123)
Case = tuple[str, str, str, dict[str, np.ndarray]]

WHOLE: dict[str, Case] = {
    "DynamicQuantizeMatMul": (
        "float[1,5,6] x",
        "y = com.microsoft.DynamicQuantizeMatMul(x, w, sw, zw, c)",
        "float[] y",
        {
            "w": ints("int8", 6, 4),
            "sw": np.array(0.02, np.float32),
            "zw": numbers("int8", 3),
            "c": floats(4),
        },
    ),
    "DynamicQuantizeLinear": (
        "float[3,4] x",
        "y, s, z = DynamicQuantizeLinear(x) r = DequantizeLinear(y, s, z)",
        "uint8[] y, float[] s, uint8[] z, float[] r",
        {},
    ),
    "quantised dynamically": (
        "float[1,3,6,5] x",
        "q, s, z = DynamicQuantizeLinear(x) c = ConvInteger(q, w, z) f = Cast<to = 1>(c)"
        " t = Mul(s, sw) y = Mul(f, t)",
        "float[] y",
        {"w": ints("int8", 4, 3, 3, 3), "sw": np.array(0.01, np.float32)},
    ),
    "Conv of two dequantised samples": (
        "float[2,3,5,6] x",
        "q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z)"
        " v = DequantizeLinear<axis = 0>(w, sw) c = Conv<pads = [1, 0, 0, 1]>(d, v)"
        " r = QuantizeLinear(c, t, z) y = Transpose<perm = [1, 0, 3, 2]>(r)",
        "uint8[] y",
        {
            "w": ints("int8", 4, 3, 3, 2),
            "sw": floats(4),
            "s": np.array(0.03, np.float32),
            "t": np.array(0.25, np.float32),
            "z": numbers("uint8", 131),
        },
    ),
    "QLinearGlobalAveragePool of two samples": (
        "uint8[2,3,4,5] x",
        "y = com.microsoft.QLinearGlobalAveragePool(x, s, z, t, z)",
        "uint8[] y",
        {
            "s": np.array(0.03, np.float32),
            "t": np.array(0.02, np.float32),
            "z": numbers("uint8", 131),
        },
    ),
    "CastLike": (
        "uint8[1,3] x1, float[1,3] x2",
        "y = CastLike(x1, x2)",
        "float[] y",
        {},
    ),
}
"""Models without a batch dimension."""

CASES: dict[str, Case] = {
    "QuantizeLinear": (
        "float[1,3,4] x",
        "y = QuantizeLinear(x, s, z)",
        "uint8[] y",
        {"s": np.array(0.017, np.float32), "z": numbers("uint8", 120)},
    ),
    "QuantizeLinear int8": (
        "float[1,3,4] x",
        "y = QuantizeLinear(x, s, z)",
        "int8[] y",
        {"s": np.array(0.5, np.float32), "z": numbers("int8", -3)},
    ),
    "QuantizeLinear without zero point": (
        "float[1,3,4] x",
        "y = QuantizeLinear(x, s)",
        "uint8[] y",
        {"s": np.array(0.01, np.float32)},
    ),
    "QuantizeLinear axis": (
        "float[1,3,4] x",
        "y = QuantizeLinear<axis = 1>(x, s, z)",
        "int8[] y",
        {"s": floats(3), "z": numbers("int8", 1, -2, 0)},
    ),
    "DequantizeLinear": (
        "uint8[1,3,4] x",
        "y = DequantizeLinear(x, s, z)",
        "float[] y",
        {"s": np.array(0.3, np.float32), "z": numbers("uint8", 7)},
    ),
    "DequantizeLinear axis": (
        "int8[1,3,4] x",
        "y = DequantizeLinear<axis = -1>(x, s, z)",
        "float[] y",
        {"s": floats(4), "z": numbers("int8", 1, -2, 0, 5)},
    ),
    "DequantizeLinear int32": (
        "int32[1,3,4] x",
        "y = DequantizeLinear(x, s)",
        "float[] y",
        {"s": np.array(0.3, np.float32)},
    ),
    "Q, DQ": (
        "float[1,3,4] x",
        "q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z)",
        "float[] y",
        {"s": np.array(0.017, np.float32), "z": numbers("uint8", 120)},
    ),
    "ConvInteger": (
        "uint8[1,3,6,5] x",
        "y = ConvInteger<pads = [1, 1, 1, 1], strides = [2, 1]>(x, w, zx, zw)",
        "int32[] y",
        {"w": ints("uint8", 4, 3, 3, 3), "zx": numbers("uint8", 9), "zw": numbers("uint8", 130)},
    ),
    "ConvInteger without zero points": (
        "uint8[1,2,6,5] x",
        "y = ConvInteger<dilations = [2, 1]>(x, w)",
        "int32[] y",
        {"w": ints("int8", 4, 2, 3, 2)},
    ),
    "ConvInteger depthwise": (
        "uint8[1,4,6,5] x",
        'y = ConvInteger<group = 4, auto_pad = "SAME_UPPER">(x, w, zx)',
        "int32[] y",
        {"w": ints("int8", 4, 1, 3, 3), "zx": numbers("uint8", 99)},
    ),
    "MatMulInteger": (
        "uint8[1,5,6] x",
        "y = MatMulInteger(x, w, zx, zw)",
        "int32[] y",
        {"w": ints("uint8", 6, 4), "zx": numbers("uint8", 77), "zw": numbers("uint8", 3)},
    ),
    "MatMulInteger of two": (
        "uint8[1,5,6] x1, int8[1,6,4] x2",
        "y = MatMulInteger(x1, x2, zx)",
        "int32[] y",
        {"zx": numbers("uint8", 77)},
    ),
    "QLinearConv": (
        "uint8[1,3,6,5] x",
        "y = QLinearConv<pads = [1, 0, 1, 2]>(x, sx, zx, w, sw, zw, sy, zy, b)",
        "uint8[] y",
        {
            "sx": np.array(0.02, np.float32),
            "zx": numbers("uint8", 131),
            "w": ints("int8", 4, 3, 3, 3),
            "sw": floats(4),
            "zw": numbers("int8", 0, 0, 0, 0),
            "sy": np.array(0.11, np.float32),
            "zy": numbers("uint8", 100),
            "b": _random.integers(-5000, 5000, 4).astype(np.int32),
        },
    ),
    "QLinearConv int8 grouped": (
        "int8[1,4,6,5] x",
        "y = QLinearConv<group = 2, strides = [1, 2]>(x, sx, zx, w, sw, zw, sy, zy)",
        "int8[] y",
        {
            "sx": np.array(0.02, np.float32),
            "zx": numbers("int8", -31),
            "w": ints("int8", 4, 2, 3, 3),
            "sw": np.array(0.004, np.float32),
            "zw": numbers("int8", 0),
            "sy": np.array(0.05, np.float32),
            "zy": numbers("int8", 10),
        },
    ),
    "QLinearMatMul": (
        "uint8[1,5,6] x",
        "y = QLinearMatMul(x, sx, zx, w, sw, zw, sy, zy)",
        "uint8[] y",
        {
            "sx": np.array(0.02, np.float32),
            "zx": numbers("uint8", 131),
            "w": ints("uint8", 6, 4),
            "sw": np.array(0.013, np.float32),
            "zw": numbers("uint8", 117),
            "sy": np.array(0.11, np.float32),
            "zy": numbers("uint8", 100),
        },
    ),
    "a quantised network": (
        "float[1,3,8,8] x",
        "q = QuantizeLinear(x, sx, zx)"
        " a = QLinearConv<pads = [1, 1, 1, 1]>(q, sx, zx, w, sw, zw, sy, zy, b)"
        " p = MaxPool<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>(a)"
        " t = Transpose<perm = [0, 2, 3, 1]>(p)"
        " y = DequantizeLinear(t, sy, zy)",
        "float[] y",
        {
            "sx": np.array(0.02, np.float32),
            "zx": numbers("uint8", 131),
            "w": ints("int8", 4, 3, 3, 3),
            "sw": floats(4),
            "zw": numbers("int8", 0, 0, 0, 0),
            "sy": np.array(0.11, np.float32),
            "zy": numbers("uint8", 100),
            "b": _random.integers(-5000, 5000, 4).astype(np.int32),
        },
    ),
    "integers, scaled": (
        "uint8[1,3,6,5] x",
        "c = ConvInteger(x, w, zx) f = Cast<to = 1>(c) y = Mul(f, s)",
        "float[] y",
        {
            "w": ints("int8", 4, 3, 3, 3),
            "zx": numbers("uint8", 9),
            "s": np.array([SCALE], np.float32),
        },
    ),
}

_QUANTISED_CONV = {
    "s": np.array(0.02, np.float32),
    "z": numbers("uint8", 131),
    "w": ints("int8", 4, 3, 3, 3),
    "sw": floats(4),
    "zw": numbers("int8", 0, 0, 0, 0),
    "sy": np.array(0.11, np.float32),
    "zy": numbers("uint8", 100),
    "b": _random.integers(-5000, 5000, 4).astype(np.int32),
}
_QUANTISED_CONV["sb"] = _QUANTISED_CONV["s"] * _QUANTISED_CONV["sw"]

QDQ: dict[str, Case] = {
    "QDQ Conv": (
        "float[1,3,6,5] x",
        "q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z)"
        " dw = DequantizeLinear<axis = 0>(w, sw, zw) db = DequantizeLinear<axis = 0>(b, sb)"
        " c = Conv<pads = [1, 0, 1, 2], strides = [2, 1]>(d, dw, db) r = Relu(c)"
        " t = QuantizeLinear(r, sy, zy) y = DequantizeLinear(t, sy, zy)",
        "float[] y",
        _QUANTISED_CONV,
    ),
    "QDQ Conv with a float bias": (
        "uint8[1,3,6,5] x",
        "d = DequantizeLinear(x, s, z) dw = DequantizeLinear<axis = 0>(w, sw, zw)"
        " c = Conv(d, dw, fb) y = QuantizeLinear(c, sy, zy)",
        "uint8[] y",
        {**_QUANTISED_CONV, "fb": floats(4)},
    ),
    "QDQ Conv grouped, padded before": (
        "int8[1,4,6,5] x",
        'd = DequantizeLinear(x, s, zx) p = Pad<mode = "constant">(d, pads)'
        ' dw = DequantizeLinear(w, s, zw) c = Conv<group = 2, auto_pad = "SAME_LOWER">(p, dw)'
        " y = QuantizeLinear(c, sy, zx)",
        "int8[] y",
        {
            **_QUANTISED_CONV,
            "zx": numbers("int8", 9),
            "w": ints("uint8", 4, 2, 3, 3),
            "zw": numbers("uint8", 120),
            "pads": np.array([0, 0, 1, 0, 0, 0, 0, 2], np.int64),
        },
    ),
    "QDQ MatMul": (
        "uint8[1,5,6] x",
        "d = DequantizeLinear(x, s, z) dw = DequantizeLinear<axis = 1>(w, sw, zw)"
        " m = MatMul(d, dw) y = QuantizeLinear(m, sy, zy)",
        "uint8[] y",
        {**_QUANTISED_CONV, "w": ints("int8", 6, 4)},
    ),
    "QDQ MatMul of transposed weights": (
        "uint8[1,5,6] x",
        "d = DequantizeLinear(x, s, z) dw = DequantizeLinear<axis = 0>(w, sw, zw)"
        " t = Transpose(dw) m = MatMul(d, t) y = QuantizeLinear(m, sy, zy)",
        "uint8[] y",
        {**_QUANTISED_CONV, "w": ints("int8", 4, 6)},
    ),
    "QDQ Gemm": (
        "uint8[1,2,3] x",
        "d = DequantizeLinear(x, s, z) f = Flatten(d) dw = DequantizeLinear<axis = 0>(w, sw, zw)"
        " db = DequantizeLinear<axis = 0>(b, sb)"
        " m = Gemm<transB = 1>(f, dw, db) y = QuantizeLinear(m, sy, zy)",
        "uint8[] y",
        {**_QUANTISED_CONV, "w": ints("int8", 4, 6)},
    ),
    "QDQ MatMul of two without zero points": (
        "int8[1,2,5,6] x1, int8[1,2,6,4] x2",
        "d = DequantizeLinear(x1, s) e = DequantizeLinear(x2, sy) m = MatMul(d, e)"
        " y = QuantizeLinear(m, sy, zc)",
        "int8[] y",
        {**{n: _QUANTISED_CONV[n] for n in ("s", "sy")}, "zc": numbers("int8", 0)},
    ),
    "QDQ Add": (
        "uint8[1,3,4] x1, uint8[1,3,4] x2",
        "d = DequantizeLinear(x1, s, z) e = DequantizeLinear(x2, sy, zy) a = Add(d, e)"
        " y = QuantizeLinear(a, sy, z)",
        "uint8[] y",
        {name: _QUANTISED_CONV[name] for name in ("s", "z", "sy", "zy")},
    ),
    "QDQ MaxPool": (
        "uint8[1,3,4] x",
        "d = DequantizeLinear(x, s, z) m = MaxPool<kernel_shape = [3], pads = [1, 1]>(d)"
        " y = QuantizeLinear(m, s, z)",
        "uint8[] y",
        {name: _QUANTISED_CONV[name] for name in ("s", "z")},
    ),
}
"""Networks that quantise and dequantise: exact if the sums of products are."""

FLOATS: dict[str, Case] = {
    "QDQ MatMul of two": (
        "int8[1,5,6] x1, uint8[1,6,4] x2",
        "d = DequantizeLinear(x1, s) e = DequantizeLinear(x2, sy, zy) y = MatMul(d, e)",
        "float[] y",
        {name: _QUANTISED_CONV[name] for name in ("s", "sy", "zy")},
    ),
    "QDQ MatMul of 16 bits, sums of more than 32 bits": (
        "float[1,2,600] x",
        "q = com.microsoft.QuantizeLinear(x, s, z) d = com.microsoft.DequantizeLinear(q, s, z)"
        " dw = DequantizeLinear(w, s) y = MatMul(d, dw)",
        "float[] y",
        {"s": np.array(1e-4, np.float32), "z": numbers("int16", -900), "w": ints("int8", 600, 3)},
    ),
    "QDQ AveragePool": (
        "uint8[1,3,6,5] x",
        "d = DequantizeLinear(x, s, z) y = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(d)",
        "float[] y",
        {name: _QUANTISED_CONV[name] for name in ("s", "z")},
    ),
    "DequantizeLinear per channel, Conv": (
        "uint8[1,3,6,5] x",
        "d = DequantizeLinear<axis = 1>(x, sc, zc) y = Conv<pads = [1, 1, 1, 1]>(d, w)",
        "float[] y",
        {
            "sc": floats(3),
            "zc": numbers("uint8", 3, 200, 128),
            "w": floats(4, 3, 3, 3),
        },
    ),
    "blocks": (
        "float[1,3,6] x",
        "q = QuantizeLinear<axis = 2, block_size = 4>(x, s, z)"
        " y = DequantizeLinear<axis = 2, block_size = 4>(q, s, z)",
        "float[] y",
        {"s": floats(1, 3, 2), "z": ints("int8", 1, 3, 2)},
    ),
    "float16": (
        "float16[1,3,4] x",
        "q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z)",
        "float16[] y",
        {"s": np.array(0.017, np.float16), "z": numbers("uint8", 120)},
    ),
}
"""Networks that quantise, and compute with floats."""

ALL = {**CASES, **WHOLE}
