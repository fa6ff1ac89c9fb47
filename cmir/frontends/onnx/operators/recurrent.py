"""Recurrent networks: a product over all steps, then an operator that reads its own results of the step before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from cmir.dialects import nn
from cmir.dialects.nn.functions import ACTIVATIONS
from cmir.dialects.nn.operation import Shape, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, shape_of_rank
from cmir.frontends.onnx.registry import importer
from cmir.support.counts import count_of

_NAMES: Mapping[str, str] = {name.replace("_", ""): name for name in ACTIVATIONS}
"""Activations by ONNX's names in lower case; their case does not matter."""

_DIRECTIONS: Mapping[str, Sequence[bool]] = {
    "forward": (False,),
    "reverse": (True,),
    "bidirectional": (False, True),
}
"""For each sequence of states, whether it begins with the last element."""


@dataclass(frozen=True)
class Settings:
    """The attributes that LSTM, GRU and RNN share."""

    hidden_size: int | None = None
    direction: str = "forward"
    layout: bool = False
    activations: Sequence[str] = ()
    activation_alpha: Sequence[float] = ()
    activation_beta: Sequence[float] = ()
    clip: float = 0.0

    @property
    def directions(self) -> Sequence[bool]:
        """For each direction, whether it is reverse. Raises ImporterError."""
        if self.direction not in _DIRECTIONS:
            raise ImporterError(f"attribute direction = {self.direction} is not supported")
        return _DIRECTIONS[self.direction]

    def options(self, defaults: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Return the options of the operator of each direction. Raises ImporterError.

        defaults: the activations of a direction.
        """
        each, count = len(defaults), len(self.directions)
        names = [_activation(name) for name in self.activations or [*defaults] * count]
        if len(names) != each * count:
            raise ImporterError(
                f"attribute activations has {count_of(len(names), 'entry', 'entries')}, expected {each * count}:"
                f" {each} for each direction"
            )
        # The numbers belong to the activations that take one, in order.
        given = {"alphas": iter(self.activation_alpha), "betas": iter(self.activation_beta)}
        numbers = [
            {
                "alphas": _number(given["alphas"], name, ACTIVATIONS[name].alpha),
                "betas": _number(given["betas"], name, ACTIVATIONS[name].beta),
            }
            for name in names
        ]
        found: list[Mapping[str, Any]] = []
        for direction, reverse in enumerate(self.directions):
            own = slice(direction * each, (direction + 1) * each)
            options: dict[str, Any] = {"activations": names[own], "reverse": reverse}
            for option in given:
                values = [number[option] for number in numbers[own]]
                if any(value is not None for value in values):
                    options[option] = [value or 0.0 for value in values]
            found.append({**options, "clip": self.clip or None})
        return found


def _activation(name: str) -> str:
    if name.lower() not in _NAMES:
        raise ImporterError(f"activation {name} is not supported")
    return _NAMES[name.lower()]


def _number(given: Iterator[float], name: str, default: float | None) -> float | None:
    """Return the next number, or the default if there are no more. Without a default, take and return none.

    Raises ImporterError where ONNX and onnxruntime have different defaults.
    """
    if default is None:
        return None
    number = next(given, None)
    if number is None and name in ("affine", "scaled_tanh", "thresholded_relu"):
        raise ImporterError(
            f"activation {name.title().replace('_', '')} needs a number in activation_alpha, and, if"
            " it takes two, in activation_beta"
        )
    return default if number is None else number


@dataclass(frozen=True)
class Direction:
    """A direction: its operator's options, its weights of inputs and states, and the biases of both products."""

    index: int
    options: Mapping[str, Any]
    w: Constant
    r: Constant
    of_inputs: Constant
    of_states: Constant

    def part(self, constant: Constant, name: str, *rows: slice) -> Constant:
        """Return some rows of a constant."""
        array = np.concatenate([constant.array[row] for row in rows])
        return Constant(f"{constant.name}.{name}", array)


Build: TypeAlias = Callable[
    [Activation, "Direction", Sequence[Activation | None]], Sequence[Activation]
]
"""Function that builds a direction from the sequence and the initial states, and returns the states of all steps."""


@importer("RNN")
def rnn(
    node: Node,
    x: Activation,
    w: Constant,
    r: Constant,
    b: Constant | None = None,
    sequence_lens: Constant | None = None,
    initial_h: Value | None = None,
    *,
    settings: Settings,
) -> Sequence[Value]:
    """With all attributes, and constant or computed initial states."""

    def build(
        x: Activation, own: Direction, states: Sequence[Activation | None]
    ) -> Sequence[Activation]:
        bias = own.of_inputs.array + own.of_states.array
        products = _products(node, x, own, bias)
        op = nn.RnnOp(products, node.parameter(own.r), *states, **own.options)
        node.build(op)
        return op.results

    sequences = Sequences.of(node, x, sequence_lens, settings)
    directions = directions_of(w, r, b, 1, sequences, ["Tanh"])
    return sequences.results(build, directions, [initial_h])


@importer("GRU")
def gru(
    node: Node,
    x: Activation,
    w: Constant,
    r: Constant,
    b: Constant | None = None,
    sequence_lens: Constant | None = None,
    initial_h: Value | None = None,
    *,
    settings: Settings,
    linear_before_reset: bool = False,
) -> Sequence[Value]:
    """With all attributes, and constant or computed initial states."""

    def build(
        x: Activation, own: Direction, states: Sequence[Activation | None]
    ) -> Sequence[Activation]:
        units = own.r.shape[1]
        gates, candidate = slice(0, 2 * units), slice(2 * units, None)
        bias, weight = own.of_inputs.array + own.of_states.array, own.r
        apart: dict[str, Activation] = {}
        if not linear_before_reset:
            weight = own.part(own.r, "gates", gates)
            apart["candidate"] = node.parameter(own.part(own.r, "candidate", candidate))
        elif own.of_states.array[candidate].any():
            bias[candidate] = own.of_inputs.array[candidate]
            apart["bias"] = node.parameter(own.part(own.of_states, "candidate", candidate))
        products = _products(node, x, own, bias)
        op = nn.GruOp(products, node.parameter(weight), *states, **apart, **own.options)
        node.build(op)
        return op.results

    sequences = Sequences.of(node, x, sequence_lens, settings)
    directions = directions_of(w, r, b, 3, sequences, ["Sigmoid", "Tanh"])
    return sequences.results(build, directions, [initial_h])


@importer("LSTM")
def lstm(
    node: Node,
    x: Activation,
    w: Constant,
    r: Constant,
    b: Constant | None = None,
    sequence_lens: Constant | None = None,
    initial_h: Value | None = None,
    initial_c: Value | None = None,
    p: Constant | None = None,
    *,
    settings: Settings,
    input_forget: bool = False,
) -> Sequence[Value]:
    """With all attributes, and constant or computed initial states."""

    def build(
        x: Activation, own: Direction, states: Sequence[Activation | None]
    ) -> Sequence[Activation]:
        products = _products(node, x, own, own.of_inputs.array + own.of_states.array)
        h, c = states
        peepholes = None if p is None else node.parameter(peepholes_of(p, own))
        op = nn.LstmOp(
            products,
            node.parameter(own.r),
            h,
            c,
            peepholes,
            **own.options,
            input_forget=input_forget,
        )
        node.build(op)
        return op.results

    sequences = Sequences.of(node, x, sequence_lens, settings)
    directions = directions_of(w, r, b, 4, sequences, ["Sigmoid", "Tanh", "Tanh"])
    verify_peepholes(p, directions)
    return sequences.results(build, directions, [initial_h, initial_c])


def verify_peepholes(p: Constant | None, directions: Sequence[Direction]) -> None:
    """Raise ImporterError if the weights of the cells do not fit."""
    expected = (len(directions), 3 * directions[0].r.shape[1])
    if p is not None and p.shape != expected:
        raise ImporterError(f"input P has the shape {list(p.shape)}, expected {list(expected)}")


def peepholes_of(p: Constant, own: Direction) -> Constant:
    """Return the weights of the cells of a direction: rows for the input, output and forget gates."""
    return Constant(f"{p.name}.{own.index}", p.array[own.index].reshape(3, -1))


def _products(node: Node, x: Activation, own: Direction, bias: np.ndarray) -> Activation:
    """Build the products of the inputs with their weights, plus this bias."""
    held = node.parameter(Constant(own.of_inputs.name, bias)) if bias.any() else None
    return node.build(nn.GemmOp(x, node.parameter(own.w), held, trans_b=True))


def directions_of(
    w: Constant,
    r: Constant,
    b: Constant | None,
    gates: int,
    sequences: Sequences,
    activations: Sequence[str],
) -> Sequence[Direction]:
    """Return the directions of a network. Raises ImporterError if shapes do not fit together.

    activations: the default ones.
    """
    options = sequences.settings.options(activations)
    count, inputs = len(options), sequences.inputs
    units = sequences.settings.hidden_size or (r.shape[-1] if r.shape else 0)
    half = gates * units
    for name, constant, expected in (
        ("W", w, (count, half, inputs)),
        ("R", r, (count, half, units)),
        ("B", b, (count, 2 * half)),
    ):
        if constant is not None and constant.shape != expected:
            raise ImporterError(
                f"input {name} has the shape {list(constant.shape)}, expected {list(expected)} for"
                f" hidden_size = {units} and {count_of(inputs, 'input')}"
            )
    zeros = Constant(f"{r.name}.bias", np.zeros((count, 2 * half), r.array.dtype))
    biases = zeros if b is None else b
    return [
        Direction(
            index,
            own,
            Constant(f"{w.name}.{index}", w.array[index]),
            Constant(f"{r.name}.{index}", r.array[index]),
            Constant(f"{biases.name}.{index}.inputs", biases.array[index, :half]),
            Constant(f"{biases.name}.{index}.states", biases.array[index, half:]),
        )
        for index, own in enumerate(options)
    ]


@dataclass(frozen=True)
class Sequences:
    """The sequences of a node: x has the shape steps × batch × inputs, whatever its layout in ONNX is."""

    node: Node
    x: Activation
    settings: Settings
    lengths: Sequence[int]
    """The length of each sequence of the batch."""

    @classmethod
    def of(
        cls, node: Node, x: Activation, lengths: Constant | None, settings: Settings
    ) -> Sequences:
        if node.batch and not settings.layout:
            raise ImporterError("its first dimension is that of the steps, not of a batch")
        shape_of_rank(
            x, "a sample of the input" if node.batch else "the input", 3 - len(node.batch)
        )
        if node.batch:
            x = node.build(nn.ReshapeOp(x, (1, *shape_of(x))))
        if settings.layout:
            x = node.build(nn.TransposeOp(x, [1, 0, 2]))
        steps, batch, _ = shape_of(x)
        if lengths is None:
            return cls(node, x, settings, [steps] * batch)
        if lengths.shape != (batch,) or not all(0 <= size <= steps for size in lengths.array):
            raise ImporterError(
                f"input sequence_lens must be {batch} lengths of at most {steps}, got"
                f" {lengths.array.tolist()}"
            )
        return cls(node, x, settings, lengths.array.tolist())

    @property
    def inputs(self) -> int:
        """The size of an element of a sequence."""
        return shape_of(self.x)[-1]

    def results(
        self,
        build: Build,
        directions: Sequence[Direction],
        initial: Sequence[Value | None],
    ) -> Sequence[Value]:
        """Build the operators of all directions.

        Return the states h of all steps, and the last state of each kind.
        """
        whole: list[Activation] = []
        last: list[list[Activation]] = [[] for _ in initial]
        steps, batch, _ = shape_of(self.x)
        for own in directions:
            units = own.r.shape[1]
            groups = [
                self._group(build, own, initial, length, rows) for length, rows in self._groups()
            ]
            sequences, *ends = zip(*groups, strict=True)
            whole.append(self._shaped(self._merged(sequences, 1), (steps, 1, batch, units)))
            for found, parts in zip(last, ends, strict=True):
                found.append(self._shaped(self._merged(parts, 0), (1, batch, units)))
        y, ends = self._joined(whole, 1), [self._joined(parts, 0) for parts in last]
        if self.settings.layout:
            y = self.node.build(nn.TransposeOp(y, [2, 0, 1, 3]))
            ends = [self.node.build(nn.TransposeOp(end, [1, 0, 2])) for end in ends]
        if self.node.batch:
            y, *ends = (self._shaped(x, shape_of(x)[1:]) for x in (y, *ends))
        return [y, *ends]

    def _groups(self) -> Sequence[tuple[int, Sequence[int]]]:
        """Return each length that occurs, with the rows of the batch that have it."""
        return [
            (length, [row for row, size in enumerate(self.lengths) if size == length])
            for length in sorted(set(self.lengths), reverse=True)
        ]

    def _group(
        self,
        build: Build,
        own: Direction,
        initial: Sequence[Value | None],
        length: int,
        rows: Sequence[int],
    ) -> Sequence[Activation]:
        """Build the operator of some rows of the batch, which have one length.

        Return the states h of all steps, 0 after the end, and the last state of each kind.
        """
        node, (steps, _, inputs) = self.node, shape_of(self.x)
        shape = (len(rows), own.r.shape[1])
        if not length:
            zeros = np.zeros((steps, *shape), own.r.array.dtype)
            empty = Constant(f"{own.r.name}.empty", zeros)
            return [node.parameter(empty), *[node.parameter(_first(empty))] * len(initial)]
        x = self._rows(self.x, rows, 1)
        x = self._sliced(x, 0, length)
        if len(rows) == 1:
            x = self._shaped(x, (length, inputs))
        states = [self._initial(value, own.index, rows, shape[1]) for value in initial]
        results = [self._shaped(result, (length, *shape)) for result in build(x, own, states)]
        at = 0 if own.options["reverse"] else length - 1
        ends = [self._shaped(self._sliced(x, at, at + 1), shape) for x in results]
        h = results[0]
        if length < steps:
            h = node.build(nn.PadOp(h, [0, 0, 0, steps - length, 0, 0]))
        return [h, *ends]

    def _verify_state(self, value: Value | None, units: int) -> None:
        """Raise ImporterError if an initial state does not have the shape of states."""
        if value is None:
            return
        shape = value.shape if isinstance(value, Constant) else self.node.shape(value)
        sizes = (len(self.settings.directions), len(self.lengths), units)
        if self.settings.layout:
            sizes = (sizes[1], sizes[0], units)
        if shape != sizes:
            raise ImporterError(
                f"an initial state has the shape {list(shape)}, expected {list(sizes)}"
            )

    def _initial(
        self, value: Value | None, direction: int, rows: Sequence[int], units: int
    ) -> Activation | None:
        """Return an initial state of some rows of the batch; None if it is 0. Raises ImporterError for other shapes."""
        node, axis = self.node, 1 if self.settings.layout else 0
        self._verify_state(value, units)
        if isinstance(value, Constant):
            state = value.array.take(direction, axis)[list(rows)]
            if not state.any():
                return None
            name = f"{value.name}.{direction}.{rows[0]}"
            return node.parameter(Constant(name, state if len(rows) > 1 else state[0]))
        if value is None:
            return None
        if node.batch:
            value = self._shaped(value, (1, *shape_of(value)))
        if self.settings.layout:
            value = node.build(nn.TransposeOp(value, [1, 0, 2]))
        state = self._shaped(
            self._sliced(value, direction, direction + 1), (len(self.lengths), units)
        )
        state = self._rows(state, rows, 0)
        return state if len(rows) > 1 else self._shaped(state, (units,))

    def _rows(self, x: Activation, rows: Sequence[int], axis: int) -> Activation:
        """Return some rows of the batch, which is this axis."""
        if list(rows) == list(range(shape_of(x)[axis])):
            return x
        return self.node.build(nn.GatherOp(x, axis, rows))

    def _merged(self, parts: Sequence[Activation], axis: int) -> Activation:
        """Return the batch, which is this axis, that the rows of all groups make."""
        order = [row for _, rows in self._groups() for row in rows]
        return self._rows(self._joined(parts, axis), np.argsort(order).tolist(), axis)

    def _joined(self, parts: Sequence[Activation], axis: int) -> Activation:
        return parts[0] if len(parts) == 1 else self.node.build(nn.ConcatOp(parts, axis))

    def _sliced(self, x: Activation, start: int, end: int) -> Activation:
        """Return some elements of the first dimension."""
        first, *others = shape_of(x)
        if (start, end) == (0, first):
            return x
        return self.node.build(nn.SliceOp(x, [start, *[0] * len(others)], [end, *others]))

    def _shaped(self, x: Activation, shape: Shape) -> Activation:
        return x if shape_of(x) == shape else self.node.build(nn.ReshapeOp(x, shape))


def _first(constant: Constant) -> Constant:
    return Constant(f"{constant.name}.first", constant.array[0])
