"""Attributes for relations and sets, and queries used by verifiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import islpy as isl
from xdsl.ir import Data
from xdsl.irdl import BaseAttr, irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from cmir.isl import IslError, read_map, read_set, reread_map, reread_set
from cmir.isl.cores import core_parameters, is_core_parameter, parameters, with_parameters


class IslAttr(Data[str]):
    """ISL text in ISL's own spelling, so that equal attributes have equal texts."""

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
    """Return ISL's spelling. Sizes are numbers at this level, so the only parameters are core coordinates."""
    names = parameters(value)
    if not all(map(is_core_parameter, names)):
        raise IslError(f'"{text}" has parameters: sizes must be numbers')
    return str(with_parameters(value, sorted(names)) if names else value)


@irdl_attr_definition
class MapAttr(IslAttr):
    """An ISL relation: `#polyhedral.map<"{ conv[w] -> b[1 + w] : 0 <= w <= 7 }">`.

    ISL parses and checks the text when the IR is parsed. Attributes are equal if ISL prints them alike;
    `relation.is_equal` asks ISL if they denote the same relation.
    """

    name = "polyhedral.map"

    @staticmethod
    def of(relation: isl.Map | str) -> MapAttr:
        """Return the attribute for a relation or its text."""
        if isinstance(relation, str):
            return MapAttr(MapAttr.canonical(relation))
        fresh = reread_map(relation)
        return MapAttr(_canonical(fresh, str(fresh)))

    @classmethod
    def canonical(cls, text: str) -> str:
        return _canonical(read_map(text), text)

    @property
    def relation(self) -> isl.Map:
        return read_map(self.data)


@irdl_attr_definition
class SetAttr(IslAttr):
    """An ISL set: `#polyhedral.set<"{ conv[w] : 0 <= w <= 7 }">`. See `#polyhedral.map`."""

    name = "polyhedral.set"

    @staticmethod
    def of(points: isl.Set | str) -> SetAttr:
        """Return the attribute for a set or its text."""
        if isinstance(points, str):
            return SetAttr(SetAttr.canonical(points))
        fresh = reread_set(points)
        return SetAttr(_canonical(fresh, str(fresh)))

    @classmethod
    def canonical(cls, text: str) -> str:
        return _canonical(read_set(text), text)

    @property
    def points(self) -> isl.Set:
        return read_set(self.data)


@dataclass(frozen=True)
class QualifiedAttr(BaseAttr[MapAttr]):
    """A relation that assembly formats print with its `#polyhedral.map`, as everywhere else."""

    def get_bases(self) -> None:
        return None


RELATION = QualifiedAttr(MapAttr)


def box(shape: Sequence[int], name: str = "") -> isl.Set:
    """Return the index set of a tensor of this shape: `{ name[d0, d1] : 0 <= d0 < shape[0] and … }`."""
    dims = [f"d{i}" for i in range(len(shape))]
    bounds = " and ".join(f"0 <= {d} < {size}" for d, size in zip(dims, shape, strict=True))
    return read_set(f"{{ {name}[{', '.join(dims)}] : {bounds or '1 = 1'} }}")


def sample(points: isl.Set) -> str:
    """Return one point of a set for an error message, e.g. `b[0, 8]`."""
    return str(points.sample_point()).strip("{ }")


def core_parameters_problem(
    relation: isl.Map, core_dims: int, neighbour_dims: int = 0
) -> str | None:
    """Return an error message if a relation has parameters other than coordinates of a core and of its neighbour."""
    known = core_parameters(core_dims) + core_parameters(neighbour_dims, "q")
    if unknown := set(parameters(relation)) - set(known):
        return (
            f"`{min(unknown)}` is no coordinate of a core: there are {', '.join(known) or 'none'}"
        )
    return None
