"""A network as exporters write them, with activation functions made of primitives, run on the simulator."""

from __future__ import annotations

from collections import Counter

from frontends.onnx_models import model_of
from networks import compile_network, reference_outputs
from tolerance import assert_close

HARD_SWISH = "{y}a = Add({x}, three) {y}b = Clip({y}a, zero, six) {y}c = Mul({x}, {y}b) {y} = Div({y}c, six) "
SQUEEZE = (
    "p = GlobalAveragePool(d) q = Conv(p, s1, s2) r = Relu(q) t = Conv(r, e1, e2)"
    " u = HardSigmoid<alpha = 0.2, beta = 0.5>(t) v = Mul(d, u) "
)


def test_a_network_like_mobilenetv3() -> None:
    """Its stem, a block with squeeze-and-excitation and a shortcut, and its classifier (Howard et al. 2019)."""
    body = (
        "three = Constant<value_float = 3.0>() zero = Constant<value_float = 0.0>() six = Constant<value_float = 6.0>()"
        " a = Conv<strides = [2, 2], pads = [1, 1, 1, 1]>(x, w1, b1) "
        + HARD_SWISH.format(x="a", y="b")
        + "c = Conv(b, w2, b2) g = Relu(c) h = Conv<group = 8, pads = [2, 2, 2, 2]>(g, w3, b3) d = Relu(h) "
        + SQUEEZE
        + "i = Conv(v, w4, b4) j = Add(b, i) "
        + HARD_SWISH.format(x="j", y="k")
        + "m = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(k) n = GlobalAveragePool(m) o = Flatten(n)"
        " l = Gemm<transB = 1>(o, w5, b5) y = Softmax<axis = 1>(l)"
    )
    weights = {"w1": "4,3,3,3", "b1": "4", "w2": "8,4,1,1", "b2": "8", "w3": "8,1,5,5", "b3": "8"}
    weights |= {"s1": "2,8,1,1", "s2": "2", "e1": "8,2,1,1", "e2": "8", "w4": "4,8,1,1", "b4": "4"}
    weights |= {"w5": "5,4", "b5": "5"}
    declared = ", ".join(f"float[{shape}] {name}" for name, shape in weights.items())
    onnx_model = model_of(f"float[N,3,12,16] x, {declared}", body)
    model = compile_network(onnx_model)
    samples = model.samples(2)
    for outputs, sample in zip(model.simulator.run(samples).outputs, samples, strict=True):
        (result,), (expected,) = outputs.values(), reference_outputs(onnx_model, sample)
        assert_close(result, expected)
    # Activation functions, made of primitives, and sums are part of the stages that they follow.
    kinds = Counter(name.rstrip("0123456789") for name in model.timed.network.programs)
    assert kinds == {
        "conv": 6,
        "global_average_pool": 2,
        "mul": 1,
        "max_pool": 1,
        "gemm": 1,
        "softmax": 1,
    }
