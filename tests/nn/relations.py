"""
An operator computed as its interface says, point by point: gather what an iteration reads, interpret
the body, scatter what it writes.
"""

from __future__ import annotations

import math as python_math
import operator
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import islpy as isl
import numpy as np
from tolerance import assert_close
from xdsl.builder import Builder
from xdsl.dialects import arith, math, vector
from xdsl.dialects.builtin import VectorType
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import element_of, tensor_type
from cmir.dialects.vectors import (
    ArgReduceOp,
    ArgTopKOp,
    CompareOp,
    ConvertOp,
    MxvOp,
    PickOp,
    PlaceOp,
    ReduceOp,
    RemainderOp,
    SelectOp,
)
from cmir.semantics.body import evaluate_operation
from cmir.support.numerics import is_float

Point = tuple[int, ...]

_ELEMENTWISE: dict[type[Operation], Callable[..., Any]] = {
    RemainderOp: np.fmod,
    arith.AddfOp: np.add,
    arith.AddiOp: np.add,
    arith.SubfOp: np.subtract,
    arith.SubiOp: np.subtract,
    arith.MulfOp: np.multiply,
    arith.MuliOp: np.multiply,
    arith.DivfOp: np.divide,
    arith.DivSIOp: lambda x, y: (
        np.array([_quotient(*pair) for pair in zip(x.flat, y.flat)], np.int64)
        .reshape(x.shape)
        .astype(x.dtype)
    ),
    arith.MaxSIOp: np.maximum,
    arith.MinSIOp: np.minimum,
    arith.AndIOp: np.bitwise_and,
    arith.OrIOp: np.bitwise_or,
    arith.XOrIOp: np.bitwise_xor,
    math.IPowIOp: lambda x, n: np.array(
        [_power(*pair) for pair in zip(x.flat, n.flat)], x.dtype
    ).reshape(x.shape),
    arith.ShLIOp: np.left_shift,
    arith.ShRSIOp: np.right_shift,
    arith.NegfOp: np.negative,
    arith.MaximumfOp: np.maximum,
    arith.MinimumfOp: np.minimum,
    math.AbsFOp: np.absolute,
    math.AbsIOp: lambda x: np.where(x < 0, -x, x),
    math.CeilOp: np.ceil,
    math.ErfOp: lambda x: np.vectorize(python_math.erf, [np.float64])(x).astype(x.dtype),
    math.ExpM1Op: np.expm1,
    math.ExpOp: np.exp,
    math.FloorOp: np.floor,
    math.Log1pOp: np.log1p,
    math.LogOp: np.log,
    math.PowFOp: np.power,
    math.RoundEvenOp: np.rint,
    math.SqrtOp: np.sqrt,
    math.TanhOp: np.tanh,
    math.SinOp: np.sin,
    math.CosOp: np.cos,
    math.TanOp: np.tan,
    math.AsinOp: np.arcsin,
    math.AcosOp: np.arccos,
    math.AtanOp: np.arctan,
    math.SinhOp: np.sinh,
    math.CoshOp: np.cosh,
    math.AsinhOp: np.arcsinh,
    math.AcoshOp: np.arccosh,
    math.AtanhOp: np.arctanh,
    math.TruncOp: np.trunc,
}
_WAYS = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
_REDUCTIONS = {
    "add": np.add,
    "mul": np.multiply,
    "maximumf": np.maximum,
    "minimumf": np.minimum,
    "maxsi": np.maximum,
    "maxui": np.maximum,
    "minsi": np.minimum,
    "minui": np.minimum,
}


def _quotient(a: int, b: int) -> int:
    """Rounded towards zero; 0 for a division by 0."""
    size = abs(int(a)) // abs(int(b)) if b else 0
    return size if (a < 0) == (b < 0) else -size


def _power(base: int, exponent: int) -> int:
    """A power of integers, in the bits of its type; the reciprocal rounded towards zero."""
    width = 8 * np.result_type(base).itemsize
    if exponent >= 0:
        power = pow(int(base), int(exponent), 2**width)
        return power - 2**width * (power >= 2 ** (width - 1))
    return int(base) ** (int(exponent) % 2) if base in (1, -1) else 0


