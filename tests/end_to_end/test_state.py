"""ONNX models with state: imported, compiled and run, against onnxruntime in a loop that feeds state back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from end_to_end.drawn_state import STARTS, assert_equal, draw_network, stream
from end_to_end.drawn_state import lower as at_both_levels
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import run_passes
from onnx import numpy_helper
from tolerance import assert_close
from xdsl.dialects.builtin import ModuleOp

from cmir.compilation.model import Model, lower, read_model
from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.execution.references import OnnxReference, reference_of
from cmir.frontends.onnx import OnnxError, State, import_onnx
from cmir.hardware.description import Hardware
from cmir.proof.values.comparison import prove_values
from cmir.simulator.simulator import Simulator
from cmir.support.diagnostics import collect_diagnostics
from cmir.timing.network import TimedNetwork

HEADER = '<ir_version: 8, opset_import: ["" : 17]>\n'


@dataclass(frozen=True)
class Case:
    """A model in ONNX's textual syntax.

    weights: shapes of initializers, random ones. state: input → (output, initial value), for the loop; options: texts
    for --state, if names do not say it. copies: number of stages that only move elements.
    """

    text: str
    weights: Mapping[str, Sequence[int]]
    state: Mapping[str, tuple[str, float]]
    options: tuple[str, ...] = ()
    copies: int = 0


CASES = {
    "elman": Case(
        """
main (float[1,6] x, float[1,6] s) => (float[1,6] y, float[1,6] s_next) {
  a = MatMul(x, W)
  b = MatMul(s, U)
  c = Add(a, b)
  s_next = Tanh(c)
  y = Relu(s_next)
}
""",
        {"W": (6, 6), "U": (6, 6)},
        {"s": ("s_next", 0.0)},
    ),
    "state_is_the_output": Case(
        """
main (float[1,6] x, float[1,6] before) => (float[1,6] y, float[1,6] after) {
  a = MatMul(x, W)
  b = MatMul(before, U)
  c = Add(a, b)
  y = Tanh(c)
  after = Identity(y)
}
""",
        {"W": (6, 6), "U": (6, 6)},
        {"before": ("after", 0.25)},
        ("before=after:0.25",),
    ),
    "keys": Case(
        """
main (float[1,6] x, float[4,6] past_key) => (float[1,6] y, float[4,6] present_key)
<int64[1] one = {1}, int64[1] four = {4}, int64[1] zero = {0}> {
  k = MatMul(x, W)
  old = Slice(past_key, one, four, zero)
  present_key = Concat <axis = 0> (old, k)
  kt = Transpose <perm = [1, 0]> (present_key)
  s = MatMul(k, kt)
  p = Softmax <axis = -1> (s)
  y = MatMul(p, present_key)
}
""",
        {"W": (6, 6)},
        {"past_key": ("present_key", 0.0)},
    ),
    "lstm": Case(
        """
main (float[1,4] x, float[1,5] h0, float[1,5] c0) => (float[1,5] y, float[1,5] hn, float[1,5] cn)
<int64[4] parts = {5, 5, 5, 5}> {
  a = Gemm(x, W, b)
  r = MatMul(h0, R)
  z = Add(a, r)
  zi, zf, zg, zo = Split <axis = 1> (z, parts)
  i = Sigmoid(zi)
  f = Sigmoid(zf)
  g = Tanh(zg)
  o = Sigmoid(zo)
  kept = Mul(f, c0)
  new = Mul(i, g)
  cn = Add(kept, new)
  t = Tanh(cn)
  hn = Mul(o, t)
  y = Neg(hn)
}
""",
        {"W": (4, 20), "R": (5, 20), "b": (20,)},
        {"h0": ("hn", 0.0), "c0": ("cn", 0.0)},
    ),
    "last_frames": Case(
        """
main (float[1,3] x, float[5,3] old) => (float[1,3] y, float[5,3] frames)
<int64[1] one = {1}, int64[1] five = {5}, int64[1] zero = {0}> {
  rest = Slice(old, one, five, zero)
  frames = Concat <axis = 0> (rest, x)
  y = ReduceMax <axes = [0]> (frames)
}
""",
        {},
        {"old": ("frames", -0.5)},
        ("old=frames:-0.5",),
    ),
    "two_windows": Case(
        """
