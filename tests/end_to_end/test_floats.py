"""Networks of half, of brain-float and of double precision, from ONNX to the simulator, against references."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from frontends.onnx_models import model_of
from networks import Compiled, Sample, compile_network, reference_outputs
from onnx.reference import ReferenceEvaluator
from tolerance import assert_close

from cmir.checking import onnxruntime_evaluator
from cmir.support.numerics import BFLOAT16

NETWORKS = {
    "convolutions": (
        "F[N,3,6,7] x, F[4,3,3,3] k, F[4] b, F[4,2,2,2] t",
        "c = Conv<pads = [1, 1, 1, 1]>(x, k, b) r = Relu(c)"
        " m = MaxPool<kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 1]>(r)"
        " d = ConvTranspose<strides = [2, 2]>(m, t)"
        " a = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(d) y = GlobalAveragePool(a)",
    ),
    "products": (
        "F[N,5,6] x, F[6,4] w, F[4] s, F[4] b",
        "p = MatMul(x, w) n = LayerNormalization(p, s, b) t = Transpose<perm = [0, 2, 1]>(n)"
        " q = MatMul(n, t) v = Softmax(q) y = MatMul(v, n)",
    ),
    "functions": (
        "F[N,3,4,5] x, F[3,1,1] s, F[3] m, F[3] v",
        "t = Tanh(x) b = BatchNormalization(t, m, v, m, v) g = Sigmoid(b) p = Mul(g, s) z = Sub(x, p)"
        " l = Constant<value_ints = [3]>() r = ReduceMean(z, l) a = Abs(r) q = Sqrt(a) e = Exp(q) y = Max(e, s)",
    ),
    "data that moves": (
        "F[N,3,4,5] x",
        "i = Constant<value_ints = [2, 0]>() g = Gather<axis = 1>(x, i)"
        " p = Constant<value_ints = [0, 0, 1, 0, 0, 0, 0, 2]>() d = Pad(g, p) y = Concat<axis = 1>(d, d)",
    ),
}
PRECISIONS = {"float16": 2e-3, "bfloat16": 1.6e-2, "double": 1e-12}
"""Tolerances: those of the types, so that nothing is computed in single precision by mistake."""


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, precision: str) -> None:
    inputs, body = NETWORKS[name]
    model = model_of(inputs.replace("F[", f"{precision}["), body, 18, f"{precision}[] y")
    compiled = compile_network(model)
    (sample,) = compiled.samples(1)
    (result,) = compiled.simulator.run([sample]).outputs[0].values()
    if (name, precision) == ("convolutions", "double"):  # which onnxruntime does not have
        evaluator = ReferenceEvaluator(model)
        (expected,) = (np.asarray(y)[0] for y in evaluator.run(None, {"x": sample["x"][None]}))
    else:
        (expected,) = reference_outputs(model, sample)
    tolerance = PRECISIONS[precision]
    if precision == "bfloat16":  # whose reference is float64
        assert result.dtype == BFLOAT16
    else:
        assert result.dtype == expected.dtype
    assert_close(result, expected, rtol=tolerance, atol=tolerance)
    (reference,) = compiled.reference(sample)
    assert_close(result, reference, rtol=tolerance, atol=tolerance)
    (literal,) = _on_reference_machine(compiled, sample)
    assert literal.dtype == result.dtype
    assert_close(literal, result, rtol=tolerance, atol=tolerance)


def _onnxruntime(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """What onnxruntime makes of an input. It takes no bfloat16 from NumPy, so that input is cast to it from float32."""
    if x.dtype == BFLOAT16:
        kept = model_of("float[N,64] x", "h = Cast<to = 16>(x)", 13, "double[] y")
        kept.graph.node.extend(model.graph.node)
        kept.graph.node[1].input[0] = "h"
        model, x = kept, x.astype(np.float32)
    with np.errstate(over="ignore"):
        (result,) = onnxruntime_evaluator(model)(x[None])
    return result[0]


def _on_reference_machine(compiled: Compiled, sample: Sample) -> list[np.ndarray]:
    machine = compiled.reference_machine(1)
    (schedule,) = machine.schedules(1)
    return [*machine.run(schedule, [sample])[0].values()]


@pytest.mark.parametrize("to", [1, 10, 11, 16])
@pytest.mark.parametrize("source", ["float16", "bfloat16", "float", "double", "int32"])
def test_casts_round_as_in_onnxruntime(source: str, to: int) -> None:
    model = model_of(
        f"{source}[N,64] x", f"c = Cast<to = {to}>(x) y = Cast<to = 11>(c)", 13, "double[] y"
    )
    compiled = compile_network(model)
    random = np.random.default_rng(3)
    numbers = random.normal(size=64) * 2.0 ** random.integers(-30, 20, 64)
    numbers[:6] = 1 + 2**-11, 1 + 3 * 2**-11, 65519.9, 65520, 1 + 2**-8, 1 + 3 * 2**-8
    dtype = compiled.samples(1)[0]["x"].dtype
    if dtype == np.int32:
        numbers = np.clip(numbers, -1e9, 1e9)
    with np.errstate(over="ignore"):
        sample = {"x": numbers.astype(dtype)}
    (result,) = compiled.simulator.run([sample]).outputs[0].values()
    np.testing.assert_array_equal(result, _onnxruntime(model, numbers.astype(dtype)))
    (literal,) = _on_reference_machine(compiled, sample)
    np.testing.assert_array_equal(literal, result)
