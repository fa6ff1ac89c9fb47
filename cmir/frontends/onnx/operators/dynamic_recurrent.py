"""The recurrent operator of onnxruntime (`com.microsoft`) that quantises inputs and states while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import parser

from cmir.dialects import nn
from cmir.dialects.nn.operation import shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.operators.mixed_products import matmul_integer_to_float
from cmir.frontends.onnx.operators.quantization import dynamic_quantize_linear
from cmir.frontends.onnx.operators.recurrent import (
    Direction,
    Sequences,
    Settings,
    directions_of,
    peepholes_of,
    verify_peepholes,
)
from cmir.frontends.onnx.operators.repetition import Along, Repetition, repeated
from cmir.frontends.onnx.quantized import MICROSOFT
from cmir.frontends.onnx.registry import importer

_OPERATORS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}
"""ONNX's operators, by the names of activations."""


@dataclass(frozen=True)
class _Weights:
    """Quantised weights of a direction: inputs × gates, with a scale and a zero point, or one for each gate."""

    numbers: Constant
    scale: Constant
    zero: Constant


@importer("DynamicQuantizeLSTM", MICROSOFT)
def dynamic_quantize_lstm(
    node: Node,
    x: Activation,
    w: Constant,
    r: Constant,
    b: Constant | None = None,
    sequence_lens: Constant | None = None,
    initial_h: Value | None = None,
    initial_c: Value | None = None,
    p: Constant | None = None,
    w_scale: Constant | None = None,
    w_zero_point: Constant | None = None,
    r_scale: Constant | None = None,
    r_zero_point: Constant | None = None,
    *,
    settings: Settings,
    input_forget: bool = False,
) -> Sequence[Value]:
    """With the activations Sigmoid, Tanh and Relu. The states of a batch have one scale in each step."""
    sequences = Sequences.of(node, x, sequence_lens, settings)
    if set(sequences.lengths) != {shape_of(sequences.x)[0]}:
        raise ImporterError("input sequence_lens: sequences of several lengths are not supported")
    if b is None:
        b = Constant(f"{r.name}.bias", np.zeros((len(r.array), 2 * r.shape[-1]), np.float32))
    defaults = ["Sigmoid", "Tanh", "Tanh"]
    directions = directions_of(_transposed(w), _transposed(r), b, 4, sequences, defaults)
    verify_peepholes(p, directions)
    inputs = dynamic_quantize_linear(node, sequences.x)

    def build(
        _: Activation, own: Direction, states: Sequence[Activation | None]
    ) -> Sequence[Activation]:
        of_inputs = _weights(w, w_scale, w_zero_point, own)
        of_states = _weights(r, r_scale, r_zero_point, own)
        bias = Constant(f"{own.of_inputs.name}.both", own.of_inputs.array + own.of_states.array)
        products = _products(node, inputs, of_inputs, bias)
        peepholes = None if p is None else peepholes_of(p, own).array
        step = _step(own, settings.clip, peepholes, input_forget)
        return _recurrence(node, products, of_states, states, step, own)

    return sequences.results(build, directions, [initial_h, initial_c])


def _transposed(constant: Constant) -> Constant:
    """Return weights as LSTM has them, gates × inputs. Raises ImporterError."""
    if constant.array.ndim != 3:
        raise ImporterError(f"constant '{constant.name}' must have 3 dimensions")
    return Constant(constant.name, constant.array.swapaxes(1, 2))


def _weights(
    w: Constant, scale: Constant | None, zero: Constant | None, own: Direction
) -> _Weights:
    """Return the weights of a direction. Raises ImporterError."""
    if scale is None:
        raise ImporterError(f"constant '{w.name}' has no scale")
    if zero is None:
        zero = Constant(f"{w.name}.zero", np.zeros(scale.shape, w.array.dtype))
    count, _, gates = w.shape
    for part in (scale, zero):
        if part.shape not in ((count,), (count, gates)):
            raise ImporterError(
                f"constant '{part.name}' has the shape {list(part.shape)}, expected {[count]} or"
                f" {[count, gates]}"
            )
    return _Weights(
        *(Constant(f"{c.name}.{own.index}", c.array[own.index]) for c in (w, scale, zero))
    )


