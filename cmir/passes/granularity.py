"""Granularity of stages: the iterations of each stage, and the lanes that one iteration computes.

Most operators have iterations of their own. A stage that begins with a point-wise operator or a reduction has none: its
lanes are the axes that the iterations of its operands' writers compute at once. Where that is possible, iterations then
depend on as few iterations of the writers as their elements do. A network input has no writer; it counts as written in
the pieces that its readers take whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import islpy as isl
from xdsl.ir import Block, Operation, SSAValue

from cmir.dialects.nn.cuts import Cuts
from cmir.dialects.nn.interface import (
    Access,
    Cells,
    IterationOp,
    PointwiseOp,
    UnorderedOp,
    write_of,
)
from cmir.dialects.nn.lanes import choose_lanes
from cmir.dialects.nn.operation import shape_of
from cmir.dialects.nn.parameter import ParameterOp
from cmir.dialects.nn.promises import checked_reads
from cmir.dialects.nn.relations import Box, box_set, element_box, element_map
from cmir.dialects.nn.stage import ScanOp, StageOp
from cmir.dialects.nn.views import PadConflictError, Views
from cmir.isl import dim_names
from cmir.isl.axes import Axes, free_axes, whole_axes
from cmir.isl.digits import join_digits, radices_of
from cmir.isl.functions import is_affine, simplest
from cmir.isl.inferences import in_each_inference
from cmir.passes.histories import History
from cmir.support.naming import UniqueNames, suffixed


@dataclass(frozen=True)
class Iterations:
    """The iterations of a stage, and the access by which they write its results.

    lanes: the axes that become lanes, if the stage begins with an operator without an order of its own.
    digits: `{ [iteration] -> [coordinates of the operator] }`, if digits have taken the place of some coordinates.
    """

    domain: isl.Set
    write: Access
    lanes: Axes | None = None
    digits: isl.Map | None = None

    @classmethod
    def along(cls, root: UnorderedOp, lanes: Axes) -> Iterations:
        """Return the iterations of a stage that begins with `root` and computes its result along these axes at once."""
        order = root.order(lanes)
        return cls(order.domain, order.write, lanes)

    def reads(self, op: IterationOp) -> Sequence[Access | Cells]:
        """Return the reads of an operator of the stage by these iterations."""
        if isinstance(op, PointwiseOp):
            return op.reads_for(self.write)
        if isinstance(op, UnorderedOp) and self.lanes is not None:
            reads = op.order(self.lanes).reads
        else:
            reads = checked_reads(op, op.reads())
        return [self._by_digits(access) for access in reads]

    def _by_digits(self, access: Access | Cells) -> Access | Cells:
        if self.digits is None or isinstance(access, Cells):
            return access
        own = access.own
        if own is not None:
            own = replace(own, relation=_by_digits(own.relation, self.digits, len(access.lanes)))
        relation = _by_digits(access.relation, self.digits, len(access.lanes))
        return replace(access, relation=relation, own=own)

    def split(self, radices: Sequence[Sequence[int]]) -> Iterations:
        """Return the same iterations with digits of these radices as coordinates."""
        names = UniqueNames(form=suffixed("_"))
        box = {
            names.take(f"{name}{digit}" if len(sizes) > 1 else name): size
            for name, sizes in zip(dim_names(self.domain), radices, strict=True)
            for digit, size in enumerate(sizes)
        }
        iterations = replace(self, domain=box_set(box), digits=join_digits(radices))
        write = iterations._by_digits(self.write)
        assert isinstance(write, Access)
        return replace(iterations, write=write)


def _by_digits(old: isl.Map, digits: isl.Map, rank: int) -> isl.Map:
    """Return an access by iterations whose coordinates are digits. rank: of the lanes."""
    lanes = isl.dim_type.in_
    relation = digits.apply_range(old.curry()).uncurry()
    for lane in range(1, rank + 1):
        if name := old.get_dim_name(lanes, old.dim(lanes) - lane):
            relation = relation.set_dim_name(lanes, relation.dim(lanes) - lane, name)
    return relation


@dataclass(frozen=True)
class _Read:
    """A value that an operator of a stage reads, as operand number `index`.

    view: `{ [element of the operand] -> [element of the value] }`. cuts: of the operand.
    """

    stage: StageOp
    op: IterationOp
    index: int
    value: SSAValue
    view: isl.Map
    cuts: Cuts

    def by(self, iterations: Iterations) -> isl.Map | None:
        """Return `{ [iteration -> lane] -> [element of the value] }`, or None if the operand is a matrix."""
        access = iterations.reads(self.op)[self.index]
        return access.relation.apply_range(self.view) if isinstance(access, Access) else None


class Granularity:
    """The iterations of the stages in one function.

    views: those of the function's values. histories: those of its carried arguments.
    """

    def __init__(
        self, block: Block, views: Views, histories: Mapping[SSAValue, History] | None = None
    ):
        self.views = views
        self.histories = histories or {}
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
            self._iterations[stage] = self._in_digits(stage, self._choose(stage))
        return self._iterations[stage]

    def _choose(self, stage: StageOp) -> Iterations:
        root = _root(stage)
        if not isinstance(root, UnorderedOp):
            return Iterations(root.domain(), root.write())
        free = list[Axes]()
        for read in self._reads[stage]:
            if isinstance(read.op, UnorderedOp) and (piece := self._piece(read.value)) is not None:
                elements = read.op.element_relation(read.index).apply_range(read.view)
                free.append(free_axes(elements.apply_range(piece)))
        lanes = choose_lanes(root.result_shape, free, root.smallest_lanes())
        return Iterations.along(root, lanes)

    def _in_digits(self, stage: StageOp, iterations: Iterations) -> Iterations:
        """Split coordinates of iterations into digits, if more reads become affine by that."""
        reads = [
            read
            for read in self._reads[stage]
            if any(read.cuts) and not isinstance(read.value.owner, ParameterOp)
        ]
        box = _box(iterations.domain)
        if not reads or box is None:
            return iterations
        strides = _strides(iterations, reads)
        radices = [radices_of(strides[d], size) for d, size in enumerate(box.values())]
        if all(len(sizes) == 1 for sizes in radices):
            return iterations
        split = iterations.split(radices)
        return (
            split if _count_affine(split, reads) > _count_affine(iterations, reads) else iterations
        )

    def _find_reads(self, stage: StageOp) -> Iterator[_Read]:
        """Yield the reads of values that are computed outside the stage, unless the conversion refuses them."""
        root, before = _root(stage), stage.before_root()
        for op in stage.body.block.ops:
            if (
                not isinstance(op, IterationOp)
                or op in before
                or op.result_shape != root.result_shape
            ):
                continue
            for index in range(len(op.operands)):
                for value, view, cuts in self._sources(op, index, before):
                    yield _Read(stage, op, index, value, view, cuts)

    def _sources(
        self, op: IterationOp, index: int, before: set[Operation]
    ) -> Iterator[tuple[SSAValue, isl.Map, Cuts]]:
        """Yield the values behind an operand, with relations from its elements to theirs, and its cuts.

        before: operators of the stage that compute what others read, and are looked through.
        """
        stack: list[tuple[SSAValue, isl.Map | None]] = [(op.operands[index], None)]
        while stack:
            operand, relation = stack.pop()
            owner = operand.owner
            if isinstance(owner, PointwiseOp) and owner in before:
                steps = map(owner.element_relation, range(len(owner.operands)))
                stack += [
                    (inner, step if relation is None else relation.apply_range(step))
                    for inner, step in zip(owner.operands, steps, strict=True)
                ]
            elif not isinstance(owner, IterationOp):
                try:
                    view = self.views.of(operand)
                except PadConflictError:
                    continue
                same = shape_of(operand) == shape_of(op.operands[index])
                cuts = (
                    view.cuts if same else (frozenset[int](),) * len(shape_of(op.operands[index]))
                )
                for value, elements in view.sources.items():
                    yield (
                        value,
                        elements if relation is None else relation.apply_range(elements),
                        cuts,
                    )

    def _piece(self, value: SSAValue) -> isl.Map | None:
        """Return `{ [element] -> [piece] }`: the iteration that writes an element, or that stands for one.

        For a result of a scan, that is the step.
        None if nothing says in which pieces elements come: the value is a parameter, or only point-wise stages read it.
        """
        if isinstance(value.owner, StageOp):
            return self.of(value.owner).write.relation.domain_factor_domain().reverse()
        if isinstance(value.owner, ScanOp):
            box = element_box(shape_of(value))
            return element_map(box, [*box][:1], shape_of(value)[:1])
        if (earlier := self._earlier_piece(value)) is not None:
            return earlier
        whole = self._whole.get(value)
        if whole is None:
            return None
        return write_of(shape_of(value), whole).relation.domain_factor_domain().reverse()

    def _earlier_piece(self, value: SSAValue) -> isl.Map | None:
        """Return `{ [element] -> [m, iteration] }` for an argument carried from an iteration operator.

        The iterations of other stages may depend on those that read the argument.
        """
        history = self.histories.get(value, {})
        if len(history) != 1:
            return None
        ((base, elements),) = history.items()
        root = _root(base.owner) if isinstance(base.owner, StageOp) else None
        if root is None or isinstance(root, UnorderedOp):
            return None
        written = root.write().relation.domain_factor_domain().reverse()
        return elements.apply_range(in_each_inference(written))

    @cached_property
    def _whole(self) -> dict[SSAValue, Axes]:
        """The axes that all readers take whole, of inputs and of results of stages without an order of their own.

        Values that only stages of point-wise operators and outputs read are not in it.
        """
        found: dict[SSAValue, Axes] = {}
        stages = [stage for stage in self._reads if isinstance(_root(stage), UnorderedOp)]
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
        iterations = Iterations(root.domain(), root.write())
        found = [known[output] for output in read.stage.outputs if output in known]
        if isinstance(root, UnorderedOp) and found:
            iterations = Iterations.along(root, frozenset.intersection(*found))
        elif isinstance(root, PointwiseOp):
            return None
        elements = read.by(iterations)
        if elements is None:
            return None
        return whole_axes(elements.domain_factor_domain())


def _box(domain: isl.Set) -> Box | None:
    """Return the sizes of a domain that is a box of points from 0 on, or None for another domain."""
    names = dim_names(domain)
    box = {name: domain.dim_max_val(d).to_python() + 1 for d, name in enumerate(names)}
    return box if domain.is_equal(box_set(box)) else None


def _strides(iterations: Iterations, reads: Sequence[_Read]) -> Mapping[int, set[int]]:
    """Return, for coordinates of the iterations that index axes with cuts, these cuts."""
    strides = defaultdict[int, set[int]](set)
    for read in reads:
        access = iterations.reads(read.op)[read.index]
        if not isinstance(access, Access):
            continue
        for axis, cuts in enumerate(read.cuts):
            for coordinate in range(iterations.domain.dim(isl.dim_type.set)) if cuts else ():
                if _indexes(access.relation, coordinate, axis):
                    strides[coordinate] |= cuts
    return strides


def _indexes(access: isl.Map, coordinate: int, axis: int) -> bool:
    """Return True if a coordinate of the iteration is the index of an axis in all elements of an access."""
    line = access.flatten_domain()
    for kind, kept in ((isl.dim_type.in_, coordinate), (isl.dim_type.out, axis)):
        line = line.project_out(kind, kept + 1, line.dim(kind) - kept - 1)
        line = line.project_out(kind, 0, kept)
    return line.is_identity()


def _count_affine(iterations: Iterations, reads: Sequence[_Read]) -> int:
    """Return the number of reads that are affine in the coordinates of the iterations."""
    accesses = (read.by(iterations) for read in reads)
    return sum(is_affine(simplest(access)) for access in accesses if access is not None)


def _root(stage: StageOp) -> IterationOp:
    """Return the operator that gives a stage with operators its result shape."""
    root = stage.root
    assert root is not None
    return root
