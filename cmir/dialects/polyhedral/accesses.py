"""Verification and common syntax of access relations and of the values read outside arrays."""

from __future__ import annotations

from functools import lru_cache
from math import copysign
from typing import TypeAlias

import islpy as isl
from xdsl.dialects.builtin import AnyFloat, FloatAttr, IntegerAttr, IntegerType, VectorType, i1
from xdsl.ir import Attribute, Operation
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.polyhedral.arrays import ArrayOp
from cmir.dialects.polyhedral.relations import MapAttr, SetAttr, box, sample
from cmir.dialects.syntax import parse_attributes, print_attributes
from cmir.isl.cores import parameters
from cmir.isl.inferences import in_any_inference, inferences_back
from cmir.isl.unions import is_single_valued
from cmir.support.counts import count_of


@lru_cache(maxsize=16384)
def access_problem(
    access: MapAttr,
    coordinates: int,
    lanes: tuple[int, ...],
    array: str,
    shape: tuple[int, ...],
    domain: SetAttr | None = None,
    held: int | None = None,
) -> str | None:
    """Return a description of the error in an access relation, or None.

    coordinates: number of coordinates of an iteration. domain: the iterations, if they are known as a set. held: for an
    access across inferences, the number of inferences before the first in which the array has values. Cached, because
    the same IR is verified after every pass.
    """
    relation = access.relation
    if parameters(relation):
        return f"an access is the same on all cores and has no parameters, got {access.data}"
    if not relation.domain().is_wrapping():
        return f"an access relates [iteration -> lane] to a location, got {access.data}"
    pair = relation.domain().unwrap()
    if pair.domain().is_wrapping() or pair.range().is_wrapping():
        return f"an iteration and a lane have no parts, got {access.data}"
    if message := _tuple_problem(
        access, coordinates, len(lanes), array, len(shape), domain, held is not None
    ):
        return message
    if held is not None:
        if message := _inference_problem(relation, array, held):
            return message
        relation = in_any_inference(relation)
    return _points_problem(access.relation, relation, lanes, array, shape, domain)


def _inference_problem(relation: isl.Map, array: str, held: int) -> str | None:
    """Return what is wrong with the inferences of an access across inferences, or None."""
    inferences = relation.range().project_out(
        isl.dim_type.set, 1, relation.dim(isl.dim_type.out) - 1
    )
    if inferences.is_empty():
        return None
    if inferences.dim_max_val(0).to_python() > 0:
        return "a read must not reach into a later inference: m exceeds 0"
    if (back := inferences_back(relation)) > held:
        return f"the read reaches back {count_of(back, 'inference')}, @{array} has initial values for {held}"
    return None


def _tuple_problem(
    access: MapAttr,
    coordinates: int,
    lanes: int,
    array: str,
    rank: int,
    domain: SetAttr | None,
    across: bool,
) -> str | None:
    """Return what is wrong with the names and the numbers of coordinates of a relation, or None."""
    relation = access.relation
    of_what = "the rank of the array"
    if across:
        rank, of_what = rank + 1, "the inference m and the rank of the array"
    pair = relation.domain().unwrap()
    name = domain.points.get_tuple_name() if domain is not None else None
    if domain is not None and pair.get_tuple_name(isl.dim_type.in_) != name:
        return f"the iteration must be a point of {name}[…], got {access.data}"
    if pair.dim(isl.dim_type.in_) != coordinates:
        return f"the iteration must have {count_of(coordinates, 'coordinate')}, got {pair.dim(isl.dim_type.in_)}"
    if pair.dim(isl.dim_type.out) != lanes:
        return (
            f"the lane must have {count_of(lanes, 'coordinate')}, the rank of the vector, "
            f"got {pair.dim(isl.dim_type.out)}"
        )
    if relation.get_tuple_name(isl.dim_type.out) != array:
        return f"the location must be a point of {array}[…], got {access.data}"
    if relation.dim(isl.dim_type.out) != rank:
        return (
            f"the location must have {count_of(rank, 'coordinate')}, {of_what}, "
            f"got {relation.dim(isl.dim_type.out)}"
        )
    return None


def _points_problem(
    access: isl.Map,
    relation: isl.Map,
    lanes: tuple[int, ...],
    array: str,
    shape: tuple[int, ...],
    domain: SetAttr | None,
) -> str | None:
    """Return what is wrong with the iterations, lanes and locations that are related, or None.

    access: the access relation; relation: the same without the inference, if it has one.
    """
    pair = relation.domain().unwrap()
    if not is_single_valued(access):
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


@lru_cache(maxsize=16384)
def overlap_problem(maps: tuple[MapAttr, ...]) -> str | None:
    """Return a description of the lanes that have a location in two arrays, or None."""
    seen = None
    for access in maps if len(maps) > 1 else ():
        lanes = access.relation.domain()
        if seen is not None and not seen.is_disjoint(lanes):
            return f"a lane has locations in two arrays: {sample(seen.intersect(lanes))}"
        seen = lanes if seen is None else seen.union(lanes)
    return None


def verify_element_types(vector: VectorType[Attribute], array: ArrayOp) -> None:
    """Check that a vector has the element type of the array."""
    if vector.element_type != array.type.element_type:
        raise VerifyException(
            f"the vector has elements of type {vector.element_type}, "
            f"@{array.sym_name.data} of {array.type.element_type}"
        )


Number: TypeAlias = FloatAttr | IntegerAttr


def number_of(value: float, vector: VectorType[Attribute]) -> Number:
    """Return the number converted to the element type of a vector."""
    if isinstance(vector.element_type, IntegerType):
        return IntegerAttr(int(value), vector.element_type)
    assert isinstance(vector.element_type, AnyFloat)
    return FloatAttr(value, vector.element_type)


def parse_access_tail(
    parser: Parser,
) -> tuple[Number, dict[str, Attribute], VectorType[Attribute]]:
    """Parse `(pad number)? (attributes {…})? : vector<…>`; the pad value has the element type of the vector."""
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
    if bits is not None:  # infinities and NaN are hexadecimal in MLIR
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
    """Check that a pad value has the element type of the vector. Raises VerifyException."""
    if pad.type != type.element_type:
        raise VerifyException(
            f"the pad value has type {pad.type}, the vector has elements of type {type.element_type}"
        )
