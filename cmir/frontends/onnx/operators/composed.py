"""Operators that are composed of a few others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import prod

import numpy as np
from xdsl.dialects.builtin import i1, i64

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import FLOATS, element_of, shape_of
from cmir.frontends.onnx.elements import numpy_dtype
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.loading import ELEMENTS
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, check_constant
from cmir.frontends.onnx.operators.elementwise import as_element, single
from cmir.frontends.onnx.operators.layout import nothing
from cmir.frontends.onnx.registry import importer
from cmir.support.counts import count_of

MOST_ROWS = 5
"""The most rows of a matrix whose determinant is computed. The number of products doubles with each of them."""


@importer("Tile")
def tile(node: Node, input: Activation, *, repeats: Sequence[int]) -> Value:
    shape, batch = shape_of(input), len(node.batch)
    if len(repeats) != len(shape) + batch or min(repeats, default=1) < 0:
        raise ImporterError(f"repeats = {list(repeats)} do not fit the shape {list(shape)}")
    if any(count != 1 for count in repeats[:batch]):
        raise ImporterError(f"repeats = {list(repeats)} repeat the batch dimension")
    counts = repeats[batch:]
    result = [count * size for count, size in zip(counts, shape, strict=True)]
    if 0 in counts:
        return nothing(node, input, result)
    apart = [n for size in shape for n in (1, size)]
    spread = [n for pair in zip(counts, shape, strict=True) for n in pair]
    repeated = node.build(nn.ExpandOp(node.build(nn.ReshapeOp(input, apart)), spread))
    return node.build(nn.ReshapeOp(repeated, result))


@importer("Trilu")
def trilu(node: Node, input: Activation, *, k: int = 0, upper: bool = True) -> Value:
    shape = shape_of(input)
    if len(shape) < 2:
        raise ImporterError(f"a sample must have matrices, got shape {list(shape)}")
    check_constant(shape[-2:], np.bool_)
    ones = np.ones(shape[-2:], np.bool_)
    kept = _parameter(node, "kept", (np.triu if upper else np.tril)(ones, k))
    if element_of(input) == i1:
        return node.build(nn.AndOp(input, kept))
    zero = _parameter(node, "zero", np.zeros((), dtype_of(input)))
    return node.build(nn.WhereOp(kept, input, zero))


@importer("OneHot")
def one_hot(
    node: Node, indices: Activation, depth: Constant, values: Constant, *, axis: int = -1
) -> Value:
    """Floats as indices are rounded towards zero."""
    size, sample = int(single("depth", depth.array)), shape_of(indices)
    rank = len(node.shape(indices)) + 1
    if not -rank <= axis < rank:
        raise ImporterError(
            f"attribute axis = {axis} does not fit a result of {count_of(rank, 'dimension')}"
        )
    place = axis % rank - len(node.batch)
    if place < 0:
        raise ImporterError("it adds a dimension before the batch dimension")
    if values.shape != (2,):
        raise ImporterError(f"values must be two numbers, got shape {list(values.shape)}")
    if size < 1:
        raise ImporterError(f"depth = {size} is not positive")
    row = node.build(nn.ReshapeOp(indices, (*sample[:place], 1, *sample[place:])))
    if element_of(indices) in FLOATS:
        sides = node.build(nn.CeilOp(row)), node.build(nn.FloorOp(row))
        zero = _parameter(node, "zero", np.zeros((), dtype_of(row)))
        row = node.build(nn.WhereOp(node.build(nn.LessOp(row, zero)), *sides))
    else:
        row = as_element(node, row, i64)
    check_constant((size,), np.int64)
    numbers = np.arange(size).reshape(-1, *(1,) * (len(sample) - place))
    # Negative indices count from the end.
    found = [
        node.build(nn.EqualOp(row, _parameter(node, name, array.astype(dtype_of(row)))))
        for name, array in (("index", numbers), ("negative", numbers - size))
    ]
    off, on = (_parameter(node, n, v) for n, v in zip(("off", "on"), values.array, strict=True))
    return node.build(nn.WhereOp(node.build(nn.OrOp(*found)), on, off))


@importer("Det")
def determinant(node: Node, x: Activation) -> Value:
    """Matrices of at most 5 rows."""
    *outer, rows, columns = shape_of(x) if len(shape_of(x)) > 1 else (0, 0)
    if not 0 < rows == columns <= MOST_ROWS:
        raise ImporterError(
            f"matrices must have as many columns as rows, at most {MOST_ROWS}, got a sample of"
            f" shape {list(shape_of(x))}"
        )

    def element(row: int, column: int) -> Activation:
        begins, ends = [*(0 for _ in outer), row, column], [*outer, row + 1, column + 1]
        return node.build(nn.ReshapeOp(node.build(nn.SliceOp(x, begins, ends)), outer))

    # Minors of the last rows, by their columns: Laplace's expansion along the row before.
    minors: dict[tuple[int, ...], Activation]
    minors = {(column,): element(rows - 1, column) for column in range(columns)}
    for row in reversed(range(rows - 1)):
        elements = [element(row, column) for column in range(columns)]
        larger: dict[tuple[int, ...], Activation] = {}
        for chosen in combinations(range(columns), rows - row):
            total = None
            for place, column in enumerate(chosen):
                minor = minors[(*chosen[:place], *chosen[place + 1 :])]
                term = node.build(nn.MulOp(elements[column], minor))
                sign = nn.SubOp if place % 2 else nn.AddOp
                total = term if total is None else node.build(sign(total, term))
            assert total is not None
            larger[chosen] = total
        minors = larger
    return minors[tuple(range(columns))]


@importer("EyeLike")
def eye_like(node: Node, input: Activation, *, dtype: int | None = None, k: int = 0) -> Value:
    """Fold to a constant, because all shapes are static."""
    if dtype is not None and dtype not in ELEMENTS:
        raise ImporterError(f"attribute dtype = {dtype} is not supported")
    element = dtype_of(input) if dtype is None else numpy_dtype(dtype)
    shape = node.shape(input)
    if len(shape) != 2:
        raise ImporterError(f"the input must be a matrix, got shape {list(shape)}")
    check_constant(shape, element)
    return Constant(node.proto.output[0], np.eye(*shape, k=k, dtype=element))


@importer("Size")
def size(node: Node, data: Activation) -> Value:
    """Fold to a constant, because all shapes are static."""
    return Constant(node.proto.output[0], np.array(prod(node.shape(data)), np.int64))


def _parameter(node: Node, name: str, array: np.ndarray) -> Activation:
    return node.parameter(Constant(f"{node.proto.name}.{name}", np.asarray(array)))