main (float[1,2,8] x, float[1,2,2] cache_a, float[1,3,4] cache_b) =>
  (float[1,3,8] y, float[1,2,2] new_cache_a, float[1,3,4] new_cache_b)
<int64[1] eight = {8}, int64[1] ten = {10}, int64[1] twelve = {12}, int64[1] two = {2}> {
  xs = Concat <axis = 2> (cache_a, x)
  a = Conv <kernel_shape = [3]> (xs, W)
  as = Concat <axis = 2> (cache_b, a)
  b = Conv <kernel_shape = [3], dilations = [2]> (as, V)
  y = Relu(b)
  new_cache_a = Slice(xs, eight, ten, two)
  new_cache_b = Slice(as, eight, twelve, two)
}
""",
        {"W": (3, 2, 3), "V": (3, 3, 3)},
        {"cache_a": ("new_cache_a", 0.0), "cache_b": ("new_cache_b", 0.0)},
    ),
    "counter": Case(
        """
main (float[1,3] x, float[1,3] state) => (float[1,3] y, float[1,3] stateN)
<float[1] third = {0.3333333432674408}> {
  lower = Mul(state, third)
  stateN = Add(lower, x)
  y = Sub(stateN, state)
}
""",
        {},
        {"state": ("stateN", 0.0)},
    ),
    "kept": Case(
        """
