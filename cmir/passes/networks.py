"""The functions of a module that passes take for networks."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.operation import shape_of
from cmir.support.diagnostics import CompileError


def networks(module: ModuleOp) -> Iterator[FuncOp]:
    """Every function that has a body, which may be erased meanwhile.

    Raises CompileError for a function that cannot be a network: control flow, or an argument that is not a
    tensor of a static shape.
    """
    for function in list(module.body.block.ops):
        if not isinstance(function, FuncOp) or not function.body.blocks:
            continue
        name = function.sym_name.data
        if len(function.body.blocks) > 1 or not isinstance(function.body.block.last_op, ReturnOp):
            raise CompileError(
                function, f"network @{name} must be one block that ends in func.return"
            )
        for argument in function.body.block.args:
            try:
                shape_of(argument)
            except VerifyException as error:
                raise CompileError(argument, f"argument of network @{name}: {error}") from None
        yield function
