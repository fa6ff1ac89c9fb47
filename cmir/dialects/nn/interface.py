"""The interface between operators and the rest of the compiler.

An operator that becomes part of a stage defines its iterations, the elements that each iteration reads and writes,
and the computation between them. Everything else (dependences, buffers, loops) is derived. An operator that only moves
data defines the origin of each element; it is composed into the accesses of its readers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Self

import islpy as isl
from xdsl.builder import Builder
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.ir import Attribute, SSAValue

from cmir.dialects.nn.cuts import Cuts, cuts_of_pieces
from cmir.dialects.nn.operation import ELEMENT_TYPES, NNOp, Shape, element_of, shape_of, tensor_type
from cmir.dialects.nn.relations import (
    Box,
    access_map,
    box_set,
    element_box,
    element_map,
    element_names,
)
from cmir.isl.axes import Axes


@dataclass(frozen=True)
class Own:
    """Lanes that hold what earlier iterations of the same operator have written."""

    result: int
    """The index of the result that they read."""
    relation: isl.Map
    """`{ [[iteration] -> [lane]] -> [element] }`, from iteration and lane to element of the result."""


@dataclass(frozen=True)
class Access:
    """A vector that one iteration reads or writes."""

    relation: isl.Map
    """
    `{ [[h, w] -> [c, kh, kw]] -> [c', h', w'] }`, from iteration and lane to element. Single-valued, with
    anonymous tuples. Lanes whose element is outside the array are not in its domain.
    """
    lanes: tuple[int, ...]
    """The box of lanes; its row-major order is the order of the vector's elements."""
    pad: float = 0.0
    """The value of lanes outside the domain of the relation."""
    constant: DenseIntOrFPElementsAttr | None = None
    """The array that the access reads, if it is not an operand."""
    own: Own | None = None
    """The lanes, outside the domain of the relation, that read a result of the operator itself."""

    @classmethod
    def build(
        cls,
        iterations: Box,
        lanes: Box,
        location: Sequence[str],
        shape: Sequence[int],
        pad: float = 0.0,
        constant: DenseIntOrFPElementsAttr | None = None,
    ) -> Self:
        """Return the access to `location` in an array of this shape.

        location: affine expressions in the names of iterations and lanes.
        """
        relation = access_map(iterations, lanes, location, shape)
        return cls(relation, tuple(lanes.values()), pad, constant)


@dataclass(frozen=True)
class Cells:
    """A matrix of parameters, possibly block-diagonal, that is programmed into crossbars."""

    relation: isl.Map
    """`{ [row, col] -> [weight element] }` or `{ [block, row, col] -> [weight element] }`."""
    shape: tuple[int, ...]
    """(rows, columns) or (blocks, rows, columns)."""


@dataclass(frozen=True)
class Order:
    """Iterations of an operator, and their accesses."""

    domain: isl.Set
    write: Access
    reads: Sequence[Access | Cells]


def iterations_of(shape: Shape, lanes: Collection[int]) -> Box:
    """Return the iterations that compute an array of this shape, each all elements along the lanes."""
    return {
        n: size for axis, (n, size) in enumerate(element_box(shape).items()) if axis not in lanes
    }


def write_of(shape: Shape, lanes: Collection[int]) -> Access:
    """Return the access by which these iterations write the array."""
    outer = iterations_of(shape, lanes)
    inner = {name: size for name, size in element_box(shape).items() if name not in outer}
    return Access.build(outer, inner, element_names(len(shape)), shape)


