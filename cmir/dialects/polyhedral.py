"""The `polyhedral` dialect: stages with iteration domains, joined by access relations.

A pipeline holds arrays and stages. A stage runs one body for each point of its iteration domain; what an
iteration reads and writes is said by relations, never by loops. Dependences between stages, and the loops and
automata generated from them, are attached by passes. Times, buffers and cores do not exist here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import islpy as isl
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    FlatSymbolRefAttr,
    FlatSymbolRefAttrConstr,
    FloatAttr,
    IndexType,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    TensorType,
    VectorType,
    f32,
)
from xdsl.ir import Attribute, Block, Data, Dialect, Operation, Region, SSAValue
from xdsl.irdl import (
    BaseAttr,
    IRDLOperation,
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

from cmir.isl import IslError, is_tuple_name, read_map, read_set


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


def _without_parameters(value: isl.Map | isl.Set, text: str) -> str:
    """ISL's spelling. Sizes are numbers at this level, so a parameter is a mistake."""
    if value.dim(isl.dim_type.param):
        raise IslError(f'"{text}" has parameters: sizes must be numbers')
    return str(value)


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
        return _without_parameters(read_map(text), text)

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
        return _without_parameters(read_set(text), text)

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
        source = None
        if parser.parse_optional_keyword("parameter"):
            source = parse_source(parser)
        start = parser.pos
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
    start = parser.pos
    source = parser.parse_attribute()
    if not isinstance(source, StringAttr | DenseIntOrFPElementsAttr):
        message = "expected the name of a tensor in the weights file, or dense<…>"
        parser.raise_error(message, start, parser.pos)
    return source


@irdl_op_definition
class PipelineOp(IRDLOperation):
    """A network as stages over arrays, with the arrays it takes and gives in order.

    ```mlir
    polyhedral.pipeline @main (@a) -> (@c) {
      polyhedral.array @a : tensor<1x10xf32>
      …
    }
    ```
    """

    name = "polyhedral.pipeline"

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

    @property
    def stages(self) -> dict[str, StageOp]:
        return {op.sym_name.data: op for op in self.body.block.ops if isinstance(op, StageOp)}

    @property
    def dependences(self) -> list[DependenceOp]:
        return [op for op in self.body.block.ops if isinstance(op, DependenceOp)]

    @classmethod
    def parse(cls, parser: Parser) -> PipelineOp:
        name = parser.parse_symbol_name().data
        inputs = parse_symbol_list(parser)
        parser.parse_punctuation("->")
        outputs = parse_symbol_list(parser)
        region = parser.parse_region()
        if not region.blocks:
            region.add_block(Block())
        return cls(name, [symbol(i) for i in inputs], [symbol(o) for o in outputs], region)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" ")
        print_symbol_list(printer, self.inputs)
        printer.print_string(" -> ")
        print_symbol_list(printer, self.outputs)
        printer.print_string(" ")
        printer.print_region(self.body)

    def verify_(self) -> None:
        arrays, stages = self.arrays, self.stages
        for what, refs in (("input", self.inputs), ("output", self.outputs)):
            for ref in refs:
                if symbol(ref) not in arrays:
                    raise VerifyException(f"{what} @{symbol(ref)} is not an array of the pipeline")
        written: dict[str, str] = {symbol(i): "the pipeline's input" for i in self.inputs}
        for stage in stages.values():
            for op in stage.accesses():
                for name, access in op.arrays_and_maps():
                    if name not in arrays:
                        raise VerifyException(
                            f"stage @{stage.sym_name.data} accesses @{name}, "
                            f"which is not an array of the pipeline"
                        )
                    op.verify_access(stage, arrays[name], access)
            for op in stage.writes():
                name = symbol(op.array)
                if arrays[name].source is not None:
                    raise VerifyException(f"stage @{stage.sym_name.data} writes parameter @{name}")
                if name in written and written[name] != stage.sym_name.data:
                    if symbol(op.array) in {symbol(i) for i in self.inputs}:
                        raise VerifyException(
                            f"stage @{stage.sym_name.data} writes @{name}, an input of the pipeline"
                        )
                written[name] = stage.sym_name.data
        for name in (symbol(o) for o in self.outputs):
            if name not in written:
                raise VerifyException(f"output @{name} is written by no stage")
        for dependence in self.dependences:
            dependence.verify_ends(arrays, stages)


