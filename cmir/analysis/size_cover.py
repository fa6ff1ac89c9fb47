"""Cheapest buffer sizes that break every known cycle of waits: a covering problem, solved by CP-SAT."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from cmir.support.solving import deterministic_solver

Key = tuple[str, ...]
"""(array, reader) of a buffer; (array, reader, writer) if the part of each writer is a ring of its own."""

Sizes = Mapping[Key, int]
"""Number of rows of each buffer; absent buffers are unbounded."""


@dataclass(frozen=True)
class Cut:
    """A cycle of waits: at least one of its buffers must have a size that is not in `broken`.

    A larger ring can have to wait longer than a smaller one, so these are sets instead of limits.

    below: the cycle rules out intervals shorter than this; None for a deadlock.
    """

    broken: Mapping[Key, Collection[int]]
    below: int | None

    def concerns(self, interval: int | None) -> bool:
        """Return True if the cycle rules out an interval; None for an arbitrary one."""
        return self.below is None or (interval is not None and interval < self.below)

    def breaks(self, sizes: Sizes) -> bool:
        """Return True if the cycle exists with buffers of these sizes."""
        return all(sizes[key] in broken for key, broken in self.broken.items())


@dataclass(frozen=True)
class SizeChoice:
    """A buffer whose size is to be chosen.

    row_bytes: bytes of a row, over all cores that have such a buffer. sram: False for the memory of the global control
    unit, which only breaks ties between sizes that take the same SRAM.
    """

    least: int
    can_have: Callable[[int], bool]
    row_bytes: int
    sram: bool


@dataclass(frozen=True)
class CoreSram:
    """SRAM of a core. row_bytes: bytes of a row of each buffer on one core; bytes: SRAM available to these buffers."""

    row_bytes: Mapping[Key, int]
    bytes: int


@dataclass(frozen=True)
class Cover:
    """Result of CP-SAT.

    sizes: None if none were found. bound: lower bound of the bytes of any sizes. work: deterministic time of CP-SAT.
    settled: True if the sizes are the cheapest, or if there are none.
    """

    sizes: dict[Key, int] | None
    bound: int
    work: float
    settled: bool


def cheapest(
    choices: Mapping[Key, SizeChoice],
    cuts: Sequence[Cut],
    rooms: Sequence[CoreSram],
    hint: Sizes | None,
    limit: float,
) -> Cover:
    """Return the cheapest sizes, in bytes, that break every cycle in `cuts` and fit all `rooms`.

    hint: initial sizes. limit: CP-SAT's deterministic time, so that the result does not depend on the machine.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    needed = _most_needed(choices, cuts)
    rows = {}
    for key, choice in choices.items():
        sizes = [size for size in range(choice.least, needed[key] + 1) if choice.can_have(size)]
        rows[key] = model.new_int_var_from_domain(cp_model.Domain.from_values(sizes), "")
        if hint is not None:
            model.add_hint(rows[key], min(hint[key], needed[key]))
    literals: dict[tuple[Key, Collection[int]], cp_model.IntVar] = {}
    for cut in cuts:
        for key, broken in cut.broken.items():
            if (key, broken) not in literals:
                literal = literals[key, broken] = model.new_bool_var("")
                domain = cp_model.Domain.from_values(list(broken)).complement()
                model.add_linear_expression_in_domain(rows[key], domain).only_enforce_if(literal)
        model.add_bool_or([literals[item] for item in cut.broken.items()])
    for room in rooms:
        model.add(sum(size * rows[key] for key, size in room.row_bytes.items()) <= room.bytes)
    others = [key for key, choice in choices.items() if not choice.sram]
    scale = 1 + sum(choices[key].row_bytes * needed[key] for key in others)
    weights = {
        key: choice.row_bytes * (scale if choice.sram else 1) for key, choice in choices.items()
    }
    model.minimize(sum(weight * rows[key] for key, weight in weights.items()))
    solver = deterministic_solver(limit)
    status = solver.solve(model)
    work = solver.response_proto.deterministic_time
    if status == cp_model.INFEASIBLE:
        return Cover(None, 0, work, True)
    bound = ceil((round(solver.best_objective_bound) - scale + 1) / scale)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Cover(None, bound, work, False)
    found = {key: solver.value(variable) for key, variable in rows.items()}
    return Cover(found, bound, work, status == cp_model.OPTIMAL)


def _most_needed(choices: Mapping[Key, SizeChoice], cuts: Sequence[Cut]) -> dict[Key, int]:
    """Return the size of each buffer above which no further cuts are satisfied."""
    most = {key: choice.least for key, choice in choices.items()}
    for cut in cuts:
        for key, broken in cut.broken.items():
            most[key] = max(most[key], max(broken) + 1)
    for key, choice in choices.items():
        while not choice.can_have(most[key]):
            most[key] += 1
    return most