class IterationOp(NNOp):
    """An operator that can become part of a stage.

    By default, an iteration computes the whole first dimension (the channels) at one position of the other dimensions.
    """

    def iterations(self) -> Box:
        """Return the box of iterations, `{ [h, w] : … }`."""
        return dict(islice(element_box(self.result_shape).items(), 1, None))

    def domain(self) -> isl.Set:
        """Return the iterations as a set."""
        return box_set(self.iterations())

    @abstractmethod
    def reads(self) -> Sequence[Access | Cells]:
        """Return the reads of an iteration: one entry per operand, in order, then those of constants and own results.

        An operator may read its own results (`Access.own`), as far as earlier iterations have written them. The entry
        of an operand may do so, too: an initial state is read by the first iterations, the own result by the others. An
        entry that reads nothing is a vector of padding.
        """

    def write(self) -> Access:
        """Return the access by which an iteration writes each result. Every element is written exactly once."""
        shape = self.result_shape
        lanes = dict(islice(element_box(shape).items(), 1))
        return Access.build(self.iterations(), lanes, element_names(len(shape)), shape)

    @abstractmethod
    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        """Build the computation of one iteration, and return the vector that it writes.

        values: one entry per entry of `reads()`: a vector in the shape of the box of lanes, or the tensor of `Cells`.
        Operands that are not needed have no entry.
        """

    def build_results(self, builder: Builder, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
        """Build the computation of one iteration, and return a vector for each result.

        An operator with several results defines it; `build_body` then returns the first one.
        """
        return [self.build_body(builder, values)]

    def needs(self, operand: int) -> bool:
        """Return False if the body takes no values of an operand: it is a known number that has no effect."""
        return True

    def own_results(self) -> Sequence[SSAValue]:
        """Return the results that the operator reads itself."""
        read = {a.own.result for a in self.reads() if isinstance(a, Access) and a.own is not None}
        return [self.results[index] for index in sorted(read)]


class LinearOp(IterationOp):
    """An operator that is linear in a weight: operands x, weight and, optionally, a bias to add.

    Scaling the result by channel is equivalent to scaling weight and bias; passes rely on that.
    """

    @property
    @abstractmethod
    def channel_axis(self) -> int | None:
        """The axis of the weight along which the result's first dimension runs, if there is one."""


class UnorderedOp(IterationOp):
    """An operator without an iteration order of its own: an iteration may compute the result along any axes at once.

    A stage that begins with it gets iterations that match those of the stages that it reads.
    """

    @abstractmethod
    def element_relation(self, operand: int) -> isl.Map:
        """Return `{ [result element] -> [element of the operand] }`, defined for all result elements."""

    @abstractmethod
    def order(self, lanes: Axes) -> Order:
        """Return the order in which each iteration computes the result along these axes at once."""

    @abstractmethod
    def smallest_lanes(self) -> Axes:
        """Return the axes that become lanes where the stages before leave none free."""


class PointwiseOp(UnorderedOp):
    """An operator whose result elements each depend on one element of each operand.

    Appended to a stage, it takes over the stage's write access.
    """

    def element_relation(self, operand: int) -> isl.Map:
        """Return `{ [result element] -> [element of the operand] }`, defined for all result elements.

        By default, operands are broadcast to the result as in NumPy.
        """
        box, shape = element_box(self.result_shape), shape_of(self.operands[operand])
        names = list(box)[len(box) - len(shape) :]
        location = ["0" if size == 1 else name for name, size in zip(names, shape, strict=True)]
        return element_map(box, location, shape)

    def order(self, lanes: Axes) -> Order:
        write = write_of(self.result_shape, lanes)
        domain = box_set(iterations_of(self.result_shape, lanes))
        return Order(domain, write, self.reads_for(write))

    def smallest_lanes(self) -> Axes:
        """Return the first axis with several elements."""
        several = (axis for axis, size in enumerate(self.result_shape) if size > 1)
        return frozenset(islice(several, 1))

    def reads_for(self, write: Access) -> Sequence[Access]:
        """Return the accesses of the operands in a stage that writes the result by `write`."""
        return [
            Access(write.relation.apply_range(self.element_relation(operand)), write.lanes)
            for operand in range(len(self.operands))
        ]

    def reads(self) -> Sequence[Access]:
        return self.reads_for(self.write())


class LayoutOp(NNOp):
    """An operator that moves the elements of its operands, of any type, and computes nothing.

    Each result element is an element of one operand, or padding.
    """

    TAKES: ClassVar[Sequence[Attribute]] = ELEMENT_TYPES

    @abstractmethod
    def element_relation(self, operand: int = 0) -> isl.Map:
        """Return `{ [result element] -> [element of the operand] }`, for elements from this operand."""

    def element_relations(self) -> Sequence[isl.Map]:
        """Return the relations of all operands, in order."""
        return [self.element_relation(index) for index in range(len(self.operands))]

    @property
    def pad_value(self) -> float:
        """The value of padding."""
        return 0.0

    def cuts(self, operands: Sequence[Cuts]) -> Cuts:
        """Return the cuts of the result. operands: those of the operands.

        By default, axes of the result are axes of the operands, or pieces of them.
        """
        return cuts_of_pieces(operands, len(self.result_shape))

    def joined(self, cuts: Cuts) -> Shape | None:
        """Return the shape in which the operand should lie in memory, so that reads through the operator are simple.

        cuts: those of the operand. None if reads are simple anyway. The result must be what the operator makes of an
        operand of that shape, too.
        """
        return None

    def inverse(self) -> Callable[[SSAValue], LayoutOp] | None:
        """Return a function that builds the operator that moves the elements of its argument back.

        The argument has the shape of the result. None means that there is no such operator, because elements of the
        operand are dropped or repeated.
        """
        return None

    @property
    def has_padding(self) -> bool:
        """True if result elements can be padding."""
        return False

    def on(self, operands: Sequence[SSAValue], pad_value: float = 0.0) -> Self:
        """Return the operator on other operands of the same shapes, with elements of any type.

        pad_value: the value of padding, if there is any.
        """
        type_ = tensor_type(self.result_shape, element_of(operands[0]))
        return type(self).create(
            operands=operands, properties=dict(self.properties), result_types=[type_]
        )
