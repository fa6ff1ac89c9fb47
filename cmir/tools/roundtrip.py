"""Check that IR prints and parses back: `cm-opt --verify-roundtrip`."""

from __future__ import annotations

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import ParseError

from cmir.support.diagnostics import CompileError
from cmir.support.parsing import parse_module
from cmir.support.printing import ir_text


def check_roundtrip(ctx: Context, module: ModuleOp, what: str) -> None:
    """Raise CompileError unless the module prints and parses back to the same IR, in custom and in generic form.

    what: the module, for the message: "the input".
    """
    for generic in (False, True):
        form = "generic" if generic else "custom"
        text = ir_text(module, generic)
        try:
            parsed = parse_module(text, ctx, f"{what} in {form} form")
        except ParseError as error:
            line, column = error.span.get_location()[1:]
            raise CompileError(
                module,
                f"{what} does not round-trip: its {form} form does not parse back,"
                f" at line {line}, column {column}: {error.msg}",
            ) from None
        if not module.is_structurally_equivalent(parsed) or ir_text(parsed, generic) != text:
            raise CompileError(
                module, f"{what} does not round-trip: its {form} form parses back to other IR"
            )