def run(
    op: nn.IterationOp, operands: Sequence[np.ndarray], order: nn.Order | None = None
) -> np.ndarray:
    """The result of the operator, in its own order or in another one."""
    order = order or nn.Order(op.domain(), op.write(), op.reads())
    reads, write = order.reads, order.write
    output = np.zeros(op.result_shape, dtype_of(op.result))
    constants = [r.constant for r in reads[len(operands) :] if isinstance(r, nn.Access)]
    # What is no operand and no constant is the operator's own result, as far as it has been written.
    arrays = [*operands, *(output if c is None else _dense(c) for c in constants)]
    assert len(reads) == len(arrays)
    body, result = _build_body(op, reads)
    assert result.type == VectorType(element_of(op.result), write.lanes)

    gathers = [_gather(r, array, output) for r, array in zip(reads, arrays, strict=True)]
    stores = _by_iteration(write.relation, len(write.lanes))
    written = np.zeros(op.result_shape, int)
    iterations = points(order.domain)
    assert set(stores) == set(iterations)
    for iteration in iterations:
        values: dict[SSAValue, np.ndarray] = {
            argument: gather(iteration) for argument, gather in zip(body.args, gathers, strict=True)
        }
        interpret(body, values)
        for lane, location in stores[iteration]:
            assert _inside(location, output.shape)
            output[location] = values[result][lane]
            written[location] += 1
    assert (written == 1).all()
    return output


def points(set: isl.Set) -> list[Point]:
    """The points of a set."""
    found: list[Point] = []

    def add(point: isl.Point) -> None:
        found.append(
            tuple(
                point.get_coordinate_val(isl.dim_type.set, axis).to_python()
                for axis in range(set.dim(isl.dim_type.set))
            )
        )

    set.foreach_point(add)
    return found


def pairs(relation: isl.Map) -> list[tuple[Point, Point]]:
    """The pairs of a relation."""
    assert relation.is_single_valued()
    inputs = relation.dim(isl.dim_type.in_)
    return [(p[:inputs], p[inputs:]) for p in points(relation.wrap().flatten())]


def interpret(body: Block, values: dict[SSAValue, np.ndarray]) -> None:
    """Compute the operations of a body, as the simulator does, and add their results to `values`."""
    for op in body.ops:
        op.verify()
        operands = [values[operand] for operand in op.operands]
        with np.errstate(all="ignore"):
            values[op.results[0]] = result = _compute(op, operands)
        if not isinstance(op, MxvOp):
            (executed,) = evaluate_operation(op, *(operand[None] for operand in operands))
            assert_close(executed, result, terms=1)
        assert isinstance(type := op.results[0].type, VectorType)
        assert result.shape == type.get_shape() and result.dtype == dtype_of(type.element_type)


# A table of operations.
def _compute(op: Operation, operands: Sequence[np.ndarray]) -> np.ndarray:  # noqa: C901
    match op:
        case arith.ConstantOp():
            return _dense(op.value)
        case vector.BroadcastOp():
            return np.broadcast_to(operands[0], op.vector.type.get_shape())
        case vector.ExtractOp():
            return operands[0][op.static_position.get_values()]
        case ReduceOp():
            ufunc, (x,) = _REDUCTIONS[op.kind.data], operands
            return ufunc.reduce(x, axis=op.dims.get_values(), dtype=x.dtype)
        case ArgReduceOp():
            return _position(op, operands[0])
        case MxvOp():
            matrix, x = operands
            blocks = matrix.shape[0] if matrix.ndim == 3 else 1
            matrix = matrix.reshape(blocks, -1, matrix.shape[-1])
            wide = np.result_type(x, np.float32)
            result = matrix.astype(wide) @ x.reshape(blocks, -1, 1).astype(wide)
            return result.astype(dtype_of(op.result)).reshape(-1)
        case CompareOp():
            relation = getattr(operator, op.relation.data)
            flags = [relation(*pair) for pair in zip(*(x.flat for x in operands), strict=True)]
            return np.array(flags, bool).reshape(operands[0].shape)
        case SelectOp():
            condition, a, b = np.broadcast_arrays(*operands)
            lanes = zip(condition.flat, a.flat, b.flat, strict=True)
            return np.array([x if holds else y for holds, x, y in lanes], a.dtype).reshape(a.shape)
        case PickOp():
            x, *indices = operands
            picked = [x[place] for place in zip(*(index.flat for index in indices), strict=True)]
            return np.array(picked, x.dtype).reshape((*indices[0].shape, *x.shape[len(indices) :]))
        case PlaceOp():
            return _placed(op, *operands)
        case ArgTopKOp():
            (x,), count = operands, op.result.type.get_shape()[0]
            sign = 1 if op.largest is None else -1
            ranked = sorted(range(len(x)), key=lambda i: (sign * x[i], i))
            return np.array(ranked[:count], np.int32)
        case arith.BitcastOp():
            assert isinstance(op.result.type, VectorType)
            dtype = dtype_of(op.result.type.element_type)
            return np.frombuffer(operands[0].tobytes(), dtype).reshape(operands[0].shape)
        case ConvertOp():
            return operands[0].astype(dtype_of(op.result.type.element_type))
        case _:
            return np.asarray(_ELEMENTWISE[type(op)](*operands))


