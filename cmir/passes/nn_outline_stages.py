"""nn-outline-stages: group operators into the stages of the pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import islpy as isl
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, OpResult, Region, SSAValue, Use
from xdsl.traits import IsTerminator
from xdsl.transforms.dead_code_elimination import region_dce

from cmir.context import remember_source
from cmir.dialects.nn.carried import carried_pairs, output_indices
from cmir.dialects.nn.copy import CopyOp
from cmir.dialects.nn.cuts import within_cuts
from cmir.dialects.nn.interface import Access, Cells, IterationOp, LayoutOp, PointwiseOp
from cmir.dialects.nn.layout import ReshapeOp
from cmir.dialects.nn.operation import shape_of
from cmir.dialects.nn.parameter import ParameterOp, clone_parameter, parameter_of
from cmir.dialects.nn.promises import checked_reads
from cmir.dialects.nn.relations import box_set, element_box
from cmir.dialects.nn.stage import ScanOp, StageOp, YieldOp
from cmir.dialects.nn.views import PadConflictError, Views, read_through, written_as
from cmir.dialects.nn.widening import reads_behind
from cmir.passes.base import FunctionPass
from cmir.passes.histories import NoHistoryError, histories_of
from cmir.passes.hoisting import bases_of, hoist_pointwise
from cmir.passes.unused_state import drop_unused_results, drop_unused_state
from cmir.passes.widths import behind, move_layouts, widen_at_readers
from cmir.support.diagnostics import CompileError, emit_remark
from cmir.support.naming import UniqueNames, counted
from cmir.support.statistics import tally


@dataclass(frozen=True)
class NnOutlineStagesPass(FunctionPass):
    """Group operators into stages: an iteration operator and the point-wise operators that follow it.

    A point-wise operator joins the latest stage that computes one of its operands in the shape of its result, unless
    stages would then wait for each other in a cycle. If it follows layout operators with an inverse, such as reshape
    and transpose, it moves in front of them first. One that widens the elements of a value, such as a dequantisation,
    becomes part of the stages that read its result instead, so that arrays hold the narrow elements. With `fuse=false`,
    every operator becomes a separate stage. Layout operators remain outside stages, as views. If a value that is only a
    view must exist in memory, the pass inserts a copy and emits a remark. A carried result that is a view of values of
    earlier inferences, such as a window of the last K values, needs no memory of its own. Carried results, and results
    of scans, that no output depends on are removed.
    """

    name = "nn-outline-stages"

    fuse: bool = True
    """Let point-wise operators join the stages that they follow; otherwise, every operator becomes a stage."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        remember_source(ctx, op)
        super().apply(ctx, op)

    def apply_to(self, ctx: Context, function: FuncOp) -> None:
        region_dce(function.body)
        drop_unused_state(function)
        for scan in _scans(function):
            drop_unused_results(scan)
        for scan in reversed(_scans(function)):  # inner ones first
            self._outline(scan)
        self._outline(function)
        region_dce(function.body)

    def _outline(self, op: FuncOp | ScanOp) -> None:
        """Group the operators of a function, or of a step of a scan."""
        block = op.body.block
        widening = set[Operation]()
        if self.fuse:
            hoist_pointwise(block)
            move_layouts(block)
            widening = widen_at_readers(block)
        region_dce(op.body)
        _insert_copies(op, widening)
        _Outliner(block, self.fuse, widening).rewrite()


def _scans(function: FuncOp) -> list[ScanOp]:
    """Return all scans, each before those in its body."""
    return [op for op in function.walk() if isinstance(op, ScanOp)]


@dataclass(eq=False)
class _Group:
    """Operators that become one stage, or a scan. needs: the groups that it reads from."""

    ops: list[IterationOp | ScanOp] = field(default_factory=list)
    needs: set[_Group] = field(default_factory=set)

    def results(self) -> list[SSAValue]:
        """Return the values that are used outside the group, or that their own operator reads."""
        members = set(self.ops)
        return [
            result
            for op in self.ops
            for result in op.results
            if any(use.operation not in members for use in result.uses) or _reads_itself(result)
        ]

    def depends_on(self, other: _Group) -> bool:
        """Return True if data flows from `other` to this group, directly or through other groups."""
        seen: set[_Group] = set()
        stack: list[_Group] = [self]
        while stack:
            group = stack.pop()
            if group is other:
                return True
            fresh = group.needs - seen
            seen |= fresh
            stack += fresh
        return False


