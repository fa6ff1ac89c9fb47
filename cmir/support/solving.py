"""CP-SAT, set up so that the same model has the same answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


def deterministic_solver(
    work: float = float("inf"), seconds: float = float("inf"), seed: int = 0
) -> cp_model.CpSolver:
    """Return a solver that stops after so much work, in CP-SAT's deterministic units (about seconds).

    The answer then depends on the model and the seed alone, unless the seconds are over before the work is done.
    """
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = max(0.0, work)
    solver.parameters.max_time_in_seconds = max(0.0, seconds)
    solver.parameters.random_seed = seed
    solver.parameters.num_workers = 1  # several race, and who wins depends on the machine
    solver.parameters.catch_sigint_signal = False  # its handler hides Ctrl-C, and stays behind
    return solver
