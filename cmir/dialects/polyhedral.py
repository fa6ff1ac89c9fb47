"""The `polyhedral` dialect: stages with iteration domains, joined by access relations.

A pipeline holds arrays and stages. A stage runs one body for each point of its iteration domain; what an
iteration reads and writes is said by relations, never by loops. Dependences between stages, and the loops and
automata generated from them, are attached by passes. Times, buffers and cores do not exist here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import copysign
from typing import Self, TypeAlias, TypeVar

import islpy as isl
from xdsl.dialects.builtin import (
    AnyFloat,
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    FlatSymbolRefAttr,
    FlatSymbolRefAttrConstr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    TensorType,
    UnitAttr,
    VectorType,
    i1,
    i64,
)
from xdsl.ir import Attribute, Block, Data, Dialect, Operation, Region, SSAValue
from xdsl.irdl import (
    BaseAttr,
    EqAttrConstraint,
    IRDLOperation,
    RangeOf,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    opt_region_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
)
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer
from xdsl.traits import HasParent, IsolatedFromAbove, NoTerminator, SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.symbols import find_symbol
from cmir.isl import IslError, is_tuple_name, read_map, read_set
from cmir.isl.cores import (
    Who,
    core_parameters,
    cores_of,
    is_core_parameter,
    on_core,
    parameter_values,
    parameters,
    with_parameters,
)
from cmir.isl.dependence_kind import DependenceKind
from cmir.isl.dependences import identity_schedule, iterations


class _IslAttr(Data[str]):
    """ISL text, kept in ISL's own spelling so that equal attributes are equal texts."""

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.data)

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> str:
        with parser.in_angle_brackets():
            position = parser.pos
            text = parser.parse_str_literal()
            try:
                return cls.canonical(text)
            except IslError as error:
                parser.raise_error(str(error), position, parser.pos)

    @classmethod
    def canonical(cls, text: str) -> str:
        raise AssertionError("each kind of ISL object says how it is read")


def _canonical(value: isl.Map | isl.Set, text: str) -> str:
    """ISL's spelling. Sizes are numbers at this level, so the only parameters are coordinates of cores."""
    names = parameters(value)
    if not all(map(is_core_parameter, names)):
        raise IslError(f'"{text}" has parameters: sizes must be numbers')
    return str(with_parameters(value, sorted(names)) if names else value)


@irdl_attr_definition
class MapAttr(_IslAttr):
    """An ISL relation: `#polyhedral.map<"{ conv[w] -> b[1 + w] : 0 <= w <= 7 }">`.

    Parsed and checked by ISL when the IR is parsed. Attributes are equal when ISL prints them alike;
    `same_as` asks ISL whether they denote the same relation.
    """

    name = "polyhedral.map"

    @staticmethod
    def of(relation: isl.Map | str) -> MapAttr:
        """The attribute for a relation or its text."""
        return MapAttr(MapAttr.canonical(str(relation)))

    @classmethod
    def canonical(cls, text: str) -> str:
        return _canonical(read_map(text), text)

    @property
    def relation(self) -> isl.Map:
        return read_map(self.data)

    def same_as(self, other: MapAttr) -> bool:
        return bool(self.relation.is_equal(other.relation))


@irdl_attr_definition
class SetAttr(_IslAttr):
    """An ISL set: `#polyhedral.set<"{ conv[w] : 0 <= w <= 7 }">`. See `#polyhedral.map`."""

    name = "polyhedral.set"

    @staticmethod
    def of(points: isl.Set | str) -> SetAttr:
        """The attribute for a set or its text."""
        return SetAttr(SetAttr.canonical(str(points)))

    @classmethod
    def canonical(cls, text: str) -> str:
        return _canonical(read_set(text), text)

    @property
    def points(self) -> isl.Set:
        return read_set(self.data)

    def same_as(self, other: SetAttr) -> bool:
        return bool(self.points.is_equal(other.points))


@dataclass(frozen=True)
class _Spelled(BaseAttr[MapAttr]):
    """A relation that assembly formats print with its `#polyhedral.map`, as everywhere else."""

    def get_bases(self) -> None:
        return None


RELATION = _Spelled(MapAttr)

CORE_DIMS = IntegerAttr.constr(EqAttrConstraint(i64))
"""How many of an iteration's coordinates, the first ones, say which core of a stage runs it."""


def parse_attribute_as(parser: Parser, cls: type[_IslAttrT]) -> _IslAttrT:
    """An attribute of this class; an error points at it."""
    start = parser.pos
    attribute = parser.parse_attribute()
    if not isinstance(attribute, cls):
        parser.raise_error(f"expected a #{cls.name}, got {attribute}", start, parser.pos)
    return attribute


_IslAttrT = TypeVar("_IslAttrT", bound=_IslAttr)


def parse_attributes(parser: Parser) -> dict[str, Attribute]:
    """`attributes {…}`, if present: what others have attached to an operation."""
    attributes = parser.parse_optional_attr_dict_with_keyword()
    return dict(attributes.data) if attributes is not None else {}


