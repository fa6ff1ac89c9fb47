"""Bodies of loops as `nn.scan`: stages that run once for each iteration, instead of stages for each iteration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from xdsl.ir import Block, Region, SSAValue

from cmir.dialects import nn
from cmir.dialects.nn.operation import Shape, element_of, shape_of, tensor_type
from cmir.dialects.nn.parameter import clone_parameter, parameter_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, check_constant, whole_axes
from cmir.frontends.onnx.operators.indexing import operand


@dataclass(frozen=True)
class Along:
    """A dimension along which iterations take, or leave, one element each. backwards: from its end on."""

    axis: int
    backwards: bool = False


@dataclass(frozen=True)
class Repetition:
    """A body that runs several times.

    steps: how often. fixed: inputs that are the same in all iterations. carried: the first values of inputs that are
    results of the iteration before. over: inputs of which each iteration takes one element. places: where the results
    of all iterations go; there are as many as results that are not carried.
    """

    body: onnx.GraphProto
    steps: int
    fixed: Mapping[str, Value]
    carried: Mapping[str, Value]
    over: Mapping[str, tuple[Value, Along]]
    places: Sequence[Along]


def repeated(node: Node, repetition: Repetition) -> Sequence[Value]:
    """Build a scan, and return the last values of the carried inputs and the results of all iterations.

    Raises ImporterError or VerifyException if the body is not the same in all iterations, or is not supported. Then
    nothing has been built.
    """
    first = [operand(node, value) for value in repetition.carried.values()]
    types = [value.type for value in first]
    for value, along in repetition.over.values():
        # A constant becomes a parameter here, which also checks its type.
        element = element_of(
            _in_front(node, value, along) if isinstance(value, Constant) else value
        )
        types.append(tensor_type(_step_shape(node, value, along), element))
    block = Block(arg_types=types)
    given = dict(zip([*repetition.carried, *repetition.over], block.args, strict=True))
    for name, argument in given.items():
        argument.name_hint = name if SSAValue.is_valid_name(name) else None
    results = node.detach(
        block, lambda: node.subgraph(repetition.body, {**repetition.fixed, **given})
    )
    try:
        next_values, others = _checked(node, repetition, first, results)
    except ImporterError:
        for op in reversed([*block.ops]):
            op.detach()
            op.erase()
        raise
    yielded = [*next_values, *(value for value in others if isinstance(value, Activation))]
    block.add_op(nn.YieldOp(*yielded))
    captured = _captured(block)
    over = [_in_front(node, value, along) for value, along in repetition.over.values()]
    scan = nn.ScanOp(first, over, captured, repetition.steps, Region(block))
    node.build(scan)
    last = [_last(node, result) for result in scan.outputs[: len(first)]]
    computed = iter(scan.outputs[len(first) :])
    return [
        *last,
        *(
            _all_steps(value, repetition.steps, along)
            if isinstance(value, Constant)
            else _placed(node, next(computed), along)
            for value, along in zip(others, repetition.places, strict=True)
        ),
    ]


def _checked(
    node: Node, repetition: Repetition, first: Sequence[SSAValue], results: Sequence[Value]
) -> tuple[Sequence[Activation], Sequence[Value]]:
    """Return the results that are carried, and the others. Raises ImporterError."""
    conditions = len(results) - len(first) - len(repetition.places)
    for condition in results[:conditions]:
        if not isinstance(condition, Constant):
            raise ImporterError("its condition depends on the iteration")
        if not condition.array.item():
            raise ImporterError("its condition becomes false")
    carried: list[Activation] = []
    for name, old, new in zip(repetition.carried, first, results[conditions:], strict=False):
        if isinstance(new, Constant):
            raise ImporterError(f"carried value '{name}' does not depend on the inputs")
        if new.type != old.type:
            raise ImporterError(f"carried value '{name}' changes from {old.type} to {new.type}")
        carried.append(new)
    others = results[conditions + len(first) :]
    if not carried and not any(isinstance(value, Activation) for value in others):
        raise ImporterError("nothing in it depends on the inputs")
    for value, along in zip(others, repetition.places, strict=True):
        if isinstance(value, Activation):
            _place(node, shape_of(value), along)
    return carried, others


def _captured(block: Block) -> Sequence[SSAValue]:
    """Give a body its own parameters, and an argument for each other value from outside, and return these values."""
    inside: dict[SSAValue, SSAValue] = {}
    outside: list[SSAValue] = []
    held = Block()
    for op in list(block.ops):
        for index, value in enumerate(op.operands):
            owner = value.owner
            if owner is block or (not isinstance(owner, Block) and owner.parent is block):
                continue
            if value not in inside and parameter_of(value) is not None:
                clone_parameter(value, held, inside)
            elif value not in inside:
                inside[value] = block.insert_arg(value.type, len(block.args))
                inside[value].name_hint = value.name_hint
                outside.append(value)
            op.operands[index] = inside[value]
    assert block.first_op is not None
    for op in list(held.ops):
        op.detach()
        block.insert_op_before(op, block.first_op)
    return outside


def _step_shape(node: Node, value: Value, along: Along) -> Shape:
    """Return the shape of what an iteration takes, without the batch. Raises ImporterError."""
    if isinstance(value, Activation):
        shape, axis = shape_of(value), node.axis(value, along.axis)
        return (*shape[:axis], *shape[axis + 1 :])
    (axis,) = whole_axes(len(value.shape), [along.axis])
    shape = (*value.shape[:axis], *value.shape[axis + 1 :])
    if shape[: len(node.batch)] != node.batch:
        raise ImporterError(f"an element of constant '{value.name}' is not one sample")
    return shape[len(node.batch) :]


def _in_front(node: Node, value: Value, along: Along) -> SSAValue:
    """Return a tensor whose first dimension is that of the iterations."""
    if isinstance(value, Constant):
        array = np.moveaxis(value.array, along.axis, 0)[:: -1 if along.backwards else 1]
        shape = (len(array), *_step_shape(node, value, along))
        return node.parameter(Constant(f"{value.name}.steps", array.reshape(shape)))
    axis, rank = node.axis(value, along.axis), len(shape_of(value))
    if axis:
        order = [axis, *(a for a in range(rank) if a != axis)]
        value = node.build(nn.TransposeOp(value, order))
    return _reversed(node, value) if along.backwards else value


def _placed(node: Node, value: Activation, along: Along) -> Activation:
    """Return a result of all iterations with their dimension at its place."""
    if along.backwards:
        value = _reversed(node, value)
    place = _place(node, shape_of(value)[1:], along)
    if place:
        order = [*range(1, place + 1), 0, *range(place + 1, len(shape_of(value)))]
        value = node.build(nn.TransposeOp(value, order))
    return value


def _place(node: Node, step: Shape, along: Along) -> int:
    """Return the place of the iterations' dimension in a result. Raises ImporterError."""
    (place,) = whole_axes(len(node.batch) + len(step) + 1, [along.axis])
    if place < len(node.batch):
        raise ImporterError("its results would be stacked in front of the batch dimension")
    return place - len(node.batch)


def _all_steps(value: Constant, steps: int, along: Along) -> Constant:
    check_constant((steps, *value.shape), value.array.dtype)
    array = np.stack([value.array] * steps, along.axis)
    return Constant(f"{value.name}.stacked", array)


def _reversed(node: Node, value: Activation) -> Activation:
    steps, *others = shape_of(value)
    zeros, ones = [0] * len(others), [1] * len(others)
    return node.build(nn.SliceOp(value, [steps - 1, *zeros], [-1, *others], [-1, *ones]))


def _last(node: Node, value: Activation) -> Activation:
    """Return the value of the last iteration."""
    steps, *others = shape_of(value)
    part = nn.SliceOp(value, [steps - 1, *[0] * len(others)], [steps, *others])
    return node.build(nn.ReshapeOp(node.build(part), others))
