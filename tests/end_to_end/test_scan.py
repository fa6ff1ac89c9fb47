"""Scans: loops whose bodies are stages. Equal to onnxruntime and to NumPy, in rings, on published machines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from end_to_end.drawn_state import Drawing, assert_equal, lower, stream
from frontends.onnx_models import model_of
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import run_passes
from onnx import TensorProto, helper, numpy_helper
from xdsl.dialects.builtin import ModuleOp

from cmir.context import make_context
from cmir.dialects import nn
from cmir.dialects.cmcore import NetworkOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.frontends.onnx import import_onnx
from cmir.hardware.description import Hardware
from cmir.proof.values.comparison import prove_values
from cmir.simulator.simulator import Simulator
from cmir.support.diagnostics import collect_diagnostics
from cmir.timing.network import TimedNetwork
from cmir.tools.cm_run import main

MACHINES = ["ideal", "hermes", "isaac", "puma", "pimcomp"]


def elman(steps: int = 6) -> onnx.ModelProto:
    """An Elman network as a Scan from the end on, with a product, a softmax and two states."""
    random = np.random.default_rng(0)
    weights = ", ".join(f"{x:.3f}" for x in random.uniform(-0.5, 0.5, 16))
    body = (
        f"w = Constant<value = float[4,4] {{{weights}}}>() a, b, y = Scan(xh, xc, x)<"
        " num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [2],"
        " scan_input_directions = [1], scan_output_directions = [1],"
        " body = g (float[1,4] s, float[1,4] d, float[1,4] v) => (s2, d2, o) {"
        " p = MatMul(s, w) q = Add(p, v) s2 = Tanh(q) e = MatMul(s2, w) f = Softmax(e) d2 = Add(d, f)"
        " o = Mul(d2, s2) }>"
    )
    return model_of(
        f"float[N,{steps},4] x, float[N,4] xh, float[N,4] xc",
        body,
        13,
        "float[] a, float[] b, float[] y",
    )


def selective(steps: int = 6) -> onnx.ModelProto:
    """Mamba's scan: h' = exp(dt ⊗ A) ⊙ h + (dt ⊙ x) ⊗ B and y = h'·C, with dt, B and C of each step."""
    numbers = ", ".join(f"{-x:.3f}" for x in np.random.default_rng(1).uniform(0.2, 1.5, 12))
    body = (
        f"a = Constant<value = float[4,3] {{{numbers}}}>() z, y = Scan(xh, x, xt, xb, xc)<"
        " num_scan_inputs = 4, body = g (float[4,3] s, float[4] v, float[4] t, float[3] p, float[3] q)"
        " => (s2, o) { one = Constant<value = int64[1] {1}>() nul = Constant<value = int64[1] {0}>()"
        " tc = Unsqueeze(t, one) e = Mul(tc, a) k = Exp(e) m = Mul(k, s) tv = Mul(t, v)"
        " n = Unsqueeze(tv, one) r = Unsqueeze(p, nul) u = MatMul(n, r) s2 = Add(m, u)"
        " qc = Unsqueeze(q, one) oc = MatMul(s2, qc) o = Squeeze(oc, one) }>"
    )
    sequences = f"float[{steps},4] x, float[{steps},4] xt, float[{steps},3] xb, float[{steps},3] xc"
    return model_of(f"float[4,3] xh, {sequences}", body, 13, "float[] z, float[] y")


def attention(rule: str, steps: int = 5) -> onnx.ModelProto:
    """LinearAttention with two heads; `past` is its state, and is returned."""
    shapes = {"q": [1, steps, 8], "k": [1, steps, 8], "v": [1, steps, 6], "past": [1, 2, 4, 3]}
    names = [*shapes, *(["decay", "beta"] if rule == "gated_delta" else [])]
    shapes |= {name: [1, steps, 2] for name in names[4:]}
    node = helper.make_node(
        "LinearAttention",
        names,
        ["y", "state"],
        q_num_heads=2,
        kv_num_heads=2,
        update_rule=rule,
    )
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, shapes[n]) for n in names],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, steps, 6]),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [1, 2, 4, 3]),
        ],
    )
    opset = helper.make_opsetid("", 27)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10)