class _Outliner:
    """Rewriting of one function body. widening: the operators that belong to the stages of their readers."""

    def __init__(self, block: Block, fuse: bool, widening: set[Operation]):
        self.block = block
        self.fuse = fuse
        self.widening = widening
        self.group_of: dict[Operation, _Group] = {}
        self.moved: set[LayoutOp] = set()

    def rewrite(self) -> None:
        groups: dict[_Group, None] = {}
        for op in self.block.ops:
            match op:
                case IterationOp() if op in self.widening:
                    pass
                case IterationOp():
                    groups[self._place(op)] = None
                case ScanOp():
                    groups[self._place(op)] = None
                case LayoutOp() | ParameterOp() | ReturnOp() | YieldOp() | StageOp():
                    pass
                case _:
                    raise CompileError(op, f"{op.name} cannot become part of a stage")
        terminator = self.block.last_op
        assert terminator is not None
        stages = (op.sym_name.data for op in self.block.ops if isinstance(op, StageOp))
        names = UniqueNames(stages, counted)
        # Insert stages before the terminator, each after the stages that it reads.
        for group in _in_dependence_order(groups):
            first = self._first(group)
            if isinstance(first, ScanOp):
                first.detach()
                self._move_layouts(first.operands, terminator)
                self.block.insert_op_before(first, terminator)
                continue
            tally("stages")
            tally("operators fused", len(group.ops) - 1)
            stage = _stage(group, first, names.take(_kind(first)))
            self._move_layouts(stage.operands, terminator)
            self.block.insert_op_before(stage, terminator)
            _replace(group, stage)
        self._move_layouts(terminator.operands, terminator)

    def _place(self, op: IterationOp | ScanOp) -> _Group:
        """Return the group that `op` joins, or a new one."""
        sources = {group for operand in op.operands for group in self._sources(operand)}
        group = next(self._candidates(op, sources), None) if self.fuse else None
        if group is None:
            group = _Group()
        members = [*self._widening(op), op]
        group.ops += members
        group.needs |= sources - {group}
        self.group_of.update(dict.fromkeys(members, group))
        return group

    def _first(self, group: _Group) -> Operation:
        """Return the operator that a stage is named after."""
        return next(op for op in group.ops if op not in self.widening)

    def _widening(self, op: Operation) -> Sequence[IterationOp]:
        """Return the operators that widen the operands of `op`, each after those whose results it reads."""
        found: list[IterationOp] = []
        stack: list[Operation] = [op]
        while stack:
            for operand in stack.pop().operands:
                owner = operand.owner
                if isinstance(owner, IterationOp) and owner in self.widening:
                    found.append(owner)
                    stack.append(owner)
        return list(dict.fromkeys(reversed(found)))

    def _sources(self, value: SSAValue) -> set[_Group]:
        """Return the groups that compute `value`, possibly seen through layout operators."""
        owners = (base.owner for base in bases_of(value, self.widening))
        groups = (self.group_of.get(o) for o in owners if isinstance(o, Operation))
        return {group for group in groups if group is not None}

    def _candidates(self, op: IterationOp | ScanOp, sources: set[_Group]) -> Iterator[_Group]:
        """Yield the groups that a point-wise operator can join, the latest first."""
        if not isinstance(op, PointwiseOp) or isinstance(op, CopyOp):
            return
        for operand in reversed(op.operands):
            owner = behind(operand, self.widening).owner
            group = self.group_of.get(owner) if isinstance(owner, Operation) else None
            if group is None or shape_of(operand) != op.result_shape:
                continue
            if isinstance(group.ops[0], CopyOp | ScanOp) or not self._reads_whole(op, group):
                continue
            if not any(other.depends_on(group) for other in sources - {group}):
                yield group

    def _move_layouts(self, values: Iterable[SSAValue], before: Operation) -> None:
        """Keep layout operators before their users and after their operands."""
        for value in values:
            for layout in _layouts_of(value, self.moved):
                layout.detach()
                self.block.insert_op_before(layout, before)

    def _reads_whole(self, op: PointwiseOp, group: _Group) -> bool:
        """Return True if `op` reads values of the group element by element, in the order in which they are computed."""
        members = {result for member in group.ops for result in member.results}
        return all(
            shape_of(operand) == op.result_shape and op.element_relation(i).is_identity()
            if behind(operand, self.widening) in members
            else group not in self._sources(operand)
            for i, operand in enumerate(op.operands)
        )


