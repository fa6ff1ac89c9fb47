"""Parsing and printing shared by the operations of all levels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xdsl.dialects.builtin import ArrayAttr, FlatSymbolRefAttr, SymbolRefAttr
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException


def parse_attributes(parser: Parser) -> dict[str, Attribute]:
    """Parse `attributes {…}`, the attributes attached to an operation, if present."""
    attributes = parser.parse_optional_attr_dict_with_keyword()
    return dict(attributes.data) if attributes is not None else {}


def print_attributes(printer: Printer, op: Operation) -> None:
    printer.print_op_attributes(op.attributes, print_keyword=True)


def parse_defined_operand(parser: Parser) -> SSAValue:
    """Parse an operand that is defined above it, whatever its type is; an error points at it.

    xDSL's `parse_operand` takes the type, which the syntax of some operations does not repeat.
    """
    operand = parser.parse_unresolved_operand("Expected an operand.")
    values = parser.ssa_values.get(operand.operand_name)
    if values is None:
        parser.raise_error("SSA value used before assignment", operand.span)
    if operand.index >= len(values):
        parser.raise_error(
            f"%{operand.operand_name} has no result #{operand.index}, only {len(values)}",
            operand.span,
        )
    return values[operand.index]


def parse_block(parser: Parser, arguments: Sequence[Parser.Argument] | None = None) -> Region:
    """Parse a region of one block, which can be empty: `{}`."""
    region = parser.parse_region(arguments)
    if not region.blocks:
        region.add_block(Block(arg_types=[argument.type for argument in arguments or ()]))
    return region


def parse_word(parser: Parser, what: str, words: Sequence[str]) -> str:
    """Parse an identifier. If there is none, the error lists `words`; verifiers check that it is one of them."""
    expected = f"expected {what}: {', '.join(words)}"
    return parser.expect(parser.parse_optional_identifier, expected)


def verify_word(what: str, word: str, words: Sequence[str]) -> None:
    """Raise VerifyException if an identifier is not one of `words`."""
    if word not in words:
        raise VerifyException(f"{what} must be one of {', '.join(words)}, got {word}")


def parse_symbol_list(parser: Parser) -> ArrayAttr[FlatSymbolRefAttr]:
    """Parse `(@a, @b)`."""
    return ArrayAttr(
        SymbolRefAttr(name)
        for name in parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, parser.parse_symbol_name
        )
    )


def print_symbol_list(printer: Printer, symbols: Iterable[SymbolRefAttr]) -> None:
    with printer.in_parens():
        printer.print_list(symbols, lambda s: printer.print_symbol_name(s.root_reference.data))