def print_attributes(printer: Printer, op: Operation) -> None:
    printer.print_op_attributes(op.attributes, print_keyword=True)


def parse_block(parser: Parser, arguments: Sequence[Parser.Argument] | None = None) -> Region:
    """A region of one block, which can be empty: `{}`."""
    region = parser.parse_region(arguments)
    if not region.blocks:
        region.add_block(Block(arg_types=[argument.type for argument in arguments or ()]))
    return region


ParameterSource = StringAttr | DenseIntOrFPElementsAttr
"""Where a parameter's elements come from: a name in the weights file, or inline."""


def box(shape: Sequence[int], name: str = "") -> isl.Set:
    """The points of a tensor of this shape: `{ name[d0, d1] : 0 <= d0 < shape[0] and … }`."""
    dims = [f"d{i}" for i in range(len(shape))]
    bounds = " and ".join(f"0 <= {d} < {size}" for d, size in zip(dims, shape, strict=True))
    return read_set(f"{{ {name}[{', '.join(dims)}] : {bounds or '1 = 1'} }}")


def parse_symbol_list(parser: Parser) -> ArrayAttr[FlatSymbolRefAttr]:
    """`(@a, @b)`"""
    return ArrayAttr(
        SymbolRefAttr(name)
        for name in parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, parser.parse_symbol_name
        )
    )


def print_symbol_list(printer: Printer, symbols: Iterable[SymbolRefAttr]) -> None:
    with printer.in_parens():
        printer.print_list(symbols, lambda s: printer.print_symbol_name(s.root_reference.data))


def symbol(ref: SymbolRefAttr) -> str:
    """The name that a flat symbol reference holds."""
    return ref.root_reference.data


@irdl_op_definition
class ArrayOp(IRDLOperation):
    """A named tensor of one inference, in the location space `name[d0, d1, …]` of the access relations.

    ```mlir
    polyhedral.array @b : tensor<1x8xf32>
    polyhedral.array @w parameter "conv1.weight" : tensor<1x1x3xf32>
    polyhedral.array @ones parameter dense<1.0> : tensor<4x4xf32>
    ```

    Each element is written once per inference, or, for a parameter, never: its elements are those of the named
    tensor in the weights file, or given inline.
    """

    name = "polyhedral.array"

    sym_name = prop_def(SymbolNameConstraint())
    type = prop_def(TensorType)
    source = opt_prop_def(StringAttr | DenseIntOrFPElementsAttr)

    traits = traits_def(SymbolOpInterface())

    def __init__(
        self, name: str, type: TensorType[Attribute], source: ParameterSource | None = None
    ):
        super().__init__(properties={"sym_name": StringAttr(name), "type": type, "source": source})

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.get_shape()

    @property
    def locations(self) -> isl.Set:
        return box(self.shape, self.sym_name.data)

    @classmethod
    def parse(cls, parser: Parser) -> ArrayOp:
        name = parser.parse_symbol_name().data
        source, start = None, parser.pos
        if parser.parse_optional_keyword("parameter"):
            start = parser.pos
            source = parse_source(parser)
        if isinstance(source, DenseIntOrFPElementsAttr):
            type = source.type
        else:
            parser.parse_punctuation(":")
            start = parser.pos
            type = parser.parse_type()
        if not isinstance(type, TensorType):
            parser.raise_error(f"an array must have a tensor type, got {type}", start, parser.pos)
        op = cls(name, type, source)
        op.attributes = parse_attributes(parser)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        if self.source is not None:
            printer.print_string(" parameter ")
            printer.print_attribute(self.source)
        if not isinstance(self.source, DenseIntOrFPElementsAttr):
            printer.print_string(" : ")
            printer.print_attribute(self.type)
        print_attributes(printer, self)

    def verify_(self) -> None:
        if not is_tuple_name(self.sym_name.data):
            raise VerifyException(f"an array's name must be an identifier, got {self.sym_name}")
        if self.source == StringAttr(""):
            raise VerifyException("the name of a parameter must not be empty")
        if any(size <= 0 for size in self.shape):
            raise VerifyException(f"an array must have a static, non-empty shape, got {self.type}")
        if isinstance(self.source, DenseIntOrFPElementsAttr) and self.source.type != self.type:
            raise VerifyException(
                f"inline elements have type {self.source.type}, the array has {self.type}"
            )


def parse_source(parser: Parser) -> ParameterSource:
    """`"name"` or `dense<…> : type`."""
    if (name := parser.parse_optional_str_literal()) is not None:
        return StringAttr(name)
    if parser.parse_optional_keyword("dense") is None:
        parser.raise_error("expected the name of a tensor in the weights file, or dense<…>")
    return parser.parse_dense_int_or_fp_elements_attr(None)