def _in_dependence_order(groups: dict[_Group, None]) -> Iterator[_Group]:
    done: set[_Group] = set()
    for root in groups:
        stack = [root]
        while stack:
            group = stack[-1]
            waiting = [g for g in group.needs if g not in done]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            if group not in done:
                done.add(group)
                yield group


def _kind(op: Operation) -> str:
    """Return the name prefix of stages that begin with this operator, e.g. `max_pool`."""
    return op.name.partition(".")[2].replace(".", "_")


def _stage(group: _Group, root: Operation, name: str) -> StageOp:
    """Return the stage operation of a group; its body holds clones of the group's operators and of their parameters."""
    members = set(group.ops)
    mapping: dict[SSAValue, SSAValue] = {}
    block = Block()
    inputs: list[SSAValue] = []
    for op in group.ops:
        for operand in op.operands:
            if operand in mapping or operand.owner in members:
                continue
            if parameter_of(operand) is not None:
                clone_parameter(operand, block, mapping)
            else:
                argument = block.insert_arg(operand.type, len(block.args), _location(operand))
                argument.name_hint = operand.name_hint
                mapping[operand] = argument
                inputs.append(operand)
        block.add_op(op.clone(value_mapper=mapping))
    results = group.results()
    block.add_op(YieldOp(*(mapping[result] for result in results)))
    stage = StageOp(name, inputs, [result.type for result in results], Region(block))
    stage.location = root.location
    for result, old in zip(stage.outputs, results, strict=True):
        result.name_hint = old.name_hint
    return stage


def _location(value: SSAValue):
    owner = value.owner
    return owner.location if isinstance(owner, Operation) else None


def _replace(group: _Group, stage: StageOp) -> None:
    """Let users outside the group use the results of the stage."""
    members = set(group.ops)
    for old, new in zip(group.results(), stage.outputs, strict=True):
        old.replace_uses_with_if(new, lambda use: use.operation not in members)


MOST_PIECES = 16
"""Maximum number of affine pieces in which an operator that is not point-wise reads a value; beyond, it reads a copy.

A copy reads each piece once. A window reads the pieces at many offsets, and the cost of their dependences
grows faster than the number of pieces.
"""

MOST_VIEW_PIECES = 64
"""If layout operators make a view of more affine pieces of one value out of others, those become copies.

Concatenating a value with itself doubles its pieces, so that a few operators make thousands.
"""


def _insert_copies(op: FuncOp | ScanOp, widening: set[Operation]) -> None:
    """Insert copies of values that must exist in memory of their own."""
    block, copies = op.body.block, _Copies()
    for inner in list(block.ops):
        if isinstance(inner, IterationOp) and inner not in widening:
            copies.for_reads(inner, widening)
        elif isinstance(inner, ScanOp):
            copies.for_scan(inner)
    terminator = block.last_op
    assert terminator is not None
    if isinstance(op, ScanOp):
        copies.for_outputs(terminator, range(len(op.outputs)))
    else:
        copies.for_outputs(terminator, output_indices(op))
        copies.for_state(op, terminator)


