"""Search for the smallest buffer sizes with which a network runs, or runs at a given interval.

Deadlock-free sizes let one inference complete from empty buffers; then any number of inferences completes.
Throughput-preserving sizes admit a periodic schedule of an interval λ (`cmir.timing.periodic`), usually that of the
busiest core.

Insufficient sizes exhibit a cycle of waits: cores that wait for each other forever, or a cycle that takes longer than
λ. With other sizes, the cycle persists if each of its waits for room is for the same iteration or a later one. A cycle
thus determines, for each of its buffers, the sizes with which the wait persists, and at least one of the buffers must
have another size (`Cut`). The search alternates between two steps:

- Find the cheapest sizes that break every known cycle (`cmir.analysis.size_cover`). They are a lower bound: no
  sufficient sizes take fewer bytes.
- From there, grow buffers until no cycle is left. The result is sufficient, and the cycles found on the way are new
  cuts.

The search ends when the two meet, or when its work, which is counted, exceeds a limit; in that case the gap is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from cmir.analysis.array_buffers import Edge
from cmir.analysis.size_cover import CoreSram, Cut, Key, SizeChoice, Sizes, cheapest
from cmir.analysis.sizing import INFERENCES_TO_LIVE, Sizing
from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.support.diagnostics import CompileError, Where
from cmir.timing.control import DeadlockError
from cmir.timing.liveness import UntimedRun
from cmir.timing.periodic import InfeasiblePeriodError, PeriodicSearch
from cmir.timing.turns import Turns

_WORK = 50_000_000
"""Limit of the iterations examined after the first sizes have been found: about two seconds."""

_WORK_TO_FIT = 5_000_000
"""The same limit when any sizes that fit the SRAM will do."""

_COVER_WORK = 25_000_000
"""Number of iterations that take as long to examine as one second of CP-SAT's deterministic time."""

_COVER_LIMIT = 1.0
"""Limit of the deterministic time of one covering problem, in seconds."""

_PER_TURN = 1000
"""Fixed cost of resuming a stuck run, as a number of examined iterations."""

_WINDOW = 64
"""Number of sizes tried on either side of the current one if a larger ring can have to wait longer."""


_MOST_IN_FLIGHT = 1000
"""Limit of the inferences that buffers are made for: they grow by a row at a time."""


class LatencyError(CompileError):
    """An interval so short, compared with latencies, that too many inferences would be under way at once."""

    def __init__(self, where: Where, delay: float, interval: float):
        super().__init__(
            where,
            f"a cycle of waits takes {delay} cycles: at an interval of {interval} cycles, {int(delay // interval)}"
            f" inferences are in it at once, more than the {_MOST_IN_FLIGHT} that buffers are searched for",
        )


@dataclass(frozen=True)
class SizeSolution:
    """Sufficient sizes. sram_bytes: SRAM of all cores. bound: lower bound of the bytes of any sufficient sizes.

    searched: False for sizes that are not the result of a search.
    """

    sizes: dict[Key, int]
    sram_bytes: int
    bound: int
    searched: bool = True

    @property
    def smallest(self) -> bool:
        """True if no sufficient sizes take fewer bytes."""
        return self.sram_bytes == self.bound


@dataclass(frozen=True)
class _CreditWait:
    """A wait for room on a cycle: iteration `iteration` of `writer` waits for `reader` to finish with `array`.

    need: the cycle persists if the wait is for this iteration of the reader, counted from the same inference, or for a
    later one. lead: the cycle also persists if the wait is for one of the `lead` iterations before `need`, of the same
    copy of the reader. These iterations, at this `pace`, shorten the cycle, and by no more than `slack`.
    """

    array: str
    writer: CoreName
    reader: CoreName
    iteration: int
    need: int
    lead: int = 0
    pace: Pace = field(default_factory=lambda: Pace(1))
    slack: int = 0
    copies: Turns | None = None

    @property
    def edge(self) -> Edge:
        return self.array, self.writer, self.reader

    def stays(self, needs: np.ndarray) -> np.ndarray:
        """Return True for the needs with which the cycle persists."""
        less = self.need - needs
        if self.copies is not None:
            less = np.where(less > 0, self.copies.most_of_one(less), less)
        return (less <= 0) | ((less <= self.lead) & (self.pace.most_less(less) <= self.slack))


