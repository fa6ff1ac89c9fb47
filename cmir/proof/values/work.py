"""The operations that a comparison takes, counted from the types in the IR."""

from __future__ import annotations

from math import prod

from xdsl.dialects.builtin import ShapedType
from xdsl.ir import Operation

from cmir.dialects.cmcore import LoadOp, MxvOp, NetworkOp, ProgramOp
from cmir.dialects.polyhedral import symbol

ELEMENT = 16
"""An element of a vector counts as so many multiplications: functions are looked up, and products are BLAS's."""

ITERATION = 64
"""So does the start of an iteration."""

CALL = 20_000
"""So does an operation of a body, in each inference, however few elements it has."""


def operations_of(network: NetworkOp, inferences: int, rounds: int) -> int:
    """Multiplications, and what takes as long, of the network and of its source, which computes as much."""
    each = sum(_operations_of(network, program) for program in network.programs.values())
    return 2 * each * inferences * rounds


def _operations_of(network: NetworkOp, program: ProgramOp) -> int:
    """Those of all iterations of an inference, on all cores. Each element is stored once, which gives their number."""
    iterations = max(
        (
            -(-prod(network.arrays[symbol(store.array)].shape) // _elements(store.value.type))
            for store in program.stores()
        ),
        default=0,
    )
    body = program.iteration.body.block.ops
    each = ITERATION + sum(map(_operations, body))
    return iterations * each + CALL * len(list(body))


def _operations(op: Operation) -> int:
    match op:
        case MxvOp():
            return _elements(op.matrix.type) + ELEMENT * _elements(op.result.type)
        case LoadOp():
            return ELEMENT * _elements(op.result.type)
        case _:
            return ELEMENT * max(
                (_elements(v.type) for v in (*op.operands, *op.results)), default=1
            )


def _elements(type: object) -> int:
    return prod(type.get_shape()) if isinstance(type, ShapedType) else 1