class ArraysOp(IRDLOperation):
    """What a network is at the levels with arrays: named, with the arrays it takes and gives in order, and a body.

    ```mlir
    @main (@a) -> (@c) { … }
    ```
    """

    sym_name = prop_def(SymbolNameConstraint())
    inputs = prop_def(ArrayAttr.constr(FlatSymbolRefAttrConstr))
    outputs = prop_def(ArrayAttr.constr(FlatSymbolRefAttrConstr))
    body = region_def("single_block")

    traits = traits_def(IsolatedFromAbove(), NoTerminator(), SymbolOpInterface(), SymbolTable())

    def __init__(
        self,
        name: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        body: Region | Sequence[Operation] = (),
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "inputs": ArrayAttr(SymbolRefAttr(i) for i in inputs),
                "outputs": ArrayAttr(SymbolRefAttr(o) for o in outputs),
            },
            regions=[body if isinstance(body, Region) else Region(Block(body))],
        )

    @property
    def arrays(self) -> dict[str, ArrayOp]:
        return {op.sym_name.data: op for op in self.body.block.ops if isinstance(op, ArrayOp)}

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_symbol_name().data
        inputs = parse_symbol_list(parser)
        parser.parse_punctuation("->")
        outputs = parse_symbol_list(parser)
        attributes = parse_attributes(parser)
        body = parse_block(parser)
        op = cls(name, [symbol(i) for i in inputs], [symbol(o) for o in outputs], body)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" ")
        print_symbol_list(printer, self.inputs)
        printer.print_string(" -> ")
        print_symbol_list(printer, self.outputs)
        print_attributes(printer, self)
        printer.print_string(" ")
        printer.print_region(self.body)


@irdl_op_definition
class PipelineOp(ArraysOp):
    """A network as stages over arrays, with the arrays it takes and gives in order.

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
        """The stage of this name. Raises VerifyException."""
        if (stage := find_symbol(self.body.block, StageOp, name)) is None:
            raise VerifyException(f"there is no polyhedral.stage @{name}")
        return stage

    @property
    def storages(self) -> dict[tuple[str, str], StorageOp]:
        """By array and stage."""
        ops = (op for op in self.body.block.ops if isinstance(op, StorageOp))
        return {(symbol(op.array), symbol(op.stage)): op for op in ops}

    @property
    def dependences(self) -> list[DependenceOp]:
        return [op for op in self.body.block.ops if isinstance(op, DependenceOp)]

    def drop_dependences(self) -> None:
        """Erase the dependences, which hold no longer once stages have changed."""
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


def verify_holds_only(op: Operation, classes: tuple[type[Operation], ...]) -> None:
    """The body of `op` has operations of these classes only, and takes no arguments."""
    (block,) = op.regions[0].blocks
    if block.args:
        raise VerifyException("the body must not take arguments")
    for inner in block.ops:
        if not isinstance(inner, classes):
            *others, last = (cls.name for cls in classes)
            raise VerifyException(
                f"the body holds {', '.join(others)} and {last} only, got {inner.name}"
            )


def verify_ends(
    op: Operation,
    inputs: Iterable[SymbolRefAttr],
    outputs: Iterable[SymbolRefAttr],
    arrays: Mapping[str, ArrayOp],
) -> None:
    """What a network takes and gives are arrays of it, each named once, and none a parameter."""
    for what, names in (("input", map(symbol, inputs)), ("output", map(symbol, outputs))):
        seen: set[str] = set()
        for name in names:
            if name not in arrays:
                raise VerifyException(f"{what} @{name} is not an array in the body")
            if arrays[name].source is not None:
                raise VerifyException(f"{what} @{name} is a parameter")
            if name in seen:
                raise VerifyException(f"{what} @{name} is named twice")
            seen.add(name)


def find_array(op: Operation, name: str) -> ArrayOp:
    """The array of this name in the pipeline or network around `op`. Raises VerifyException."""
    table = op.parent_op()
    while table is not None and not table.has_trait(SymbolTable):
        table = table.parent_op()
    for block in () if table is None else table.regions[0].blocks:
        if (found := find_symbol(block, ArrayOp, name)) is not None:
            return found
    raise VerifyException(f"there is no polyhedral.array @{name}")


class _AccessOp(IRDLOperation):
    """What reads and writes share: vectors of lanes, related to locations of arrays."""

    def arrays_and_maps(self) -> Iterator[tuple[str, MapAttr]]:
        raise AssertionError("each access says which arrays it touches")

    def vector_type(self) -> VectorType[Attribute]:
        raise AssertionError("each access has a vector")

    def verify_accesses(self) -> None:
        """Every access must fit the array, the vector, and the domain of the stage."""
        stage, vector = self.parent_op(), self.vector_type()
        assert isinstance(stage, StageOp)
        if stage.domain_problem() is not None:
            return  # the stage itself will say so
        for name, access in self.arrays_and_maps():
            array = find_array(self, name)
            coordinates = len(stage.body.block.args)
            if message := access_problem(
                access, coordinates, vector.get_shape(), name, array.shape, stage.domain
            ):
                raise VerifyException(message)
            verify_element_types(vector, array)


def verify_element_types(vector: VectorType[Attribute], array: ArrayOp) -> None:
    """What is read or written has the type of the array's elements."""
    if vector.element_type != array.type.element_type:
        raise VerifyException(
            f"the vector has elements of type {vector.element_type}, "
            f"@{array.sym_name.data} of {array.type.element_type}"
        )


