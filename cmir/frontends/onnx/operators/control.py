"""Control flow: branches are inlined or selected, loops of a constant number of iterations are unrolled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np
import onnx

from cmir.dialects import nn
from cmir.dialects.nn.operation import Shape, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, whole_axes
from cmir.frontends.onnx.operators.indexing import operand
from cmir.frontends.onnx.registry import importer

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
    """Unroll a loop whose number of iterations is known at import."""
    limit = None if count is None else int(count.array.item())
    running = cond is None or bool(cond.array.item())
    values, collected, number = list(carried), list[list[Value]](), 0
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


@importer("Scan")
def scan(
    node: Node,
    *values: Value,
    body: onnx.GraphProto,
    num_scan_inputs: int,
    scan_input_axes: Sequence[int] | None = None,
    scan_input_directions: Sequence[int] | None = None,
    scan_output_axes: Sequence[int] | None = None,
    scan_output_directions: Sequence[int] | None = None,
) -> Sequence[Value]:
    """Unroll. Before opset 9, it is not supported."""
    if node.schema is not None and node.schema.since_version < 9:
        raise ImporterError("before opset 9, it is not supported")
    first = len(values) - num_scan_inputs
    state, scanned = list(values[:first]), values[first:]
    axes = scan_input_axes or [0] * len(scanned)
    backwards = scan_input_directions or [0] * len(scanned)
    shapes = [_shape(node, x) for x in scanned]
    lengths = {
        shape[whole_axes(len(shape), [axis])[0]] for shape, axis in zip(shapes, axes, strict=True)
    }
    if len(lengths) != 1:
        raise ImporterError(f"its inputs have different numbers of iterations: {sorted(lengths)}")
    (length,) = lengths
    _check_size(body, length)
    collected: list[list[Value]] = []
    for number in range(length):
        places = (length - 1 - number if back else number for back in backwards)
        parts = (_part(node, *part) for part in zip(scanned, axes, places, strict=True))
        results = _iteration(node, body, [*state, *parts])
        state = [*results[:first]]
        collected.append([*results[first:]])
    outputs = [*zip(*collected, strict=True)]
    to_axes = scan_output_axes or [0] * len(outputs)
    reverse = scan_output_directions or [0] * len(outputs)
    return [
        *state,
        *(
            _stacked(node, parts[::-1] if back else parts, axis)
            for parts, axis, back in zip(outputs, to_axes, reverse, strict=True)
        ),
    ]


def _check_size(body: onnx.GraphProto, iterations: int) -> None:
    if iterations * max(1, len(body.node)) > MOST_UNROLLED:
        raise ImporterError(
            f"unrolled, it has more than {MOST_UNROLLED} nodes: a body of {len(body.node)} in"
            f" {iterations} iterations or more"
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
