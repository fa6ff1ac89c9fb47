"""The plan of copies with which a network has the lowest latency or energy, found by compiling several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil

from cmir.analysis.inference_costs import costs_of
from cmir.compilation.choices import CopyBudget
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.description import Hardware
from cmir.support.diagnostics import CompileError, collect_diagnostics, emit_remark
from cmir.timing.network import TimedNetwork

_SLOWER = (1.5, 2, 4, 8)
"""Factors of the shortest interval that are tried for the energy: copies cost bytes on links, and time static power."""


def best_budget(
    budget: CopyBudget,
    machine: Hardware,
    compile_: Callable[[CopyBudget], ElaboratedNetwork],
) -> CopyBudget:
    """Return the budget of the plan whose network measures best in the objective.

    For the latency, plans for a short interval and for a short latency are compared, and without shared cores if these
    share some; for the energy, plans for several intervals. compile_: compiles a copy of the network for a plan. Raises
    CompileError if no plan can be compiled, or if no figure of the machine makes the energy depend on the plan.
    """
    plain = replace(budget, objective="interval")
    trials = _Trials(machine, compile_, budget.objective)
    if budget.objective == "latency":
        quick = replace(budget, objective="latency")
        networks = [trials.measure(plain), trials.measure(quick)]
        cores = [core for timed in networks if timed is not None for core in timed.network.op.cores]
        if any(core.divides for core in cores):
            trials.measure(replace(quick, share=False))
    else:
        energy = machine.energy
        if energy.link_byte is None and energy.static_watts is None:
            raise CompileError(
                None,
                f"the energy of an inference is that of any plan: '{machine.name}' has neither energy.link_byte nor "
                "energy.static_watts; choose another objective",
            )
        timed = trials.measure(plain)
        if timed is not None and budget.interval is None:
            for factor in _SLOWER:
                trials.measure(replace(plain, interval=ceil(factor * timed.interval)))
    return trials.best()


@dataclass
class _Trials:
    """Plans that have been compiled. figures: of each that can be, with what it measures."""

    machine: Hardware
    compile_: Callable[[CopyBudget], ElaboratedNetwork]
    objective: str
    figures: list[tuple[float, CopyBudget]] = field(default_factory=list)
    failure: CompileError | None = None

    def measure(self, plan: CopyBudget) -> TimedNetwork | None:
        """Compile a plan and measure it; return None if it cannot be compiled."""
        try:
            with collect_diagnostics():
                timed = TimedNetwork(self.compile_(plan), self.machine)
        except CompileError as error:
            self.failure = self.failure or error
            return None
        if self.objective == "energy":
            value = sum(costs_of(timed, timed.interval).energy.values())
        else:
            value = float(timed.time(1).inference_latency)
        self.figures.append((value, plan))
        return timed

    def best(self) -> CopyBudget:
        """Return the plan with the lowest figure, the first of equal ones. Raises CompileError if there is none."""
        if not self.figures:
            assert self.failure is not None, "a plan has been measured"
            raise self.failure
        unit = "J" if self.objective == "energy" else "cycles"
        told = ", ".join(f"{value:.7g}" for value, _ in self.figures)
        emit_remark(None, f"{self.objective} of the plans that were compiled: {told} {unit}")
        return min(self.figures, key=lambda each: each[0])[1]
