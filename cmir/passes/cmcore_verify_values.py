"""cmcore-verify-values: prove that a compiled network computes the values of its source."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from cmir.dialects.cmcore import NetworkOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.passes.base import NetworkPass
from cmir.proof.values.comparison import ROUNDS, prove_values
from cmir.proof.values.source import find_source
from cmir.proof.values.workload import operations_of
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, emit_remark
from cmir.support.statistics import tally


@dataclass(frozen=True)
class CmcoreVerifyValuesPass(NetworkPass):
    """Prove that networks compute the values of the `nn` IR that they were compiled from, for all weights and inputs.

    The pass runs the programs on the simulator, with every automaton and ring in force, and evaluates the operators by
    their definition, both over the field of P = 2¹⁹ − 1 elements instead of floats. Named parameters and inputs are
    random residues, so the result holds for all of them. Constants are the simplest rationals that round to them. Sums
    and products are those of the field. Every other function is random and has only the laws on which compiled programs
    rely (`cmir/proof/values/interpretation.py`). If both sides agree in all outputs under each of `rounds` random
    interpretations, they are equal up to the order of sums and the rounding of single operations. Otherwise, the error
    names the first element that differs. If operators have no interpretation, operators of other packages differ, or
    outputs are infinite or NaN, a remark names them and nothing is proved.

    Two different programs agree under one interpretation with a probability below d / P. `cm-run --verify` prints the
    bound for all interpretations together, or reports that there is none. Between two random functions, a value is a
    polynomial of parameters, inputs and function results, and two different polynomials agree in at most a fraction
    degree / P of all points (Schwartz-Zippel). Results at different operands cancel if the operands coincide by chance.
    The probability grows with the number of results that are summed without parameters of their own, as in pooling. The
    bound assumes that results of random functions, which are pseudorandom, are independent of everything that leads to
    their operands, even if other operands coincide by chance; that inverses count as such results; and that a parameter
    occurs in the same place of both programs (`docs/mathematics.md`, §7). Constants are not random: the proof does not
    distinguish constants that are congruent modulo P. The seeds of the interpretations are 0, 1, …, so every run gives
    the same verdict.

    The pass runs the inferences that fill each buffer, and one more, each with different inputs. Later inferences need
    not be run if cmcore-verify-control proves control: each of their loads then finds the elements of its own
    inference. With state, they go on until initial values are no longer read and outputs depend on all arrays that
    carry state. One more inference then begins with random states, equal on both sides. If outputs and states are equal
    after it, the result holds for endless streams; otherwise, for the first inferences, and gives their number. Nothing
    is proved if an initial value is in the weights file. Steps of a recurrence begin with random values in the same
    way, where that is possible, so that the bound is that of one step.

    The source is the `nn` IR after nn-fold-batch-norm and canonicalize. The pass looks for it in the file `source`; in
    the same run of a tool, if that lowered it; in the file next to the network that the attribute `cmir.source` names
    together with its SHA-256, as written by `cm-opt --output-source`; and in NAME.nn.mlir next to NAME.mlir.

    ```console
    $ cm-opt net.mlir -p nn-to-cmcore --output-source -o out.mlir
    $ cm-opt out.mlir -p cmcore-verify-values
    ```

    With `most-operations`, the pass skips networks that take more operations, and emits a remark. Operations are
    counted from types, so the limit means the same on every computer. Pipelines from `nn` to cmcore end with this pass
    and a limit.
    """

    name = "cmcore-verify-values"

    source: str | None = None
    """File of the `nn` IR that the network was compiled from; by default, the pass looks for it."""
    rounds: int = ROUNDS
    """Number of random interpretations."""
    most_operations: int | None = None
    """Number of operations above which a network is skipped."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.rounds < 1:
            raise CompileError(op, f"`rounds` must be > 0, got {self.rounds}")
        super().apply(ctx, op)

    def apply_to(self, ctx: Context, network: NetworkOp) -> None:
        module = network.parent_op()
        assert isinstance(module, ModuleOp)
        name = network.sym_name.data
        source = find_source(ctx, module, network, self.source)
        if source is None:
            raise CompileError(
                network,
                f"the `nn` IR that @{name} was compiled from is not known: give its file, source=FILE",
            )
        if not self.skips(network):
            self.check(ElaboratedNetwork(network), source)

    def skips(self, network: NetworkOp) -> bool:
        """Return True, and emit a remark, if a network takes more than the most operations."""
        operations = operations_of(network, self.rounds)
        if self.most_operations is None or operations <= self.most_operations:
            return False
        tally("networks skipped")
        emit_remark(
            network,
            f"values not proved: {count_of(operations, 'operation')}, more than {self.most_operations}; "
            "cm-run --verify proves them",
        )
        return True

    def check(self, network: ElaboratedNetwork, source: FuncOp) -> None:
        """Raise CompileError if a network computes other values than its source."""
        verdict = prove_values(network, source, self.rounds)
        tally("interpretations", self.rounds)
        tally("networks proved", verdict.uncovered is None)
        if verdict.uncovered is not None:
            emit_remark(network.op, str(verdict))
