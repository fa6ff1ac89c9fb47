"""cmcore-verify-values: a proof that a compiled network computes what its source does."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cmir.diagnostics import CompileError, emit_remark
from cmir.dialects.cmcore import NetworkOp
from cmir.proof.values.comparison import ROUNDS, prove
from cmir.proof.values.source import find_source
from cmir.proof.values.work import operations_of


@dataclass(frozen=True)
class CmcoreVerifyValuesPass(ModulePass):
    """Prove that networks compute what the `nn` IR does that they were compiled from."""

    name = "cmcore-verify-values"

    source: str | None = None
    rounds: int = ROUNDS
    most_operations: int | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.rounds < 1:
            raise CompileError(op, f"`rounds` must be > 0, got {self.rounds}")
        for network in op.body.block.ops:
            if isinstance(network, NetworkOp):
                self._verify(ctx, op, network)

    def _verify(self, ctx: Context, module: ModuleOp, network: NetworkOp) -> None:
        name = network.sym_name.data
        source = find_source(ctx, module, network, self.source)
        if source is None:
            raise CompileError(
                network,
                f"the `nn` IR that @{name} was compiled from is not known: give its file, source=FILE",
            )
        operations = operations_of(network, 2, self.rounds)
        if self.most_operations is not None and operations > self.most_operations:
            emit_remark(
                network,
                f"values not checked: {operations} operations, more than {self.most_operations}; "
                "cm-run --verify checks them",
            )
            return
        verdict = prove(network, source, self.rounds)
        if verdict.uncovered is not None:
            emit_remark(network, str(verdict))
