"""Recurrent nodes, drawn by hypothesis, with ONNX's equations in NumPy as their reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
FUNCTIONS: Mapping[str, Any] = {
    "Relu": lambda x, a, b: x * (x > 0),
    "Tanh": lambda x, a, b: 1 - 2 / (np.exp(2 * x) + 1),
    "Sigmoid": lambda x, a, b: 1 / (1 + np.exp(-x)),
    "Affine": lambda x, a, b: a * x + b,
    "LeakyRelu": lambda x, a, b: np.where(x >= 0, x, a * x),
    "ThresholdedRelu": lambda x, a, b: x * (x > a),
    "ScaledTanh": lambda x, a, b: a * (1 - 2 / (np.exp(2 * b * x) + 1)),
    "HardSigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "Elu": lambda x, a, b: np.where(x >= 0, x, a * (np.exp(x) - 1)),
    "Softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "Softplus": lambda x, a, b: np.log(1 + np.exp(x)),
}
ALPHAS = {
    "Affine": 1.0,
    "LeakyRelu": 0.01,
    "ThresholdedRelu": 1.0,
    "ScaledTanh": 1.0,
    "HardSigmoid": 0.2,
    "Elu": 1.0,
}
BETAS = {"Affine": 0.0, "ScaledTanh": 1.0, "HardSigmoid": 0.5}


@dataclass
class Layer:
    """A node. inputs: those of the node that are present, by name. given: the names of the network's inputs."""

    kind: str
    steps: int
    batch: int
    units: int
    attributes: dict[str, Any]
    inputs: dict[str, np.ndarray] = field(default_factory=dict)
    given: Sequence[str] = ("X",)

    @property
    def outputs(self) -> Sequence[str]:
        return ["Y", "Y_h", "Y_c"][: 3 if self.kind == "LSTM" else 2]

    def model(self, outputs: Sequence[str] | None = None) -> onnx.ModelProto:
        names = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]
        names = [name if name in self.inputs else "" for name in names]
        while not names[-1]:
            del names[-1]
        node = helper.make_node(self.kind, names, self.outputs, "node", **self.attributes)
        graph = helper.make_graph(
            [node],
            "graph",
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, self.inputs[name].shape)
                for name in self.given
            ],
            [onnx.ValueInfoProto(name=name) for name in outputs or self.outputs],
            [
                numpy_helper.from_array(array, name)
                for name, array in self.inputs.items()
                if name not in self.given
            ],
        )
        opset = helper.make_opsetid("", 17)
        return helper.make_model(graph, opset_imports=[opset], ir_version=8)

    def reference(self) -> list[np.ndarray]:
        """The outputs, in double precision, each state of each sequence by itself."""
        layout = self.attributes.get("layout", 0)
        x = self.inputs["X"].astype(np.float64)
        x = x.swapaxes(0, 1) if layout else x
        direction = self.attributes.get("direction", "forward")
        reverse = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[direction]
        lengths = self.inputs.get("sequence_lens", [self.steps] * self.batch)
        y = np.zeros((self.steps, len(reverse), self.batch, self.units))
        last = np.zeros((2, len(reverse), self.batch, self.units))
        for d, backwards in enumerate(reverse):
            for row, length in enumerate(lengths):
                h, c = (self._initial(name, d, row) for name in ("initial_h", "initial_c"))
                steps = range(length)
                for t in reversed(steps) if backwards else steps:
                    h, c = self._step(d, len(reverse), x[t, row], h, c)
                    y[t, d, row] = h
                if length:
                    last[:, d, row] = h, c
        if layout:
            y, last = y.transpose(2, 0, 1, 3), last.swapaxes(1, 2)
        return [y, *last][: len(self.outputs)]

    def _initial(self, name: str, d: int, row: int) -> np.ndarray:
        if name not in self.inputs:
            return np.zeros(self.units)
        state = self.inputs[name].astype(np.float64)
        return state[row, d] if self.attributes.get("layout", 0) else state[d, row]

    def _step(
        self, d: int, directions: int, x: np.ndarray, h: np.ndarray, c: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        gates, n = GATES[self.kind], self.units
        w, r = (self.inputs[name][d].astype(np.float64) for name in ("W", "R"))
        b = (
            self.inputs["B"][d].astype(np.float64)
            if "B" in self.inputs
            else np.zeros(2 * gates * n)
        )
        of_x = (w @ x + b[: gates * n]).reshape(gates, n)
        bias = b[gates * n :].reshape(gates, n)
        of_h = (r @ h).reshape(gates, n) + bias

        def f(index: int, value: np.ndarray) -> np.ndarray:
            clip = self.attributes.get("clip", np.inf)
            return self._activate(d * len(DEFAULTS[self.kind]) + index, np.clip(value, -clip, clip))

        match self.kind:
            case "RNN":
                return f(0, of_x[0] + of_h[0]), c
            case "GRU":
                z, reset = f(0, of_x[0] + of_h[0]), f(0, of_x[1] + of_h[1])
                if self.attributes.get("linear_before_reset", 0):
                    candidate = f(1, of_x[2] + reset * of_h[2])
                else:
                    candidate = f(1, of_x[2] + r[2 * n :] @ (reset * h) + bias[2])
                return (1 - z) * candidate + z * h, c
            case _:
                p = np.zeros((3, n))
                if "P" in self.inputs:
                    p = self.inputs["P"][d].astype(np.float64).reshape(3, n)
                i = f(0, of_x[0] + of_h[0] + p[0] * c)
                forget = f(0, of_x[2] + of_h[2] + p[2] * c)
                if self.attributes.get("input_forget", 0):
                    forget = 1 - i
                c = forget * c + i * f(1, of_x[3] + of_h[3])
                o = f(0, of_x[1] + of_h[1] + p[1] * c)
                # As in onnxruntime, the cell is not clipped.
                return o * self._activate(d * 3 + 2, c), c

    def _activate(self, index: int, x: np.ndarray) -> np.ndarray:
        directions = len(self.inputs["W"])
        names = self.attributes.get("activations", DEFAULTS[self.kind] * directions)
        numbers = []
        for option, defaults in (("activation_alpha", ALPHAS), ("activation_beta", BETAS)):
            given = self.attributes.get(option, [])
            before = sum(name in defaults for name in names[:index])
            default = defaults.get(names[index], 0.0)
            numbers.append(given[before] if before < len(given) else default)
        with np.errstate(over="ignore"):
            return FUNCTIONS[names[index]](x, *numbers)


@st.composite
def _attributes(draw: st.DrawFn, kind: str, directions: int) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    if draw(st.booleans()):
        attributes["clip"] = draw(st.sampled_from([0.25, 0.5, 1.5]))
    if draw(st.booleans()):
        names = st.sampled_from(sorted(FUNCTIONS))
        total = len(DEFAULTS[kind]) * directions
        chosen = draw(st.lists(names, min_size=total, max_size=total))
        attributes["activations"] = chosen
        for option, taking in (("activation_alpha", ALPHAS), ("activation_beta", BETAS)):
            # ONNX and onnxruntime have different defaults for these.
            most = sum(name in taking for name in chosen)
            all_given = {"Affine", "ScaledTanh", "ThresholdedRelu"} & {*chosen}
            numbers = most if all_given else draw(st.integers(0, most))
            if numbers:
                given = st.sampled_from([0.1, 0.3, 0.5, 0.9])
                attributes[option] = draw(st.lists(given, min_size=numbers, max_size=numbers))
    if kind != "RNN":
        flag = "linear_before_reset" if kind == "GRU" else "input_forget"
        attributes[flag] = draw(st.integers(0, 1))
    return attributes


@st.composite
def layers(draw: st.DrawFn, kind: str, layout: int = 0) -> Layer:
    """A node with drawn sizes, directions, attributes, and optional inputs."""
    steps, batch, width, units = (draw(st.integers(1, high)) for high in (5, 3, 3, 4))
    random = np.random.default_rng(draw(st.integers(0, 999)))
    direction = draw(st.sampled_from(["forward", "reverse", "bidirectional"]))
    count, gates = 1 + (direction == "bidirectional"), GATES[kind]
    attributes = draw(_attributes(kind, count))
    attributes |= {
        "hidden_size": units,
        "direction": direction,
        **({"layout": 1} if layout else {}),
    }

    def numbers_of(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    x = numbers_of(*((batch, steps) if layout else (steps, batch)), width)
    layer = Layer(kind, steps, batch, units, attributes, {"X": x})
    inputs, given = layer.inputs, ["X"]
    inputs["W"] = numbers_of(count, gates * units, width)
    inputs["R"] = numbers_of(count, gates * units, units) / 2
    if draw(st.booleans()):
        inputs["B"] = numbers_of(count, 2 * gates * units)
    if draw(st.booleans()):
        lengths = draw(st.lists(st.integers(0, steps), min_size=batch, max_size=batch))
        inputs["sequence_lens"] = np.array(lengths, np.int32)
    for name in ("initial_h", "initial_c")[: len(layer.outputs) - 1]:
        if (how := draw(st.sampled_from(["absent", "constant", "input"]))) != "absent":
            inputs[name] = numbers_of(*((batch, count) if layout else (count, batch)), units)
            given += [name] if how == "input" else []
    if kind == "LSTM" and draw(st.booleans()):
        inputs["P"] = numbers_of(count, 3 * units)
    layer.given = given
    return layer
