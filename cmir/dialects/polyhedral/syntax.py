"""Parsing and printing of iterations and of their generated control."""

from __future__ import annotations

from typing import TypeVar

from xdsl.dialects.builtin import IndexType, IntegerAttr, i64
from xdsl.ir import Block, Region
from xdsl.irdl import EqAttrConstraint
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.polyhedral.relations import IslAttr
from cmir.dialects.syntax import parse_block
from cmir.support.counts import count_of

_IslAttrT = TypeVar("_IslAttrT", bound=IslAttr)


def parse_attribute_as(parser: Parser, cls: type[_IslAttrT]) -> _IslAttrT:
    """Parse an attribute of this class. Raises ParseError at the attribute if it is of another class."""
    start = parser.pos
    attribute = parser.parse_attribute()
    if not isinstance(attribute, cls):
        parser.raise_error(f"expected a #{cls.name}, got {attribute}", start, parser.pos)
    return attribute


CORE_DIMS = IntegerAttr.constr(EqAttrConstraint(i64))
"""Property for the number of leading coordinates of an iteration that identify the core that runs it."""


def spread_attr(core_dims: int) -> IntegerAttr | None:
    """Return the number of core coordinates as an attribute, or None if one core runs all iterations."""
    return IntegerAttr(core_dims, i64) if core_dims else None


COUNT = IntegerAttr.constr(EqAttrConstraint(i64))
"""Property for a number of things."""


def parse_iteration(parser: Parser) -> tuple[int, list[Parser.Argument]]:
    """Parse `[%p] (%h, %w)`: return the number of core coordinates, and all coordinates, each an `index`."""
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
    """Parse `(%p, %q) { … }`: loops or an automaton, with the coordinates of its cores, if there are any."""
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
    """Check that loops take the coordinates of one core, and automata those of two. Raises VerifyException."""
    if len(region.block.args) != expected:
        raise VerifyException(
            f"{what} must take {count_of(expected, 'coordinate')} of cores, got {len(region.block.args)}"
        )