def loop(steps: int = 4) -> onnx.ModelProto:
    """A Loop that uses its counter, and gives a result of each iteration."""
    body = (
        f"n = Constant<value = int64 {{{steps}}}>() t = Constant<value = bool {{1}}>()"
        " y, z = Loop(n, t, x)<body = b (int64 i, bool k, float[2,4] v) => (k2, v2, o)"
        " { k2 = Identity(k) f = Cast<to = 1>(i) p = Tanh(v) v2 = Add(p, f) o = Relu(v2) }>"
    )
    return model_of("float[2,4] x", body, 13, "float[] y, float[] z")


def cumulative() -> onnx.ModelProto:
    body = (
        "a = Constant<value_int = 1>() b = Constant<value_int = 2>()"
        " p = CumSum(x, a) q = CumSum<exclusive = 1, reverse = 1>(p, b) y = Relu(q)"
        " z = CumSum<exclusive = 1>(x, b)"
    )
    return model_of("float[N,5,3] x", body, 14, "float[] y, float[] z")


MODELS: dict[str, Callable[[], onnx.ModelProto]] = {
    "elman": elman,
    "selective": selective,
    "linear attention": lambda: attention("linear"),
    "gated delta rule": lambda: attention("gated_delta"),
    "loop": loop,
    "cumulative": cumulative,
}