main (float[1,3] x, float[1,3] s) => (float[1,3] y, float[1,3] s_next) {
  y = Add(x, s)
  s_next = Identity(s)
}
""",
        {},
        {"s": ("s_next", 1.5)},
        ("s=s_next:1.5",),
        copies=1,
    ),
}
LENGTHS = [None, [3, 1, 5], [9]]


def save(case: Case, path: Path) -> Path:
    random = np.random.default_rng(3)
    model = onnx.parser.parse_model(HEADER + case.text.strip())
    for name, shape in case.weights.items():
        values = (random.standard_normal(shape) / 2).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    onnx.save(model, path)
    return path


def starts(lengths: Sequence[int] | None) -> list[int] | None:
    if lengths is None:
        return None
    return [sum(lengths[:i]) for i, length in enumerate(lengths) for _ in range(length)]


def loop(
    path: Path, case: Case, stream: Sequence[np.ndarray], first: Sequence[int] | None
) -> list[dict[str, np.ndarray]]:
    """The outputs of onnxruntime, fed back by hand."""
    session = ort.InferenceSession(path)
    shapes = {info.name: info.shape for info in session.get_inputs()}
    names = [info.name for info in session.get_outputs()]
    state, found = dict[str, np.ndarray](), list[dict[str, np.ndarray]]()
    for n, x in enumerate(stream):
        if n == (first[n] if first else 0):
            state = {
                name: np.full(shapes[name], number, np.float32)
                for name, (_, number) in case.state.items()
            }
        outputs = session.run(None, {"x": x, **state})
        results = {name: np.asarray(y) for name, y in zip(names, outputs, strict=True)}
        state = {name: results.pop(output) for name, (output, _) in case.state.items()}
        found.append(results)
    return found


def read(case: Case, path: Path) -> Model:
    with collect_diagnostics():
        return read_model(path, state=State.parse(case.options))


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("name", CASES)
def test_models(name: str, lengths: list[int] | None, tmp_path: Path) -> None:
    case = CASES[name]
    path = save(case, tmp_path / "model.onnx")
    model = read(case, path)
    assert model.inputs is not None and model.outputs is not None
    assert [*model.inputs] == ["x"] and [*model.outputs] == ["y"]
    random, first = np.random.default_rng(5), starts(lengths)
    stream = [random.standard_normal(model.inputs["x"]).astype(np.float32) for _ in range(9)]
    expected = [results["y"] for results in loop(path, case, stream, first)]

    inputs = [[x] for x in stream]
    numpy, onnxruntime = reference_of(model, evaluator="numpy"), reference_of(model)
    assert isinstance(onnxruntime, OnnxReference) and onnxruntime.has_state and numpy.has_state
    for reference in (numpy, onnxruntime):
        for found, wanted in zip(reference.evaluate(inputs, first), expected, strict=True):
            assert_close(found[0].reshape(wanted.shape), wanted)
    for found, wanted in zip(numpy.evaluate_in_double(inputs, first=first), expected, strict=True):
        assert found[0].dtype == np.float64
        assert_close(found[0].reshape(wanted.shape).astype(np.float32), wanted)
    for found, wanted in zip(
        onnxruntime.evaluate_in_double(inputs, first=first), expected, strict=True
    ):
        assert found[0].dtype == np.float64
        assert_close(found[0].reshape(wanted.shape).astype(np.float32), wanted)

    with collect_diagnostics():
        network = lower(model, prove=ElaboratedNetwork)
    copies = [name for name in network.op.programs if name.startswith("copy")]
    assert len(copies) == case.copies
    (taken,), (given,) = network.inputs, network.outputs
    shape = network.arrays[taken].shape
    timed = TimedNetwork(network, Hardware.load("ideal"))
    samples = [{taken: x.reshape(shape)} for x in stream]
    report = Simulator.of(timed, model.parameters).run(samples, first=first)
    assert report.outputs is not None
    for outputs, wanted in zip(report.outputs, expected, strict=True):
        assert_close(outputs[given].reshape(wanted.shape), wanted)


def test_check_of_ir_against_the_model(tmp_path: Path) -> None:
    """IR has its state in itself; that of the model is given, or known by its names."""
    for name, options in {"keys": (), "last_frames": ("none", "old=frames:-0.5")}.items():
        case = CASES[name]
        path = save(case, tmp_path / "model.onnx")
        ir = tmp_path / "model.mlir"
        ir.write_text(str(read(case, path).module))
        (tmp_path / "model.safetensors").unlink(missing_ok=True)
        read(case, path).parameters.save(tmp_path / "model.safetensors")
        model = read_model(ir)
        inputs = [[np.full((1, CASES_WIDTH[name]), n, np.float32)] for n in range(7)]
        with collect_diagnostics():
            against = [
                reference_of(model, path, evaluator, State.parse(options))
                for evaluator in ("onnxruntime", "numpy")
            ]
        for reference in against:
            assert reference.has_state
            for found, wanted in zip(
                reference.evaluate(inputs), reference_of(model).evaluate(inputs), strict=True
            ):
                assert_close(found[0].reshape(wanted[0].shape), wanted[0])


CASES_WIDTH = {"keys": 6, "last_frames": 3}


@given(st.data())
@settings(max_examples=25)
def test_random_networks(data: st.DataObject) -> None:
    """In sequences, in chunks of any length, and proved equal for all parameters."""
    text, parameters, size = draw_network(data)
    with collect_diagnostics():
        network = at_both_levels(text, parameters)
        context = make_context()
        module = ModuleOp([network.pipeline.clone()])
        passes = ("polyhedral-derive-dependences", "polyhedral-generate-loops")
        run_passes(module, ",".join((*passes, "convert-polyhedral-to-cmcore")), context)
    op = module.body.block.first_op
    assert isinstance(op, NetworkOp)
    compiled = ElaboratedNetwork(op)
    first, inputs = data.draw(st.sampled_from(STARTS)), stream((size,))
    simulator = Simulator.of(TimedNetwork(compiled, Hardware.load("ideal")), network.parameters)
    samples = [dict(zip(compiled.inputs, arrays, strict=True)) for arrays in inputs]
    report = simulator.run(samples, data.draw(st.sampled_from([1, 3, None])), first=first)
    assert report.outputs is not None
    found = [[*outputs.values()] for outputs in report.outputs]
    assert_equal(found, network.at_nn(inputs, first))
    uncovered = prove_values(compiled, network.function, 1).uncovered
    assert uncovered is None or "in the weights file" in uncovered


def test_counter_of_inferences(tmp_path: Path) -> None:
    """A state without dimensions, of integers."""
    text = """
