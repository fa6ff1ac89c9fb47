"""Control flow: branches are inlined or selected, loops of a known number of iterations are scans or unrolled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import onnx
from xdsl.utils.exceptions import VerifyException

from cmir.dialects import nn
from cmir.dialects.nn.operation import Shape, shape_of
from cmir.frontends.onnx.errors import ImporterError, RefusedInputError, one_line
from cmir.frontends.onnx.node import (
    Activation,
    Constant,
    Node,
    Value,
    check_constant,
    read_tensors,
    whole_axes,
)
from cmir.frontends.onnx.operators.indexing import operand
from cmir.frontends.onnx.operators.repetition import Along, Repetition, repeated
from cmir.frontends.onnx.registry import importer
from cmir.support.counts import count_of

MOST_UNROLLED = 10_000
"""The most nodes of a loop that is unrolled."""


@importer("If")
def conditional(
    node: Node, cond: Value, *, then_branch: onnx.GraphProto, else_branch: onnx.GraphProto
) -> Sequence[Value]:
    """Inline one branch if the condition is a constant, else compute both, with results of equal shapes, and select."""
    if isinstance(cond, Constant):
        return node.subgraph(then_branch if cond.array.item() else else_branch, {})
    results = (node.subgraph(branch, {}) for branch in (then_branch, else_branch))
    return [_selected(node, cond, a, b) for a, b in zip(*results, strict=True)]


def _selected(node: Node, cond: Activation, a: Value, b: Value) -> Value:
    if isinstance(a, Constant) and isinstance(b, Constant) and _are_equal(a, b):
        return a
    shapes = [_shape(node, value) for value in (a, b)]
    if shapes[0] != shapes[1]:
        raise ImporterError(
            f"its branches have results of shapes {list(shapes[0])} and {list(shapes[1])}, and its"
            " condition depends on the model's inputs"
        )
    if prod(shape_of(cond)) != 1:
        raise ImporterError(
            f"its condition has the shape {list(node.shape(cond))}, not one element"
        )
    values = [operand(node, value) for value in (a, b)]
    flag = node.build(nn.ReshapeOp(cond, [1] * len(shape_of(values[0]))))
    return node.build(nn.WhereOp(flag, *values))


def _are_equal(a: Constant, b: Constant) -> bool:
    return a.array.dtype == b.array.dtype and np.array_equal(a.array, b.array)


def _shape(node: Node, value: Value) -> Shape:
    return value.shape if isinstance(value, Constant) else node.shape(value)


@importer("Loop")
def loop(
    node: Node,
    count: Constant | None = None,
    cond: Constant | None = None,
    *carried: Value,
    body: onnx.GraphProto,
) -> Sequence[Value]:
    """With a known number of iterations: as stages that run once for each, or unrolled if iterations differ."""
    limit = None if count is None else int(count.array.item())
    begins = cond is None or bool(cond.array.item())
    iteration, condition, *names = (info.name for info in body.input)
    fixed, over = dict[str, Value](), dict[str, tuple[Value, Along]]()
    name = node.proto.name or node.proto.output[0]
    fixed[condition] = Constant(f"{name}.condition", np.array(True))
    if limit is not None and any(iteration in read_tensors(inner) for inner in body.node):
        check_constant((limit,), np.int64)
        over[iteration] = Constant(f"{name}.iterations", np.arange(limit)), Along(0)

    def unrolled() -> Sequence[Value]:
        return _unrolled_loop(node, limit, begins, carried, body)

    if limit is None or limit < 2 or not begins:
        return unrolled()
    places = [Along(0)] * (len(body.output) - 1 - len(carried))
    given = dict(zip(names, carried, strict=True))
    return _repeated(node, Repetition(body, limit, fixed, given, over, places), unrolled)


def _repeated(
    node: Node, repetition: Repetition, unrolled: Callable[[], Sequence[Value]]
) -> Sequence[Value]:
    """Return the results of a repetition. If a scan is impossible, unroll it and print a remark."""
    try:
        return repeated(node, repetition)
    except (ImporterError, VerifyException) as reason:
        results = unrolled()
        if not isinstance(reason, RefusedInputError):
            node.remark(
                f"unrolled to {count_of(repetition.steps, 'copy', 'copies')} of its body: {one_line(str(reason))}"
            )
        return results


def _unrolled_loop(
    node: Node, limit: int | None, begins: bool, carried: Sequence[Value], body: onnx.GraphProto
) -> Sequence[Value]:
    running, values, collected, number = begins, list(carried), list[list[Value]](), 0
    while running and (limit is None or number < limit):
        _check_size(body, number + 1)
        name = f"{node.proto.name or node.proto.output[0]}.{number}"
        iteration = Constant(f"{name}.iteration", np.array(number, np.int64))
        condition = Constant(f"{name}.condition", np.array(True))
        go, *results = _iteration(node, body, [iteration, condition, *values])
        if not isinstance(go, Constant):
            raise ImporterError("its condition depends on the model's inputs")
        running = bool(go.array.item())
        values = results[: len(carried)]
        collected.append(results[len(carried) :])
        number += 1
    return [*values, *(_stacked(node, parts, 0) for parts in zip(*collected, strict=True))]


@dataclass(frozen=True)
class Ends:
    """The attributes of a Scan that say along which dimensions it goes, and from which end; 0 by default."""

    scan_input_axes: Sequence[int] = ()
    scan_input_directions: Sequence[int] = ()
    scan_output_axes: Sequence[int] = ()
    scan_output_directions: Sequence[int] = ()

    def inputs(self, count: int) -> Sequence[Along]:
        """Return the dimensions of so many inputs."""
        return self._along(count, self.scan_input_axes, self.scan_input_directions)

    def outputs(self, count: int) -> Sequence[Along]:
        """Return the dimensions of so many outputs."""
        return self._along(count, self.scan_output_axes, self.scan_output_directions)

    def _along(self, count: int, axes: Sequence[int], directions: Sequence[int]) -> Sequence[Along]:
        pairs = zip(axes or [0] * count, directions or [0] * count, strict=True)
        return [Along(axis, bool(backwards)) for axis, backwards in pairs]


@importer("Scan")
def scan(
    node: Node, *values: Value, body: onnx.GraphProto, num_scan_inputs: int, ends: Ends
) -> Sequence[Value]:
    """As stages that run once for each iteration, or unrolled if iterations differ. Not before opset 9."""
    if node.schema is not None and node.schema.since_version < 9:
        raise ImporterError("before opset 9, it is not supported")
    first = len(values) - num_scan_inputs
    state, scanned = values[:first], values[first:]
    along = ends.inputs(len(scanned))
    shapes = [_shape(node, x) for x in scanned]
    lengths = {
        shape[whole_axes(len(shape), [one.axis])[0]]
        for shape, one in zip(shapes, along, strict=True)
    }
    if len(lengths) != 1:
        raise ImporterError(f"its inputs have different numbers of iterations: {sorted(lengths)}")
    (length,) = lengths
    places = ends.outputs(len(body.output) - first)
    names = [info.name for info in body.input]
    over = dict(zip(names[first:], zip(scanned, along, strict=True), strict=True))
    given = dict(zip(names[:first], state, strict=True))

    def unrolled() -> Sequence[Value]:
        return _unrolled_scan(node, body, length, state, list(over.values()), places)

    if length < 2:
        return unrolled()
    return _repeated(node, Repetition(body, length, {}, given, over, places), unrolled)


def _unrolled_scan(
    node: Node,
    body: onnx.GraphProto,
    length: int,
    state: Sequence[Value],
    over: Sequence[tuple[Value, Along]],
    places: Sequence[Along],
) -> Sequence[Value]:
    _check_size(body, length)
    collected: list[Sequence[Value]] = []
    for number in range(length):
        parts = (
            _part(node, x, along.axis, length - 1 - number if along.backwards else number)
            for x, along in over
        )
        results = _iteration(node, body, [*state, *parts])
        first = len(state)
        state = [*results[:first]]
        collected.append([*results[first:]])
    return [
        *state,
        *(
            _stacked(node, parts[::-1] if along.backwards else parts, along.axis)
            for parts, along in zip(zip(*collected, strict=True), places, strict=True)
        ),
    ]


def _check_size(body: onnx.GraphProto, iterations: int) -> None:
    if iterations * max(1, len(body.node)) > MOST_UNROLLED:
        raise ImporterError(
            f"unrolled, it has more than {MOST_UNROLLED} nodes: a body of {len(body.node)} in"
            f" {count_of(iterations, 'iteration')} or more"
        )


def _iteration(node: Node, body: onnx.GraphProto, inputs: Sequence[Value]) -> Sequence[Value]:
    names = (info.name for info in body.input)
    return node.subgraph(body, dict(zip(names, inputs, strict=True)))


def _part(node: Node, x: Value, axis: int, place: int) -> Value:
    """Return the elements of a tensor at a place of an axis, which is removed."""
    if isinstance(x, Constant):
        return Constant(f"{x.name}.{place}", x.array.take(place, axis))
    axis, shape = node.axis(x, axis), shape_of(x)
    starts, ends = [0] * len(shape), list(shape)
    starts[axis], ends[axis] = place, place + 1
    part = node.build(nn.SliceOp(x, starts, ends))
    return node.build(nn.ReshapeOp(part, (*shape[:axis], *shape[axis + 1 :])))


def _stacked(node: Node, parts: Sequence[Value], axis: int) -> Value:
    """Return the results of all iterations, in order along a new axis."""
    constants = [part for part in parts if isinstance(part, Constant)]
    if len(constants) == len(parts):
        name = f"{constants[0].name}.stacked"
        return Constant(name, np.stack([c.array for c in constants], axis))
    rank = len(_shape(node, parts[0])) + 1
    place = whole_axes(rank, [axis])[0] - len(node.batch)
    if place < 0:
        raise ImporterError("its results would be stacked in front of the batch dimension")
    return node.build(nn.ConcatOp([*_rows(node, parts, place)], place))


def _rows(node: Node, parts: Sequence[Value], axis: int) -> Iterator[Activation]:
    for part in parts:
        value = operand(node, part)
        shape = shape_of(value)
        yield node.build(nn.ReshapeOp(value, (*shape[:axis], 1, *shape[axis:])))
