"""Ranges of the indices that a network takes as inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xdsl.dialects.builtin import IntegerType, VectorType
from xdsl.ir import Block, Operation, SSAValue

from cmir.dialects.cmcore import BufferOp, LoadOp, NetworkOp, StoreOp
from cmir.dialects.polyhedral import PipelineOp, ReadOp, WriteOp, symbol
from cmir.dialects.vectors import ConvertOp, PickOp


def index_ranges(network: PipelineOp | NetworkOp) -> dict[str, int]:
    """Return the arrays whose elements select from a vector, with the number of elements to select from.

    If elements select from several vectors, the smallest counts. Indices are followed through copies and conversions,
    not through arithmetic.
    """
    bodies = (
        [stage.body.block for stage in network.stages.values()]
        if isinstance(network, PipelineOp)
        else [program.iteration.body.block for program in network.programs.values()]
    )
    ranges: dict[str, int] = {}
    while (found := _through(bodies, ranges)) != ranges:
        ranges = found
    return ranges


def _through(bodies: list[Block], known: Mapping[str, int]) -> dict[str, int]:
    """Return the ranges, with those of the arrays that bodies copy into arrays with a known range."""
    ranges = dict(known)
    for body in bodies:
        of_value: dict[SSAValue, int] = {}
        for op in reversed(body.ops):
            for value, size in _operands(op, of_value, ranges):
                of_value[value] = min(size, of_value.get(value, size))
            if isinstance(op, LoadOp | ReadOp) and op.result in of_value:
                for array in _read(op):
                    ranges[array] = min(of_value[op.result], ranges.get(array, of_value[op.result]))
    return ranges


def _operands(
    op: Operation, of_value: Mapping[SSAValue, int], ranges: Mapping[str, int]
) -> Iterator[tuple[SSAValue, int]]:
    """Yield the operands of an operation that are indices, with their range."""
    match op:
        case PickOp():
            assert isinstance(op.vector.type, VectorType)
            yield from zip(op.indices, op.vector.type.get_shape(), strict=False)
        case ConvertOp() if op.result in of_value and _is_integer(op.vector):
            yield op.vector, of_value[op.result]
        case StoreOp() | WriteOp() if symbol(op.array) in ranges:
            yield op.value, ranges[symbol(op.array)]
        case _:
            pass


def _is_integer(value: SSAValue) -> bool:
    assert isinstance(value.type, VectorType)
    return isinstance(value.type.element_type, IntegerType)


def _read(op: LoadOp | ReadOp) -> list[str]:
    """Return the arrays that an operation reads."""
    if isinstance(op, ReadOp):
        return [name for name, _ in op.arrays_and_maps()]
    owners = (buffer.owner for buffer, _ in op.buffers_and_maps())
    return [symbol(owner.array) for owner in owners if isinstance(owner, BufferOp)]
