"""Arithmetic, activations, reductions and normalisation, from ONNX to the simulator, against onnxruntime."""

from __future__ import annotations

import pytest
from frontends.onnx_models import model_of
from networks import compile_network, reference_outputs
from tolerance import assert_close

CONV = "w = Conv<pads = [1, 1, 1, 1]>(x, k) "
IMAGE = "float[N,3,6,7] x, float[4,3,3,3] k"

CASES: dict[str, tuple[str, str, list[str]]] = {
    "swish": (IMAGE, f"{CONV} s = Sigmoid(w) y = Mul(w, s)", ["conv1"]),
    "hard-swish of primitives": (
        f"{IMAGE}, float[1] three",
        "zero = Constant<value_float = 0.0>() six = Constant<value_float = 6.0>()"
        f" {CONV} a = Add(w, three) b = Clip(a, zero, six) c = Mul(w, b) y = Div(c, six)",
        ["conv1"],
    ),
    "gelu of primitives": (
        f"{IMAGE}, float one",
        "root = Constant<value_float = 1.4142135>() half = Constant<value_float = 0.5>()"
        f" {CONV} a = Div(w, root) b = Erf(a) c = Add(b, one) d = Mul(w, c) y = Mul(d, half)",
        ["conv1"],
    ),
    "squeeze and excite": (
        f"{IMAGE}, float[2,4,1,1] down, float[4,2,1,1] up, float[5,4,3,3] m",
        f"{CONV} r = Relu(w) p = GlobalAveragePool(r) a = Conv(p, down) b = Relu(a)"
        " c = Conv(b, up) d = HardSigmoid(c) e = Mul(r, d) y = Conv(e, m)",
        ["conv1", "global_average_pool1", "conv2", "conv3", "mul1", "conv4"],
    ),
    "unary functions": (
        IMAGE,
        f"{CONV} a = Abs(w) b = Sqrt(a) c = Log(a) d = Exp(c) e = Neg(d) f = Softplus(e)"
        " g = Tanh(f) h = Elu(w) i = Selu(h) j = LeakyRelu(i) l = Max(b, g, j) y = Reciprocal(l)",
        ["conv1"],
    ),
    "softmax of channels between convolutions": (
        f"{IMAGE}, float[4,4,3,3] m",
        f"{CONV} s = Softmax<axis = 1>(w) y = Conv(s, m)",
        ["conv1", "softmax1", "conv2"],
    ),
    "attention to positions": (
        IMAGE,
        f"{CONV} m = ReduceMean<axes = [1]>(w) h = ReduceMax<axes = [1]>(w) a = Add(m, h)"
        " s = Sigmoid(a) y = Mul(w, s)",
        ["conv1", "reduce_mean1", "reduce_max1", "mul1"],
    ),
    "reductions to nothing": (
        IMAGE,
        f"{CONV} s = ReduceL2<axes = [1, 2, 3], keepdims = 0>(w) y = Exp(s)",
        ["conv1", "reduce_l21"],
    ),
    "reduction of rows": (
        IMAGE,
        f"{CONV} s = ReduceMin<axes = [2], keepdims = 0>(w) y = ReduceMax<axes = [-1]>(s)",
        ["conv1", "reduce_min1", "reduce_max1"],
    ),
    "leaky relu of primitives": (
        f"{IMAGE}, float zero, float slope",
        f"{CONV} l = Less(w, zero) m = Mul(w, slope) y = Where(l, m, w)",
        ["conv1"],
    ),
    "classes of positions": (
        IMAGE,
        f"{CONV} i = ArgMax<axis = 1>(w) f = Cast<to = 1>(i) y = Relu(f)",
        ["conv1", "argmax1"],
    ),
    "response normalisation": (
        IMAGE,
        f"{CONV} y = LRN<size = 3, alpha = 0.5>(w)",
        ["conv1", "lrn1"],
    ),
    "instance normalisation": (
        f"{IMAGE}, float[4] s, float[4] b",
        f"{CONV} n = InstanceNormalization(w, s, b) y = Relu(n)",
        ["conv1", "instance_norm1"],
    ),
    "slopes": (f"{IMAGE}, float[4,1,1] s", f"{CONV} y = PRelu(w, s)", ["conv1"]),
    "transformer": (
        "float[N,5,8] x, float[8] s1, float[8] b1, float[8,8] q, float[8,8] k, float[8,8] v,"
        " float[8,16] up, float[16,8] down, float d",
        "n = LayerNormalization(x, s1, b1) qs = MatMul(n, q) ks = MatMul(n, k) vs = MatMul(n, v)"
        " kt = Transpose<perm = [0, 2, 1]>(ks) a = MatMul(qs, kt) e = Div(a, d) p = Softmax(e)"
        " o = MatMul(p, vs) r = Add(x, o) u = MatMul(r, up) g = Gelu(u) m = MatMul(g, down)"
        " y = Add(r, m)",
        ["layer_norm1", "gemm1", "gemm2", "gemm3", "gemm4", "softmax1", "gemm5", "gemm6", "gemm7"],
    ),
    "attention with heads": (
        "float[N,2,5,4] x1, float[N,2,4,6] x2",
        "a = MatMul(x1, x2) p = Softmax(a) t = Transpose<perm = [0, 1, 3, 2]>(x2) y = MatMul(p, t)",
        ["gemm1", "softmax1", "gemm2"],
    ),
    "matrices from the left": (
        "float[N,5,6] x, float[4,5] w, float[3,4] v",
        "a = MatMul(w, x) b = Relu(a) y = MatMul(v, b)",
        ["gemm1", "gemm2"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_results_and_stages(case: str) -> None:
    inputs, body, stages = CASES[case]
    model = model_of(inputs, body, 20 if "Gelu" in body else 17)
    compiled = compile_network(model)
    samples = compiled.samples(2)
    for outputs, sample in zip(compiled.simulator.run(samples).outputs, samples, strict=True):
        (result,), (expected,) = outputs.values(), reference_outputs(model, sample)
        assert_close(result, expected)
    assert list(compiled.timed.network.programs) == stages
