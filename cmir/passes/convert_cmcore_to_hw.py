"""convert-cmcore-to-hw: the control logic of a network as synchronous circuits."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.rewriter import InsertPoint, Rewriter

from cmir.dialects.cmcore import NetworkOp
from cmir.passes.base import NetworkPass, top_level
from cmir.passes.hardware import HardwarePass
from cmir.rtl.chip import ControlLogic
from cmir.support.diagnostics import CompileError
from cmir.support.statistics import tally
from cmir.timing.network import TimedNetwork


@dataclass(frozen=True)
class ConvertCmcoreToHwPass(HardwarePass, NetworkPass):
    """Convert networks to the circuits of their control logic, in CIRCT's dialects `hw`, `comb` and `seq`.

    A control unit steps through the iterations of its core and counts events: starts of the cores that it waits for.
    An automaton is a counter of tokens, which says whether the next iteration may start. Cores that are alike share a
    module; `@chip` wires the units through the delays of results and credits. It has an output for the starts of each
    core and one for each coordinate of the iteration that starts, relative to the core's least.

    The pass checks at every iteration that decision trees compute the next iteration and the words of automata, that
    words add up to the events of an inference, and that counters are wide enough. It rejects automata that nothing
    bounds, and trees that have too many leaves.

    hardware: the machine, which defines delays; by default the one that the network carries, or `ideal`.
    """

    name = "convert-cmcore-to-hw"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        networks = top_level(op, NetworkOp)
        if len(networks) > 1:
            raise CompileError(
                networks[1],
                f"@{networks[1].sym_name.data} would be a second `@chip`: give each network a module of its own",
            )
        super().apply(ctx, op)

    def apply_to(self, ctx: Context, network: NetworkOp) -> None:
        logic = ControlLogic.of(TimedNetwork.of(network, self.hardware_for(network)))
        modules = list(logic.modules())
        tally("control units", len(logic.units))
        tally("kinds of control units", len(logic.kinds))
        Rewriter.insert_op(modules, InsertPoint.before(network))
        Rewriter.erase_op(network)
