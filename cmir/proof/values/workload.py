"""Number of operations of a comparison, computed from the types in the IR."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, prod

from xdsl.dialects.builtin import ShapedType
from xdsl.ir import Operation

from cmir.dialects.cmcore import BufferOp, LoadOp, NetworkOp, ProgramOp
from cmir.dialects.polyhedral import ArrayOp, symbol
from cmir.dialects.vectors import MxvOp, PickOp, elements_used

ELEMENT = 16
"""Cost of a vector element in multiplications: functions are table look-ups, while products run in BLAS."""

ITERATION = 64
"""Cost of the start of an iteration, in multiplications."""

CALL = 100_000
"""Cost of an operation of a body on a run of iterations, independent of its length, in multiplications."""

ROWS = 8
"""Approximate number of rows in a run if rings limit how far a core runs; otherwise a run is a whole inference."""


def inferences_of(network: NetworkOp) -> int:
    """Return the number of inferences that fill each buffer and begin to overwrite it, at least two.

    A later inference computes the same values as one of these: it runs the same iterations, and since control is
    proved, each load finds the elements of its own inference, wherever in the ring they are. With state, later
    inferences compute other values. The number is then such that in the end, loads no longer find initial values, and
    outputs depend on all arrays that are read across inferences.
    """
    arrays = network.arrays
    state = [array.initial_inferences() for array in arrays.values()]
    held = (
        ceil(prod(buffer.result.type.get_shape()) / prod(array.shape))
        for program in network.programs.values()
        for buffer in program.buffers
        if (array := arrays[symbol(buffer.array)]).source is None
    )
    return max(1 + max(held, default=1), 1 + max(state, default=0) + sum(state))


def operations_of(network: NetworkOp, rounds: int) -> int:
    """Return the cost of network and source, in multiplications. The source computes as much as the network."""
    rings = {
        symbol(buffer.array)
        for program in network.programs.values()
        for buffer in program.buffers
        if buffer.storage is not None
    }
    arrays = network.arrays
    each = sum(_operations_of(arrays, program, rings) for program in network.programs.values())
    state = any(array.initial is not None for array in arrays.values())
    return 2 * each * (inferences_of(network) + state) * rounds


def _operations_of(arrays: Mapping[str, ArrayOp], program: ProgramOp, rings: set[str]) -> int:
    """Return the cost of one inference on all cores. Each element is stored once, which gives their number."""
    shapes = {name: array.shape for name, array in arrays.items()}
    stored = {symbol(store.array): store for store in program.stores()}
    iterations = max(
        (-(-prod(shapes[name]) // _elements(op.value.type)) for name, op in stored.items()),
        default=0,
    )
    accessed = {*stored, *(symbol(buffer.array) for buffer in program.buffers)}
    rows = max((shapes[name][1] for name in accessed & rings if len(shapes[name]) > 1), default=0)
    body = list(program.iteration.body.block.ops)
    tables = [op for op in body if isinstance(op, LoadOp) and _is_table(arrays, op)]
    each = ITERATION + sum(_operations(op) for op in body if op not in tables)
    once = sum(map(_operations, tables))
    return iterations * each + once + (1 + rows // ROWS) * CALL * len(body)


def _is_table(arrays: Mapping[str, ArrayOp], op: LoadOp) -> bool:
    """Return True for a load of parameters from which iterations only pick: it takes its time once."""
    buffers = (b.owner for b, _ in op.buffers_and_maps())
    read = [arrays[symbol(b.array)] for b in buffers if isinstance(b, BufferOp)]
    picked = elements_used(op.result) != _elements(op.result.type)
    return picked and all(array.source is not None for array in read)


def _operations(op: Operation) -> int:
    match op:
        case MxvOp():
            return _elements(op.matrix.type) + ELEMENT * _elements(op.result.type)
        case LoadOp():
            return ELEMENT * _elements(op.result.type)
        case PickOp():
            return ELEMENT * _elements(op.result.type)
        case _:
            return ELEMENT * max(
                (_elements(v.type) for v in (*op.operands, *op.results)), default=1
            )


def _elements(type: object) -> int:
    return prod(type.get_shape()) if isinstance(type, ShapedType) else 1