@lru_cache(maxsize=16384)
def access_problem(
    access: MapAttr,
    coordinates: int,
    lanes: tuple[int, ...],
    array: str,
    shape: tuple[int, ...],
    domain: SetAttr | None = None,
) -> str | None:
    """What is wrong with an access relation, or None. Cached: the same IR is verified after every pass.

    coordinates: how many an iteration has. domain: the iterations, where they are known as a set.
    """
    relation = access.relation
    if parameters(relation):
        return f"an access is the same on all cores and has no parameters, got {access.data}"
    if not relation.domain().is_wrapping():
        return f"an access relates [iteration -> lane] to a location, got {access.data}"
    pair = relation.domain().unwrap()
    if pair.domain().is_wrapping() or pair.range().is_wrapping():
        return f"an iteration and a lane have no parts, got {access.data}"
    name = domain.points.get_tuple_name() if domain is not None else None
    if domain is not None and pair.get_tuple_name(isl.dim_type.in_) != name:
        return f"the iteration must be a point of {name}[…], got {access.data}"
    if pair.dim(isl.dim_type.in_) != coordinates:
        return (
            f"the iteration must have {coordinates} coordinates, got {pair.dim(isl.dim_type.in_)}"
        )
    if pair.dim(isl.dim_type.out) != len(lanes):
        return (
            f"the lane must have {len(lanes)} coordinates, the rank of the vector, "
            f"got {pair.dim(isl.dim_type.out)}"
        )
    if relation.get_tuple_name(isl.dim_type.out) != array:
        return f"the location must be a point of {array}[…], got {access.data}"
    if relation.dim(isl.dim_type.out) != len(shape):
        return (
            f"the location must have {len(shape)} coordinates, the rank of the array, "
            f"got {relation.dim(isl.dim_type.out)}"
        )
    if not relation.is_single_valued():
        return "a lane must have one location at most"
    if domain is not None and not pair.domain().is_subset(domain.points):
        return f"iterations outside the domain: {sample(pair.domain().subtract(domain.points))}"
    lane_box = box(lanes).set_tuple_id(pair.range().get_tuple_id()) if _named(pair) else box(lanes)
    if not pair.range().is_subset(lane_box):
        return f"lanes outside the vector: {sample(pair.range().subtract(lane_box))}"
    locations = box(shape, array)
    if not relation.range().is_subset(locations):
        return f"locations outside the array: {sample(relation.range().subtract(locations))}"
    return None


def _named(pair: isl.Map) -> bool:
    return bool(pair.has_tuple_id(isl.dim_type.out))


def sample(points: isl.Set) -> str:
    """One point of a set, for an error message, e.g. `b[0, 8]`."""
    return str(points.sample_point()).strip("{ }")


