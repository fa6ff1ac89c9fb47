"""Pipelines, dependences between stages, and storage maps."""

from __future__ import annotations

import islpy as isl
from xdsl.dialects.builtin import (
    FlatSymbolRefAttrConstr,
    IndexType,
    MemRefType,
    StringAttr,
    SymbolRefAttr,
)
from xdsl.ir import Attribute, Region
from xdsl.irdl import (
    IRDLOperation,
    RangeOf,
    irdl_op_definition,
    opt_prop_def,
    opt_region_def,
    prop_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import HasParent, IsolatedFromAbove, NoTerminator
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.polyhedral.arrays import (
    ArrayOp,
    ArraysOp,
    find_array,
    verify_ends,
    verify_holds_only,
)
from cmir.dialects.polyhedral.relations import (
    RELATION,
    MapAttr,
    SetAttr,
    core_parameters_problem,
    sample,
)
from cmir.dialects.polyhedral.stages import StageOp
from cmir.dialects.polyhedral.storage import verify_storage
from cmir.dialects.polyhedral.syntax import (
    parse_attribute_as,
    parse_controlled,
    print_controlled,
    verify_takes_cores,
)
from cmir.dialects.symbols import find_symbol, symbol
from cmir.dialects.syntax import parse_attributes, print_attributes
from cmir.isl.dependence_kind import DependenceKind


@irdl_op_definition
class PipelineOp(ArraysOp):
    """A network as stages over arrays, with its input and output arrays in order.

    ```mlir
    polyhedral.pipeline @main (@a) -> (@c) {
      polyhedral.array @a : tensor<1x10xf32>
      …
    }
    ```
    """

    name = "polyhedral.pipeline"

    @property
    def stages(self) -> dict[str, StageOp]:
        return {op.sym_name.data: op for op in self.body.block.ops if isinstance(op, StageOp)}

    def stage(self, name: str) -> StageOp:
        """Return the stage of this name. Raises VerifyException."""
        if (stage := find_symbol(self.body.block, StageOp, name)) is None:
            raise VerifyException(f"there is no polyhedral.stage @{name}")
        return stage

    @property
    def storages(self) -> dict[tuple[str, str], StorageOp]:
        """The storage maps, by array and stage."""
        ops = (op for op in self.body.block.ops if isinstance(op, StorageOp))
        return {(symbol(op.array), symbol(op.stage)): op for op in ops}

    @property
    def dependences(self) -> list[DependenceOp]:
        return [op for op in self.body.block.ops if isinstance(op, DependenceOp)]

    def drop_dependences(self) -> None:
        """Erase the dependences, which are invalid after stages have changed."""
        for dependence in self.dependences:
            dependence.detach()
            dependence.erase()

    def verify_(self) -> None:
        verify_holds_only(self, (ArrayOp, StageOp, StorageOp, DependenceOp))
        verify_ends(self, self.inputs, self.outputs, self.arrays)
        written = {symbol(op.array) for stage in self.stages.values() for op in stage.writes()}
        for name in map(symbol, self.inputs):
            if name in written:
                raise VerifyException(f"input @{name} is written by a stage")
        for name in map(symbol, self.outputs):
            if name not in written:
                raise VerifyException(f"output @{name} is written by no stage")


@irdl_op_definition
class DependenceOp(IRDLOperation):
    """A dependence of one stage on another, as a release relation (docs/design.md §3).

    ```mlir
    polyhedral.dependence raw @conv1 -> @conv2 on @b
      release #polyhedral.map<"{ b[j] -> CONV2[w = -2 + j] : 2 <= j <= 7 }">
    polyhedral.dependence war @conv2 -> @conv1 on @b
      release #polyhedral.map<"{ CONV2[w] -> CONV1[ahead = 1, w] : … }">
      initially #polyhedral.set<"{ CONV1[ahead = 0, w = 7] }">
    ```

    Events happen in the source, the first stage. The target, the second stage, waits for them.

    raw: maps a location that the source writes to the last iteration of the target that it releases, in the same
    inference or, if the target reads the array across inferences, in the inference `ahead` of it. war: maps an
    iteration of the source, which reads, to the last iteration of the target that it releases, in the inference `ahead`
    of it. `initially` is the limit before the first event of an inference. The automaton, if
    generated, visits the events in the order in which they happen.

    If stages are spread over cores, the parameters p0, p1, … are the coordinates of a core of the target, and q0, q1, …
    those of a core of the source. The automaton takes them in this order.
    """

    name = "polyhedral.dependence"

    kind_attr = prop_def(StringAttr, prop_name="kind")
    source = prop_def(FlatSymbolRefAttrConstr)
    target = prop_def(FlatSymbolRefAttrConstr)
    array = prop_def(FlatSymbolRefAttrConstr)
    release = prop_def(MapAttr)
    initially = opt_prop_def(SetAttr)
    automaton = opt_region_def("single_block", entry_args=RangeOf(IndexType))

    traits = traits_def(IsolatedFromAbove(), NoTerminator(), HasParent(PipelineOp))

    def __init__(
        self,
        kind: DependenceKind,
        source: str,
        target: str,
        array: str,
        release: MapAttr,
        initially: SetAttr | None = None,
        automaton: Region | None = None,
    ):
        super().__init__(
            properties={
                "kind": StringAttr(kind),
                "source": SymbolRefAttr(source),
                "target": SymbolRefAttr(target),
                "array": SymbolRefAttr(array),
                "release": release,
                "initially": initially,
            },
            regions=[automaton],
        )

    @property
    def kind(self) -> DependenceKind:
        return DependenceKind(self.kind_attr.data)

    @classmethod
    def parse(cls, parser: Parser) -> DependenceOp:
        kind = parser.expect(
            lambda: next((k for k in DependenceKind if parser.parse_optional_keyword(k)), None),
            "expected `raw` or `war`",
        )
        source = parser.parse_symbol_name().data
        parser.parse_punctuation("->")
        target = parser.parse_symbol_name().data
        parser.parse_keyword("on")
        array = parser.parse_symbol_name().data
        parser.parse_keyword("release")
        release = parse_attribute_as(parser, MapAttr)
        has_initially = parser.parse_optional_keyword("initially")
        initially = parse_attribute_as(parser, SetAttr) if has_initially else None
        attributes = parse_attributes(parser)
        automaton = parse_controlled(parser) if parser.parse_optional_keyword("automaton") else None
        op = cls(kind, source, target, array, release, initially, automaton)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.kind_attr.data} ")
        printer.print_symbol_name(symbol(self.source))
        printer.print_string(" -> ")
        printer.print_symbol_name(symbol(self.target))
        printer.print_string(" on ")
        printer.print_symbol_name(symbol(self.array))
        printer.print_string(" release ")
        printer.print_attribute(self.release)
        if self.initially is not None:
            printer.print_string(" initially ")
            printer.print_attribute(self.initially)
        print_attributes(printer, self)
        if self.automaton is not None:
            printer.print_string(" automaton ")
            print_controlled(printer, self.automaton)

    def verify_(self) -> None:
        if self.kind_attr.data not in [*DependenceKind]:
            raise VerifyException(f"`kind` must be raw or war, got {self.kind_attr.data}")
        pipeline = self.parent_op()
        assert isinstance(pipeline, PipelineOp)
        array = find_array(self, symbol(self.array))
        source, target = (pipeline.stage(symbol(ref)) for ref in (self.source, self.target))
        raw = self.kind is DependenceKind.RAW
        writer, reader = (source, target) if raw else (target, source)
        for stage, accesses, verb in (
            (writer, writer.writes(), "write"),
            (reader, reader.reads(), "read"),
        ):
            if all(symbol(self.array) not in dict(op.arrays_and_maps()) for op in accesses):
                raise VerifyException(
                    f"stage @{stage.sym_name.data} does not {verb} @{symbol(self.array)}"
                )
        if self.automaton is not None:
            verify_takes_cores("an automaton", self.automaton, target.core_dims + source.core_dims)
        relation = self.release.relation
        if message := core_parameters_problem(relation, target.core_dims, source.core_dims):
            raise VerifyException(message)
        event = array.locations if raw else source.domain.points
        ahead = not raw or target.reads_across(symbol(self.array))
        self._verify_limits(event, _ahead(target.domain.points) if ahead else target.domain.points)

    def _verify_limits(self, event: isl.Set, limit: isl.Set) -> None:
        """Check that `release` maps events to limits, and that `initially` is one limit."""
        relation = self.release.relation
        ends = ("event", relation.domain(), event), ("limit", relation.range(), limit)
        for what, given, allowed in ends:
            if not given.get_space().has_equal_tuples(allowed.get_space()):
                raise VerifyException(
                    f"the {what}s must be points of {allowed}, got {self.release.data}"
                )
        if not relation.is_single_valued():
            raise VerifyException("an event must release up to one iteration")
        for what, given, allowed in ends:
            if not given.is_subset(allowed):
                outside = sample(given.subtract(allowed))
                raise VerifyException(f"{outside} is no {what}: it is not in {allowed}")
        if self.initially is None:
            return
        points = self.initially.points
        fits = points.get_space().has_equal_tuples(limit.get_space())
        single = isl.Map.from_range(points).is_single_valued() and not points.is_empty()
        if not fits or not points.is_subset(limit) or not single:
            raise VerifyException(
                f"`initially` must be one point of {limit}, got {self.initially.data}"
            )


