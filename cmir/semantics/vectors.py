"""Operations of `vector` on arrays with a leading axis for iterations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from xdsl.dialects import vector
from xdsl.ir import Operation

from cmir.semantics.elements import as_unsigned, dtype_of
from cmir.semantics.implementations import Function, implements
from cmir.support.diagnostics import CompileError


def _unsigned(ufunc: np.ufunc, x: np.ndarray) -> np.ndarray:
    return ufunc.reduce(as_unsigned(x), axis=-1).astype(x.dtype)


_REDUCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "add": lambda x: np.add.reduce(x, axis=-1, dtype=x.dtype),
    "mul": lambda x: np.multiply.reduce(x, axis=-1, dtype=x.dtype),
    "maximumf": lambda x: np.maximum.reduce(x, axis=-1),
    "minimumf": lambda x: np.minimum.reduce(x, axis=-1),
    "maxnumf": lambda x: np.fmax.reduce(x, axis=-1),
    "minnumf": lambda x: np.fmin.reduce(x, axis=-1),
    "maxsi": lambda x: np.maximum.reduce(x, axis=-1),
    "minsi": lambda x: np.minimum.reduce(x, axis=-1),
    "maxui": lambda x: _unsigned(np.maximum, x),
    "minui": lambda x: _unsigned(np.minimum, x),
    "and": lambda x: np.bitwise_and.reduce(x, axis=-1),
    "or": lambda x: np.bitwise_or.reduce(x, axis=-1),
    "xor": lambda x: np.bitwise_xor.reduce(x, axis=-1),
}


def _reduction(op: Operation, x: np.ndarray, acc: np.ndarray | None = None) -> np.ndarray:
    """Of a vector, and of what has been accumulated if there is something."""
    assert isinstance(op, vector.ReductionOp)
    if (reduce := _REDUCTIONS.get(str(op.kind.data))) is None:
        raise CompileError(op, f"reduction {op.kind.data} cannot be executed")
    if acc is not None:
        count = max(len(x), len(acc))
        parts = (np.broadcast_to(part, (count, part.shape[1])) for part in (x, acc[:, None]))
        x = np.concatenate((*parts,), axis=1)
    return reduce(x)


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
    """The positions, static ones and values, as arrays over iterations."""
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
