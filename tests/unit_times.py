"""Start times by the reference machine, on a chip where everything takes one cycle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from cmir.dialects.cmcore import NetworkOp
from cmir.reference import ReferenceMachine
from cmir.reference.schedules import ReferenceActor, Schedule


class InUnits(Schedule):
    """Every message takes a cycle, and a core starts as soon as it may, but at most one iteration a cycle.

    starts: times at which each actor acts.
    """

    def __init__(self) -> None:
        super().__init__("unit delays", 0)

    def begin(self, actors: Sequence[ReferenceActor]) -> None:
        self._actors = actors
        self.starts: dict[int, list[int]] = defaultdict(list)

    def time(self, now: float, actor: int) -> float:
        of_actor = self.starts[actor]
        if self._actors[actor].kind == "core":
            time = max(int(now), of_actor[-1] + 1 if of_actor else 0)
        else:  # the next message has been sent at the earliest when the one before arrives
            time = int(now) + 1
        of_actor.append(time)
        return time


def literal_starts(network: NetworkOp, inferences: int) -> dict[str, list[int]]:
    """The starts on each copy by the reference machine, if everything takes one cycle."""
    machine, schedule = ReferenceMachine(network, inferences), InUnits()
    machine.run(schedule)
    return {core.name: schedule.starts[k] for k, core in enumerate(machine.cores)}
