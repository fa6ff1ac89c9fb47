"""Verification of IR, with an error that names the operation."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, cast

from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from cmir.support.diagnostics import CompileError

if TYPE_CHECKING:
    from xdsl.dialects.func import FuncOp


def verify(top: Operation, after: str = "") -> None:
    """Verify IR.

    after: origin of a failure for the message, e.g. "after pass 'x'". Raises CompileError at the first operation that
    does not verify, innermost first.
    """
    try:
        with _limited(top):
            top.verify()
        _verify_functions(top)
        return
    except VerifyException as error:
        # xDSL's error does not name the operation, so find it.
        reason = str(error)
    culprit, message = _find_culprit(top) or (top, reason)
    suffix = f" ({after})" if after else ""
    raise CompileError(culprit, f"'{culprit.name}' op {message}{suffix}") from None


def _limited(top: Operation) -> AbstractContextManager[None]:
    """Limit ISL, which IR with relations has loaded. Other IR must not load it: that takes longer than the rest."""
    if "islpy" not in sys.modules:
        return nullcontext()
    from cmir.isl.budget import limited

    return limited(top)


def _verify_functions(top: Operation) -> None:
    """Verify carried pairs, which are attributes of an operation of another dialect. Raises CompileError."""
    for op in top.walk():
        if op.name == "func.func" and "arg_attrs" in op.properties:
            from cmir.dialects.nn.carried import carried_pairs  # few functions need it

            carried_pairs(cast("FuncOp", op))


def _find_culprit(top: Operation) -> tuple[Operation, str] | None:
    for op in top.walk(region_first=True):
        try:
            for block in (block for region in op.regions for block in region.blocks):
                if not block.ops:  # may lack a terminator; only the block checks that
                    block.verify()
            op.verify(verify_nested_ops=False)
        except VerifyException as error:
            return op, str(error)
    return None
