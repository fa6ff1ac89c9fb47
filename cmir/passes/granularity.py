"""Granularity of stages: the iterations of each stage, and the lanes that one iteration computes.

An iteration operator has iterations of its own. A stage of point-wise operators has none: its lanes are the axes that
the iterations of its operands' writers compute at once. Where that is possible, one iteration then depends on one
iteration of each writer. A network input has no writer; it counts as written in the pieces that its readers take
whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import islpy as isl
from xdsl.ir import Block, SSAValue

from cmir.dialects.nn.interface import Access, IterationOp, PointwiseOp
from cmir.dialects.nn.lanes import (
    Axes,
    choose_lanes,
    free_axes,
    iterations_of,
    whole_axes,
    write_of,
)
from cmir.dialects.nn.operation import shape_of
from cmir.dialects.nn.relations import box_set
from cmir.dialects.nn.stage import StageOp
from cmir.dialects.nn.views import PadConflictError, Views


@dataclass(frozen=True)
class Iterations:
    """The iterations of a stage, and the access by which they write its results."""

    domain: isl.Set
    write: Access


@dataclass(frozen=True)
class _Read:
    """A value that an operator of a stage reads, as operand number `index`.

    view: `{ [element of the operand] -> [element of the value] }`.
    """

    stage: StageOp
    op: IterationOp
    index: int
    value: SSAValue
    view: isl.Map

    def by(self, write: Access) -> isl.Map | None:
        """Return `{ [iteration] -> [element of the value] }` for iterations that write the stage's results by `write`.

        None if the operand is a matrix.
        """
        op = self.op
        access = (op.reads_for(write) if isinstance(op, PointwiseOp) else op.reads())[self.index]
        if not isinstance(access, Access):
            return None
        return access.relation.domain_factor_domain().apply_range(self.view)


class Granularity:
    """The iterations of the stages in one function. views: those of the function's values."""

    def __init__(self, block: Block, views: Views):
        self.views = views
        self._iterations: dict[StageOp, Iterations] = {}
        self._reads: dict[StageOp, list[_Read]] = {}
        self._reads_of: dict[SSAValue, list[_Read]] = defaultdict(list)
        for stage in block.ops:
            if isinstance(stage, StageOp) and any(
                isinstance(o, IterationOp) for o in stage.body.block.ops
            ):
                self._reads[stage] = list(self._find_reads(stage))
                for read in self._reads[stage]:
                    self._reads_of[read.value].append(read)

    def of(self, stage: StageOp) -> Iterations:
        """Return the iterations of a stage. Those of the stages before it must be known."""
        if stage not in self._iterations:
            self._iterations[stage] = self._choose(stage)
        return self._iterations[stage]

    def _choose(self, stage: StageOp) -> Iterations:
        root = _root(stage)
        if not isinstance(root, PointwiseOp):
            return Iterations(root.domain(), root.write())
        shape, free = root.result_shape, list[Axes]()
        for read in self._reads[stage]:
            assert isinstance(read.op, PointwiseOp)
            if (piece := self._piece(read.value)) is not None:
                elements = read.op.element_relation(read.index).apply_range(read.view)
                free.append(free_axes(elements.apply_range(piece)))
        lanes = choose_lanes(shape, free)
        return Iterations(box_set(iterations_of(shape, lanes)), write_of(shape, lanes))

    def _find_reads(self, stage: StageOp) -> Iterator[_Read]:
        """Yield the reads of values that are computed outside the stage, unless the conversion refuses them."""
        root = _root(stage)
        for op in stage.body.block.ops:
            if not isinstance(op, IterationOp) or op.result_shape != root.result_shape:
                continue
            for index, operand in enumerate(op.operands):
                if isinstance(operand.owner, IterationOp):
                    continue
                try:
                    sources = self.views.of(operand).sources
                except PadConflictError:
                    continue
                for value, view in sources.items():
                    yield _Read(stage, op, index, value, view)

    def _piece(self, value: SSAValue) -> isl.Map | None:
        """Return `{ [element] -> [piece] }`: the iteration that writes an element, or that stands for one.

        None if all elements are there from the start, or as far as it matters to readers.
        """
        if isinstance(value.owner, StageOp):
            return self.of(value.owner).write.relation.domain_factor_domain().reverse()
        whole = self._whole.get(value)
        if whole is None:
            return None
        return write_of(shape_of(value), whole).relation.domain_factor_domain().reverse()

    @cached_property
    def _whole(self) -> dict[SSAValue, Axes]:
        """The axes that all readers take whole, of inputs and of results of stages of point-wise operators.

        Values that only such stages and outputs read are not in it.
        """
        found: dict[SSAValue, Axes] = {}
        stages = [stage for stage in self._reads if isinstance(_root(stage), PointwiseOp)]
        values = [output for stage in reversed(stages) for output in stage.outputs]
        values += [value for value in self._reads_of if isinstance(value.owner, Block)]
        for value in values:
            taken = [self._taken(read, found) for read in self._reads_of[value]]
            known = [axes for axes in taken if axes is not None]
            if known:
                found[value] = frozenset.intersection(*known)
        return found

    def _taken(self, read: _Read, known: dict[SSAValue, Axes]) -> Axes | None:
        """Return the axes of its value that every iteration of a read takes whole; None if the read does not say."""
        root = _root(read.stage)
        write = root.write()
        if isinstance(root, PointwiseOp):
            found = [known[output] for output in read.stage.outputs if output in known]
            if not found:
                return None
            write = write_of(root.result_shape, frozenset.intersection(*found))
        elements = read.by(write)
        return None if elements is None else whole_axes(elements, shape_of(read.value))


def _root(stage: StageOp) -> IterationOp:
    """Return the operator that gives the stage its result shape: the first."""
    return next(op for op in stage.body.block.ops if isinstance(op, IterationOp))
