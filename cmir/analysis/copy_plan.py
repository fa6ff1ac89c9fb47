"""Copies and ways of all stages: the fewest crossbars for an interval, and the shortest interval for a budget.

A stage is divided among copies, cores that each run a part of its iterations, and each core may hold its matrices in
several ways (`cmir.cost.pace`). With the iterations N of the busiest copy, an inference takes

    max(N·step, N·busy / ways)   cycles

where `busy` is the time of the crossbars for an iteration, and `step` that of its busiest other resource. Stages choose
independently of each other but for the crossbars and cores that they share, a multiple-choice knapsack problem. Cores
are few, so that dynamic programming over their number solves it exactly; an interval that suffices stays sufficient
when it grows, so that the shortest one is found by bisection over the intervals that choices can have.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from cmir.cost.slots import TABLE_SLOTS, slots_needed
from cmir.placement.packing import first_fit

_CLOSE = Fraction(1001, 1000)
"""Factor between the lower bound and an interval that it is not shown to exclude."""


@dataclass(frozen=True)
class Division:
    """A stage divided among copies.

    by: how iterations are divided. cores: of all copies. crossbars: of all copies, with one way. step, busy: cycles for
    which the busiest copy keeps its crossbars busy in an inference with one way, and its busiest other resource. most:
    the number of ways that a core has crossbars for. iterations: of each copy.
    """

    by: str
    copies: int
    cores: int
    crossbars: int
    step: Fraction
    busy: Fraction
    most: int
    iterations: Sequence[int]

    def interval(self, ways: int) -> Fraction:
        """Return the cycles that the busiest copy takes for an inference."""
        return max(self.step, self.busy / ways)

    def ways(self, interval: Fraction) -> int | None:
        """Return the fewest ways for an interval; None if there are none."""
        if self.step > interval:
            return None
        ways = max(1, ceil(self.busy / interval)) if self.busy else 1
        return ways if ways <= self.most else None

    def intervals(self) -> Iterator[Fraction]:
        """Yield the intervals with all numbers of ways."""
        for ways in range(1, self.most + 1):
            yield self.interval(ways)
            if self.busy <= ways * self.step:
                return


@dataclass(frozen=True)
class StageWork:
    """A stage, the ways to divide it, and what it takes of the chip in an inference, however it is divided.

    divisions: the first is the stage as it is; of equal ones, an earlier one is preferred. iterations: on all cores.
    step, busy: cycles of an iteration, as in `Division`. uses: cycles of each use of a resource that programs of a core
    divide, in an iteration. fewest: number of copies that it must have.
    """

    name: str
    divisions: Sequence[Division]
    iterations: int
    step: Fraction
    busy: int
    uses: Mapping[str, Sequence[int]]
    fewest: int = 1

    @property
    def cycles(self) -> dict[str, int]:
        """Busy cycles of each resource that programs divide, summed over all iterations."""
        return {name: self.iterations * sum(own) for name, own in self.uses.items()}

    @property
    def each(self) -> int:
        """Crossbars of a core with one way."""
        return self.divisions[0].crossbars // self.divisions[0].cores

    def whole(self, interval: Fraction) -> list[tuple[int, int]]:
        """Return pairs of crossbars and cores, of which any division into whole iterations takes one at least.

        For each number of ways, a core runs as many iterations as `interval` has room for.
        """
        least, most = self.divisions[0].cores, self.divisions[0].most
        pairs: list[tuple[int, int]] = []
        for ways in range(1, most + 1):
            of_one = max(self.step, Fraction(self.busy, ways))
            run = interval // of_one
            if run:
                cores = max(least, -(-self.iterations // run))
                pairs.append((cores * ways * self.each, cores))
            if self.busy <= ways * self.step:
                break
        return pairs


@dataclass(frozen=True)
class Budget:
    """What a plan may take; None where there is no limit.

    each: crossbars of a core. share: several programs may run on a core. The number of copies is not limited by that of
    the cores then, but what they do together is.
    """

    crossbars: int | None = None
    cores: int | None = None
    each: int | None = None
    share: bool = False


@dataclass(frozen=True)
class PlanChoice:
    """The division of a stage, and its ways."""

    division: Division
    ways: int

    @property
    def crossbars(self) -> int:
        return self.ways * self.division.crossbars

    @property
    def cores(self) -> int:
        return self.division.cores

    @property
    def interval(self) -> Fraction:
        """Cycles that the busiest copy takes for an inference."""
        return self.division.interval(self.ways)


def cheapest(
    stages: Sequence[StageWork], interval: Fraction, budget: Budget
) -> list[PlanChoice] | None:
    """Return choices with which no stage takes longer than `interval`: the fewest crossbars, then the fewest cores.

    None if there are none within the budget.
    """
    options = [choices_for(stage, interval) for stage in stages]
    pairs = [[(choice.crossbars, choice.cores) for choice in each] for each in options]
    found = _choose(pairs, stages, interval, budget)
    return None if found is None else [each[k] for each, k in zip(options, found, strict=True)]


def _choose(
    options: Sequence[Sequence[tuple[int, int]]],
    stages: Sequence[StageWork],
    interval: Fraction,
    budget: Budget,
) -> list[int] | None:
    """Return the position of a pair (crossbars, cores) for each stage that together take the fewest; None if too many.

    options: pairs with increasing crossbars and decreasing cores.
    """
    if not all(options):
        return None
    if budget.share or budget.cores is None:
        chosen = [0] * len(options)
    else:
        found = _with_cores(options, budget.cores)
        if found is None:
            return None
        chosen = found
    crossbars = sum(each[k][0] for each, k in zip(options, chosen, strict=True))
    if budget.crossbars is not None and crossbars > budget.crossbars:
        return None
    if budget.share and not _can_share(stages, interval, crossbars, budget):
        return None
    return chosen


def has_room(
    stages: Sequence[StageWork],
    chosen: Sequence[PlanChoice],
    interval: Fraction,
    budget: Budget,
    sram: tuple[int, Sequence[int]] | None = None,
) -> bool:
    """Return True if copies that share cores are known to fit them, with slots by which none takes longer than λ.

    interval: λ. sram: bytes of a core, and of the buffers of a copy of each stage.
    """
    if budget.cores is None:
        return True
    room, buffers = sram or (None, [0] * len(stages))
    kinds = [
        (stage, choice, taken, iterations, count * choice.cores // choice.division.copies)
        for stage, choice, taken in zip(stages, chosen, buffers, strict=True)
        for iterations, count in Counter(choice.division.iterations).items()
    ]
    resources = sorted({name for stage in stages for name in stage.uses})
    limits = [budget.each, room, *[TABLE_SLOTS] * len(resources)]
    sizes = [
        [
            choice.crossbars // choice.cores,
            taken,
            *(
                slots_needed(stage.uses.get(name, ()), ceil(interval) // max(1, n), TABLE_SLOTS)
                for name in resources
            ),
        ]
        for stage, choice, taken, n, _ in kinds
    ]
    limited = [k for k, most in enumerate(limits) if most is not None]
    capacities = [most for most in limits if most is not None]
    counts = [count for *_, count in kinds]
    table = np.array(sizes, np.int64).reshape(len(kinds), len(limits))
    return first_fit(table[:, limited], counts, capacities, budget.cores)


def fastest(
    stages: Sequence[StageWork], budget: Budget
) -> tuple[Fraction, list[PlanChoice]] | None:
    """Return the shortest interval within the budget, and its choices: the fewest crossbars, then the fewest cores.

    With shared cores, the interval can be longer than that of each choice, and is the shortest at which `has_room` is
    true, but for 1 %. None if the budget is too small for every interval.
    """
    bound = least_interval(stages, budget)
    if bound is None:
        return None
    each = (division.intervals() for stage in stages for division in stage.divisions)
    found = {interval for intervals in each for interval in intervals if interval >= bound}
    if budget.share:  # slots get larger with the interval, whatever the choices are
        found.update(n for n in _rising(longest_shared(stages)) if n >= bound)
    candidates = sorted(found)
    at = bisect_left(
        candidates, True, key=lambda interval: cheapest(stages, interval, budget) is not None
    )
    for interval in candidates[at:]:
        chosen = cheapest(stages, interval, budget)
        assert chosen is not None, "a longer interval takes no more"
        if not budget.share or has_room(stages, chosen, interval, budget):
            return interval, chosen
    return None


def _rising(last: Fraction) -> Iterator[Fraction]:
    """Yield whole numbers up to the last, each at most 1 % larger than the one before, or by 1."""
    number = 1
    while number <= last:
        yield Fraction(number)
        number = max(number + 1, number * 101 // 100)


def longest_shared(stages: Sequence[StageWork]) -> Fraction:
    """Return an interval at which one slot suffices for each use of a resource: a longer one gives no more room."""
    uses = [
        stage.iterations * cycles
        for stage in stages
        for own in stage.uses.values()
        for cycles in own
    ]
    alone = (stage.divisions[0].interval(1) for stage in stages)
    return max([Fraction(TABLE_SLOTS * max(uses, default=0)), *alone])


def lower_bound(stages: Sequence[StageWork], budget: Budget, reached: Fraction) -> Fraction:
    """Return a lower bound of the interval within the budget, whatever iterations each copy runs.

    reached: an interval that can be reached. The bound is that of copies which run whole iterations, found by bisection
    to a thousandth.
    """
    low, high = least_interval(stages, budget) or Fraction(0), reached
    while high > low * _CLOSE:
        middle = (low + high) / 2
        options = [_best(stage.whole(middle)) for stage in stages]
        if _choose(options, stages, middle, budget) is None:
            low = middle
        else:
            high = middle
    return low


def least_interval(stages: Sequence[StageWork], budget: Budget) -> Fraction | None:
    """Return a lower bound of the interval: the budget suffices on average. None if nothing is within it.

    No stage is faster than one of its iterations with all ways. An interval λ takes at least max(x, x·N·busy / λ)
    crossbars for a stage of x crossbars, and max(p, N·step / λ) cores for one on p cores, with the iterations N of all
    of its copies. With shared cores, no resource may be busy for longer than λ on the average of the cores.
    """
    fastest_each = [
        max(stage.step, Fraction(stage.busy, stage.divisions[0].most)) for stage in stages
    ]
    bounds: list[Fraction | None] = [*fastest_each]
    if budget.crossbars is not None:
        needs = [
            (stage.divisions[0].crossbars, stage.iterations * stage.busy * stage.each)
            for stage in stages
        ]
        bounds.append(_shortest(needs, budget.crossbars))
    if budget.cores is not None and not budget.share:
        needs = [
            (stage.divisions[0].cores, stage.iterations * of_one)
            for stage, of_one in zip(stages, fastest_each, strict=True)
        ]
        bounds.append(_shortest(needs, budget.cores))
    elif budget.cores is not None:
        bounds += [Fraction(cycles, budget.cores) for cycles in _totals(stages).values()]
    if None in bounds:
        return None
    return max((bound for bound in bounds if bound is not None), default=Fraction(0))


def _shortest(needs: Sequence[tuple[int, Fraction | int]], available: int) -> Fraction | None:
    """Return the least λ with Σ max(least, work / λ) ≤ available, over pairs (least, work); None if there is none."""
    rest = available - sum(least for least, _ in needs)
    if rest < 0:
        return None
    # Those with the most work for what they have at least need more than that at the longest intervals.
    ordered = sorted(
        ((Fraction(work) / least, least, work) for least, work in needs if least), reverse=True
    )
    total, room = Fraction(0), rest
    for longest, least, work in ordered:
        if room and total / room >= longest:
            break
        total, room = total + work, room + least
    return total / room if room else total


def choices_for(stage: StageWork, interval: Fraction) -> list[PlanChoice]:
    """Return the choices of a stage for an interval: none takes as many crossbars and as many cores as another."""
    found = [
        PlanChoice(division, ways)
        for division in stage.divisions
        if division.copies >= stage.fewest and (ways := division.ways(interval)) is not None
    ]
    found.sort(key=lambda choice: (choice.crossbars, choice.cores))
    kept = _best([(choice.crossbars, choice.cores) for choice in found])
    return [next(c for c in found if (c.crossbars, c.cores) == pair) for pair in kept]


def _best(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the pairs (crossbars, cores) of which no other one has as few of both, with increasing crossbars."""
    best: list[tuple[int, int]] = []
    for pair in sorted(pairs):
        if not best or pair[1] < best[-1][1]:
            best.append(pair)
    return best