@irdl_op_definition
class StageOp(IRDLOperation):
    """Work of one core: a body, run for each point of an iteration domain, in the order of a schedule.

    ```mlir
    polyhedral.stage @conv1 (%w) domain #polyhedral.set<"{ conv1[w] : 0 <= w <= 7 }"> {
      %x = polyhedral.read @a #polyhedral.map<"…"> : vector<1x3xf32>
      …
    } loops {
      scf.for %i0 = %c0 to %c8 step %c1 { cmcore.fire(%i0) }
    }
    ```

    Iterations run in lexicographic order of `schedule` (iteration -> time), or of the domain where there is
    none. The `loops` are generated by `polyhedral-generate-loops` and visit the domain in that order.

    A stage can be spread over cores. The first coordinates of an iteration then say which core runs it; they stand
    in brackets. Each core runs its iterations in the order of the schedule, whatever the others do:

    ```mlir
    polyhedral.stage @conv1 [%p] (%h, %w)
        domain #polyhedral.set<"{ conv1[p, h, w] : p = h mod 4 and … }"> { … } loops (%p) { … }
    ```

    A stage marked `gcu` runs on no core but on the global control unit, which has the network's inputs and outputs in
    a memory of its own and streams them to and from the cores.
    """

    name = "polyhedral.stage"

    sym_name = prop_def(SymbolNameConstraint())
    domain = prop_def(SetAttr)
    schedule = opt_prop_def(MapAttr)
    spread = opt_prop_def(CORE_DIMS)
    gcu = opt_prop_def(UnitAttr)
    body = region_def("single_block", entry_args=RangeOf(IndexType))
    loops = opt_region_def("single_block", entry_args=RangeOf(IndexType))

    traits = traits_def(
        IsolatedFromAbove(), NoTerminator(), SymbolOpInterface(), HasParent(PipelineOp)
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
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name or domain.points.get_tuple_name() or ""),
                "domain": domain,
                "schedule": schedule,
                "spread": spread_attr(core_dims),
                "gcu": UnitAttr() if gcu else None,
            },
            regions=[body, loops],
        )

    @property
    def core_dims(self) -> int:
        """How many of an iteration's coordinates, the first ones, say which core runs it."""
        return 0 if self.spread is None else self.spread.value.data

    @property
    def order(self) -> isl.Map:
        """The schedule as a relation, iteration -> time, restricted to the domain."""
        if self.schedule is None:
            return identity_schedule(self.domain.points)
        return self.schedule.relation.intersect_domain(self.domain.points)

    def order_on_core(self, who: Who = "p") -> isl.Map:
        """The order of the iterations of one core, whose coordinates are parameters."""
        return on_core(self.order, self.core_dims, who)

    def cores(self, who: Who = "p") -> isl.Set:
        """The cores of the stage, as values of the parameters of `order_on_core`."""
        return cores_of(self.domain.points, self.core_dims, who)

    def count_cores(self) -> int:
        """How many cores run the stage; the global control unit is none."""
        return 0 if self.gcu is not None else len(parameter_values(self.cores()))

    def accesses(self) -> Iterator[_AccessOp]:
        return (op for op in self.body.block.ops if isinstance(op, _AccessOp))

    def reads(self) -> Iterator[ReadOp]:
        return (op for op in self.body.block.ops if isinstance(op, ReadOp))

    def writes(self) -> Iterator[WriteOp]:
        return (op for op in self.body.block.ops if isinstance(op, WriteOp))

    def read_relations(self) -> dict[str, isl.Map]:
        """R of each array that is read, iteration -> location."""
        return _by_array(self.reads())

    def write_relations(self) -> dict[str, isl.Map]:
        """W of each array that is written, iteration -> location."""
        return _by_array(self.writes())

    @classmethod
    def parse(cls, parser: Parser) -> StageOp:
        name = parser.parse_symbol_name().data
        core_dims, arguments = parse_iteration(parser)
        gcu = parser.parse_optional_keyword("gcu") is not None
        parser.parse_keyword("domain")
        domain = parse_attribute_as(parser, SetAttr)
        has_schedule = parser.parse_optional_keyword("schedule")
        schedule = parse_attribute_as(parser, MapAttr) if has_schedule else None
        attributes = parse_attributes(parser)
        body = parse_block(parser, arguments)
        loops = parse_controlled(parser) if parser.parse_optional_keyword("loops") else None
        op = cls(domain, body, schedule, loops, name, core_dims, gcu)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" ")
        print_iteration(printer, self.body.block, self.core_dims)
        printer.print_string(" gcu domain " if self.gcu is not None else " domain ")
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
        """What keeps the domain from being one of this stage's iterations, or None."""
        name, points = self.sym_name.data, self.domain.points
        if points.get_tuple_name() != name:
            return f"the domain must be a set of {name}[…], got {self.domain.data}"
        dims, arguments = points.dim(isl.dim_type.set), len(self.body.block.args)
        if arguments != dims:
            return f"the body must take the {dims} coordinates of an iteration, got {arguments}"
        if not 0 <= self.core_dims <= dims:
            return (
                f"`spread` must be one of 0 to {dims}, the coordinates of an iteration, "
                f"got {self.core_dims}"
            )
        if self.gcu is not None and self.core_dims:
            return "there is one global control unit: a stage on it has no cores"
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
        missing = self.domain.points.subtract(schedule.domain())
        if not missing.is_empty():
            raise VerifyException(f"the schedule gives no time to iteration {sample(missing)}")
        order = schedule.intersect_domain(self.domain.points)
        if not order.is_single_valued():
            raise VerifyException("the schedule gives some iteration two times")
        if not order.is_injective():
            raise VerifyException("the schedule gives two iterations the same time")


def _by_array(accesses: Iterable[_AccessOp]) -> dict[str, isl.Map]:
    """Iteration -> location for each array, of all accesses to it together."""
    relations: dict[str, isl.Map] = {}
    for op in accesses:
        for array, access in op.arrays_and_maps():
            relation = iterations(access.relation)
            relations[array] = relations[array].union(relation) if array in relations else relation
    return relations


def spread_attr(core_dims: int) -> IntegerAttr | None:
    """How many coordinates are a core's; None where all iterations are of one."""
    return IntegerAttr(core_dims, i64) if core_dims else None


def parse_iteration(parser: Parser) -> tuple[int, list[Parser.Argument]]:
    """`[%p] (%h, %w)`: how many coordinates are those of a core, and all of an iteration, each an `index`."""
    cores = parser.parse_optional_comma_separated_list(
        parser.Delimiter.SQUARE, lambda: _parse_index(parser)
    )
    iteration = parser.parse_comma_separated_list(
        parser.Delimiter.PAREN, lambda: _parse_index(parser)
    )
    return len(cores or ()), [*(cores or ()), *iteration]


def _parse_index(parser: Parser) -> Parser.Argument:
    return parser.parse_argument(expect_type=False).resolve(IndexType())


def print_iteration(printer: Printer, block: Block, core_dims: int) -> None:
    if core_dims:
        with printer.in_square_brackets():
            printer.print_list(block.args[:core_dims], printer.print_ssa_value)
        printer.print_string(" ")
    with printer.in_parens():
        printer.print_list(block.args[core_dims:], printer.print_ssa_value)


def parse_controlled(parser: Parser) -> Region:
    """`(%p, %q) { … }`: loops or an automaton, with the coordinates of the cores it is for, if there are any."""
    arguments = parser.parse_optional_comma_separated_list(
        parser.Delimiter.PAREN, lambda: _parse_index(parser)
    )
    return parse_block(parser, arguments or None)


