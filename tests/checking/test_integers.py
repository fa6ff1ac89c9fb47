"""Exact integers: against sums written out, values by hand, ONNX's own test data, and onnxruntime where it is right."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.loader import load_model_tests

from cmir.checking import difference, evaluator_of, onnxruntime_evaluator
from cmir.checking.integers import convolution
from cmir.checking.interpreter import Interpreter
from cmir.checking.scales import dequantize, dynamic_quantize, quantize
from cmir.testing.onnx_conformance import case_data, case_model

BYTES = (np.uint8, np.int8)


def model_of(
    op: str, inputs: list[np.ndarray | None], domain: str = "", **attributes: Any
) -> onnx.ModelProto:
    """A model of one node, whose inputs are constants but for the arrays that are its first input."""
    names = [f"i{n}" if x is not None else "" for n, x in enumerate(inputs)]
    given = {name: x for name, x in zip(names, inputs) if x is not None}
    node = helper.make_node(op, names, ["y"], domain=domain, **attributes)
    first, *others = given.items()
    kind = helper.np_dtype_to_tensor_dtype(first[1].dtype)
    graph = helper.make_graph(
        [node],
        "main",
        [helper.make_tensor_value_info(first[0], kind, first[1].shape)],
        [onnx.ValueInfoProto(name="y")],
        [numpy_helper.from_array(x, name) for name, x in others],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def both(op: str, inputs: list[np.ndarray | None], **settings: Any) -> list[np.ndarray]:
    """What exact arithmetic and onnxruntime make of a node."""
    model = model_of(op, inputs, **settings)
    first = next(x for x in inputs if x is not None)
    exact = evaluator_of(model)
    assert exact.exact
    return [exact(first)[0], onnxruntime_evaluator(model)(first)[0]]


def assert_equal_to_onnxruntime(op: str, inputs: list[np.ndarray | None], **settings: Any) -> None:
    exact, other = both(op, inputs, **settings)
    assert exact.dtype == other.dtype
    np.testing.assert_array_equal(exact, other)


def ints(random: np.random.Generator, dtype: Any, *shape: int) -> np.ndarray:
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def scale(random: np.random.Generator, *shape: int) -> np.ndarray:
    return np.asarray(random.uniform(0.005, 0.05, shape), np.float32)


# Sums written out


@given(st.data())
@settings(max_examples=60)
def test_convolutions(data: st.DataObject) -> None:
    """Each element, by Python's numbers and its own loops."""
    draw = data.draw
    rank, group = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    sizes = [draw(st.integers(1, 5)) for _ in range(rank)]
    kernel = [draw(st.integers(1, 3)) for _ in range(rank)]
    strides = [draw(st.integers(1, 2)) for _ in range(rank)]
    dilations = [draw(st.integers(1, 2)) for _ in range(rank)]
    before, after = ([draw(st.integers(0, 2)) for _ in range(rank)] for _ in range(2))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    x = random.integers(-(2**40), 2**40, (2, group * 2, *sizes))
    w = random.integers(-300, 300, (group * 3, 2, *kernel))
    shape = [
        (n + b + a - d * (k - 1) - 1) // s + 1
        for n, b, a, d, k, s in zip(sizes, before, after, dilations, kernel, strides)
    ]
    window: Any = {"strides": strides, "dilations": dilations, "pads": [*before, *after]}
    if min(shape) < 1:
        with pytest.raises(ValueError, match="the kernel is larger than its input"):
            convolution(x, w, group=group, **window)
        return
    result = convolution(x, w, group=group, **window)
    assert result.shape == (2, group * 3, *shape)
    for n, m, *place in itertools.product(*map(range, result.shape)):
        total = 0
        for c, *offset in itertools.product(range(2), *map(range, kernel)):
            source = [
                p * s + o * d - b
                for p, s, o, d, b in zip(place, strides, offset, dilations, before)
            ]
            if all(0 <= i < size for i, size in zip(source, sizes)):
                total += int(x[n, m // 3 * 2 + c, *source]) * int(w[m, c, *offset])
        assert result[n, m, *place] == total


@pytest.mark.parametrize(("auto_pad", "pads"), [("SAME_UPPER", [0, 1]), ("SAME_LOWER", [1, 0])])
def test_automatic_padding(auto_pad: str, pads: list[int]) -> None:
    """Of an odd amount, the further element is at the end, or in front."""
    x, w = np.arange(6).reshape(1, 1, 6), np.arange(1, 4).reshape(1, 1, 3)
    found = convolution(x, w, strides=[2], auto_pad=auto_pad)
    np.testing.assert_array_equal(found, convolution(x, w, strides=[2], pads=pads))


@pytest.mark.parametrize(("left", "right"), [*itertools.product(BYTES, BYTES)])
def test_products(left: Any, right: Any) -> None:
    """With a zero point for each row and each column. The largest numbers do not saturate."""
    random = np.random.default_rng(0)
    a, b = ints(random, left, 2, 4, 300), ints(random, right, 300, 5)
    a[0, 0], b[:, 0] = np.iinfo(left).max, np.iinfo(right).max
    rows, columns = ints(random, left, 4), ints(random, right, 5)
    model = model_of("MatMulInteger", [a, b, rows, columns])
    (result,) = evaluator_of(model)(a)
    wide = a.astype(object) - rows.astype(object)[:, None], b.astype(object) - columns
    assert result.dtype == np.int32
    np.testing.assert_array_equal(result, wide[0] @ wide[1])


def test_products_of_vectors() -> None:
    x, w = np.array([200, 3], np.uint8), np.array([-100, 100], np.int8)
    (result,) = evaluator_of(model_of("MatMulInteger", [x, w]))(x)
    assert (result.shape, result.item()) == ((), -19700)


def test_sums_wrap_in_32_bits() -> None:
    x, w = np.full((1, 40000), 255, np.uint8), np.full((40000, 1), 255, np.uint8)
    (result,) = evaluator_of(model_of("MatMulInteger", [x, w]))(x)
    assert result.item() == 40000 * 255**2 - 2**32


# Scales


def test_quantizing_rounds_to_even_and_saturates() -> None:
    x = np.array(
        [0.5, 1.5, 2.5, -0.5, -1.5, 1e30, -1e30, np.inf, -np.inf, np.nan, 126.6], np.float32
    )
    one, zero = np.ones((), np.float32), np.array(1, np.int8)
    expected = [1, 3, 3, 1, -1, 127, -128, 127, -128, 1, 127]
    assert quantize(x, one, zero).tolist() == expected  # rounded before the zero point is added
    assert quantize(x[:5], one).tolist() == [0, 2, 2, 0, 0]  # to uint8
    wide = quantize(x[-1:], np.array(0.001, np.float32), np.array(0, np.int16))
    assert wide.dtype == np.int16 and wide.tolist() == [32767]
    four = quantize(np.array([-9, 3.5, 9], np.float32), one, output_dtype=TensorProto.INT4)
    assert four.astype(int).tolist() == [-8, 4, 7]


def test_scales_along_an_axis_and_by_blocks() -> None:
    x = np.full((2, 5), 12, np.float32)
    rows = quantize(x, np.array([1, 4], np.float32), np.array([5, 0], np.uint8), axis=0)
    assert rows.tolist() == [[17] * 5, [3] * 5]
    scales, zeros = np.array([[1, 2, 3], [4, 6, 12]], np.float32), np.zeros((2, 3), np.int8)
    blocks = quantize(x, scales, zeros, axis=-1, block_size=2)
    assert blocks.tolist() == [[12, 12, 6, 6, 4], [3, 3, 2, 2, 1]]
    back = dequantize(blocks, scales, zeros, axis=1, block_size=2)
    np.testing.assert_array_equal(back, x)


def test_types_of_scales() -> None:
    """Division in the type of the scale, or in another on demand; results of the scale's type, or of another."""
    x, step = np.array([2049.0], np.float32), np.array(4, np.float16)
    assert quantize(x, step, np.array(0, np.int16)).tolist() == [512]  # 2048 / 4
    assert quantize(np.array([2050.0], np.float32), step, np.array(0, np.int16)).tolist() == [512]
    precise = quantize(x + 1.01, step, np.array(0, np.int16), precision=TensorProto.FLOAT)
    assert precise.tolist() == [513]  # 2050.01 / 4
    big = np.array([2**24 + 1, -(2**31)], np.int32)
    assert dequantize(big, np.ones((), np.float32)).tolist() == [2**24, -(2**31)]
    half = dequantize(np.array([100], np.int8), np.array(0.1, np.float16), np.array(-100, np.int8))
    assert half.dtype == np.float16 and half.item() == np.float16(200 * np.float32(np.float16(0.1)))
    single = dequantize(half.view(np.int16), step, output_dtype=TensorProto.FLOAT)
    assert single.dtype == np.float32


@pytest.mark.parametrize(
    ("x", "scale", "zero"),
    [([0, 0], 1, 0), ([-1, 0], 1 / 255, 255), ([1, 3], 3 / 255, 0), ([-3, 1], 4 / 255, 191)],
)
def test_dynamic_scales(x: list[float], scale: float, zero: int) -> None:
    """The range includes zero, and a range of zero has scale 1."""
    numbers, found, point = dynamic_quantize(np.array(x, np.float32))
    assert (found, point.item()) == (np.float32(scale), zero)
    assert numbers.dtype == point.dtype == np.uint8
    assert numbers.tolist() == [round(v / found.item()) + zero for v in x]


# ONNX's data


def test_onnx_test_data() -> None:
    """All cases of operators that are evaluated here, except for numbers that are not integers."""
    operators = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
    operators += ("ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul")
    ran = set[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of its data come of divisions by zero
        cases = load_model_tests(kind="node")
    for case in cases:
        model = case_model(case)
        (op,) = {node.op_type for node in model.graph.node} if len(model.graph.node) == 1 else {""}
        names = [info.name for info in model.graph.input]
        if op not in operators or any(
            f"_{kind}" in case.name for kind in ("e4m3", "e5m2", "float4")
        ):
            continue
        for arrays, expected in case_data(case, model):
            results = Interpreter(model)(dict(zip(names, arrays)))
            for result, wanted in zip(results, expected, strict=True):
                assert result.dtype == wanted.dtype, case.name
                assert difference(result, wanted) is None, case.name
        ran.add(op)
    assert ran == set(operators)


# onnxruntime, whose products of unsigned numbers are right on all processors


@pytest.mark.parametrize("seed", range(8))
def test_products_equal_onnxruntime(seed: int) -> None:
    random = np.random.default_rng(seed)
    x, w = ints(random, np.uint8, 2, 3, 8), ints(random, np.uint8, 8, 5)
    zeros = ints(random, np.uint8, 1), ints(random, np.uint8, 5)
    assert_equal_to_onnxruntime("MatMulInteger", [x, w, *zeros])
    y = [scale(random) * 100, ints(random, np.uint8).reshape(())]
    one = [x, scale(random), zeros[0].reshape(()), w, scale(random), zeros[1][0], *y]
    assert_equal_to_onnxruntime("QLinearMatMul", [*map(np.asarray, one)])
    image, filters = ints(random, np.uint8, 1, 4, 7, 6), ints(random, np.uint8, 6, 2, 3, 2)
    window = {"group": 2, "strides": [2, 1], "dilations": [1, 2], "pads": [1, 0, 2, 1]}
    numbers = [image, filters, zeros[0].reshape(()), zeros[1][0]]
    assert_equal_to_onnxruntime("ConvInteger", [*map(np.asarray, numbers)], **window)
    bias = random.integers(-9999, 9999, 6).astype(np.int32)
    numbers = [image, scale(random), zeros[0].reshape(()), filters, scale(random), zeros[1][0], *y]
    assert_equal_to_onnxruntime("QLinearConv", [*map(np.asarray, numbers), bias], **window)


def unary(op: str, **settings: Any) -> tuple[str, int, dict[str, Any]]:
    return op, 1, settings


MICROSOFT = {
    "add": ("QLinearAdd", 2, {}),
    "product": ("QLinearMul", 2, {}),
    "sigmoid": unary("QLinearSigmoid"),
    "leaky": unary("QLinearLeakyRelu", alpha=0.1),
    "softmax": unary("QLinearSoftmax", axis=1, opset=13),
    "softmax of all dimensions": unary("QLinearSoftmax", axis=2, opset=12),
    "global pool": unary("QLinearGlobalAveragePool"),
    "global pool, channels last": unary("QLinearGlobalAveragePool", channels_last=1),
    "pool": unary("QLinearAveragePool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1]),
    "pool with padding": unary(
        "QLinearAveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1
    ),
    "pool rounded up": unary(
        "QLinearAveragePool", kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1
    ),
}


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize("name", MICROSOFT)
def test_operators_of_microsoft(name: str, kind: Any) -> None:
    """onnxruntime's kernels of these are less exact than their documentation: they may be one step off."""
    op, count, settings = MICROSOFT[name]
    random = np.random.default_rng(2)
    inputs: list[np.ndarray | None] = []
    for _ in range(count):
        inputs += [ints(random, kind, 2, 3, 5, 4), scale(random), ints(random, kind).reshape(())]
    step = np.float32(1 / 256) if "oft" in name or "sig" in name else scale(random) * 2
    inputs += [np.asarray(step), np.array(3, kind)]
    exact, other = both(op, inputs, domain="com.microsoft", **settings)
    assert (exact.dtype, exact.shape) == (other.dtype, other.shape)
    off = np.abs(exact.astype(int) - other.astype(int))
    assert off.max() <= 1 and np.count_nonzero(off) <= 0.05 * off.size


@pytest.mark.parametrize("seed", range(4))
def test_products_of_microsoft(seed: int) -> None:
    random = np.random.default_rng(seed)
    a, b = ints(random, np.uint8, 4, 6), ints(random, np.uint8, 5, 6)
    zeros = ints(random, np.uint8).reshape(()), ints(random, np.uint8).reshape(())
    c = random.integers(-9999, 9999, (1, 5)).astype(np.int32)
    left, right = scale(random), scale(random)
    numbers: list[np.ndarray | None] = [a, left, zeros[0], b, right, zeros[1], c]
    micro = {"domain": "com.microsoft"}
    y = [scale(random) * 50, np.array(9, np.uint8)]
    gemm = {"transB": 1, "alpha": 0.75, **micro}
    assert_equal_to_onnxruntime("QGemm", [*numbers, *y], **gemm)
    exact, other = both("QGemm", numbers, **gemm)
    assert difference(exact, other) is None
    bias = random.normal(size=5).astype(np.float32)
    exact, other = both("MatMulIntegerToFloat", [a, b.T, left, right, *zeros, bias], **micro)
    assert difference(exact, other) is None
    x = random.normal(size=(4, 6)).astype(np.float32)
    exact, other = both("DynamicQuantizeMatMul", [x, b.T, right, zeros[1], bias], **micro)
    assert difference(exact, other) is None


def test_concatenation_and_choice_of_microsoft() -> None:
    random = np.random.default_rng(1)
    triples = [
        [ints(random, np.uint8, 1, n, 4), scale(random), ints(random, np.uint8).reshape(())]
        for n in (2, 3)
    ]
    y = [scale(random), np.array(7, np.uint8)]
    exact, other = both(
        "QLinearConcat", [*y, *triples[0], *triples[1]], domain="com.microsoft", axis=1
    )
    assert exact.shape == (1, 5, 4)
    assert np.abs(exact.astype(int) - other.astype(int)).max() <= 1
    chosen = random.random((1, 3, 4)) < 0.5
    x, z = triples[1], [ints(random, np.uint8, 1, 3, 4), *triples[0][1:]]
    exact, other = both("QLinearWhere", [chosen, *x, *z, *y], domain="com.microsoft")
    assert np.abs(exact.astype(int) - other.astype(int)).max() <= 1


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint32])
@pytest.mark.parametrize("exponents", [np.int64, np.float32])
def test_powers_that_overflow(dtype: type, exponents: type) -> None:
    base = np.array(
        [-7, -2, -1, 0, 1, 3, 10] if dtype != np.uint32 else [2, 3, 4, 5, 6, 7, 8], dtype
    )
    exponent = np.array([0, 1, 5, 40, 63], exponents)[:, None]
    (found,) = Interpreter(model_of("Pow", [base, exponent]))({"i0": base})
    bits = 8 * found.itemsize
    for row, times in zip(found, [0, 1, 5, 40, 63], strict=True):
        for result, number in zip(row.tolist(), base.tolist(), strict=True):
            assert (result - number**times) % 2**bits == 0
