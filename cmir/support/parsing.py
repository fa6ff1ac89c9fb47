"""Parsing of IR with source locations, so that later errors can point at the text."""

from __future__ import annotations

import dataclasses
import re
import struct
from bisect import bisect_right
from collections.abc import Sequence
from math import prod
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import (
    AnyDenseElement,
    AnyFloat,
    ComplexType,
    DenseIntOrFPElementsAttr,
    FileLineColLoc,
    IndexType,
    IntAttr,
    IntegerType,
    ModuleOp,
    RankedStructure,
    StringAttr,
    UnknownLoc,
)
from xdsl.ir import AttributeInvT, Block, BlockArgument, Operation, SSAValue
from xdsl.parser import AttrParser, Parser, UnresolvedOperand
from xdsl.parser.generic_parser import ParserState
from xdsl.utils.exceptions import ParseError, VerifyException
from xdsl.utils.lexer import Input, Position, Span
from xdsl.utils.mlir_lexer import MLIRLexer, MLIRTokenKind

from cmir.support.counts import count_of
from cmir.support.diagnostics import emit_remark, is_isl_error
from cmir.support.similar import did_you_mean
from cmir.support.unloaded import unloaded_hint


def parse_module(text: str, ctx: Context, name: str = "<string>") -> ModuleOp:
    """Parse the text of a module, its `builtin.module { … }` optional.

    text: the IR. ctx: holds the known dialects. name: the file of the text, for locations. Raises ParseError if the
    text is malformed. The module is not verified.
    """
    return LocatingParser(ctx, text, name).parse_module()


class _HexadecimalElement(
    AttrParser._TensorLiteralElement  # pyright: ignore[reportPrivateUsage]
):
    """A hexadecimal element of a `dense<…>`: the bits of a float, if its type is one.

    xDSL prints infinities, NaNs and all numbers without a short decimal form, such as 1234567, in this way. Its own
    parser takes them for integers.
    """

    def to_type(
        self, parser: AttrParser, type: AnyFloat | IntegerType | IndexType | ComplexType
    ) -> Any:
        if not isinstance(type, AnyFloat):
            return super().to_type(parser, type)
        bits, size = self.to_int(parser, allow_negative=False), type.compile_time_size
        if bits >> 8 * size:
            parser.raise_error(f"{self.span.text} has more bits than {type}", self.span)
        return type.unpack(bits.to_bytes(size, "little"), 1)[0]


class _LinearLexer(MLIRLexer):
    """A lexer that takes linear time for a string without an end.

    xDSL's regular expression tries all ways to cut the string into pieces, of which there are exponentially many.
    """

    _unescaped_characters_regex = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')