def print_controlled(printer: Printer, region: Region) -> None:
    if region.block.args:
        with printer.in_parens():
            printer.print_list(region.block.args, printer.print_ssa_value)
        printer.print_string(" ")
    printer.print_region(
        region, print_entry_block_args=False, print_empty_block=not region.block.args
    )


def verify_takes_cores(what: str, region: Region, expected: int) -> None:
    """Loops take the coordinates of a core, automata those of two."""
    if len(region.block.args) != expected:
        raise VerifyException(
            f"{what} must take {expected} coordinates of cores, got {len(region.block.args)}"
        )


Number: TypeAlias = FloatAttr | IntegerAttr


def number_of(value: float, vector: VectorType[Attribute]) -> Number:
    """The number as an element of a vector."""
    if isinstance(vector.element_type, IntegerType):
        return IntegerAttr(int(value), vector.element_type)
    assert isinstance(vector.element_type, AnyFloat)
    return FloatAttr(value, vector.element_type)


@irdl_op_definition
class ReadOp(_AccessOp):
    """The lanes that the current iteration reads of one or more arrays.

    ```mlir
    %x = polyhedral.read @a #polyhedral.map<"{ [conv1[w] -> lane[c, k]] -> a[c, w + k] : … }"> : vector<1x3xf32>
    ```

    A relation's domain is `[iteration -> lane]`; lanes in lexicographic order are the elements of the vector in
    row-major order. Lanes that have no location read as `pad` (0 unless given). Several arrays serve a vector
    that is gathered from several places, such as a concatenation; no lane may have a location in two.
    """

    name = "polyhedral.read"

    arrays = prop_def(ArrayAttr.constr(FlatSymbolRefAttrConstr))
    maps = prop_def(ArrayAttr[MapAttr])
    pad = prop_def(FloatAttr | IntegerAttr)
    result = result_def(VectorType)

    traits = traits_def(HasParent(StageOp))

    def __init__(
        self,
        sources: Iterable[tuple[str, MapAttr]],
        result_type: VectorType[Attribute],
        pad: Number | float = 0.0,
    ):
        sources = tuple(sources)
        super().__init__(
            properties={
                "arrays": ArrayAttr(SymbolRefAttr(name) for name, _ in sources),
                "maps": ArrayAttr(access for _, access in sources),
                "pad": number_of(pad, result_type) if isinstance(pad, float | int) else pad,
            },
            result_types=[result_type],
        )

    def arrays_and_maps(self) -> Iterator[tuple[str, MapAttr]]:
        return zip((symbol(a) for a in self.arrays), self.maps, strict=True)

    def vector_type(self) -> VectorType[Attribute]:
        return self.result.type

    @classmethod
    def parse(cls, parser: Parser) -> ReadOp:
        def source() -> tuple[str, MapAttr]:
            name = parser.parse_symbol_name().data
            return name, parse_attribute_as(parser, MapAttr)

        sources = parser.parse_comma_separated_list(parser.Delimiter.NONE, source)
        pad, attributes, type = parse_access_tail(parser)
        op = cls(sources, type, pad)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")

        def source(item: tuple[str, MapAttr]) -> None:
            printer.print_symbol_name(item[0])
            printer.print_string(" ")
            printer.print_attribute(item[1])

        printer.print_list(self.arrays_and_maps(), source)
        print_access_tail(printer, self, self.pad, self.result.type)

    def verify_(self) -> None:
        if len(self.arrays) != len(self.maps):
            raise VerifyException(
                f"{len(self.arrays)} arrays for {len(self.maps)} access relations"
            )
        if not self.arrays:
            raise VerifyException("a read must name an array")
        self.verify_accesses()
        verify_pad(self.pad, self.result.type)
        if message := overlap_problem(tuple(self.maps)):
            raise VerifyException(message)


@lru_cache(maxsize=16384)
def overlap_problem(maps: tuple[MapAttr, ...]) -> str | None:
    """Says which lanes have a location in two arrays, if any do."""
    seen = None
    for access in maps if len(maps) > 1 else ():
        lanes = access.relation.domain()
        if seen is not None and not seen.is_disjoint(lanes):
            return f"a lane has locations in two arrays: {sample(seen.intersect(lanes))}"
        seen = lanes if seen is None else seen.union(lanes)
    return None


