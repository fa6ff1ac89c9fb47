"""The smallest sizes of buffers with which a network runs, or runs at an interval.

Deadlock-free sizes let one inference complete from empty buffers; then any number does. Throughput-preserving sizes
have a periodic schedule of an interval λ (`cmir.timing.periodic`), as a rule that of the busiest core.

Sizes that do not suffice show a cycle of waits: cores that wait for each other for ever, or a cycle that takes longer
than λ. With other sizes the cycle stays if each of its waits for room is for the same iteration or a later one. So for
each of its buffers it gives the sizes with which the wait stays, and one of the buffers must have another size (`Cut`).
The search alternates between two steps:

- Find the cheapest sizes with which no known cycle stays (`cmir.analysis.size_cover`). No sizes that suffice take
  less.
- From there, let buffers grow until no cycle is left. These sizes suffice, and the cycles on the way are new cuts.

It ends when the two meet, or when its work, which is counted, exceeds a limit; then the gap is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cmir.analysis.size_cover import CoreSram, Cut, Key, SizeChoice, Sizes, cheapest
from cmir.analysis.sizing import INFERENCES_TO_LIVE, Edge, Sizing
from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.timing.periodic import InfeasiblePeriodError, PeriodicSearch
from cmir.timing.recurrence import DeadlockError, Recurrence

_WORK = 50_000_000
"""Iterations that a search may look at after it has found its first sizes: some two seconds."""

_WORK_TO_FIT = 5_000_000
"""The same where any sizes will do that fit the SRAM."""

_COVER_WORK = 25_000_000
"""Iterations that take as long as a second of CP-SAT's deterministic time."""

_COVER_LIMIT = 1.0
"""The most deterministic time of one covering problem, in seconds."""

_PER_TURN = 1000
"""Iterations that take as long to look at as a turn of a core takes without them."""

_WINDOW = 64
"""Sizes above and below the present one that are tried where a larger ring may have to wait longer."""


@dataclass(frozen=True)
class SizeSolution:
    """Sizes that suffice. sram_bytes: of all cores. bound: no sizes that suffice take fewer bytes."""

    sizes: dict[Key, int]
    sram_bytes: int
    bound: int

    @property
    def smallest(self) -> bool:
        """True if no sizes that suffice take fewer bytes."""
        return self.sram_bytes == self.bound


@dataclass(frozen=True)
class _CreditWait:
    """A wait for room on a cycle: iteration `iteration` of `writer` waits for `reader` to be done with `array`.

    need: the cycle stays if the wait is for this iteration of the reader, counted from the same inference, or a later
    one. lead: it also stays if the wait is for one of so many iterations before, each of which takes `interval` cycles
    off the cycle, and not more than `slack` in all.
    """

    array: str
    writer: CoreName
    reader: CoreName
    iteration: int
    need: int
    lead: int = 0
    interval: int = 1
    slack: int = 0

    @property
    def edge(self) -> Edge:
        return self.array, self.writer, self.reader

    def stays(self, needs: np.ndarray) -> np.ndarray:
        """Return True for the needs with which the cycle stays."""
        less = self.need - needs
        return (less <= 0) | ((less <= self.lead) & (less * self.interval <= self.slack))