class LocatingParser(Parser):
    """A parser that records where each operation and block argument starts.

    A known `loc(…)` in the text takes precedence. line_offset: number of lines of the file before this input, which may
    be one chunk of a split file.
    """

    def __init__(
        self, ctx: Context, input: str | bytes, name: str = "<unknown>", line_offset: int = 0
    ) -> None:
        super().__init__(ctx, "", name)
        content = input if isinstance(input, str) else input.decode("utf-8")
        self._parser_state = ParserState(_LinearLexer(Input(content, name)))
        self._file = StringAttr(name)
        self._line_offset = line_offset
        self._first_uses: dict[str, Span] = {}
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", content))]

    def parse_module(self, allow_implicit_module: bool = True) -> ModuleOp:
        """Parse the whole input; without any operation it is an empty module, as in MLIR."""
        start = self.pos
        try:
            if allow_implicit_module and self._current_token.kind is MLIRTokenKind.EOF:
                module = ModuleOp([])
            else:
                module = super().parse_module(allow_implicit_module)
        except ParseError as error:
            if self._current_token.kind is MLIRTokenKind.EOF and self.forward_ssa_references:
                # xDSL's message points at the end of the file.
                name = next(iter(self.forward_ssa_references))
                error.msg = f"value '%{name}' is used but not defined"
                error.span = self._first_uses.get(name, error.span)
            if "is not registered" in error.msg:
                error.msg += unloaded_hint()
            error.span = dataclasses.replace(error.span, line_offset=self._line_offset)
            raise
        self._locate(module, start)  # has an effect if the module is implicit
        return module

    def parse_operation(self) -> Operation:
        start = self.pos
        try:
            op = super().parse_operation()
        except (OverflowError, struct.error) as error:
            # xDSL packs numbers as their type says, whatever they are.
            span = Span(start, self.pos, self.lexer.input)
            self.raise_error(f"a number is outside the range of its type: {error}", span)
        except Exception as error:
            known = isinstance(error, VerifyException) or is_isl_error(error)
            if not known and not (isinstance(error, ValueError) and _is_raised_by_xdsl(error)):
                raise
            # An attribute that fails to verify has no span of its own, nor have elements that do not fit their type.
            self.raise_error(str(error), Span(start, self.pos, self.lexer.input))
        self._locate(op, start)
        return op

    def _get_op_by_name(self, name: str) -> type[Operation]:
        """Return the operation with this name, or with this name in its `OLD_NAMES`, which are read with a remark."""
        stack = self._parser_state.dialect_stack
        if (op_type := self.ctx.get_optional_op(name, dialect_stack=stack)) is not None:
            return op_type
        start = self.lexer.input.content.rfind(name, 0, self.pos)
        for op_type in self.ctx.loaded_ops:
            if name in getattr(op_type, "OLD_NAMES", ()):
                where = self._location(start)
                emit_remark(where, f"operation '{name}' is called '{op_type.name}' now")
                return op_type
        hint = did_you_mean(name, (op_type.name for op_type in self.ctx.loaded_ops))
        self.raise_error(f"operation '{name}' is not registered{hint}", start, start + len(name))

    def _parse_external_resources(self) -> None:
        """Skip resources of tools, such as `mlir_reproducer`, which say nothing about the IR."""
        self.parse_comma_separated_list(self.Delimiter.BRACES, self._skip_external_resource)

    def _skip_external_resource(self) -> None:
        self.parse_identifier()
        self.parse_punctuation(":")
        self.parse_comma_separated_list(self.Delimiter.BRACES, self._skip_external_entry)

    def _skip_external_entry(self) -> None:
        self.parse_identifier()
        self.parse_punctuation(":")
        if self.parse_optional_str_literal() is None and self.parse_optional_boolean() is None:
            self.parse_number()

    def parse_dense_int_or_fp_elements_attr(
        self, type: RankedStructure[AnyDenseElement] | None
    ) -> DenseIntOrFPElementsAttr:
        start = self.pos
        attribute = super().parse_dense_int_or_fp_elements_attr(type)
        size, count = attribute.get_element_type().compile_time_size, prod(attribute.get_shape())
        if len(attribute.data.data) != size * count:  # of elements that are given as bytes
            self.raise_error(
                f"{count_of(count, 'element')} of {attribute.get_element_type()} take {size * count} bytes, "
                f"got {len(attribute.data.data)}",
                start,
                self.pos,
            )
        return attribute

    def _parse_tensor_literal_element(self) -> AttrParser._TensorLiteralElement:
        element = super()._parse_tensor_literal_element()
        if element.span.text.lstrip("-").lower().startswith("0x"):
            return _HexadecimalElement(element.is_negative, element.value, element.span)
        return element

    def resolve_operand(
        self, operand: UnresolvedOperand, type: AttributeInvT
    ) -> SSAValue[AttributeInvT]:
        if operand.operand_name not in self.ssa_values:
            self._first_uses.setdefault(operand.operand_name, operand.span)
        return super().resolve_operand(operand, type)

    def _parse_block(self) -> Block:
        if self._current_token.kind is not MLIRTokenKind.CARET_IDENT:
            self.raise_error("expected an operation, a block or '}'")
        if not Block.is_valid_name(name := self._current_token.text[1:]):
            self.raise_error(f"the name of a block must not be a number, got ^{name}")
        return super()._parse_block()

    def _register_ssa_definition(
        self, name: str, values: Sequence[SSAValue], span: Span[str]
    ) -> None:
        super()._register_ssa_definition(name, values, span)
        for value in values:
            if isinstance(value, BlockArgument):
                self._locate(value, span.start)

    def _locate(self, what: Operation | BlockArgument, position: Position) -> None:
        if isinstance(what.location, UnknownLoc):
            what.location = self._location(position)

    def _location(self, position: Position) -> FileLineColLoc:
        line = bisect_right(self._line_starts, position)
        column = position - self._line_starts[line - 1] + 1
        return FileLineColLoc(self._file, IntAttr(line + self._line_offset), IntAttr(column))


def _is_raised_by_xdsl(error: Exception) -> bool:
    """Return True if xDSL raises the error, and not code of cmir that it calls."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals["__name__"].startswith("xdsl.")
