"""Parsing of IR with source locations, so that every later error can point at the text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from xdsl.context import Context
from xdsl.dialects.builtin import FileLineColLoc, IntAttr, ModuleOp, StringAttr, UnknownLoc
from xdsl.ir import BlockArgument, Operation, SSAValue
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.lexer import Position, Span

from cmir.context import CmirContext, make_context

__all__ = ["CmirContext", "LocatingParser", "make_context", "parse_module"]


def parse_module(text: str, name: str = "<string>", ctx: Context | None = None) -> ModuleOp:
    """
    Parse the text of a module, its `builtin.module { … }` optional.

    Params:
        text: the IR.
        name: the file it comes from, for locations.
        ctx: the dialects to know; all that are installed when left out.
    Raises:
        ParseError: the text is malformed. The module is not verified.
    """
    return LocatingParser(make_context() if ctx is None else ctx, text, name).parse_module()


class LocatingParser(Parser):
    """
    A parser that records where each operation and block argument starts, unless a `loc(…)` in
    the text says something known.

    Params:
        line_offset: lines of the file that come before this input (one chunk of a split file).
    """

    def __init__(
        self, ctx: Context, input: str | bytes, name: str = "<unknown>", line_offset: int = 0
    ) -> None:
        super().__init__(ctx, input, name)
        content = self.lexer.input.content
        self._file = StringAttr(name)
        self._line_offset = line_offset
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", content))]

    def parse_module(self, allow_implicit_module: bool = True) -> ModuleOp:
        start = self.pos
        module = super().parse_module(allow_implicit_module)
        self._locate(module, start)  # unless it is in the text, the parser has made it
        return module

    def parse_operation(self) -> Operation:
        start = self.pos
        try:
            op = super().parse_operation()
        except VerifyException as error:
            # An attribute that does not verify has no span of its own.
            self.raise_error(
                str(error), Span(start, self._current_token.span.start, self.lexer.input)
            )
        self._locate(op, start)
        return op

    def _register_ssa_definition(
        self, name: str, values: Sequence[SSAValue], span: Span[str]
    ) -> None:
        super()._register_ssa_definition(name, values, span)
        for value in values:
            if isinstance(value, BlockArgument):
                self._locate(value, span.start)

    def _locate(self, what: Operation | BlockArgument, position: Position) -> None:
        if isinstance(what.location, UnknownLoc):
            line = bisect_right(self._line_starts, position)
            column = position - self._line_starts[line - 1] + 1
            what.location = FileLineColLoc(
                self._file, IntAttr(line + self._line_offset), IntAttr(column)
            )
