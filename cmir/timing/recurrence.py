"""Timing recurrence of a network of cores, which gives the start times of iterations.

    t(i) = max(t(i − 1) + II, arrival of the last write needed, arrival of the last credit needed)

With several sets of crossbars, t(i − ways) + the cycles of a set is a further term (`cmir.cost.pace`). Copies that run
iterations in turn are one actor (`cmir.timing.turns`).

Within a chunk of iterations (`cmir.timing.control`) all arrivals are known, so the start times are a running maximum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.support.diagnostics import CompileError
from cmir.timing.actors import Actor
from cmir.timing.control import ActorState, Control
from cmir.timing.report import CoreReport, RunReport
from cmir.timing.starts import Starts
from cmir.timing.turns import latest_starts

MOST_CYCLES = 2**62
"""Times are 64-bit integers, and sums of two of them are, too."""


def check_times(actors: Mapping[CoreName, Actor], inferences: int) -> None:
    """Raise CompileError if a time of a stream of inferences may exceed the bound.

    A start is at most the sum of the steps of a chain that leads to it, and no chain passes an iteration twice.
    """
    iterations = inferences * sum(actor.iterations for actor in actors.values())
    step = max(
        (
            cycles
            for actor in actors.values()
            for cycles in (actor.pace.longest, actor.latency, *(d.delay for d in actor.dependences))
        ),
        default=0,
    )
    if (iterations + 1) * step > MOST_CYCLES:
        raise CompileError(
            None,
            f"times may exceed 2^62 cycles: {iterations} iterations with intervals and delays of up to {step} cycles;"
            " the hardware description or the number of inferences must be smaller",
        )


@dataclass(eq=False)
class _Times:
    """The start of each iteration of an actor, and the stalls of each copy in each inference.

    latest: the latest start up to each iteration; it differs from `start` with turns only.
    """

    start: np.ndarray
    latest: np.ndarray
    stalls: dict[DependenceKind, np.ndarray]

    @staticmethod
    def of(actor: Actor, inferences: int) -> _Times:
        start = np.zeros(inferences * actor.iterations, np.int64)
        latest = start if actor.turns == 1 else np.zeros_like(start)
        shape = inferences, actor.turns
        return _Times(start, latest, {kind: np.zeros(shape, np.int64) for kind in DependenceKind})


class Recurrence(Control[_Times]):
    """One run of a network of actors over a stream of inferences. chunk: see `Control`."""

    def __init__(self, actors: Mapping[CoreName, Actor], inferences: int, chunk: int | None = None):
        check_times(actors, inferences)
        self.inferences = inferences
        times = {name: _Times.of(actor, inferences) for name, actor in actors.items()}
        super().__init__(actors, times, chunk)

    def exists(self, inference: int) -> bool:
        return inference < self.inferences

    def run(self) -> RunReport:
        """Run all inferences, or those that are left. Raises DeadlockError if no actor can continue."""
        self.run_all()
        return self._report()

    def advance(self, state: ActorState[_Times], inference: int, first: int, last: int) -> None:
        """Compute the start times of a chunk, and its stalls by kind of dependence."""
        count, actor, times = last - first, state.actor, state.record
        arrival = {kind: np.zeros(count, np.int64) for kind in DependenceKind}
        for dependence, source in state.incoming:
            event = dependence.of(inference)[first:last] + inference * source.actor.iterations
            copy = np.arange(first, last) % actor.turns if dependence.delays is not None else None
            seen = dependence.seen(
                event, copy, source.actor, source.record.start, source.record.latest
            )
            np.maximum(arrival[dependence.kind], seen, out=arrival[dependence.kind])
        data, room = arrival[DependenceKind.RAW], arrival[DependenceKind.WAR]
        begin, end = inference * actor.iterations + first, inference * actor.iterations + last
        bound = np.maximum(data, room)
        if actor.turns == 1:
            actor.pace.hold(bound, times.start, begin)
            start = actor.pace.earliest(bound)
            times.start[begin:end] = start
            ready = actor.pace.ready(times.start, begin, end)
        else:
            actor.in_turn.hold(bound, times.start, begin)
            start = actor.in_turn.earliest(bound, first)
            times.start[begin:end] = start
            before = int(times.latest[begin - 1]) if begin else 0
            times.latest[begin:end] = latest_starts(start, before)
            ready = actor.in_turn.ready(times.start, begin, end)
        stall = start - ready
        on_data = data >= room
        for kind, counts in (DependenceKind.RAW, on_data), (DependenceKind.WAR, ~on_data):
            if actor.turns == 1:
                times.stalls[kind][inference, 0] += stall[counts].sum()
            else:
                copy = (first + np.flatnonzero(counts)) % actor.turns
                np.add.at(times.stalls[kind][inference], copy, stall[counts])

    def _report(self) -> RunReport:
        cores = [
            CoreReport(
                name=name,
                iterations=state.actor.in_turn.of_copy(turn),
                starts=Starts.of(
                    state.record.start.reshape(self.inferences, -1)[:, turn :: state.actor.turns]
                ),
                pace=state.actor.in_turn.pace_of(turn),
                latency=(state.actor.latencies or state.actor.turns * (state.actor.latency,))[turn],
                data_stalls=int(state.record.stalls[DependenceKind.RAW][:, turn].sum()),
                credit_stalls=int(state.record.stalls[DependenceKind.WAR][:, turn].sum()),
            )
            for of_copies, state in self.states.items()
            for turn, name in enumerate(of_copies.copies(state.actor.turns))
        ]
        return RunReport(cores, [])
