"""Stages, and the accesses of their iterations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import islpy as isl
from xdsl.dialects.builtin import (
    ArrayAttr,
    FlatSymbolRefAttrConstr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    UnitAttr,
    VectorType,
    i64,
)
from xdsl.ir import Attribute, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    RangeOf,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    opt_region_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    IsolatedFromAbove,
    MemoryReadEffect,
    NoTerminator,
    SymbolOpInterface,
)
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.polyhedral.accesses import (
    Number,
    access_problem,
    number_of,
    overlap_problem,
    parse_access_tail,
    print_access_tail,
    verify_element_types,
    verify_pad,
)
from cmir.dialects.polyhedral.arrays import ArrayOp, find_array
from cmir.dialects.polyhedral.relations import RELATION, MapAttr, SetAttr
from cmir.dialects.polyhedral.syntax import (
    CORE_DIMS,
    COUNT,
    parse_attribute_as,
    parse_controlled,
    parse_iteration,
    print_controlled,
    print_iteration,
    spread_attr,
    verify_takes_cores,
)
from cmir.dialects.symbols import symbol
from cmir.dialects.syntax import parse_attributes, parse_block, print_attributes
from cmir.dialects.traits import HasParentNamed
from cmir.isl.cores import (
    Who,
    cores_of,
    on_core,
    parameter_values,
    parameters,
    without_core,
)
from cmir.isl.dependences import identity_schedule, iterations
from cmir.isl.inferences import in_any_inference, in_own_inference
from cmir.isl.schedules import schedule_problem
from cmir.support.counts import count_of


class AccessOp(IRDLOperation):
    """Base of reads and writes: vectors of lanes, related to locations of arrays."""

    def arrays_and_maps(self) -> Iterator[tuple[str, MapAttr]]:
        raise AssertionError("each access says which arrays it touches")

    def relations(self) -> Iterator[tuple[str, isl.Map]]:
        """Yield each array and the relation iteration -> location."""
        return ((name, iterations(access.relation)) for name, access in self.arrays_and_maps())

    def vector_type(self) -> VectorType[Attribute]:
        raise AssertionError("each access has a vector")

    def held_inferences(self, array: ArrayOp) -> int | None:
        """Return, for an access across inferences, in how many before the first the array has values; else None."""
        return None

    def verify_accesses(self) -> None:
        """Check that every access fits the array, the vector, and the domain of the stage."""
        stage, vector = self.parent_op(), self.vector_type()
        assert isinstance(stage, StageOp)
        if stage.domain_problem() is not None:
            return  # the verifier of the stage reports it
        for name, access in self.arrays_and_maps():
            array = find_array(self, name)
            coordinates = len(stage.body.block.args)
            held = self.held_inferences(array)
            if message := access_problem(
                access, coordinates, vector.get_shape(), name, array.shape, stage.domain, held
            ):
                raise VerifyException(message)
            verify_element_types(vector, array)


@irdl_op_definition
class StageOp(IRDLOperation):
    """Work of a core: a body that runs for each point of an iteration domain, in the order of a schedule.

    ```mlir
    polyhedral.stage @conv1 (%w) domain #polyhedral.set<"{ conv1[w] : 0 <= w <= 7 }"> {
      %x = polyhedral.read @a #polyhedral.map<"…"> : vector<1x3xf32>
      …
    } loops {
      scf.for %i0 = %c0 to %c8 step %c1 { cmcore.fire(%i0) }
    }
    ```

    Iterations run in lexicographic order of `schedule` (iteration -> time), or of the domain if there is no schedule.
    `polyhedral-generate-loops` generates the `loops`, which visit the domain in that order.

    A stage can be spread over cores. The leading coordinates of an iteration, in brackets, then identify the core that
    runs it. Each core runs its iterations in the order of the schedule, independently of the other cores:

    ```mlir
    polyhedral.stage @conv1 [%p] (%h, %w)
        domain #polyhedral.set<"{ conv1[p, h, w] : p = h mod 4 and … }"> { … } loops (%p) { … }
    ```

    With `turns 5`, five copies of each core run its iterations in turn. The iterations of an inference are counted from
    0 in their order, and iteration i runs on copy i mod 5. Domain, schedule, loops and automata are those of one core:

    ```mlir
    polyhedral.stage @conv1 (%h, %w) turns 5 domain #polyhedral.set<"{ conv1[h, w] : … }"> { … }
    ```

    A stage marked `gcu` runs on the global control unit instead of a core. The global control unit has the network's
    inputs and outputs in its own memory and streams them to and from the cores.
    """

    name = "polyhedral.stage"

    sym_name = prop_def(SymbolNameConstraint())
    domain = prop_def(SetAttr)
    schedule = opt_prop_def(MapAttr)
    spread = opt_prop_def(CORE_DIMS)
    gcu = opt_prop_def(UnitAttr)
    in_turn = opt_prop_def(COUNT)
    body = region_def("single_block", entry_args=RangeOf(IndexType))
    loops = opt_region_def("single_block", entry_args=RangeOf(IndexType))

    traits = traits_def(
        IsolatedFromAbove(),
        NoTerminator(),
        SymbolOpInterface(),
        HasParentNamed("polyhedral.pipeline"),
    )

    def __init__(
        self,
        domain: SetAttr,
        body: Region,
        schedule: MapAttr | None = None,
        loops: Region | None = None,
        name: str | None = None,
        core_dims: int = 0,
        gcu: bool = False,
        turns: int = 1,
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name or domain.points.get_tuple_name() or ""),
                "domain": domain,
                "schedule": schedule,
                "spread": spread_attr(core_dims),
                "gcu": UnitAttr() if gcu else None,
                "in_turn": IntegerAttr(turns, i64) if turns > 1 else None,
            },
            regions=[body, loops],
        )

    @property
    def turns(self) -> int:
        """Number of copies of each core that run its iterations in turn."""
        return 1 if self.in_turn is None else self.in_turn.value.data

    @turns.setter
    def turns(self, turns: int) -> None:
        self.in_turn = IntegerAttr(turns, i64) if turns > 1 else None

    @property
    def core_dims(self) -> int:
        """Number of leading coordinates of an iteration that identify the core that runs it."""
        return 0 if self.spread is None else self.spread.value.data

    @property
    def order(self) -> isl.Map:
        """The schedule as a relation, iteration -> time, restricted to the domain."""
        return _order(self.domain, self.schedule)

    def order_on_core(self, who: Who = "p") -> isl.Map:
        """Return the order of the iterations of one core, whose coordinates are parameters and not among the times."""
        return _order_on_core(self.domain, self.schedule, self.core_dims, who)

    def cores(self, who: Who = "p") -> isl.Set:
        """Return the cores of the stage, as values of the parameters of `order_on_core`."""
        return cores_of(self.domain.points, self.core_dims, who)

    def count_cores(self) -> int:
        """Return the number of cores that run the stage, not counting the global control unit."""
        return 0 if self.gcu is not None else self.turns * len(parameter_values(self.cores()))

    def accesses(self) -> Iterator[AccessOp]:
        return (op for op in self.body.block.ops if isinstance(op, AccessOp))

    def reads(self) -> Iterator[ReadOp]:
        return (op for op in self.body.block.ops if isinstance(op, ReadOp))

    def writes(self) -> Iterator[WriteOp]:
        return (op for op in self.body.block.ops if isinstance(op, WriteOp))

    def read_relations(self) -> dict[str, isl.Map]:
        """Return the read relation of each array, iteration -> location, whatever the inference it reads."""
        return _by_array(
            (name, in_any_inference(relation) if op.across else relation)
            for op in self.reads()
            for name, relation in op.relations()
        )

    def stream_reads(self) -> dict[str, isl.Map]:
        """Return the read relation of each array, iteration -> `[m, location]`, m relative to its inference."""
        return _by_array(
            (name, relation if op.across else in_own_inference(relation))
            for op in self.reads()
            for name, relation in op.relations()
        )

    def reads_across(self, array: str) -> bool:
        """Return True if a read may name the array in earlier inferences: it has values before the first."""
        return find_array(self, array).initial is not None and any(
            read.across is not None and any(name == array for name, _ in read.arrays_and_maps())
            for read in self.reads()
        )

    def write_relations(self) -> dict[str, isl.Map]:
        """Return the write relation of each array, iteration -> location."""
        return _by_array(item for op in self.writes() for item in op.relations())

    @classmethod
    def parse(cls, parser: Parser) -> StageOp:
        name = parser.parse_symbol_name().data
        core_dims, arguments = parse_iteration(parser)
        gcu = parser.parse_optional_keyword("gcu") is not None
        turns = None
        if parser.parse_optional_keyword("turns") is not None:
            turns = IntegerAttr(parser.parse_integer(context_msg=": the number of turns"), i64)
        parser.parse_keyword("domain")
        domain = parse_attribute_as(parser, SetAttr)
        has_schedule = parser.parse_optional_keyword("schedule")
        schedule = parse_attribute_as(parser, MapAttr) if has_schedule else None
        attributes = parse_attributes(parser)
        body = parse_block(parser, arguments)
        loops = parse_controlled(parser) if parser.parse_optional_keyword("loops") else None
        op = cls(domain, body, schedule, loops, name, core_dims, gcu)
        op.in_turn = turns
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" ")
        print_iteration(printer, self.body.block, self.core_dims)
        printer.print_string(" gcu" if self.gcu is not None else "")
        printer.print_string("" if self.in_turn is None else f" turns {self.turns}")
        printer.print_string(" domain ")
        printer.print_attribute(self.domain)
        if self.schedule is not None:
            printer.print_string(" schedule ")
            printer.print_attribute(self.schedule)
        print_attributes(printer, self)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)
        if self.loops is not None:
            printer.print_string(" loops ")
            print_controlled(printer, self.loops)

    def domain_problem(self) -> str | None:
        """Return the reason why `domain` is not a valid iteration domain of this stage, or None."""
        name, points = self.sym_name.data, self.domain.points
        if points.get_tuple_name() != name:
            return f"the domain must be a set of {name}[…], got {self.domain.data}"
        dims, arguments = points.dim(isl.dim_type.set), len(self.body.block.args)
        if arguments != dims:
            return f"the body must take the {count_of(dims, 'coordinate')} of an iteration, got {arguments}"
        if not 0 <= self.core_dims <= dims:
            return (
                f"`spread` must be one of 0 to {dims}, the coordinates of an iteration, "
                f"got {self.core_dims}"
            )
        if self.gcu is not None and self.core_dims:
            return "there is one global control unit: a stage on it has no cores"
        if self.in_turn is not None and (self.turns < 1 or self.gcu is not None):
            return f"`turns` must be 1 or more, and 1 on the global control unit, got {self.turns}"
        if parameters(points):
            return f"a domain has no parameters, got {self.domain.data}"
        return None

    def verify_(self) -> None:
        if message := self.domain_problem():
            raise VerifyException(message)
        if self.domain.points.is_empty():
            raise VerifyException("the iteration domain is empty")
        if not self.domain.points.is_bounded():
            raise VerifyException(f"the iteration domain is not bounded: {self.domain.data}")
        if self.schedule is not None:
            self._verify_schedule(self.schedule.relation)
        if self.loops is not None:
            verify_takes_cores("the loops of a stage", self.loops, self.core_dims)
        if next(self.writes(), None) is None:
            raise VerifyException("a stage must write an array")

    def _verify_schedule(self, schedule: isl.Map) -> None:
        if not schedule.get_space().domain().has_equal_tuples(self.domain.points.get_space()):
            raise VerifyException(
                f"the schedule must map {self.sym_name.data}[…] to times, got {schedule}"
            )
        times = schedule.range()
        if times.is_wrapping() or times.has_tuple_name():
            raise VerifyException(f"times must be plain tuples [t0, t1, …], got {schedule}")
        if message := schedule_problem(self.domain.points, schedule):
            raise VerifyException(f"the schedule {message}")


def _order(domain: SetAttr, schedule: MapAttr | None) -> isl.Map:
    """Return the order of a stage; without a schedule, that of its coordinates."""
    if schedule is None:
        return identity_schedule(domain.points)
    return schedule.relation.intersect_domain(domain.points)


@lru_cache(maxsize=4096)
def _order_on_core(domain: SetAttr, schedule: MapAttr | None, core_dims: int, who: Who) -> isl.Map:
    """Return `StageOp.order_on_core`, which each pass asks for again."""
    return without_core(on_core(_order(domain, schedule), core_dims, who))


def _by_array(accesses: Iterable[tuple[str, isl.Map]]) -> dict[str, isl.Map]:
    """Return the union of the relations of each array."""
    relations: dict[str, isl.Map] = {}
    for array, relation in accesses:
        relations[array] = relations[array].union(relation) if array in relations else relation
    return relations


@irdl_op_definition
class ReadOp(AccessOp):
    """The lanes that the current iteration reads of one or more arrays.

    ```mlir
    %x = polyhedral.read @a #polyhedral.map<"{ [conv1[w] -> lane[c, k]] -> a[c, w + k] : … }"> : vector<1x3xf32>
    ```

    The domain of a relation is `[iteration -> lane]`. Lanes in lexicographic order are the elements of the vector in
    row-major order. Lanes without a location read as `pad` (default: 0). A vector can be gathered from several arrays,
    as for a concatenation; no lane may have a location in two of them.

    A read `across` inferences says for each lane which inference it reads: the first coordinate of a location is m, the
    inference relative to the iteration's own, 0 or less. Here, the first iteration of an inference reads what the last
    iteration of the preceding inference has written:

    ```mlir
    %p = polyhedral.read @h #polyhedral.map<"{ [cell[t] -> lane[c]] -> h[m = 0, t - 1, c] : 0 < t <= 5 and 0 <= c < 4;
      [cell[t = 0] -> lane[c]] -> h[m = -1, 5, c] : 0 <= c < 4 }"> across : vector<4xf32>
    ```

    Before the first inference, the array has its `initial` values.
    """

    name = "polyhedral.read"

    arrays = prop_def(ArrayAttr.constr(FlatSymbolRefAttrConstr))
    maps = prop_def(ArrayAttr[MapAttr])
    pad = prop_def(FloatAttr | IntegerAttr)
    across = opt_prop_def(UnitAttr)
    result = result_def(VectorType)

    traits = traits_def(HasParent(StageOp), MemoryReadEffect())

    def __init__(
        self,
        sources: Iterable[tuple[str, MapAttr]],
        result_type: VectorType[Attribute],
        pad: Number | float = 0.0,
        across: bool = False,
    ):
        sources = tuple(sources)
        super().__init__(
            properties={
                "arrays": ArrayAttr(SymbolRefAttr(name) for name, _ in sources),
                "maps": ArrayAttr(access for _, access in sources),
                "pad": number_of(pad, result_type) if isinstance(pad, float | int) else pad,
                "across": UnitAttr() if across else None,
            },
            result_types=[result_type],
        )

    def arrays_and_maps(self) -> Iterator[tuple[str, MapAttr]]:
        return zip((symbol(a) for a in self.arrays), self.maps, strict=True)

    def vector_type(self) -> VectorType[Attribute]:
        return self.result.type

    def held_inferences(self, array: ArrayOp) -> int | None:
        return None if self.across is None else array.initial_inferences()

    @classmethod
    def parse(cls, parser: Parser) -> ReadOp:
        def source() -> tuple[str, MapAttr]:
            name = parser.parse_symbol_name().data
            return name, parse_attribute_as(parser, MapAttr)

        sources = parser.parse_comma_separated_list(parser.Delimiter.NONE, source)
        across = parser.parse_optional_keyword("across") is not None
        pad, attributes, type = parse_access_tail(parser)
        op = cls(sources, type, pad, across)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")

        def source(item: tuple[str, MapAttr]) -> None:
            printer.print_symbol_name(item[0])
            printer.print_string(" ")
            printer.print_attribute(item[1])

        printer.print_list(self.arrays_and_maps(), source)
        if self.across is not None:
            printer.print_string(" across")
        print_access_tail(printer, self, self.pad, self.result.type)

    def verify_(self) -> None:
        if len(self.arrays) != len(self.maps):
            raise VerifyException(
                f"{count_of(len(self.arrays), 'array')} for {len(self.maps)} access relations"
            )
        if not self.arrays:
            raise VerifyException("a read must name an array")
        self.verify_accesses()
        verify_pad(self.pad, self.result.type)
        if message := overlap_problem(tuple(self.maps)):
            raise VerifyException(message)


@irdl_op_definition
class WriteOp(AccessOp):
    """Writes the lanes of a vector to an array: the result of the current iteration.

    ```mlir
    polyhedral.write %y, @b #polyhedral.map<"{ [conv1[w] -> lane[c]] -> b[c, w] : … }"> : vector<1xf32>
    ```

    Within an inference each location is written once, by one iteration of one stage. Lanes without a location
    are dropped.
    """

    name = "polyhedral.write"

    value = operand_def(VectorType)
    array = prop_def(FlatSymbolRefAttrConstr)
    map = prop_def(RELATION)

    traits = traits_def(HasParent(StageOp))

    assembly_format = "$value `,` $array $map attr-dict `:` type($value)"

    def __init__(self, value: SSAValue, array: str, map: MapAttr):
        super().__init__(operands=[value], properties={"array": SymbolRefAttr(array), "map": map})

    def arrays_and_maps(self) -> Iterator[tuple[str, MapAttr]]:
        yield symbol(self.array), self.map

    def vector_type(self) -> VectorType[Attribute]:
        type = self.value.type
        assert isinstance(type, VectorType)
        return type

    def verify_(self) -> None:
        self.verify_accesses()
        if find_array(self, symbol(self.array)).source is not None:
            raise VerifyException(f"@{symbol(self.array)} is a parameter, which is never written")
        if not self.map.relation.is_injective():
            raise VerifyException(f"two lanes or iterations write one location: {self.map.data}")
