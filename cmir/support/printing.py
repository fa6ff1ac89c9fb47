"""The text of IR."""

from __future__ import annotations

from io import StringIO

from xdsl.ir import Operation
from xdsl.printer import Printer


def ir_text(op: Operation, generic: bool = False, debuginfo: bool = False) -> str:
    """Return the text of an operation, without a newline at its end.

    generic: MLIR's generic form, which also prints invalid IR. debuginfo: with locations.
    """
    text = StringIO()
    Printer(stream=text, print_generic_format=generic, print_debuginfo=debuginfo).print_op(op)
    return text.getvalue()