main (float[1,3] x, int64 n) => (float[1,3] y, int64 n_next) <int64 one = {1}> {
  n_next = Add(n, one)
  f = Cast <to = 1> (n_next)
  y = Mul(x, f)
}
"""
    case = Case(text, {}, {}, ("n=n_next:5",))
    with collect_diagnostics():
        model = read(case, save(case, tmp_path / "model.onnx"))
        network = lower(model, prove=ElaboratedNetwork)
    timed = TimedNetwork(network, Hardware.load("ideal"))
    samples = [{network.inputs[0]: np.ones((1, 3), np.float32)} for _ in range(4)]
    report = Simulator.of(timed, model.parameters).run(samples, first=starts([3, 1]))
    assert report.outputs is not None
    found = [outputs[network.outputs[0]][0, 0] for outputs in report.outputs]
    assert found == [6, 7, 8, 6]


def test_names(tmp_path: Path) -> None:
    """Audio in and out is no state, and a cache that grows is not bound by its name."""
    for pair, bound in {
        "audio_in audio_out": False,
        "encoder_state_in encoder_state_out": True,
        "h_in h_out": True,
        "past.0.key present.0.key": True,
        "past_key_values.0.value present.0.value": True,
        "cached_conv1 new_cached_conv1": True,
        "r1i r1o": True,
        "h hn": True,
        "c_0 c_n": True,
        "state state_n": True,
        "x1 y1": False,
    }.items():
        one, other = pair.split()
        info = [onnx.helper.make_tensor_value_info(n, 1, [1, 3]) for n in ("x", one, "y", other)]
        nodes = [
            onnx.helper.make_node("Relu", ["x"], ["y"]),
            onnx.helper.make_node("Add", ["x", one], [other]),
        ]
        graph = onnx.helper.make_graph(nodes, "main", info[:2], info[2:])
        path = tmp_path / "model.onnx"
        onnx.save(onnx.helper.make_model(graph, ir_version=8), path)
        with collect_diagnostics() as found:
            state = import_onnx(path).state
        assert [(s.input, s.output) for s in state] == ([(one, other)] if bound else [])
        assert any("carried" in d.message for d in found) == bound
        with collect_diagnostics():
            assert import_onnx(path, state=State.parse(["none"])).state == ()


def test_initial_values(tmp_path: Path) -> None:
    """A file, and a constant of the model."""
    case = CASES["elman"]
    path = save(case, tmp_path / "model.onnx")
    values = np.arange(6, dtype=np.float32)
    np.save(tmp_path / "start.npy", values)
    for option, wanted in {
        f"s=s_next:{tmp_path / 'start.npy'}": values,
        "s=s_next:-1.5": np.full(6, -1.5),
        "s=s_next": np.zeros(6),
    }.items():
        imported = import_onnx(path, state=State.parse([option]))
        (state,) = imported.state
        np.testing.assert_array_equal(state.initial, wanted.reshape(1, 6))
    graph = onnx.load(path)
    graph.graph.initializer.append(numpy_helper.from_array(values, "begin"))
    onnx.save(graph, path)
    imported = import_onnx(path, state=State.parse(["s=s_next:begin"]))
    np.testing.assert_array_equal(imported.parameters["s.initial"], values)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["t=s_next"], "--state names 't', which is no input; there are: x, s"),
        (["s=t"], "--state names 't', which is no output; there are: y, s_next"),
        (["s=s_next:t"], "'t' is no number, no .npy file and no constant of the model"),
        (["s=s_next:W"], r"'W' has the shape \[6, 6\], expected \[1, 6\]"),
        (["s=s_next", "x=s_next"], "carries output 's_next' to two inputs"),
        (["s=s_next:nothing.npy"], "No such file"),
        (["s=s_next:empty.npy"], "initial value of input 's': No data left in file"),
    ],
)
def test_refusals(
    options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(CASES["elman"], tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.npy").touch()
    with pytest.raises(OnnxError, match=message):
        import_onnx(path, state=State.parse(options))


def test_growing_state(tmp_path: Path) -> None:
    text = """
main (float[1,6] x, float[4,6] past_key) => (float[5,6] y, float[5,6] present_key) {
  present_key = Concat <axis = 0> (past_key, x)
  y = Relu(present_key)
}
"""
    path = save(Case(text, {}, {}), tmp_path / "model.onnx")
    with pytest.raises(OnnxError, match="no static control exists for a state that grows"):
        import_onnx(path, state=State.parse(["past_key=present_key"]))
    with collect_diagnostics() as found:
        assert import_onnx(path).state == ()
    assert any("a state that grows" in d.message for d in found)


def test_batches(tmp_path: Path) -> None:
    text = "main (float[4,6] x, float[4,6] s) => (float[4,6] s_next) { s_next = Add(x, s) }"
    path = save(Case(text, {}, {}), tmp_path / "model.onnx")
    with pytest.raises(OnnxError, match="each of the 4 samples of a batch has a state of its own"):
        import_onnx(path, samples="split", state=State.parse(["s=s_next"]))