def _with_cores(options: Sequence[Sequence[tuple[int, int]]], cores: int) -> list[int] | None:
    """Return the position of a pair for each stage on at most `cores` cores: the fewest crossbars, then cores."""
    none = np.iinfo(np.int64).max // 2
    least = np.zeros(
        cores + 1, np.int64
    )  # crossbars of the stages so far, by the cores they may use
    steps: list[np.ndarray] = []
    for pairs in options:
        table = np.full((len(pairs), cores + 1), none)
        for k, (crossbars, taken) in enumerate(pairs):
            if taken <= cores:
                table[k, taken:] = least[: cores + 1 - taken] + crossbars
        steps.append(table.argmin(axis=0))
        least = np.minimum(table.min(axis=0), none)
    if least[cores] >= none:
        return None
    at, chosen = int((least == least[cores]).argmax()), list[int]()
    for pairs, step in zip(reversed(options), reversed(steps), strict=True):
        chosen.append(int(step[at]))
        at -= pairs[chosen[-1]][1]
    return chosen[::-1]


def _totals(stages: Sequence[StageWork]) -> Counter[str]:
    total: Counter[str] = Counter()
    for stage in stages:
        total.update(stage.cycles)
    return total


def _can_share(
    stages: Sequence[StageWork], interval: Fraction, crossbars: int, budget: Budget
) -> bool:
    """Return True if cores that several programs share have room for what all of them do together."""
    if budget.cores is None:
        return True
    if budget.each is not None and crossbars > budget.cores * budget.each:
        return False
    most = max(_totals(stages).values(), default=0)
    return most <= budget.cores * interval
