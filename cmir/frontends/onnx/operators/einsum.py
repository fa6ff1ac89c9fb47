"""Einsum, as the products and sums that it is."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from math import prod
from string import ascii_letters

import numpy as np

from cmir.dialects import nn
from cmir.dialects.nn.operation import Shape, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.registry import importer
from cmir.support.counts import count_of


@importer("Einsum")
def einsum(node: Node, *inputs: Value, equation: str) -> Value:
    """Products of two factors at a time, from the left."""
    ranks = [len(x.shape if isinstance(x, Constant) else node.shape(x)) for x in inputs]
    *factors, result = _terms(equation, ranks)
    if node.batch:
        factors, result = _without_batch(factors, result, inputs)
    terms = [_Term(node, labels, x) for labels, x in zip(factors, inputs, strict=True)]
    total = terms[0].diagonal()
    for i, term in enumerate(terms[1:], 1):
        needed = {*result, *(label for later in terms[i + 1 :] for label in later.labels)}
        total = _product(total, term.diagonal(), needed)
    total = total.summed({*result})
    if {*total.labels} != {*result}:
        raise ImporterError(f"the result of equation {equation} has a dimension of no input")
    value = total.ordered(result).value
    assert isinstance(value, Activation)
    return value


def _terms(equation: str, ranks: Sequence[int]) -> list[str]:
    """Return the labels of the factors and the result, each ellipsis replaced by labels of its own."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks) or not all(
        re.fullmatch(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*", term) for term in (*terms, right)
    ):
        raise ImporterError(f"equation = {equation} does not fit {count_of(len(ranks), 'input')}")
    free = [label for label in ascii_letters if label not in equation]
    found: list[str] = []
    most = 0
    for term, rank in zip(terms, ranks, strict=True):
        hidden = rank - len(term.replace("...", ""))
        if hidden < 0 or (hidden > 0 and "..." not in term) or hidden > len(free):
            raise ImporterError(
                f"equation = {equation} does not fit an input of {count_of(rank, 'dimension')}"
            )
        most = max(most, hidden if "..." in term else 0)
        # Those dimensions are aligned from the last.
        found.append(term.replace("...", "".join(reversed(free[:hidden]))))
    shared = "".join(reversed(free[:most]))
    if not arrow:
        once = [c for c in sorted({*left} - {*".,"}) if left.count(c) == 1]
        return [*found, shared + "".join(once)]
    if len({*right} - {"."}) < len(right.replace("...", "")):
        raise ImporterError(f"equation = {equation} repeats a dimension of the result")
    return [*found, right.replace("...", shared)]


def _without_batch(
    factors: Sequence[str], result: str, inputs: Sequence[Value]
) -> tuple[list[str], str]:
    """Return the labels of samples. Raises ImporterError if the batch dimension meets another one."""
    first = {f[:1] for f, x in zip(factors, inputs, strict=True) if isinstance(x, Activation)}
    batch = first.pop()
    constants = [f for f, x in zip(factors, inputs, strict=True) if isinstance(x, Constant)]
    others = [*(f[1:] for f in factors), result[1:], *constants]
    if first or result[:1] != batch or any(batch in term for term in others):
        raise ImporterError("it would mix the samples of a batch (axis 0)")
    kept = zip(factors, inputs, strict=True)
    return [f if isinstance(x, Constant) else f[1:] for f, x in kept], result[1:]