def _ahead(iterations: isl.Set) -> isl.Set:
    """Return `{ s[ahead, i] }`: the iterations with their inference as an additional coordinate `ahead`."""
    name = iterations.get_tuple_name()
    points = iterations.insert_dims(isl.dim_type.set, 0, 1).set_tuple_name(name)
    return points.set_dim_name(isl.dim_type.set, 0, "ahead")


@irdl_op_definition
class StorageOp(IRDLOperation):
    """The storage map of an array at a stage that reads it: the slot of the stage's buffer for each element.

    ```mlir
    polyhedral.storage @b at @conv2
      #polyhedral.map<"{ b[n, c, h, w] -> slot[c, (16n + h) mod 3, w] }"> : memref<16x3x16xf32>
    ```

    The relation maps each element of each inference n to a slot. Without a storage operation, the buffer has a slot for
    each element of one inference. If the stage is spread over cores, p0, p1, … are the coordinates of the core that
    holds the buffer, and elements that no iteration of that core reads need no slot.
    """

    name = "polyhedral.storage"

    array = prop_def(FlatSymbolRefAttrConstr)
    stage = prop_def(FlatSymbolRefAttrConstr)
    map = prop_def(RELATION)
    type = prop_def(MemRefType)

    traits = traits_def(HasParent(PipelineOp))

    assembly_format = "$array `at` $stage $map `:` $type attr-dict"

    def __init__(self, array: str, stage: str, map: MapAttr, type: MemRefType[Attribute]):
        super().__init__(
            properties={
                "array": SymbolRefAttr(array),
                "stage": SymbolRefAttr(stage),
                "map": map,
                "type": type,
            }
        )

    def verify_(self) -> None:
        pipeline, array = self.parent_op(), find_array(self, symbol(self.array))
        assert isinstance(pipeline, PipelineOp)
        stage, name = pipeline.stage(symbol(self.stage)), symbol(self.array)
        if all(name not in dict(read.arrays_and_maps()) for read in stage.reads()):
            raise VerifyException(f"stage @{symbol(self.stage)} does not read @{name}")
        verify_storage(self.map, array, self.type, stage.core_dims)