class SizeSearch:
    """Searches for the sizes of the buffers of a network; they share the cycles that they have found."""

    def __init__(self, sizing: Sizing):
        self.sizing, self.work = sizing, 0
        self.cuts: list[Cut] = []
        self.choices = {
            key: SizeChoice(
                buffer.least,
                buffer.can_have,
                buffer.row_bytes * len(sizing.footprints[buffer.reader].cores),
                sizing.stages[buffer.reader].gcu is None,
            )
            for key, buffer in sizing.buffers.items()
        }
        self._least = {key: choice.least for key, choice in self.choices.items()}
        self._found: dict[int | None, SizeSolution] = {}

    def live(self) -> SizeSolution:
        """Return the smallest sizes found that are deadlock-free. Raises DeadlockError where no sizes help."""
        return self._unlimited(None)

    def lossless(self, interval: int | None = None) -> SizeSolution:
        """Sizes with a steady-state interval of at most `interval`; without it, of the interval without bounds."""
        return self._unlimited(max(interval or 0, self.sizing.interval))

    def _unlimited(self, period: int | None) -> SizeSolution:
        """Sizes for an interval, whether they fit or not; None for any interval."""
        if period not in self._found:
            found = self._search(period)
            assert found is not None, "without bounds there is a schedule"
            self._found[period] = found
        return self._found[period]

    def fitting(self) -> tuple[int, SizeSolution]:
        """Return the shortest interval for which sizes are found that fit the SRAM of all cores, and such sizes.

        By bisection, to a hundredth. Deadlock-free sizes where not even these fit.
        """
        fastest, found = self.sizing.interval, self.lossless()
        if not self.sizing.fits(found.sizes):
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
        """Sizes for an interval, None for any interval; None if there are none, or none are found.

        fit: they must fit the SRAM of cores. first: those found first will do. known: sizes that suffice, and fit.
        """
        begun, best = self.work, known
        best = self._better(best, self._repaired(self._least, period), fit)
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
        """Return the smaller of two sufficient sizes, among those that fit where they must."""
        if other is None or (fit and not self.sizing.fits(other)):
            return best
        return other if best is None or self._bytes(other) < self._bytes(best) else best

    def _bytes(self, sizes: Sizes) -> int:
        """SRAM bytes of all cores."""
        return sum(self.sizing.sram_bytes(sizes).values())

    def _rooms(self) -> list[CoreSram]:
        """Return the SRAM of a core of each stage. Cores of a stage have the same buffers."""
        sizing, sram = self.sizing, self.sizing.hardware.core.sram_bytes
        if sram is None:
            return []
        taken = sizing.sram_bytes({})
        return [
            CoreSram(
                {key: b.row_bytes for key, b in sizing.buffers.items() if b.reader == name},
                sram - taken[sizing.footprints[name].cores[0]],
            )
            for name, stage in sizing.stages.items()
            if stage.gcu is None
        ]

    def _repaired(
        self, sizes: Sizes, period: int | None, best: Sizes | None = None
    ) -> dict[Key, int] | None:
        """Sizes that suffice, grown from `sizes`; None if they would take as much as `best`."""
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
        """Let that buffer grow beyond the sizes that the cut lists which takes the fewest bytes more."""

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
        """Run the network; where it deadlocks, give a cycle, and go on with what `sizes` then are."""
        sizing, run, core = self.sizing, None, None
        while True:
            if run is None:
                run = Recurrence(sizing.actors(sizes), INFERENCES_TO_LIVE)
                self.work += sum(state.total for state in run.states.values())
            try:
                run.run()
                return
            except DeadlockError as deadlock:
                cut = self._cut(_cycle(run, core), sizes, None)
                if not cut.broken:
                    raise deadlock  # no buffer is to blame: data itself is needed in a circle
            before = dict(sizes)
            yield [cut]
            self.work += _PER_TURN
            grown = [key for key in sizes if sizes[key] != before[key]]
            edges = [edge for key in grown for edge in sizing.buffers[key].edges]
            writers = dict.fromkeys(writer for writer, _ in edges)
            core = next(iter(writers))
            if all(self._in_order(key) for key in grown):
                run.allow({writer: sizing.actor(writer, sizes) for writer in writers})
            else:  # what has run might have had to wait
                run = None

    def _in_order(self, key: Key) -> bool:
        """Return True if a larger buffer never makes anything wait longer."""
        edges = self.sizing.buffers[key].edges
        return all(self.sizing.rings[key[0], *edge].in_order for edge in edges)

    def _slow_cycles(self, sizes: dict[Key, int], period: int) -> Iterator[list[Cut]]:
        """Look for a periodic schedule; where a cycle is too slow, give it, and go on with what `sizes` then are."""
        search = None
        while True:
            actors = self.sizing.actors(sizes)
            search = PeriodicSearch(actors, period, search and search.starts, search)
            try:
                search.run()
                return
            except InfeasiblePeriodError as error:
                cut = self._cut_of(error, sizes, period)
            finally:
                self.work += search.work
            assert cut.broken, "without bounds there is a schedule"
            yield [cut]

    def _cut_of(self, error: InfeasiblePeriodError, sizes: Sizes, period: int) -> Cut:
        """Return the cut of a cycle that is too slow. Its waits may become shorter by what it has to spare."""
        links = [link for link in error.links if link.dependence.kind is DependenceKind.WAR]
        slack = (error.delay - period * error.tokens - 1) // max(1, len(links))
        wars = [
            _CreditWait(
                link.dependence.array,
                link.waiter,
                link.dependence.source,
                link.target,
                int(link.dependence.needs[link.target]),
                link.lead,
                self.sizing.costs[link.dependence.source].interval,
                slack,
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
        """Return the sizes of a ring with which a wait stays.

        Where larger rings may wait longer, those near the present.
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


def _cycle(run: Recurrence, core: CoreName | None) -> list[_CreditWait]:
    """Return the waits for room of a cycle in which cores of a stuck run wait; core: one from which to look for it."""
    if core is None or run.states[core].done == run.states[core].total:
        core = next(name for name, state in run.states.items() if state.done < state.total)
    path: dict[CoreName, _CreditWait | None] = {}
    while core not in path:
        source, path[core] = _wait(run, core)
        core = source
    cores = list(path)
    wars = (path[name] for name in cores[cores.index(core) :])
    return [war for war in wars if war is not None]


def _wait(run: Recurrence, core: CoreName) -> tuple[CoreName, _CreditWait | None]:
    """Return a core that a stuck one waits for, and the wait if it is for room; for data, if that is missing too."""
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