class SizeSearch:
    """Search for the buffer sizes of one network; successive searches share the cycles found."""

    def __init__(self, sizing: Sizing):
        self.sizing, self.work = sizing, 0
        self.cuts: list[Cut] = []
        self.choices = {
            key: SizeChoice(
                buffer.least,
                buffer.can_have,
                sizing.row_bytes[key] * sizing.count_cores(buffer.reader),
                sizing.stages[buffer.reader].gcu is None,
            )
            for key, buffer in sizing.buffers.items()
        }
        self._least = {key: choice.least for key, choice in self.choices.items()}
        self._found: dict[int | None, SizeSolution] = {}

    def live(self) -> SizeSolution:
        """Return the smallest deadlock-free sizes found. Raises DeadlockError if every size deadlocks."""
        return self._unlimited(None)

    def lossless(self, interval: int | None = None) -> SizeSolution:
        """Return sizes with a steady-state interval of at most `interval` ticks (default: that of unbounded buffers).

        Raises LatencyError.
        """
        return self._unlimited(max(interval or 0, self.sizing.interval))

    def _unlimited(self, period: int | None) -> SizeSolution:
        """Return sizes for an interval, regardless of SRAM; None for an arbitrary interval."""
        if period not in self._found:
            found = self._search(period)
            assert found is not None, "without bounds there is a schedule"
            self._found[period] = found
        return self._found[period]

    def fitting(self, shortest: int | None = None) -> tuple[int, SizeSolution]:
        """Return the shortest interval for which sizes are found that fit the SRAM of all cores, and these sizes.

        shortest: what suffices (default: the interval of unbounded buffers). Intervals are in ticks, found by bisection
        to one percent. The sizes are deadlock-free ones if not even these fit.
        """
        fastest, found = max(shortest or 0, self.sizing.interval), None
        with suppress(LatencyError):
            found = self.lossless(fastest)
        if found is None or not self.sizing.fits(found.sizes):
            found = self._search(fastest, fit=True)
        if found is not None:
            return fastest, found
        live = self.live()
        if not self.sizing.fits(live.sizes):
            live = self._search(None, fit=True) or live
        if not self.sizing.fits(live.sizes):
            return fastest, live
        interval, sizes = self.sizing.schedule(live.sizes, fastest)[0], live.sizes
        while interval - fastest > max(1, fastest // 100):
            middle = (fastest + interval) // 2
            found = self._search(middle, fit=True, first=True)
            if found is None:
                fastest = middle
            else:
                interval, sizes = middle, found.sizes
        return interval, self._search(interval, fit=True, known=sizes) or live

    def _search(
        self,
        period: int | None,
        fit: bool = False,
        first: bool = False,
        known: dict[Key, int] | None = None,
    ) -> SizeSolution | None:
        """Return sizes for an interval, None for an arbitrary one; the result is None if no sizes are found.

        fit: the sizes must fit the SRAM of the cores. first: stop at the first sizes found. known: sizes that are
        sufficient and fit.
        """
        begun, best = self.work, known
        try:
            best = self._better(best, self._repaired(self._least, period), fit)
        except LatencyError:
            if not fit:
                raise
            if known is None:
                return None
            return SizeSolution(known, self._bytes(known), self._bytes(self._least))
        limit = 2 * self.work - begun + (_WORK_TO_FIT if first else _WORK)
        bound, rooms = self._bytes(self._least), self._rooms() if fit else []
        while best is None or (self._bytes(best) > bound and not first):
            cuts = [cut for cut in self.cuts if cut.concerns(period)]
            cover = cheapest(self.choices, cuts, rooms, best, _COVER_LIMIT)
            self.work += int(cover.work * _COVER_WORK)
            if cover.sizes is None and cover.settled:
                return None
            bound = max(bound, self._bytes({}) + cover.bound)
            if cover.sizes is None or (best is not None and self._bytes(best) <= bound):
                break
            best = self._better(best, self._repaired(cover.sizes, period, best), fit)
            if self.work > limit:
                break
        if best is None:
            return None
        return SizeSolution(best, self._bytes(best), min(bound, self._bytes(best)))

    def _better(
        self, best: dict[Key, int] | None, other: dict[Key, int] | None, fit: bool
    ) -> dict[Key, int] | None:
        """Return the smaller of two sufficient sizes; with `fit`, `other` counts only if it fits."""
        if other is None or (fit and not self.sizing.fits(other)):
            return best
        return other if best is None or self._bytes(other) < self._bytes(best) else best

    def _bytes(self, sizes: Sizes) -> int:
        """Return the SRAM bytes of all cores."""
        return sum(self.sizing.sram_bytes(sizes).values())

    def _rooms(self) -> list[CoreSram]:
        """Return the SRAM of one core of each stage, since the cores of a stage have the same buffers."""
        sizing, sram = self.sizing, self.sizing.hardware.core.sram_bytes
        if sram is None:
            return []
        taken = sizing.sram_bytes({})
        return [
            CoreSram(
                {
                    key: sizing.row_bytes[key]
                    for key, b in sizing.buffers.items()
                    if b.reader == name
                },
                sram - taken[sizing.footprints[name].cores[0].copies(stage.turns)[0]],
            )
            for name, stage in sizing.stages.items()
            if stage.gcu is None
        ]

    def _repaired(
        self, sizes: Sizes, period: int | None, best: Sizes | None = None
    ) -> dict[Key, int] | None:
        """Return sufficient sizes, grown from `sizes`; None if they would take as many bytes as `best`.

        Raises LatencyError.
        """
        grown = dict(sizes)
        for cut in self.cuts:
            if cut.concerns(period) and cut.breaks(grown):
                self._grow(grown, cut)
        cycles = self._deadlocks(grown) if period is None else self._slow_cycles(grown, period)
        for cuts in cycles:
            self.cuts += cuts
            for cut in cuts:
                if cut.breaks(grown):
                    self._grow(grown, cut)
            if best is not None and self._bytes(grown) >= self._bytes(best):
                return None
        return grown

    def _grow(self, sizes: dict[Key, int], cut: Cut) -> None:
        """Grow one buffer beyond the sizes listed in the cut: the buffer whose growth takes the fewest bytes."""

        def cost(key: Key) -> tuple[bool, int]:
            return self.choices[key].sram, (grown[key] - sizes[key]) * self.choices[key].row_bytes

        grown: dict[Key, int] = {}
        for key, broken in cut.broken.items():
            grown[key] = sizes[key] + 1
            while grown[key] in broken or not self.choices[key].can_have(grown[key]):
                grown[key] += 1
        key = min(grown, key=cost)
        sizes[key] = grown[key]

    def _deadlocks(self, sizes: dict[Key, int]) -> Iterator[list[Cut]]:
        """Run the network. At each deadlock, yield the cycle, and continue with `sizes` as they are afterwards."""
        sizing, run, core = self.sizing, None, None
        while True:
            if run is None:
                run = UntimedRun(sizing.actors(sizes), INFERENCES_TO_LIVE)
                self.work += INFERENCES_TO_LIVE * sum(
                    state.actor.iterations for state in run.states.values()
                )
            try:
                run.run_all()
                return
            except DeadlockError as deadlock:
                cut = self._cut(_cycle(run, core), sizes, None)
                if not cut.broken:
                    raise deadlock  # no buffer is to blame: the data dependences are circular
            before = dict(sizes)
            yield [cut]
            self.work += _PER_TURN
            grown = [key for key in sizes if sizes[key] != before[key]]
            edges = [edge for key in grown for edge in sizing.buffers[key].edges]
            writers = dict.fromkeys(writer for writer, _ in edges)
            core = next(iter(writers))
            if all(self._in_order(key) for key in grown):
                run.allow({writer: sizing.actor(writer, sizes) for writer in writers})
            else:  # iterations that have run might have had to wait
                run = None

    def _in_order(self, key: Key) -> bool:
        """Return True if a larger buffer never waits longer than a smaller one."""
        edges = self.sizing.buffers[key].edges
        return all(self.sizing.rings[key[0], *edge].in_order for edge in edges)

    def _slow_cycles(self, sizes: dict[Key, int], period: int) -> Iterator[list[Cut]]:
        """Search for a periodic schedule. Yield each cycle that is too slow, and continue with the changed `sizes`."""
        search = None
        while True:
            actors = self.sizing.actors(sizes)
            search = PeriodicSearch(actors, period, search and search.starts, search)
            try:
                search.run()
                return
            except InfeasiblePeriodError as error:
                if error.delay > _MOST_IN_FLIGHT * period:
                    delay, interval = map(self.sizing.in_cycles, (error.delay, period))
                    raise LatencyError(self.sizing.pipeline, delay, interval) from None
                cut = self._cut_of(error, sizes, period)
            finally:
                self.work += search.work
            assert cut.broken, "without bounds there is a schedule"
            yield [cut]

    def _cut_of(self, error: InfeasiblePeriodError, sizes: Sizes, period: int) -> Cut:
        """Return the cut of a cycle that is too slow. Its slack lets the waits become shorter."""
        links = [link for link in error.links if link.dependence.kind is DependenceKind.WAR]
        slack = (error.delay - period * error.tokens - 1) // max(1, len(links))
        wars = [
            _CreditWait(
                link.dependence.array,
                link.waiter,
                link.dependence.source,
                link.target,
                link.event,
                link.lead,
                self.sizing.costs[link.dependence.source].pace.slower(self.sizing.ticks),
                slack,
                self.sizing.in_turn(link.dependence.source),
            )
            for link in links
        ]
        if error.tokens == 0:
            return self._cut(wars, sizes, None)
        below = period + 1 if slack else -(-error.delay // error.tokens)
        return self._cut(wars, sizes, below)

    def _cut(self, wars: Sequence[_CreditWait], sizes: Sizes, below: int | None) -> Cut:
        """Return the cut of a cycle with these waits for room."""
        broken: dict[Key, Collection[int]] = {}
        for war in wars:
            key = self.sizing.keys[war.edge]
            with_it = self._broken(war, sizes[key])
            broken[key] = _both(broken[key], with_it) if key in broken else with_it
        return Cut(broken, below)

    def _broken(self, war: _CreditWait, size: int) -> Collection[int]:
        """Return the sizes of a ring with which a wait persists.

        If larger rings can have to wait longer, only sizes near the current one are tried.
        """
        ring = self.sizing.rings[war.edge]
        if not ring.in_order:
            tried = range(max(1, size - _WINDOW), size + _WINDOW)
            needs = np.array([ring.needs(n)[war.iteration] for n in tried])
            return frozenset(np.array(tried)[war.stays(needs)].tolist())
        most = max(2 * size, ring.rows)
        while (stays := war.stays(ring.needs_of(war.iteration, most)))[-1]:
            most *= 2
        return range(1, int(stays.argmin()) + 1)


def _both(one: Collection[int], other: Collection[int]) -> Collection[int]:
    """Return the common elements of two collections."""
    if isinstance(one, range) and isinstance(other, range):
        return min(one, other, key=len)
    return frozenset(one) & frozenset(other)


def _cycle(run: UntimedRun, core: CoreName | None) -> list[_CreditWait]:
    """Return the waits for room on a cycle of waiting cores in a stuck run; the search starts at `core`, if given."""
    if core is None or not run.exists(run.states[core].inference):
        core = next(name for name, state in run.states.items() if run.exists(state.inference))
    path: dict[CoreName, _CreditWait | None] = {}
    while core not in path:
        source, path[core] = _wait(run, core)
        core = source
    cores = list(path)
    wars = (path[name] for name in cores[cores.index(core) :])
    return [war for war in wars if war is not None]


def _wait(run: UntimedRun, core: CoreName) -> tuple[CoreName, _CreditWait | None]:
    """Return a core that a stuck core waits for, and the wait, or None for data. Missing data take precedence."""
    state = run.states[core]
    inference, iteration = divmod(state.done, state.actor.iterations)
    found = None
    for dependence, source in state.incoming:
        need = source.done - inference * source.actor.iterations
        if dependence.needs[iteration] >= need:
            if dependence.kind is DependenceKind.RAW:
                return source.actor.name, None
            war = _CreditWait(dependence.array, core, source.actor.name, iteration, need)
            found = source.actor.name, war
    assert found is not None, "it is stuck"
    return found