class _Copies:
    """Insertion of copies, with the views of existing values."""

    def __init__(self):
        self.views = Views()
        self.separated: set[LayoutOp] = set()

    def for_reads(self, op: IterationOp, widening: set[Operation]) -> None:
        """Copy operands that cannot, or should not, be read through layout operators.

        widening: the operators that the stage of `op` applies to what it reads.
        """
        if not any(isinstance(behind(o, widening).owner, LayoutOp) for o in op.operands):
            return
        domain = op.domain()
        pending = [(op, checked_reads(op, op.reads()))]
        while pending:
            reader, accesses = pending.pop()
            for index, (operand, access) in enumerate(zip(reader.operands, accesses, strict=False)):
                owner = operand.owner
                if isinstance(access, Cells):
                    continue
                if isinstance(owner, PointwiseOp) and owner in widening:
                    pending.append((owner, reads_behind(owner, access, domain) or ()))
                elif isinstance(owner, LayoutOp):
                    self._for_read(reader, index, access, domain, not isinstance(op, PointwiseOp))

    def _for_read(
        self, op: IterationOp, index: int, access: Access, domain: isl.Set, window: bool
    ) -> None:
        """Copy one operand if need be. window: the read may overlap with other reads."""
        self._separate(op.operands[index])
        view = self.views.of(op.operands[index])
        try:
            read = read_through(access, domain, view)
        except PadConflictError as conflict:
            self._copy(op, index, str(conflict))
            return
        if window and not within_cuts(access.relation.domain_factor_domain(), view.cuts):
            self._copy(op, index, "windows would cross the borders of merged axes")
        elif window and (pieces := read.pieces) > MOST_PIECES:
            self._copy(op, index, f"windows would read it in {pieces} affine pieces")

    def for_scan(self, scan: ScanOp) -> None:
        """Copy operands of a scan that its stages cannot read through layout operators."""
        for index, operand in enumerate(scan.operands):
            self._separate(operand)
            view = self.views.of(operand)
            if view.pad is not None:
                self._copy(scan, index, "the stages of a scan read no padding")
            elif view.pieces > MOST_PIECES:
                self._copy(scan, index, f"steps would read it in {view.pieces} affine pieces")

    def for_outputs(self, terminator: Operation, outputs: Sequence[int]) -> None:
        """Copy outputs that no stage can write directly. outputs: the operands of the terminator that are outputs."""
        returned: set[SSAValue] = set()
        written: set[SSAValue] = {terminator.operands[index] for index in outputs}
        for index in outputs:
            value = terminator.operands[index]
            self._separate(value)
            bases = bases_of(value)
            if value in returned:
                self._copy(terminator, index, "another output uses its memory")
            elif not all(isinstance(base.owner, IterationOp | StageOp | ScanOp) for base in bases):
                self._copy(terminator, index, "an output of the network needs its own memory")
            elif isinstance(value.owner, LayoutOp) and (
                bases & written
                or not all(_leads_only_to(base, value, outputs) for base in bases)
                or not written_as(self.views.of(value))
                or not self._keeps_what_is_read(value, outputs)
            ):
                self._copy(
                    terminator, index, "the stage that computes it cannot write it in this layout"
                )
            else:
                written |= bases
            returned.add(value)

    def for_state(self, function: FuncOp, terminator: Operation) -> None:
        """Copy carried results that cannot be read as views of values of earlier inferences."""
        for pair in carried_pairs(function):
            self._separate(terminator.operands[pair.result])
        while True:
            try:
                histories_of(function, self.views)
                return
            except NoHistoryError as error:
                self._copy(terminator, error.pair.result, str(error))

    def _keeps_what_is_read(self, value: SSAValue, outputs: Sequence[int]) -> bool:
        """Return True if a view has all elements of the results that their own operators or later inferences read."""
        sources = self.views.of(value).sources.items()
        return all(
            box_set(element_box(shape_of(base))).is_subset(elements.range())
            for base, elements in sources
            if _reads_itself(base) or _is_carried(base, outputs)
        )

    def _separate(self, value: SSAValue) -> None:
        """Copy parts of the views that `value` is made of, innermost first, until each is a view of its own."""
        for layout in _layouts_of(value, self.separated):
            self._separate_crossing(layout)
            self._separate_pads(layout)
            self._separate_pieces(layout)

    def _separate_crossing(self, layout: LayoutOp) -> None:
        """Copy what a layout operator divides in other ways than the operators in front of it, before either does."""
        if len(layout.operands) != 1:
            return
        (operand,) = layout.operands
        joined = layout.joined(self.views.of(operand).cuts)
        if joined is None:
            return
        block, before = layout.parent, ReshapeOp(operand, joined)
        assert block is not None
        before.location = layout.location
        before.result.name_hint = operand.name_hint
        block.insert_op_before(before, layout)
        layout.operands[0] = before.result
        shapes = f"{list(shape_of(operand))} and {list(layout.result_shape)}"
        self._copy(layout, 0, f"the axes of {shapes} cross")

    def _separate_pads(self, layout: LayoutOp) -> None:
        """Copy values between paddings with different values."""
        for index, operand in enumerate(layout.operands):
            try:
                self.views.of(layout.result)
                return
            except PadConflictError as conflict:
                if self.views.of(operand).pad is not None:
                    self._copy(layout, index, str(conflict))

    def _separate_pieces(self, layout: LayoutOp) -> None:
        """Copy views that are pieced together, where the operator would multiply their pieces."""
        pieces = self.views.of(layout.result).pieces
        if pieces <= MOST_VIEW_PIECES:
            return
        why = f"it would be read in {pieces} affine pieces"
        for operand in dict.fromkeys(layout.operands):
            if isinstance(operand.owner, LayoutOp) and self.views.of(operand).pieces > 1:
                first, *others = (i for i, o in enumerate(layout.operands) if o is operand)
                copy = self._copy(layout, first, why)
                for index in others:
                    layout.operands[index] = copy
        self.views.forget(layout.result)

    def _copy(self, user: Operation, index: int, why: str) -> SSAValue:
        """Let an operator read a copy of an operand, which is returned."""
        value = user.operands[index]
        copy = CopyOp(value)
        copy.location = user.location
        copy.result.name_hint = f"{value.name_hint}_copy" if value.name_hint else None
        block = user.parent
        assert block is not None
        block.insert_op_before(copy, user)
        user.operands[index] = copy.result
        for result in user.results:
            self.views.forget(result)
        tally("copies inserted")
        emit_remark(user, f"inserted a stage that copies %{value.name_hint or 'value'}: {why}")
        return copy.result