def parse_access_tail(
    parser: Parser,
) -> tuple[Number, dict[str, Attribute], VectorType[Attribute]]:
    """`(pad number)? (attributes {…})? : vector<…>`; the pad value is an element of the vector."""
    start, number, bits, truth = parser.pos, 0.0, None, None
    if parser.parse_optional_keyword("pad"):
        start = parser.pos
        truth = parser.parse_optional_boolean()
        number = parser.parse_number() if truth is None else truth
        if parser.lexer.input.content.startswith("0x", start):
            bits = int(number)
    attributes = parse_attributes(parser)
    parser.parse_punctuation(":")
    type_start = parser.pos
    type = parser.parse_type()
    if not isinstance(type, VectorType):
        parser.raise_error(f"expected a vector type, got {type}", type_start, parser.pos)
    element = type.element_type
    if truth is not None and element != i1:
        parser.raise_error("truth values are elements of vectors of i1", start, type_start)
    if isinstance(element, IntegerType):
        try:
            return IntegerAttr(int(number), element), attributes, type
        except VerifyException as error:
            parser.raise_error(str(error), start, type_start)
    if not isinstance(element, AnyFloat):
        message = f"the elements must be integers or floating-point, got {element}"
        parser.raise_error(message, type_start, parser.pos)
    if bits is not None:  # infinities and NaN, as everywhere in MLIR
        try:
            number = element.unpack(bits.to_bytes(element.compile_time_size, "little"), 1)[0]
        except OverflowError:
            parser.raise_error(f"{bits:#x} has more bits than {element}", start, type_start)
    return FloatAttr(float(number), element), attributes, type


def print_access_tail(
    printer: Printer, op: Operation, pad: Number, type: VectorType[Attribute]
) -> None:
    if pad.value.data != 0 or copysign(1, pad.value.data) < 0:
        printer.print_string(" pad ")
        pad.print_without_type(printer)
    print_attributes(printer, op)
    printer.print_string(" : ")
    printer.print_attribute(type)


def verify_pad(pad: Number, type: VectorType[Attribute]) -> None:
    """A pad value is an element of the vector."""
    if pad.type != type.element_type:
        raise VerifyException(
            f"the pad value has type {pad.type}, the vector has elements of type {type.element_type}"
        )


@irdl_op_definition
class MatrixOp(IRDLOperation):
    """A matrix of a parameter's elements, to be programmed into crossbars once.

    ```mlir
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, 0, c] : … }"> : tensor<16x3xf32>
    ```

    The relation maps each cell to an element. A rank-3 type is block-diagonal: `[block, row, column]`.
    Where a stage is spread over cores, p0, p1, … are the coordinates of the core whose matrix it is, as in
    `[p0] -> { cell[r, c] -> w[64p0 + r, 0, c] : … }`, and cells without an element are 0.
    """

    name = "polyhedral.matrix"

    array = prop_def(FlatSymbolRefAttrConstr)
    cells = prop_def(RELATION)
    result = result_def(TensorType)

    traits = traits_def(HasParent(StageOp))

    assembly_format = "$array $cells attr-dict `:` type($result)"

    def __init__(self, array: str, cells: MapAttr, result_type: TensorType[Attribute]):
        super().__init__(
            properties={"array": SymbolRefAttr(array), "cells": cells}, result_types=[result_type]
        )

    def verify_(self) -> None:
        stage = self.parent_op()
        assert isinstance(stage, StageOp)
        array = find_array(self, symbol(self.array))
        verify_cells(array, self.cells, self.result.type, stage.core_dims)


def verify_cells(
    array: ArrayOp, cells: MapAttr, type: TensorType[Attribute], core_dims: int
) -> None:
    """A matrix has rank 2 or 3, and every cell of it one element of the parameter.

    Of the matrices of several cores, some may be smaller than others: they have cells without elements.
    """
    name, shape = array.sym_name.data, type.get_shape()
    if array.source is None:
        raise VerifyException(f"a matrix has elements of a parameter, and @{name} is none")
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise VerifyException(
            f"a matrix has a static shape of rank 2, or 3 when block-diagonal; got {type}"
        )
    if type.element_type != array.type.element_type:
        raise VerifyException(
            f"the matrix has elements of type {type.element_type}, @{name} of "
            f"{array.type.element_type}"
        )
    if message := cells_problem(cells, shape, name, array.shape, core_dims):
        raise VerifyException(message)


@lru_cache(maxsize=16384)
def cells_problem(
    cells: MapAttr, matrix: tuple[int, ...], array: str, shape: tuple[int, ...], core_dims: int
) -> str | None:
    """What is wrong with the relation of a matrix's cells to the elements of an array, or None."""
    relation = cells.relation
    if message := core_parameters_problem(relation, core_dims):
        return message
    locations = box(shape, array)
    if not relation.get_space().range().has_equal_tuples(locations.get_space()):
        return f"the cells must be elements of {locations}, got {cells.data}"
    if relation.domain().is_wrapping() or relation.dim(isl.dim_type.in_) != len(matrix):
        return (
            f"a cell must have {len(matrix)} coordinates, the rank of the matrix, got {cells.data}"
        )
    if not relation.is_single_valued():
        return "a cell must have one element"
    inside = box(matrix, relation.get_tuple_name(isl.dim_type.in_) or "")
    if not core_dims and not inside.is_subset(relation.domain()):
        return f"a cell without an element: {sample(inside.subtract(relation.domain()))}"
    elements = relation.intersect_domain(inside).range()
    if not elements.is_subset(locations):
        return f"elements outside the array: {sample(elements.subtract(locations))}"
    return None