class _AccessOp(IRDLOperation):
    """What reads and writes share: vectors of lanes, related to locations of arrays."""

    def arrays_and_maps(self) -> Iterator[tuple[str, MapAttr]]:
        raise AssertionError("each access says which arrays it touches")

    def vector_type(self) -> VectorType[Attribute]:
        raise AssertionError("each access has a vector")

    def verify_access(self, stage: StageOp, array: ArrayOp, access: MapAttr) -> None:
        if message := access_problem(
            access, stage.domain, self.vector_type().get_shape(), array.sym_name.data, array.shape
        ):
            raise VerifyException(
                f"stage @{stage.sym_name.data}, {self.name} of @{array.sym_name.data}: {message}"
            )


@lru_cache(maxsize=16384)
def access_problem(
    access: MapAttr,
    domain: SetAttr,
    lanes: tuple[int, ...],
    array: str,
    shape: tuple[int, ...],
) -> str | None:
    """What is wrong with an access relation, or None. Cached: the same IR is verified after every pass."""
    relation = access.relation
    if not relation.domain().is_wrapping():
        return f"an access relates [iteration -> lane] to a location, got {access.data}"
    pair = relation.domain().unwrap()
    iteration = domain.points.get_tuple_name()
    if pair.get_tuple_name(isl.dim_type.in_) != iteration:
        return f"the iteration must be a point of {iteration}[…], got {access.data}"
    if pair.dim(isl.dim_type.in_) != domain.points.dim(isl.dim_type.set):
        return (
            f"the iteration has {pair.dim(isl.dim_type.in_)} coordinates, "
            f"the domain {domain.points.dim(isl.dim_type.set)}"
        )
    if pair.dim(isl.dim_type.out) != len(lanes):
        return f"{pair.dim(isl.dim_type.out)} lane coordinates for a vector of rank {len(lanes)}"
    if relation.get_tuple_name(isl.dim_type.out) != array:
        return f"the location must be a point of {array}[…], got {access.data}"
    if relation.dim(isl.dim_type.out) != len(shape):
        return (
            f"the location has {relation.dim(isl.dim_type.out)} coordinates, the array {len(shape)}"
        )
    if not relation.is_single_valued():
        return "a lane must have one location at most"
    if not pair.domain().is_subset(domain.points):
        return f"iterations outside the domain: {_sample(pair.domain().subtract(domain.points))}"
    lane_box = box(lanes).set_tuple_id(pair.range().get_tuple_id()) if _named(pair) else box(lanes)
    if not pair.range().is_subset(lane_box):
        return f"lanes outside the vector: {_sample(pair.range().subtract(lane_box))}"
    locations = box(shape, array)
    if not relation.range().is_subset(locations):
        return f"locations outside the array: {_sample(relation.range().subtract(locations))}"
    return None


def _named(pair: isl.Map) -> bool:
    return bool(pair.has_tuple_id(isl.dim_type.out))