def _reads_itself(value: SSAValue) -> bool:
    """Return True if the operator that computes a value reads it, too, or a step of the same scan may."""
    if isinstance(value.owner, ScanOp):
        return True
    if isinstance(value, OpResult) and isinstance(value.op, StageOp):
        value = value.op.terminator.values[value.index]
    return isinstance(value.owner, IterationOp) and value in value.owner.own_results()


def _layouts_of(value: SSAValue, done: set[LayoutOp]) -> Iterator[LayoutOp]:
    """Yield the layout operators that `value` is a view through, each after its operands', unless they are done."""
    stack = [value.owner]
    while stack:
        op = stack[-1]
        if not isinstance(op, LayoutOp) or op in done:
            stack.pop()
            continue
        waiting = [o.owner for o in op.operands if isinstance(o.owner, LayoutOp)]
        waiting = [owner for owner in waiting if owner not in done]
        if not waiting:
            done.add(op)
            yield op
        stack += reversed(waiting)


def _is_carried(value: SSAValue, outputs: Sequence[int]) -> bool:
    """Return True if a carried result is a view of elements of `value`. outputs: see `_leads_only_to`."""
    return any(
        use.operation.has_trait(IsTerminator) and use.index not in outputs
        for _, use in _ends_of(value)
    )


def _leads_only_to(value: SSAValue, output: SSAValue, outputs: Sequence[int]) -> bool:
    """Return True if the network's output `output` is the only reader of `value`, through layout operators.

    Later inferences, which read carried results, do not count. outputs: the terminator's operands that are outputs.
    """
    return all(
        use.operation.has_trait(IsTerminator) and (use.index not in outputs or view is output)
        for view, use in _ends_of(value)
    )


def _ends_of(value: SSAValue) -> Iterator[tuple[SSAValue, Use]]:
    """Yield the uses of a value, and of what layout operators make of it, by other operations."""
    seen, stack = {value}, [value]
    while stack:
        value = stack.pop()
        for use in value.uses:
            if not isinstance(use.operation, LayoutOp):
                yield value, use
            elif use.operation.result not in seen:
                seen.add(use.operation.result)
                stack.append(use.operation.result)