def _placed(op: PlaceOp, updates: np.ndarray, x: np.ndarray, *indices: np.ndarray) -> np.ndarray:
    result = x.copy()
    for at in np.ndindex(indices[0].shape):
        place = tuple(index[at] for index in indices)
        old, new = result[place], updates[at]
        result[place] = new if op.kind is None else _WAYS[op.kind.data](old, new)
    return result


def _position(op: ArgReduceOp, x: np.ndarray) -> np.ndarray:
    """By a search through all elements along the dimension."""
    rows = np.moveaxis(x, op.dim.value.data, -1)
    found = np.zeros(rows.shape[:-1], np.int32)
    for place in np.ndindex(found.shape):
        row = rows[place].tolist()
        extreme = max(row) if op.kind.data.startswith("max") else min(row)
        hits = [index for index, number in enumerate(row) if number == extreme]
        found[place] = hits[-1 if op.last is not None else 0]
    return found


def _build_body(
    op: nn.IterationOp, reads: Sequence[nn.Access | nn.Cells]
) -> tuple[Block, SSAValue]:
    elements = [element_of(operand) for operand in op.operands]
    constants = [r.constant for r in reads[len(elements) :] if isinstance(r, nn.Access)]
    elements += [element_of(op.result if c is None else c.get_type()) for c in constants]
    types = [
        VectorType(element, read.lanes)
        if isinstance(read, nn.Access)
        else tensor_type(read.shape, element)
        for element, read in zip(elements, reads, strict=True)
    ]
    body = Block(arg_types=types)
    return body, op.build_body(Builder(InsertPoint.at_end(body)), body.args)


def _gather(
    read: nn.Access | nn.Cells, array: np.ndarray, output: np.ndarray
) -> Callable[[Point], np.ndarray]:
    if isinstance(read, nn.Cells):
        matrix = np.full(read.shape, np.nan if is_float(array.dtype) else -1, array.dtype)
        for cell, location in pairs(read.relation):
            assert _inside(cell, matrix.shape) and _inside(location, array.shape)
            matrix[cell] = array[location]
        return lambda iteration: matrix
    sources = [(array, _by_iteration(read.relation, len(read.lanes)))]
    if read.own is not None:
        sources.append((output, _by_iteration(read.own.relation, len(read.lanes))))

    def gather(iteration: Point) -> np.ndarray:
        lanes = np.full(read.lanes, read.pad, array.dtype)
        for source, loads in sources:
            for lane, location in loads[iteration]:
                assert _inside(lane, lanes.shape) and _inside(location, source.shape)
                lanes[lane] = source[location]
        return lanes

    return gather


def _by_iteration(relation: isl.Map, lanes: int) -> Mapping[Point, list[tuple[Point, Point]]]:
    found: dict[Point, list[tuple[Point, Point]]] = defaultdict(list)
    for domain, location in pairs(relation):
        split = len(domain) - lanes
        found[domain[:split]].append((domain[split:], location))
    return found


def _dense(attribute: Any) -> np.ndarray:
    dtype = dtype_of(attribute.get_element_type())
    return np.array(attribute.get_values(), dtype).reshape(attribute.get_shape())


def _inside(point: Point, shape: Sequence[int]) -> bool:
    return len(point) == len(shape) and all(0 <= i < n for i, n in zip(point, shape, strict=True))
