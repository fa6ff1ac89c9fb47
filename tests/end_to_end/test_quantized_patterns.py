"""Operators between DequantizeLinear and QuantizeLinear: equal to onnxruntime, with integers in all arrays.

Integers of 16 bits are equal to onnxruntime's but for ties, which float64 decides.
"""

from __future__ import annotations

import re

import numpy as np
import onnx
import pytest
from networks import compile_network, reference_outputs
from onnx import numpy_helper, parser
from xdsl.dialects import arith

from cmir.checking import Guide, difference, double_evaluator
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import ArrayOp
from cmir.dialects.vectors import ReduceOp
from cmir.execution.guide import rounded_numbers

# Scales of which no few multiples add up to half a step of another one, up to rounding.
S, T, U = (np.array(scale, np.float32) for scale in (0.0301237, 0.0513931, 0.0719773))

STEM = (
    "q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) wd = DequantizeLinear(w, sw)"
    " vd = DequantizeLinear(v, sw) c0 = Conv<pads = [1, 1, 1, 1]>(d, wd)"
    " q0 = QuantizeLinear(c0, t, zz) a = DequantizeLinear(q0, t, zz)"
)
SECOND = " c1 = Conv<pads = [1, 1, 1, 1]>(a, vd) q1 = QuantizeLinear(c1, {0}) b = DequantizeLinear(q1, {0})"
LAST = (
    " qe = QuantizeLinear(r, {0}) e = DequantizeLinear(qe, {0}) c2 = Conv<pads = [1, 1, 1, 1]>(e, vd)"
    " q2 = QuantizeLinear(c2, u, zz) y = DequantizeLinear(q2, u, zz)"
)

PATTERNS: dict[str, str] = {
    "Add": SECOND.format("u, z") + " r = Add(a, b)" + LAST.format("s, z"),
    "Mul": SECOND.format("u, z") + " r = Mul(a, b)" + LAST.format("u, z"),
    "AveragePool": " r = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(a)"
    + LAST.format("u, z"),
    "GlobalAveragePool": " r = GlobalAveragePool(a)" + LAST.format("u, z"),
    "Clip": " l = Relu(c0) r = Clip(l, , six)" + LAST.format("t, zz"),
    "MaxPool, other scale": " r = MaxPool<kernel_shape = [3, 3], strides = [2, 2]>(a)"
    + LAST.format("u, z"),
    "Concat, other scales": SECOND.format("u, z")
    + " r = Concat<axis = 2>(a, b)"
    + LAST.format("t, zz"),
}
"""Numbers are quantised anew."""

MOVING: dict[str, str] = {
    "MaxPool": " r = MaxPool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(a)" + LAST.format("t, zz"),
    "Concat": SECOND.format("t, zz") + " r = Concat<axis = 2>(a, b)" + LAST.format("t, zz"),
    "Resize": ' r = Resize<mode = "nearest">(a, , sizes)' + LAST.format("t, zz"),
    "Reshape": " r = Reshape(a, shape)" + LAST.format("t, zz"),
    "Pad": " r = Pad(a, pads)" + LAST.format("t, zz"),
}
"""The result has the scale and zero point of the operands: integers are moved or chosen, and nothing is computed."""


def constants(kind: str) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)

    def weights(*shape: int) -> np.ndarray:
        return random.integers(-127, 128, shape).astype(np.int8)

    zeros = {"int8": (5, -7), "uint8": (105, 131), "int16": (0, 0)}[kind]
    # Scales of 16 bits are finer, so that sums of products are not all small numbers of steps.
    fine = np.float32(1 if kind != "int16" else 0.01)
    return {
        "s": S * fine,
        "t": T * fine,
        "u": U * fine,
        "z": np.array(zeros[0], kind),
        "zz": np.array(zeros[1], kind),
        "w": weights(8, 3, 3, 3),
        "v": weights(8, 8, 3, 3),
        "sw": np.array(0.0100379, np.float32),
        "six": np.array(6, np.float32),
        "sizes": np.array([1, 1, 2, 2], np.float32),
        "shape": np.array([1, 8, 4, 16], np.int64),
        "pads": np.array([0, 0, 1, 0, 0, 0, 0, 2], np.int64),
    }