def _sample(points: isl.Set) -> str:
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
    """

    name = "polyhedral.stage"

    sym_name = prop_def(SymbolNameConstraint())
    domain = prop_def(SetAttr)
    schedule = opt_prop_def(MapAttr)
    body = region_def("single_block")
    loops = opt_region_def("single_block")

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
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name or domain.points.get_tuple_name() or ""),
                "domain": domain,
                "schedule": schedule,
            },
            regions=[body, loops],
        )

    @property
    def order(self) -> isl.Map:
        """The schedule as a relation, iteration -> time, restricted to the domain."""
        from cmir.isl.dependences import identity_schedule

        if self.schedule is None:
            return identity_schedule(self.domain.points)
        return self.schedule.relation.intersect_domain(self.domain.points)

    def accesses(self) -> Iterator[_AccessOp]:
        return (op for op in self.body.block.ops if isinstance(op, _AccessOp))

    def reads(self) -> Iterator[ReadOp]:
        return (op for op in self.body.block.ops if isinstance(op, ReadOp))

    def writes(self) -> Iterator[WriteOp]:
        return (op for op in self.body.block.ops if isinstance(op, WriteOp))

    @classmethod
    def parse(cls, parser: Parser) -> StageOp:
        name = parser.parse_symbol_name().data
        arguments = parse_iteration(parser)
        parser.parse_keyword("domain")
        domain = parser.parse_attribute()
        if not isinstance(domain, SetAttr):
            parser.raise_error("expected a #polyhedral.set")
        schedule = parser.parse_attribute() if parser.parse_optional_keyword("schedule") else None
        if schedule is not None and not isinstance(schedule, MapAttr):
            parser.raise_error("expected a #polyhedral.map")
        body = parser.parse_region(arguments)
        if not body.blocks:
            body.add_block(Block(arg_types=[IndexType() for _ in arguments]))
        loops = parser.parse_region() if parser.parse_optional_keyword("loops") else None
        return cls(domain, body, schedule, loops, name)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" ")
        print_iteration(printer, self.body.block)
        printer.print_string(" domain ")
        printer.print_attribute(self.domain)
        if self.schedule is not None:
            printer.print_string(" schedule ")
            printer.print_attribute(self.schedule)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)
        if self.loops is not None:
            printer.print_string(" loops ")
            printer.print_region(self.loops)

    def verify_(self) -> None:
        name = self.sym_name.data
        if self.domain.points.get_tuple_name() != name:
            raise VerifyException(f"the domain must be a set of {name}[…], got {self.domain.data}")
        dims = self.domain.points.dim(isl.dim_type.set)
        if len(self.body.block.args) != dims:
            raise VerifyException(
                f"the body must take {dims} iteration coordinates, got {len(self.body.block.args)}"
            )
        if self.domain.points.is_empty():
            raise VerifyException("the iteration domain is empty")
        if not self.domain.points.is_bounded():
            raise VerifyException(f"the iteration domain is not bounded: {self.domain.data}")
        if self.schedule is not None:
            self._verify_schedule(self.schedule.relation)
        if next(self.writes(), None) is None:
            raise VerifyException("a stage must write an array")

    def _verify_schedule(self, schedule: isl.Map) -> None:
        if schedule.get_tuple_name(isl.dim_type.in_) != self.sym_name.data:
            raise VerifyException(f"the schedule must map {self.sym_name.data}[…] to times")
        missing = self.domain.points.subtract(schedule.domain())
        if not missing.is_empty():
            raise VerifyException(f"the schedule gives no time to iteration {_sample(missing)}")
        order = schedule.intersect_domain(self.domain.points)
        if not order.is_single_valued():
            raise VerifyException("the schedule gives some iteration two times")
        if not order.is_injective():
            raise VerifyException("the schedule gives two iterations the same time")


def parse_iteration(parser: Parser) -> list[Parser.Argument]:
    """`(%h, %w)`: the coordinates of an iteration, each an `index`."""
    names = parser.parse_comma_separated_list(
        parser.Delimiter.PAREN, lambda: parser.parse_argument(expect_type=False)
    )
    return [name.resolve(IndexType()) for name in names]


def print_iteration(printer: Printer, block: Block) -> None:
    with printer.in_parens():
        printer.print_list(block.args, printer.print_ssa_value)


_ZERO = FloatAttr(0.0, f32)


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
    pad = prop_def(FloatAttr, default_value=_ZERO)
    result = result_def(VectorType)

    def __init__(
        self,
        sources: Iterable[tuple[str, MapAttr]],
        result_type: VectorType[Attribute],
        pad: FloatAttr | float = _ZERO,
    ):
        sources = tuple(sources)
        super().__init__(
            properties={
                "arrays": ArrayAttr(SymbolRefAttr(name) for name, _ in sources),
                "maps": ArrayAttr(access for _, access in sources),
                "pad": pad if isinstance(pad, FloatAttr) else FloatAttr(pad, f32),
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
            return name, parse_map(parser)

        sources = parser.parse_comma_separated_list(parser.Delimiter.NONE, source)
        pad, type = parse_pad_and_vector(parser)
        return cls(sources, type, pad)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")

        def source(item: tuple[str, MapAttr]) -> None:
            printer.print_symbol_name(item[0])
            printer.print_string(" ")
            printer.print_attribute(item[1])

        printer.print_list(self.arrays_and_maps(), source)
        print_pad_and_vector(printer, self.pad, self.result.type)

    def verify_(self) -> None:
        if len(self.arrays) != len(self.maps):
            raise VerifyException(
                f"{len(self.arrays)} arrays for {len(self.maps)} access relations"
            )
        if not self.arrays:
            raise VerifyException("a read must name an array")
        if message := overlap_problem(tuple(self.maps)):
            raise VerifyException(message)


@lru_cache(maxsize=16384)
def overlap_problem(maps: tuple[MapAttr, ...]) -> str | None:
    """Says which lanes have a location in two arrays, if any do."""
    seen = None
    for access in maps if len(maps) > 1 else ():
        lanes = access.relation.domain()
        if seen is not None and not seen.is_disjoint(lanes):
            return f"a lane has locations in two arrays: {_sample(seen.intersect(lanes))}"
        seen = lanes if seen is None else seen.union(lanes)
    return None


def parse_map(parser: Parser) -> MapAttr:
    attribute = parser.parse_attribute()
    if not isinstance(attribute, MapAttr):
        parser.raise_error("expected a #polyhedral.map")
    return attribute


def parse_pad_and_vector(parser: Parser) -> tuple[FloatAttr, VectorType[Attribute]]:
    """`(pad value)? : vector<…>`"""
    pad = _ZERO
    if parser.parse_optional_keyword("pad"):
        value = parser.parse_attribute()
        if not isinstance(value, FloatAttr):
            parser.raise_error("the pad value must be a typed number, e.g. `pad 0.0 : f32`")
        pad = value
    parser.parse_punctuation(":")
    return pad, parse_vector(parser)


def parse_vector(parser: Parser) -> VectorType[Attribute]:
    type = parser.parse_type()
    if not isinstance(type, VectorType):
        parser.raise_error(f"expected a vector type, got {type}")
    return type


def print_pad_and_vector(printer: Printer, pad: FloatAttr, type: Attribute) -> None:
    if pad != _ZERO:
        printer.print_string(" pad ")
        printer.print_attribute(pad)
    printer.print_string(" : ")
    printer.print_attribute(type)


@irdl_op_definition
class MatrixOp(IRDLOperation):
    """A matrix of a parameter's elements, to be programmed into crossbars once.

    ```mlir
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, 0, c] : … }"> : tensor<16x3xf32>
    ```

    The relation maps each cell to an element. A rank-3 type is block-diagonal: `[block, row, column]`.
    """

    name = "polyhedral.matrix"

    array = prop_def(FlatSymbolRefAttrConstr)
    cells = prop_def(RELATION)
    result = result_def(TensorType)

    assembly_format = "$array $cells attr-dict `:` type($result)"

    def __init__(self, array: str, cells: MapAttr, result_type: TensorType[Attribute]):
        super().__init__(
            properties={"array": SymbolRefAttr(array), "cells": cells}, result_types=[result_type]
        )

    def verify_(self) -> None:
        verify_cells(symbol(self.array), self.cells, self.result.type)


def verify_cells(array: str, cells: MapAttr, type: TensorType[Attribute]) -> None:
    """A matrix has rank 2 or 3, and every cell of it exactly one element of the parameter."""
    shape = type.get_shape()
    if len(shape) not in (2, 3):
        raise VerifyException(
            f"a matrix has rank 2, or 3 when block-diagonal; got rank {len(shape)}"
        )
    relation = cells.relation
    if relation.get_tuple_name(isl.dim_type.out) != array:
        raise VerifyException(f"the cells must be elements of {array}[…], got {cells.data}")
    if relation.dim(isl.dim_type.in_) != len(shape):
        raise VerifyException(
            f"cells have {relation.dim(isl.dim_type.in_)} coordinates, the matrix {len(shape)}"
        )
    if not relation.is_single_valued():
        raise VerifyException("a cell must have one element")


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
    """

    name = "polyhedral.dependence"

    KINDS: ClassVar = ("raw", "war")

    kind = prop_def(StringAttr)
    source = prop_def(FlatSymbolRefAttrConstr)
    target = prop_def(FlatSymbolRefAttrConstr)
    array = prop_def(FlatSymbolRefAttrConstr)
    release = prop_def(MapAttr)
    initially = opt_prop_def(SetAttr)
    automaton = opt_region_def("single_block")

    traits = traits_def(IsolatedFromAbove(), NoTerminator(), HasParent(PipelineOp))

    def __init__(
        self,
        kind: str,
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

    @classmethod
    def parse(cls, parser: Parser) -> DependenceOp:
        kind = parser.expect(
            lambda: next((k for k in cls.KINDS if parser.parse_optional_keyword(k)), None),
            "expected `raw` or `war`",
        )
        source = parser.parse_symbol_name().data
        parser.parse_punctuation("->")
        target = parser.parse_symbol_name().data
        parser.parse_keyword("on")
        array = parser.parse_symbol_name().data
        parser.parse_keyword("release")
        release = parse_map(parser)
        initially = parser.parse_attribute() if parser.parse_optional_keyword("initially") else None
        if initially is not None and not isinstance(initially, SetAttr):
            parser.raise_error("expected a #polyhedral.set")
        automaton = parser.parse_optional_region()
        return cls(kind, source, target, array, release, initially, automaton)

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.kind.data} ")
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
        if self.automaton is not None:
            printer.print_string(" ")
            printer.print_region(self.automaton)

    def verify_(self) -> None:
        if self.kind.data not in self.KINDS:
            raise VerifyException(f"`kind` must be raw or war, got {self.kind.data}")
        if not self.release.relation.is_single_valued():
            raise VerifyException("an event must release up to one iteration")

    def verify_ends(self, arrays: dict[str, ArrayOp], stages: dict[str, StageOp]) -> None:
        """The relation must go from the event's space to the limited stage's. Called by the pipeline."""
        source, target, array = symbol(self.source), symbol(self.target), symbol(self.array)
        for stage in (source, target):
            if stage not in stages:
                raise VerifyException(
                    f"dependence {self.kind.data} @{source} -> @{target}: "
                    f"@{stage} is not a stage of the pipeline"
                )
        if array not in arrays:
            raise VerifyException(
                f"dependence {self.kind.data} @{source} -> @{target}: @{array} is not an array"
            )
        event = array if self.kind.data == "raw" else source
        relation = self.release.relation
        ends = (
            relation.get_tuple_name(isl.dim_type.in_),
            relation.get_tuple_name(isl.dim_type.out),
        )
        if ends != (event, target):
            raise VerifyException(
                f"dependence {self.kind.data} @{source} -> @{target}: "
                f"must release {target}[…] at {event}[…], got {self.release.data}"
            )


POLYHEDRAL = Dialect(
    "polyhedral",
    [ArrayOp, PipelineOp, StageOp, ReadOp, MatrixOp, WriteOp, DependenceOp],
    [MapAttr, SetAttr],
)
