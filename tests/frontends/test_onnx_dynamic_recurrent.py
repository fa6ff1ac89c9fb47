"""DynamicQuantizeLSTM: the exact reference, the imported operators and the compiled network equal onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from frontends.onnx_models import save
from networks import compile_network
from onnx import TensorProto, helper, numpy_helper

from cmir.checking import evaluator_of
from cmir.frontends.onnx import OnnxError, import_onnx

STEPS, INPUTS, UNITS = 6, 5, 4


def model_of(
    directions: int = 1,
    batch: int = 1,
    per_gate: bool = False,
    kind: type[np.integer[Any]] = np.uint8,
    given: tuple[str, ...] = ("B", "h0", "c0"),
    steps: int = STEPS,
    **attributes: Any,
) -> onnx.ModelProto:
    random = np.random.default_rng(0)
    gates = 4 * UNITS
    each = (directions, gates) if per_gate else (directions,)
    # Signed weights of 7 bits: sums of two products do not saturate on processors without VNNI.
    low, high = (0, 256) if kind == np.uint8 else (-63, 64)
    constants: dict[str, np.ndarray] = {
        "W": random.integers(low, high, (directions, INPUTS, gates)).astype(kind),
        "R": random.integers(low, high, (directions, UNITS, gates)).astype(kind),
        "B": random.normal(0, 0.3, (directions, 2 * gates)).astype(np.float32),
        "P": random.normal(0, 0.3, (directions, 3 * UNITS)).astype(np.float32),
        "lengths": np.full(batch, STEPS, np.int32),
        "short": np.full(batch, STEPS - 1, np.int32),
    }
    for name in ("h0", "c0"):
        constants[name] = random.normal(0, 0.3, (directions, batch, UNITS)).astype(np.float32)
    for name in ("W", "R"):
        constants[f"{name}s"] = random.uniform(0.004, 0.008, each).astype(np.float32)
        zero = 128 if kind == np.uint8 else 0
        constants[f"{name}z"] = np.full(each, zero, kind)
    lengths = next((name for name in ("lengths", "short") if name in given), "")
    b, h, c, p = (name if name in given else "" for name in ("B", "h0", "c0", "P"))
    inputs = ["x", "W", "R", b, lengths, h, c, p, "Ws", "Wz", "Rs", "Rz"]
    node = helper.make_node(
        "DynamicQuantizeLSTM",
        inputs,
        ["y", "h", "c"],
        "n",
        domain="com.microsoft",
        hidden_size=UNITS,
        **attributes,
    )
    used = [numpy_helper.from_array(a, n) for n, a in constants.items() if n in inputs]
    infos = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [steps, batch, INPUTS])]
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in node.output]
    graph = helper.make_graph([node], "main", infos, outputs, used)
    opsets = [helper.make_opsetid("", 14), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


CASES: dict[str, dict[str, Any]] = {
    "uint8": {},
    "int8": {"kind": np.int8},
    "a scale for each gate": {"per_gate": True, "kind": np.int8},
    "reverse": {"direction": "reverse", "given": ()},
    "bidirectional": {"directions": 2, "direction": "bidirectional", "given": ("B", "lengths")},
    "a batch": {"batch": 3},
    "peepholes": {"given": ("h0", "c0", "P")},
    "clip": {"clip": 0.4, "given": ("B", "h0", "c0", "P")},
    "input and forget gate are one": {"input_forget": 1},
    "activations": {"activations": ["Relu", "Tanh", "Sigmoid"]},
}


def sample(model: onnx.ModelProto) -> np.ndarray:
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("case", CASES)
def test_reference_equals_onnxruntime(case: str) -> None:
    """With one thread: several threads divide the sequences of a batch, each part with a scale of its own."""
    model = model_of(**CASES[case])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    x = sample(model)
    exact = evaluator_of(model)
    assert exact.name == "exact integer arithmetic"
    for result, wanted in zip(exact(x), session.run(None, {"x": x}), strict=True):
        assert np.abs(result - np.asarray(wanted)).max() < 1e-6


@pytest.mark.parametrize("case", CASES)
def test_compiled(case: str) -> None:
    model = model_of(**CASES[case])
    x = sample(model)
    compiled = compile_network(model, batch=False)
    (results,) = compiled.simulator.run([{"x": x}]).outputs
    wanted = evaluator_of(model)(x)
    for found in (compiled.reference({"x": x}), results.values()):
        for result, expected in zip(found, wanted, strict=True):
            np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)


def test_a_step_is_written_once() -> None:
    """The text does not grow with the number of steps."""
    few, many = (compile_network(model_of(steps=steps), batch=False) for steps in (2, 7))
    assert list(few.network.programs) == list(many.network.programs)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "lengths": (
        {"given": ("short",)},
        "input sequence_lens: sequences of several lengths are not supported",
    ),
    "activation": (
        {"activations": ["Sigmoid", "Softsign", "Tanh"]},
        "activation softsign is not supported with quantised states",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str, tmp_path: Path) -> None:
    settings, message = REFUSED[name]
    with pytest.raises(OnnxError) as caught:
        import_onnx(save(model_of(**settings), tmp_path), samples="whole")
    assert list(caught.value.messages) == [f"node 'n' (DynamicQuantizeLSTM): {message}"]
