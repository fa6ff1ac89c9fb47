"""Numbers of copies of stages that minimize the longest interval of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cmir.support.counts import count_of
from cmir.support.solving import deterministic_solver


@dataclass(frozen=True)
class ReplicationChoice:
    """A possible number of copies of a stage, with the cores they take and the interval they achieve.

    interval: time between inferences if the stage were alone, in any unit that is the same for all stages.
    """

    copies: int
    cores: int
    interval: int


def balance(stages: Sequence[Sequence[ReplicationChoice]], cores: int) -> list[ReplicationChoice]:
    """Return a choice for each stage that minimizes the longest interval, using at most `cores` cores.

    Among such choices, the result takes the fewest cores. stages: the possible choices for each stage. Raises
    ValueError if `cores` is too small for every combination.
    """
    from ortools.sat.python import cp_model

    def solve(longest: int | None) -> list[ReplicationChoice] | None:
        """Return the fastest choices or, given `longest`, those with the fewest cores and no longer interval."""
        model = cp_model.CpModel()
        picks = [[model.new_bool_var("") for _ in choices] for choices in stages]
        taken: list[cp_model.LinearExpr] = []
        top = max(choice.interval for choices in stages for choice in choices)
        interval = model.new_int_var(0, top if longest is None else longest, "")
        for choices, pick in zip(stages, picks, strict=True):
            model.add_exactly_one(pick)
            taken.append(cp_model.LinearExpr.weighted_sum(pick, [c.cores for c in choices]))
            each = [choice.interval for choice in choices]
            model.add(cp_model.LinearExpr.weighted_sum(pick, each) <= interval)
        all_cores = cp_model.LinearExpr.sum(taken)
        model.add(all_cores <= cores)
        model.minimize(interval if longest is None else all_cores)
        solver = deterministic_solver()
        if solver.solve(model) != cp_model.OPTIMAL:
            return None
        return [
            next(choice for choice, var in zip(choices, pick, strict=True) if solver.value(var))
            for choices, pick in zip(stages, picks, strict=True)
        ]

    fastest = solve(None)
    if fastest is None:
        raise ValueError(f"{count_of(cores, 'core is', 'cores are')} too few")
    chosen = solve(max(choice.interval for choice in fastest))
    assert chosen is not None, "the fastest choice is one"
    return chosen
