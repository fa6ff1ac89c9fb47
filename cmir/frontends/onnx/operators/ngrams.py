"""Counts of sequences of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from xdsl.dialects.builtin import f32, i64

from cmir.dialects import nn
from cmir.dialects.nn.operation import shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, check_constant
from cmir.frontends.onnx.operators.elementwise import as_element
from cmir.frontends.onnx.registry import importer


@importer("TfIdfVectorizer")
def tf_idf_vectorizer(
    node: Node,
    x: Activation,
    *,
    max_gram_length: int,
    max_skip_count: int,
    min_gram_length: int,
    mode: str,
    ngram_counts: Sequence[int],
    ngram_indexes: Sequence[int],
    pool_int64s: Sequence[int] | None = None,
    weights: Sequence[float] | None = None,
) -> Value:
    """Tokens that are integers."""
    if mode not in ("TF", "IDF", "TFIDF"):
        raise ImporterError(f"attribute mode = {mode} is not supported")
    if pool_int64s is None:
        raise ImporterError("attribute pool_int64s is missing")
    if len(set(ngram_indexes)) != len(ngram_indexes) or min(ngram_indexes, default=-1) < 0:
        raise ImporterError("attribute ngram_indexes has equal or negative numbers, or none")
    if not shape_of(x):
        raise ImporterError("without a batch dimension, the tokens are one sample")
    tokens, size = as_element(node, x, i64), max(ngram_indexes) + 1
    *outer, length = shape_of(tokens)
    counts: list[Activation] = []
    first = 0
    ends = [*ngram_counts[1:], len(pool_int64s)]
    for order, (start, end) in enumerate(zip(ngram_counts, ends, strict=True), 1):
        pool = np.array(pool_int64s[start:end], np.int64).reshape(-1, order)
        places = ngram_indexes[first : first + len(pool)]
        first += len(pool)
        if not len(pool) or not min_gram_length <= order <= max_gram_length:
            continue
        check_constant((order, size), np.int64)
        table, held = np.zeros((order, size), np.int64), np.zeros(size, np.bool_)
        table[:, places], held[list(places)] = pool.T, True
        counts += (
            _count(node, tokens, table, held, distance, length - distance * (order - 1))
            for distance in range(1, 2 + max_skip_count if order > 1 else 2)
            if distance * (order - 1) < length
        )
    if not counts:
        shape = (*node.batch, *outer, size)
        return Constant(f"{node.proto.name}.nothing", np.zeros(shape, np.float32))
    total = reduce(lambda a, b: node.build(nn.AddOp(a, b)), counts)
    if mode == "IDF":
        one = node.parameter(Constant(f"{node.proto.name}.one", np.array(1, np.float32)))
        total = node.build(nn.MinOp(total, one))
    if mode == "TF" or weights is None:
        return total
    factors = np.zeros(size, np.float32)
    factors[list(ngram_indexes)] = weights
    factor = node.parameter(Constant(f"{node.proto.name}.weights", factors))
    return node.build(nn.MulOp(total, factor))


def _count(
    node: Node, tokens: Activation, table: np.ndarray, held: np.ndarray, distance: int, windows: int
) -> Activation:
    """Return how often each sequence of the table occurs among tokens at a distance from each other.

    table: tokens of a sequence × sequences. held: False for those that are none.
    """
    *outer, _ = shape_of(tokens)
    found = node.parameter(Constant(f"{node.proto.name}.held", held))
    for place, row in enumerate(table):
        begin = place * distance
        begins, ends = [*(0 for _ in outer), begin], [*outer, begin + windows]
        part = node.build(nn.SliceOp(tokens, begins, ends))
        part = node.build(nn.ReshapeOp(part, (*outer, windows, 1)))
        wanted = node.parameter(Constant(f"{node.proto.name}.pool", row))
        found = node.build(nn.AndOp(found, node.build(nn.EqualOp(part, wanted))))
    return node.build(nn.ReduceSumOp(node.build(nn.CastOp(found, f32)), [len(outer)], False))
