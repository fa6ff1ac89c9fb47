"""Base classes of passes that visit all functions, pipelines or networks of a module."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TypeVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException

from cmir.context import CmirContext
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.nn.carried import carried_pairs
from cmir.dialects.nn.operation import shape_of
from cmir.dialects.polyhedral import PipelineOp
from cmir.isl.budget import limited
from cmir.support.diagnostics import CompileError, emit
from cmir.support.naming import UniqueNames

_Op = TypeVar("_Op", bound=Operation)


def top_level(module: ModuleOp, kind: type[_Op]) -> list[_Op]:
    """Return the operations of one class at the top level of a module."""
    return [op for op in module.body.block.ops if isinstance(op, kind)]


def report_level(ctx: Context, item: ModulePass, module: ModuleOp, wanted: type[Operation]) -> None:
    """Warn that a pass does nothing if the module has no operation of the class that it works on.

    Only a user who names passes is warned: `reports_levels` of the context.
    """
    if not (isinstance(ctx, CmirContext) and ctx.reports_levels) or top_level(module, wanted):
        return
    others = {op.name for op in module.body.block.ops if isinstance(op, _LEVELS)}
    instead = f", but it has {' and '.join(sorted(others))}" if others else ""
    message = f"pass '{item.name}' does nothing: the module has no {wanted.name}{instead}"
    emit("warning", module, message)


_LEVELS = (FuncOp, PipelineOp, NetworkOp)


def symbol_names(pipeline: PipelineOp) -> UniqueNames:
    """Return the names of arrays and stages, which share a symbol table."""
    return UniqueNames([*pipeline.arrays, *pipeline.stages])


class FunctionPass(ModulePass):
    """A pass over the functions of a module, which are networks of `nn` operators."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        report_level(ctx, self, op, FuncOp)
        for function in _functions(op):
            with limited(function):
                self.apply_to(ctx, function)

    @abstractmethod
    def apply_to(self, ctx: Context, function: FuncOp) -> None:
        """Apply the pass to one function, which may be erased."""


class PipelinePass(ModulePass):
    """A pass over the polyhedral pipelines of a module."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        report_level(ctx, self, op, PipelineOp)
        for pipeline in top_level(op, PipelineOp):
            with limited(pipeline):
                self.apply_to(ctx, pipeline)

    @abstractmethod
    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        """Apply the pass to one pipeline, which may be erased."""


class NetworkPass(ModulePass):
    """A pass over the `cmcore` networks of a module."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        report_level(ctx, self, op, NetworkOp)
        for network in top_level(op, NetworkOp):
            with limited(network):
                self.apply_to(ctx, network)

    @abstractmethod
    def apply_to(self, ctx: Context, network: NetworkOp) -> None:
        """Apply the pass to one network, which may be erased."""


def _functions(module: ModuleOp) -> Iterator[FuncOp]:
    """Yield every function that has a body.

    Raises CompileError for a function that cannot be a network, because it has control flow, an argument that is not
    a tensor of static shape, or a wrong carried pair.
    """
    for function in top_level(module, FuncOp):
        if not function.body.blocks:
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
        carried_pairs(function)
        yield function
