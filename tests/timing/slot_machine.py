"""A machine whose programs share cores, cycle by cycle, with a table of slots for each resource that they divide.

Written from docs/hardware.md; it shares no code with the model of costs or of timing. Requests of one use are served in
their order; nothing else arbitrates. A resource that is not divided serves in every cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

DIVIDED = ("issue", "dpu", "sram", "link")


@dataclass(frozen=True)
class Stage:
    """One use of a resource by a step. cycles: that it takes there. pipeline: cycles until its result, after that.

    early: the next stage begins with the cycle of this number; None if it begins when the result is there.
    """

    resource: str
    cycles: int
    pipeline: int = 0
    early: int | None = None


@dataclass(frozen=True)
class Step:
    """Stages one after the other, which begin when all steps `after` are done."""

    stages: tuple[Stage, ...]
    after: tuple[int, ...] = ()


@dataclass(frozen=True)
class Need:
    """Iteration i waits for iteration `of[i]` of stage `source`, counted from the beginning of the same inference.

    Copies that run the iterations of a stage in turn are followed in the order of the iterations: all up to `of[i]` are
    waited for. result: whether it waits for the result, or for the start. delay: cycles from there to here.
    """

    source: int
    of: Sequence[int]
    result: bool
    delay: int


@dataclass(frozen=True)
class Program:
    """Steps of an iteration, and the number of iterations in an inference.

    ways: sets of crossbars. shares: slots by resource. stage: whose iterations it runs: those with number `turn`, and
    every so many. `needs` are those of its own iterations.
    """

    steps: tuple[Step, ...]
    iterations: int
    ways: int
    shares: Mapping[str, int]
    needs: tuple[Need, ...] = ()
    stage: int = 0
    turn: int = 0
    turns: int = 1

    def numbers(self, stages: Mapping[int, int]) -> Callable[[int], int]:
        """From the number of one of its iterations of the stream to that in the stage. stages: iterations of each."""

        def number(k: int) -> int:
            inference, each = divmod(k, self.iterations)
            return inference * stages[self.stage] + self.turn + each * self.turns

        return number


NEVER_WAITS = -(10**6)
"""A need before all inferences."""

Use = tuple[int, int, int]
"""Program, step, stage."""


def tables(
    programs: Sequence[Program], on: Sequence[int], size: int
) -> dict[str, list[Use | None]]:
    """The table of each resource that these programs of a core divide: whose each slot is."""
    found: dict[str, list[Use | None]] = {}
    for resource in DIVIDED:
        if not any(programs[p].shares.get(resource) for p in on):
            continue
        owners: list[Use | None] = []
        counts: list[int] = []
        for p in on:
            share = programs[p].shares.get(resource, 0)
            uses = [
                ((p, s, k), stage.cycles)
                for s, step in enumerate(programs[p].steps)
                for k, stage in enumerate(step.stages)
                if stage.resource == resource and stage.cycles
            ]
            mine = [1] * len(uses)
            for _ in range(share - len(uses)) if uses else ():
                slowest = max(range(len(uses)), key=lambda u: (uses[u][1] / mine[u], -u))
                mine[slowest] += 1
            owners += [use for use, _ in uses] or [None]
            counts += mine or [share]
        table: list[Use | None] = []
        had = [0] * len(counts)
        for place in range(size):
            begun = [u for u, n in enumerate(counts) if had[u] < n and had[u] * size // n <= place]
            if not begun:
                table.append(None)
                continue
            chosen = min(begun, key=lambda u: (-(-(had[u] + 1) * size // counts[u]), u))
            had[chosen] += 1
            table.append(owners[chosen])
        assert had == counts
        found[resource] = table
    return found


@dataclass
class _Queue:
    """Requests of one use, by iteration: when they come, and which is served next, with the cycles that it has had."""

    stage: Stage
    come: dict[int, int] = field(default_factory=dict)
    next: int = 0
    had: int = 0


class SlotMachine:
    """programs: each with a stage of its own, or a turn of one.

    core: of each program. sizes: slots of the tables of each core.
    phases: of each core; cycle 0 is at this place of its tables.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        core: Sequence[int],
        sizes: Sequence[int],
        phases: Sequence[int],
    ):
        self.programs, self.core, self.phases = programs, core, phases
        self.tables = [
            tables(programs, [p for p, on in enumerate(core) if on == c], size)
            for c, size in enumerate(sizes)
        ]
        self.queues = {
            (p, s, k): _Queue(stage)
            for p, program in enumerate(programs)
            for s, step in enumerate(program.steps)
            for k, stage in enumerate(step.stages)
        }
        self.iterations: dict[int, int] = {}
        """Iterations of each stage, on all copies."""
        for program in programs:
            of_stage = self.iterations.get(program.stage, 0)
            self.iterations[program.stage] = of_stage + program.iterations
        self.starts: list[list[int]] = [[] for _ in programs]
        self.done: list[dict[tuple[int, int], int]] = [{} for _ in programs]  # (step, iteration)
        self.sets: dict[tuple[Use, int], int] = {}
        self.pace = [self._pace(p) for p in range(len(programs))]

    def _slots(self, use: Use) -> tuple[int, int] | None:
        """Slots of a use, and of its table; None if it is served in every cycle."""
        program, step, stage = use
        table = self.tables[self.core[program]].get(
            self.programs[program].steps[step].stages[stage].resource
        )
        return None if table is None else (table.count(use), len(table))

    def _pace(self, p: int) -> tuple[int, int]:
        """Cycles between iterations, and between those on the same set of crossbars."""
        step, busy = 1, 0
        for use, queue in self.queues.items():
            if use[0] == p and queue.stage.resource == "crossbar":
                busy = max(busy, queue.stage.cycles)
            elif use[0] == p and queue.stage.cycles:
                count, size = self._slots(use) or (1, 1)
                step = max(step, -(-queue.stage.cycles * size // count))
        return step, busy

    def result(self, p: int, i: int) -> int | None:
        """When the result of an iteration is there; None if that is not known yet."""
        steps = range(len(self.programs[p].steps))
        if any((s, i) not in self.done[p] for s in steps):
            return None
        return max([self.starts[p][i] + 1, *(self.done[p][s, i] for s in steps)])

    def run(self, inferences: int, most: int = 20_000) -> bool:
        """Run a stream; return False if it is stuck."""
        totals = [inferences * program.iterations for program in self.programs]
        for cycle in range(most):
            for p in range(len(self.programs)):
                if len(self.starts[p]) < totals[p] and self._may_start(p, cycle):
                    self._start(p, cycle)
            self._serve(cycle)
            if all(
                len(self.starts[p]) == n and self.result(p, n - 1) is not None
                for p, n in enumerate(totals)
            ):
                return True
        return False

    def _may_start(self, p: int, cycle: int) -> bool:
        program, starts = self.programs[p], self.starts[p]
        i, (step, busy) = len(starts), self.pace[p]
        if starts and starts[-1] + step > cycle:
            return False
        if i >= program.ways and starts[i - program.ways] + busy > cycle:
            return False
        inference, point = divmod(i, program.iterations)
        for need in program.needs:
            if need.of[point] == NEVER_WAITS:
                continue
            event = need.of[point] + inference * self.iterations[need.source]
            for source, k in self._followed(need.source, event):
                if k >= len(self.starts[source]):
                    return False
                at = self.result(source, k) if need.result else self.starts[source][k]
                if at is None or at + need.delay > cycle:
                    return False
        return True

    def _followed(self, stage: int, event: int) -> Iterator[tuple[int, int]]:
        """The iterations up to an event of a stage, as the programs that run them number them: the last of each.

        Earlier ones of a program have started before, and results of a program come in order.
        """
        for p, program in enumerate(self.programs):
            if program.stage == stage:
                number, k = program.numbers(self.iterations), 0
                while number(k) <= event:
                    k += 1
                if k:
                    yield p, k - 1

    def _start(self, p: int, cycle: int) -> None:
        i = len(self.starts[p])
        self.starts[p].append(cycle)
        for s, step in enumerate(self.programs[p].steps):
            if not step.after:
                self._come((p, s, 0), i, cycle)

    def _come(self, use: Use, i: int, cycle: int) -> None:
        """A request comes. One that takes no cycle is done at once."""
        queue = self.queues[use]
        if queue.stage.cycles:
            queue.come[i] = cycle
        else:
            self._pass(use, i, cycle + queue.stage.pipeline)

    def _pass(self, use: Use, i: int, cycle: int) -> None:
        """The result of a use is there."""
        p, s, k = use
        steps = self.programs[p].steps
        if k + 1 < len(steps[s].stages):
            self._come((p, s, k + 1), i, cycle)
            return
        self.done[p][s, i] = cycle
        for t, step in enumerate(steps):
            if s in step.after and all((a, i) in self.done[p] for a in step.after):
                self._come((p, t, 0), i, max(self.done[p][a, i] for a in step.after))

    def _serve(self, cycle: int) -> None:
        for use, queue in self.queues.items():  # issue is before the crossbar of its step
            if queue.stage.resource == "crossbar":
                self._compute(use, queue, cycle)
                continue
            table = self.tables[self.core[use[0]]].get(queue.stage.resource)
            if table is None or table[(cycle + self.phases[self.core[use[0]]]) % len(table)] == use:
                self._give_a_cycle(use, queue, cycle)

    def _give_a_cycle(self, use: Use, queue: _Queue, cycle: int) -> None:
        i, stage = queue.next, queue.stage
        if queue.come.get(i, cycle + 1) > cycle:
            return
        if stage.early == queue.had:
            self._pass(use, i, cycle + stage.pipeline)
        queue.had += 1
        if queue.had == stage.cycles:
            queue.next, queue.had = i + 1, 0
            if stage.early is None:
                self._pass(use, i, cycle + 1 + stage.pipeline)

    def _compute(self, use: Use, queue: _Queue, cycle: int) -> None:
        """Start all products whose set of crossbars is free."""
        ways = self.programs[use[0]].ways
        while queue.come.get(queue.next, cycle + 1) <= cycle:
            which = use, queue.next % ways
            if self.sets.get(which, 0) > cycle:
                return
            self.sets[which] = cycle + queue.stage.cycles
            self._pass(use, queue.next, cycle + queue.stage.cycles + queue.stage.pipeline)
            queue.next += 1
