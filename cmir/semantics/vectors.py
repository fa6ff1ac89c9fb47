"""Implementations of `vector` operations, on arrays with a leading axis for iterations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from xdsl.dialects import vector
from xdsl.ir import Operation

from cmir.dialects.element_types import dtype_of
from cmir.semantics.elements import as_unsigned
from cmir.semantics.implementations import Function, implements
from cmir.support.diagnostics import CompileError

_REDUCTIONS: dict[str, np.ufunc] = {
    "add": np.add,
    "mul": np.multiply,
    "maximumf": np.maximum,
    "minimumf": np.minimum,
    "maxnumf": np.fmax,
    "minnumf": np.fmin,
    "maxsi": np.maximum,
    "minsi": np.minimum,
    "maxui": np.maximum,
    "minui": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}


def reduced(op: Operation, kind: str, x: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Return `x` reduced along one or several axes, in its own type. op: the operation that errors refer to."""
    if (ufunc := _REDUCTIONS.get(kind)) is None:
        raise CompileError(op, f"reduction {kind} cannot be executed")
    read = as_unsigned(x) if kind.endswith("ui") else x
    return ufunc.reduce(read, axis=axis, dtype=read.dtype).astype(x.dtype, copy=False)


def _reduction(op: Operation, x: np.ndarray, acc: np.ndarray | None = None) -> np.ndarray:
    """Reduce the elements of a vector, together with the accumulator `acc` if one is given."""
    assert isinstance(op, vector.ReductionOp)
    if acc is not None:
        count = max(len(x), len(acc))
        parts = (np.broadcast_to(part, (count, part.shape[1])) for part in (x, acc[:, None]))
        x = np.concatenate((*parts,), axis=1)
    return reduced(op, str(op.kind.data), x, -1)


def _broadcast(op: Operation, x: np.ndarray) -> np.ndarray:
    assert isinstance(op, vector.BroadcastOp)
    shape = op.vector.type.get_shape()
    missing = len(shape) - (x.ndim - 1)
    aligned = x.reshape(len(x), *(1,) * missing, *x.shape[1:])
    return np.broadcast_to(aligned, (len(x), *shape))


def _extract(op: Operation, x: np.ndarray, *positions: np.ndarray) -> np.ndarray:
    assert isinstance(op, vector.ExtractOp)
    indices = [*_indices(op.get_mixed_position(), positions)]
    count = max(len(x), *(len(i) for i in indices), 1)
    x = np.broadcast_to(x, (count, *x.shape[1:]))
    return x[(np.arange(count), *indices)]


def _insert(op: Operation, x: np.ndarray, into: np.ndarray, *positions: np.ndarray) -> np.ndarray:
    assert isinstance(op, vector.InsertOp)
    indices = [*_indices(op.get_mixed_position(), positions)]
    count = max(len(x), len(into), *(len(i) for i in indices), 1)
    result = np.broadcast_to(into, (count, *into.shape[1:])).copy()
    result[(np.arange(count), *indices)] = x
    return result


def _indices(mixed: Sequence[object], dynamic: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Return the static and dynamic positions as arrays over iterations."""
    values = iter(dynamic)
    return (np.array([p]) if isinstance(p, int) else next(values) for p in mixed)


def _shuffle(op: Operation, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    assert isinstance(op, vector.ShuffleOp)
    if a.ndim == 1:  # vectors of rank 0
        a, b = a[:, None], b[:, None]
    count = max(len(a), len(b))
    both = [np.broadcast_to(x, (count, *x.shape[1:])) for x in (a, b)]
    return np.concatenate(both, axis=1)[:, list(op.mask.get_values())]


def _create_mask(op: Operation, *sizes: np.ndarray) -> np.ndarray:
    assert isinstance(op, vector.CreateMaskOp)
    shape = op.results[0].type.get_shape()  # pyright: ignore[reportAttributeAccessIssue]
    mask: np.ndarray = np.ones((1, *(1 for _ in shape)), np.bool_)
    for axis, (size, given) in enumerate(zip(shape, sizes, strict=True)):
        lanes = np.arange(size).reshape(-1, *(1,) * (len(shape) - axis - 1))
        mask = mask & (lanes < given.reshape(-1, *(1,) * len(shape)))
    return np.broadcast_to(mask, (len(mask), *shape))


def _bitcast(op: Operation, x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x).view(dtype_of(op.results[0].type))


_OPERATIONS: dict[type[Operation], Function] = {
    vector.BroadcastOp: _broadcast,
    vector.ReductionOp: _reduction,
    vector.ExtractOp: _extract,
    vector.InsertOp: _insert,
    vector.ShuffleOp: _shuffle,
    vector.CreateMaskOp: _create_mask,
    vector.BitcastOp: _bitcast,
}

for _operation, _function in _OPERATIONS.items():
    implements(_operation, takes_operation=True, interpreted=True)(_function)


@implements(vector.FMAOp, elementwise=True, interpreted=True)
def _fma(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    return a * b + c