@dataclass(frozen=True)
class _Term:
    """A factor: a tensor with a label for each dimension."""

    node: Node
    labels: str
    value: Value

    @property
    def shape(self) -> Shape:
        return self.value.shape if isinstance(self.value, Constant) else shape_of(self.value)

    def size(self, labels: str) -> int:
        """Return the number of elements of these dimensions, which are 1 if the factor lacks them."""
        return prod(self.shape[self.labels.index(c)] for c in labels if c in self.labels)

    def shaped(self, labels: str, *sizes: int) -> _Term:
        """Return the same elements in another shape, with other labels."""
        if self.shape == sizes:
            return _Term(self.node, labels, self.value)
        if isinstance(self.value, Constant):
            array = self.value.array.reshape(sizes)
            return _Term(self.node, labels, Constant(self.value.name, array))
        return _Term(self.node, labels, self.node.build(nn.ReshapeOp(self.value, sizes)))

    def ordered(self, labels: str) -> _Term:
        """Return the factor with its dimensions in this order."""
        return self.moved(labels, [self.labels.index(label) for label in labels])

    def moved(self, labels: str, order: Sequence[int]) -> _Term:
        """Return the factor with its dimensions in this order, with these labels."""
        if list(order) == [*range(len(order))]:
            return _Term(self.node, labels, self.value)
        if isinstance(self.value, Constant):
            array = self.value.array.transpose(order)
            return _Term(self.node, labels, Constant(self.value.name, array))
        return _Term(self.node, labels, self.node.build(nn.TransposeOp(self.value, order)))

    def summed(self, kept: Set[str]) -> _Term:
        """Return the sum over the dimensions that are not kept."""
        axes = [axis for axis, label in enumerate(self.labels) if label not in kept]
        if not axes:
            return self
        labels = "".join(label for label in self.labels if label in kept)
        if isinstance(self.value, Constant):
            array = self.value.array.sum(tuple(axes), dtype=self.value.array.dtype)
            return _Term(self.node, labels, Constant(self.value.name, array))
        return _Term(self.node, labels, self.node.build(nn.ReduceSumOp(self.value, axes)))

    def diagonal(self) -> _Term:
        """Return the factor with each label once: the elements whose coordinates with equal labels are equal."""
        for label in self.labels:
            if self.labels.count(label) > 1:
                return self._diagonal(label).diagonal()
        return self

    def _diagonal(self, label: str) -> _Term:
        axes = [axis for axis, other in enumerate(self.labels) if other == label][:2]
        rest = [axis for axis in range(len(self.labels)) if axis not in axes]
        size, *other = {self.shape[axis] for axis in axes}
        if other:
            raise ImporterError(f"dimensions {label} of one input have different sizes")
        outer = [self.shape[axis] for axis in rest]
        labels = "".join(self.labels[axis] for axis in rest) + label
        # Every (size + 1)-th element of a flattened matrix lies on its diagonal.
        flat = self.moved(labels, [*rest, *axes]).shaped(labels, *outer, size * size)
        if isinstance(flat.value, Constant):
            array = flat.value.array[..., :: size + 1]
            return _Term(self.node, labels, Constant(flat.value.name, array))
        starts, steps = [0] * len(labels), [1] * len(outer) + [size + 1]
        part = nn.SliceOp(flat.value, starts, [*outer, size * size], steps)
        return _Term(self.node, labels, self.node.build(part))

    def without_ones(self, other: _Term) -> _Term:
        """Return the factor without dimensions of size 1 that are larger in the other factor: they are broadcast."""
        kept = [c for c in self.labels if self.size(c) > 1 or other.size(c) == 1]
        if len(kept) == len(self.labels):
            return self
        return self.shaped("".join(kept), *(self.size(c) for c in kept))


def _product(a: _Term, b: _Term, needed: Set[str]) -> _Term:
    """Return the product of two factors, summed over the dimensions that are not needed later."""
    a, b = a.without_ones(b), b.without_ones(a)
    a, b = a.summed(needed | {*b.labels}), b.summed(needed | {*a.labels})
    shared = [label for label in a.labels if label in b.labels]
    for label in shared:
        if a.size(label) != b.size(label):
            raise ImporterError(
                f"dimension {label} has the sizes {a.size(label)} and {b.size(label)}"
            )
    if isinstance(a.value, Constant) and isinstance(b.value, Constant):
        labels = "".join(label for label in dict.fromkeys(a.labels + b.labels) if label in needed)
        array = np.einsum(f"{a.labels},{b.labels}->{labels}", a.value.array, b.value.array)
        return _Term(a.node, labels, Constant(a.value.name, array))
    if isinstance(a.value, Constant):
        a, b = b, a  # weights are the second factor of a matrix product
    inner = "".join(label for label in shared if label not in needed)
    outer = "".join(label for label in shared if label in needed)
    return _matrix_product(a, b, outer, inner) if inner else _elementwise_product(a, b)


def _elementwise_product(a: _Term, b: _Term) -> _Term:
    labels = a.labels + "".join(label for label in b.labels if label not in a.labels)
    x, y = (
        term.ordered("".join(c for c in labels if c in term.labels)).shaped(
            labels, *(term.size(c) for c in labels)
        )
        for term in (a, b)
    )
    return _Term(a.node, labels, a.node.build(nn.MulOp(_operand(x), _operand(y))))


def _matrix_product(a: _Term, b: _Term, outer: str, inner: str) -> _Term:
    """Return the product of matrices, one for each element of the outer dimensions."""
    rows = "".join(label for label in a.labels if label not in outer + inner)
    columns = "".join(label for label in b.labels if label not in outer + inner)
    several = [a.size(label) for label in outer]
    # Without outer dimensions, those of the rows need not be merged.
    sizes = [a.size(rows)] if outer else [a.size(label) for label in rows]
    x = a.ordered(outer + rows + inner).shaped("", *several, *sizes, a.size(inner))
    y = b.ordered(outer + inner + columns).shaped("", *several, b.size(inner), b.size(columns))
    product = a.node.build(nn.GemmOp(_operand(x), _operand(y)))
    labels = outer + rows + columns
    sizes = [a.size(label) if label in a.labels else b.size(label) for label in labels]
    return _Term(a.node, "", product).shaped(labels, *sizes)


def _operand(term: _Term) -> Activation:
    return term.node.parameter(term.value) if isinstance(term.value, Constant) else term.value