@pytest.mark.parametrize("hardware", MACHINES)
@pytest.mark.parametrize("name", MODELS)
def test_equal_to_onnxruntime(
    name: str, hardware: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(MODELS[name](), path)
    arguments = ["--hardware", hardware, "--storage", "lossless", "--random", "0", "-n", "3"]
    assert main([str(path), *arguments, "--check", "--verify"]) == 0
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert "control proved for endless streams" in text
    assert "values equal" in text
    assert "check: equal to onnxruntime in all 3 inferences" in printed.out
    assert "unrolled" not in text


@pytest.mark.parametrize("model", [elman, selective, lambda n: attention("linear", n), loop])
def test_text_does_not_grow_with_steps(
    model: Callable[[int], onnx.ModelProto], tmp_path: Path
) -> None:
    counts: list[int] = []
    for steps in (4, 40):
        path = tmp_path / f"{steps}.onnx"
        onnx.save(model(steps), path)
        counts.append(len(list(import_onnx(path).module.walk())))
    assert counts[0] == counts[1]


def test_state_of_a_stream_goes_through_a_scan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(attention("gated_delta"), path)
    arguments = ["--state", "past=state", "--random", "0", "-n", "8", "--sequence-lengths", "5,3"]
    assert main([str(path), *arguments, "--check", "--verify", "--storage", "lossless"]) == 0
    printed = capsys.readouterr()
    assert "check: equal to onnxruntime in all 8 inferences" in printed.out
    assert "control proved for endless streams" in printed.out + printed.err


TO_CMCORE = "polyhedral-derive-dependences,polyhedral-generate-loops,convert-polyhedral-to-cmcore"
SIZES = ["", *(f"polyhedral-assign-storage{{sizes={s}}}," for s in ("live", "lossless"))]

UNROLLED = {
    "a value that changes its shape": (
        "float[2] x",
        "n = Constant<value = int64 {3}>() t = Constant<value = bool {1}>() y = Loop(n, t, x)<"
        "body = b (int64 i, bool k, float[n] v) => (k2, v2) { k2 = Identity(k) v2 = Concat<axis = 0>(v, v) }>",
        "carried value 'v' changes from tensor<2xf32> to tensor<4xf32>",
    ),
    "a condition of the iteration": (
        "float[2] x",
        "n = Constant<value = int64 {9}>() t = Constant<value = bool {1}>() y = Loop(n, t, x)<"
        "body = b (int64 i, bool k, float[2] v) => (k2, v2) { c = Constant<value = int64 {3}>()"
        " k2 = Less(i, c) v2 = Tanh(v) }>",
        "its condition depends on the iteration",
    ),
}


@pytest.mark.parametrize("name", UNROLLED)
def test_unrolled(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs, body, reason = UNROLLED[name]
    path = tmp_path / "model.onnx"
    onnx.save(model_of(inputs, body, 13), path)
    assert main([str(path), "--random", "0", "-n", "2", "--check", "--samples", "whole"]) == 0
    printed = capsys.readouterr()
    assert f"copies of its body: {reason}" in printed.err
    assert "check: equal to onnxruntime in all 2 inferences" in printed.out
    imported = import_onnx(path)
    assert not any(isinstance(op, nn.ScanOp) for op in imported.module.walk())


def test_weights_of_a_body_are_on_crossbars(tmp_path: Path) -> None:
    """Also those that the body takes from outside, transposed."""
    weight = numpy_helper.from_array(np.eye(4, dtype=np.float32) / 2, "w")
    model = model_of(
        "float[N,5,4] x, float[N,4] xh",
        "wt = Transpose(w) z, y = Scan(xh, x)<num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [1],"
        " body = g (float[1,4] s, float[1,4] v) => (s2, o) { p = MatMul(s, wt) s2 = Add(p, v) o = Relu(s2) }>",
        13,
        "float[] z, float[] y",
    )
    model.graph.initializer.append(weight)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    (scan,) = (op for op in import_onnx(path).module.walk() if isinstance(op, nn.ScanOp))
    assert not scan.others
    assert any(isinstance(op, nn.ParameterOp) for op in scan.body.block.ops)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_random_scans(data: st.DataObject) -> None:
    """Bodies of all kinds of vectors and views, in buffers of all sizes: equal to the operators, and proved so."""
    steps = data.draw(st.integers(1, 4))
    carried = data.draw(st.lists(st.integers(1, 4), max_size=2))
    over = data.draw(st.lists(st.integers(1, 4), min_size=0 if carried else 1, max_size=2))
    body = Drawing(data)
    names = [f"%h{i}" for i in range(len(carried))], [f"%x{i}" for i in range(len(over))]
    body.sizes |= dict(zip([*names[0], *names[1], "%k"], [*carried, *over, 3], strict=True))
    for _ in range(data.draw(st.integers(0, 6))):
        body.operator()
    yielded = [body.of_size(size) for size in carried]
    yielded += [body.pick() for _ in range(data.draw(st.integers(0 if carried else 1, 2)))]
    sizes = [body.sizes[value] for value in yielded]
    results = ", ".join(f"tensor<{steps}x{size}xf32>" for size in sizes)
    groups = {
        "carried": [
            (n, f"%a{n[1:]}", f"tensor<{k}xf32>") for n, k in zip(names[0], carried, strict=True)
        ],
        "over": [
            (n, f"%a{n[1:]}", f"tensor<{steps}x{k}xf32>")
            for n, k in zip(names[1], over, strict=True)
        ],
        "with": [("%k", "%ak", "tensor<3xf32>")],
    }
    operands = " ".join(
        f"{word}({', '.join(f'{n} = {a} : {t}' for n, a, t in group)})"
        for word, group in groups.items()
        if group
    )
    arguments = ", ".join(f"{a}: {t}" for group in groups.values() for _, a, t in group)
    outputs = ", ".join(f"%r#{i}" for i in range(len(sizes)))
    text = "\n".join(
        [
            f"func.func @main({arguments}) -> ({results}) {{",
            f"  %r:{len(sizes)} = nn.scan {operands} -> ({results}) {{",
            *body.lines,
            f"  nn.yield {', '.join(yielded)} : {', '.join(f'tensor<{size}xf32>' for size in sizes)}",
            "  }",
            f"  func.return {outputs} : {results}",
            "}",
        ]
    )
    with collect_diagnostics():
        lowered = lower(text)
    shapes = [*((k,) for k in carried), *((steps, k) for k in over), (3,)]
    inputs = stream(*shapes, count=3)
    expected = lowered.at_nn(inputs)
    assert_equal(lowered.at_polyhedral(inputs), expected)
    module, sizes_ = ModuleOp([lowered.pipeline.clone()]), data.draw(st.sampled_from(SIZES))
    with collect_diagnostics():
        run_passes(module, f"{sizes_}{TO_CMCORE},cmcore-verify-control", make_context())
    op = module.body.block.first_op
    assert isinstance(op, NetworkOp)
    network = ElaboratedNetwork(op)
    simulator = Simulator.of(TimedNetwork(network, Hardware.load("ideal")), lowered.parameters)
    samples = [dict(zip(network.inputs, arrays, strict=True)) for arrays in inputs]
    report = simulator.run(samples, data.draw(st.sampled_from([1, 3, None])))
    assert report.outputs is not None
    assert_equal([[*outputs.values()] for outputs in report.outputs], expected)
    assert prove_values(network, lowered.function, 1).uncovered is None