def model(pattern: str, kind: str) -> onnx.ModelProto:
    nodes = STEM + pattern
    opsets = '"" : 21'
    text = f"<ir_version: 10, opset_import: [{opsets}]> main (float[1,3,8,8] x) => (float[] y) {{{nodes}}}"
    result = parser.parse_model(text)
    result.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(array), name)
        for name, array in constants(kind).items()
        if re.search(rf"\b{name}\b", nodes)
    )
    return result


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("name", [*PATTERNS, *MOVING])
def test_equal_with_narrow_arrays(name: str, kind: str) -> None:
    proto = model({**PATTERNS, **MOVING}[name], kind)
    compiled = compile_network(proto)
    random = np.random.default_rng(0)
    stream = [{"x": random.standard_normal((3, 8, 8), np.float32)} for _ in range(3)]
    report = compiled.simulator.run(stream)
    for sample, outputs in zip(stream, report.outputs, strict=True):
        (array,) = outputs.values()
        (wanted,) = reference_outputs(proto, sample)
        if kind != "int16":
            np.testing.assert_array_equal(array, wanted)
        elif (array != wanted).any():
            # Numbers of 16 bits lie on ties, up to errors of floats, now and then.
            numbers = rounded_numbers(compiled.function, [sample["x"]], compiled.parameters)
            (exact,) = double_evaluator(proto).guided(Guide(numbers, 1e-5), sample["x"][None])
            assert difference(array, exact[0]) is None
    arrays = [op for op in compiled.pipeline.body.block.ops if isinstance(op, ArrayOp)]
    between = [a for a in arrays if a.source is None and a.sym_name.data not in ("x", "y")]
    assert {dtype_of(array.type) for array in between} == {np.dtype(kind)}


MEANS = {
    "AveragePool": "AveragePool<kernel_shape = [3, 5]>",
    "padded AveragePool": "AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>",
    "counted padding": "AveragePool<kernel_shape = [2, 2], pads = [1, 1, 0, 0], count_include_pad = 1>",
    "GlobalAveragePool": "GlobalAveragePool",
    "ReduceMean": "ReduceMean<axes = [2, 3]>",
}


@pytest.mark.parametrize("kind", ["int8", "uint8"])
@pytest.mark.parametrize("name", MEANS)
def test_integers_are_averaged_if_the_scale_is_a_power_of_two(name: str, kind: str) -> None:
    """Equal to onnxruntime, also on ties, which are frequent then: means are quotients of exact sums."""
    proto = parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 13]> main ({kind}[1,16,9,8] x) => (float[] y) {{'
        f" d = DequantizeLinear(x, s, z) r = {MEANS[name]}(d) q = QuantizeLinear(r, t, z)"
        " y = DequantizeLinear(q, t, z) }"
    )
    zero = np.array({"int8": -3, "uint8": 120}[kind], kind)
    scales = {"s": np.array(2**-4, np.float32), "t": np.array(2**-3, np.float32), "z": zero}
    proto.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in scales.items())
    compiled = compile_network(proto)
    limits = np.iinfo(kind)
    random = np.random.default_rng(1)
    sample = {"x": random.integers(limits.min, limits.max, (16, 9, 8), kind, endpoint=True)}
    (array,) = compiled.simulator.run([sample]).outputs[0].values()
    (wanted,) = reference_outputs(proto, sample)
    np.testing.assert_array_equal(array, wanted)
    sums = [op for op in compiled.pipeline.walk() if isinstance(op, ReduceOp)]
    assert not any(isinstance(op.vector.owner, arith.MulfOp) for op in sums)


@pytest.mark.parametrize("name", MOVING)
def test_moved_integers_are_not_quantised_again(name: str) -> None:
    """There is one quantisation for the input, and one for each product."""
    compiled = compile_network(model(MOVING[name], "int8"))
    names = [op.name for op in compiled.pipeline.walk()]
    assert names.count("math.roundeven") == 1 + names.count("cmcore.mxv")