def core_parameters_problem(
    relation: isl.Map, core_dims: int, neighbour_dims: int = 0
) -> str | None:
    """Says so if a relation has other parameters than the coordinates of a core, and of its neighbour."""
    known = core_parameters(core_dims) + core_parameters(neighbour_dims, "q")
    if unknown := set(parameters(relation)) - set(known):
        return (
            f"`{min(unknown)}` is no coordinate of a core: there are {', '.join(known) or 'none'}"
        )
    return None


@irdl_op_definition
class WriteOp(_AccessOp):
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


@irdl_op_definition
class DependenceOp(IRDLOperation):
    """What one stage must wait for another to have done, as a release relation (docs/design.md §3).

    ```mlir
    polyhedral.dependence raw @conv1 -> @conv2 on @b
      release #polyhedral.map<"{ b[j] -> CONV2[w = -2 + j] : 2 <= j <= 7 }">
    polyhedral.dependence war @conv2 -> @conv1 on @b
      release #polyhedral.map<"{ CONV2[w] -> CONV1[ahead = 1, w] : … }">
      initially #polyhedral.set<"{ CONV1[ahead = 0, w = 7] }">
    ```

    raw: a location written by the first stage -> the last iteration of the second that may run, in the same
    inference. war: an iteration of the first stage, which reads -> the last iteration of the second that may
    run, in the inference `ahead` of it. `initially` is the limit before the first event of an inference. The
    automaton, if generated, visits the events in the order in which they happen.

    Where stages are spread over cores, the parameters p0, p1, … are the coordinates of a core of the second stage,
    which waits, and q0, q1, … those of one of the first. The automaton takes them, in this order.
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
        self._verify_limits(event, target.domain.points if raw else _ahead(target.domain.points))

    def _verify_limits(self, event: isl.Set, limit: isl.Set) -> None:
        """`release` must go from events to limits, and `initially` be one limit."""
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
    """`{ s[ahead, i] }`: iterations of the inference that lies `ahead`."""
    name = iterations.get_tuple_name()
    points = iterations.insert_dims(isl.dim_type.set, 0, 1).set_tuple_name(name)
    return points.set_dim_name(isl.dim_type.set, 0, "ahead")


@irdl_op_definition
class StorageOp(IRDLOperation):
    """Where a stage keeps an array that it reads: which slot of its buffer holds which element.

    ```mlir
    polyhedral.storage @b at @conv2
      #polyhedral.map<"{ b[n, c, h, w] -> slot[c, (16n + h) mod 3, w] }"> : memref<16x3x16xf32>
    ```

    The relation gives the slot of each element of each inference n. Without a storage op, the buffer has a slot for
    each element of one inference. Where the stage is spread over cores, p0, p1, … are the coordinates of the core
    whose buffer it is, and elements that no iteration of that core reads need no slot.
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


def verify_storage(
    storage: MapAttr, array: ArrayOp, buffer: MemRefType[Attribute], core_dims: int
) -> None:
    """A buffer has elements of the array's type, and a slot for every element of every inference.

    Buffers of a core among several may do without those that this core does not read: `cmcore-verify-control` proves
    that none is missing.
    """
    if buffer.element_type != array.type.element_type:
        raise VerifyException(
            f"the buffer has elements of type {buffer.element_type}, "
            f"@{array.sym_name.data} of {array.type.element_type}"
        )
    shape = buffer.get_shape()
    if min(shape, default=1) < 1:
        raise VerifyException(f"a buffer must have a static, non-empty shape, got {buffer}")
    if message := storage_problem(storage, array, shape, core_dims):
        raise VerifyException(message)


def storage_problem(
    storage: MapAttr, array: ArrayOp, shape: tuple[int, ...], core_dims: int
) -> str | None:
    """What is wrong with a storage relation `{ b[n, location] -> slot[…] }`, or None."""
    relation = storage.relation
    name = array.sym_name.data
    if message := core_parameters_problem(relation, core_dims):
        return message
    if relation.get_tuple_name(isl.dim_type.in_) != name or (
        relation.dim(isl.dim_type.in_) != 1 + len(array.shape)
    ):
        return (
            f"the storage must map points {name}[n, …] of {array.type} to slots, got {storage.data}"
        )
    if relation.range().is_wrapping() or relation.dim(isl.dim_type.out) != len(shape):
        return (
            f"a slot must have {len(shape)} coordinates, the rank of the buffer, got {storage.data}"
        )
    if not relation.is_single_valued():
        return "an element must have one slot"
    stream = array.locations.insert_dims(isl.dim_type.set, 0, 1).set_tuple_name(name)
    if not core_dims and not stream.is_subset(relation.domain()):
        return f"an element without a slot: {sample(stream.subtract(relation.domain()))}"
    slots = relation.intersect_domain(stream).range()
    inside = box(shape, relation.get_tuple_name(isl.dim_type.out) or "")
    if not slots.is_subset(inside):
        return f"slots outside the buffer: {sample(slots.subtract(inside))}"
    return None


POLYHEDRAL = Dialect(
    "polyhedral",
    [ArrayOp, PipelineOp, StageOp, ReadOp, MatrixOp, WriteOp, StorageOp, DependenceOp],
    [MapAttr, SetAttr],
)