def _products(
    node: Node, numbers: Sequence[Activation], weights: _Weights, bias: Constant
) -> Activation:
    """Build the products of quantised rows and weights, plus a bias."""
    x, scale, zero = numbers
    constants = weights.scale, zero, weights.zero, bias
    result = matmul_integer_to_float(node, x, weights.numbers, scale, *constants)
    assert isinstance(result, Activation)
    return result


def _step(
    own: Direction, clip: float, peepholes: np.ndarray | None, input_forget: bool
) -> tuple[str, Mapping[str, Constant]]:
    """Return the nodes of a step, and their constants. Raises ImporterError."""
    given: dict[str, Constant] = {}
    f, g, h = (_operator(name) for name in own.options["activations"])
    nodes: list[str] = []

    def gate(name: str, cell: str, row: int | None) -> str:
        """Return the sum that a gate's activation takes."""
        if peepholes is not None and row is not None:
            given[f"p{name}"] = Constant(f"{own.r.name}.{name}", peepholes[row])
            nodes.append(f"m{name} = Mul({cell}, p{name}) s{name} = Add({name}, m{name})")
            name = f"s{name}"
        if clip:
            nodes.append(f"c{name} = Clip({name}, low, high)")
            name = f"c{name}"
        return name

    if clip:
        given["low"], given["high"] = (
            Constant(f"{own.r.name}.{end}", np.array(bound, np.float32))
            for end, bound in (("low", -clip), ("high", clip))
        )
    nodes.append(f"at = {f}({gate('i', 'c', 0)})")
    if input_forget:
        given["one"] = Constant(f"{own.r.name}.one", np.ones((), np.float32))
        nodes.append("ft = Sub(one, at)")
    else:
        nodes.append(f"ft = {f}({gate('f', 'c', 2)})")
    nodes.append(f"kt = {g}({gate('k', 'c', None)}) kept = Mul(ft, c) new = Mul(at, kt)")
    nodes.append("c1 = Add(kept, new)")
    nodes.append(f"ot = {f}({gate('o', 'c1', 1)}) shown = {h}(c1) h1 = Mul(ot, shown)")
    return " ".join(nodes), given


def _operator(activation: str) -> str:
    if activation not in _OPERATORS:
        raise ImporterError(f"activation {activation} is not supported with quantised states")
    return _OPERATORS[activation]


def _recurrence(
    node: Node,
    products: Activation,
    weights: _Weights,
    states: Sequence[Activation | None],
    step: tuple[str, Mapping[str, Constant]],
    own: Direction,
) -> Sequence[Activation]:
    """Build the steps, and return the states h and c of all of them.

    products: steps × batch × gates, of the inputs.
    """
    steps, batch, gates = shape_of(products)
    units = gates // 4
    zeros = Constant(f"{own.r.name}.initial", np.zeros((batch, units), np.float32))
    first = [
        zeros if state is None else node.build(nn.ReshapeOp(state, [batch, units]))
        for state in states
    ]
    nodes, constants = step
    state, sums = f"float[{batch}, {units}]", f"float[{batch}, {gates}]"
    body = parser.parse_graph(
        f"step ({state} h, {state} c, {sums} x) => ({state} h1, {state} c1, {state} hs, {state} cs) {{"
        f" r0 = {MICROSOFT}.DynamicQuantizeMatMul(h, r, rs, rz) sums = Add(x, r0)"
        f" i, o, f, k = Split<axis = 1, split = [{units}, {units}, {units}, {units}]>(sums)"
        f" {nodes} hs = Identity(h1) cs = Identity(c1) }}"
    )
    _rename(body, node)
    fixed = {"r": weights.numbers, "rs": weights.scale, "rz": weights.zero, **constants}
    along = Along(0, own.options["reverse"])
    carried = dict(zip("hc", first, strict=True))
    over = {"x": (products, along)}
    repetition = Repetition(body, steps, fixed, carried, over, [along, along])
    *_, h, c = repeated(node, repetition)
    assert isinstance(h, Activation) and isinstance(c, Activation)
    return h, c


def _rename(body: onnx.GraphProto, node: Node) -> None:
    """Give the nodes of a body the name of the node that they are part of."""
    for inner in body.node:
        inner.name = node.proto.name
