"""Plans of copies and ways against all choices that there are."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cmir.analysis.copy_plan import (
    Budget,
    Division,
    PlanChoice,
    StageWork,
    cheapest,
    fastest,
    has_room,
    lower_bound,
)


@st.composite
def stage_works(draw: st.DrawFn) -> StageWork:
    """A stage on one core or two equal ones, divided into runs of equal units."""
    units, unit, parts = (draw(st.integers(1, most)) for most in (5, 3, 2))
    step, busy = Fraction(draw(st.integers(1, 4))), draw(st.sampled_from((0, 3, 10)))
    crossbars, most = (draw(st.integers(1, 3)), draw(st.integers(1, 4))) if busy else (0, 1)
    divisions: list[Division] = []
    for size in sorted({-(-units // copies) for copies in range(1, units + 1)}, reverse=True):
        copies, run = -(-units // size), size * unit
        cores = copies * parts
        figures = cores, cores * crossbars, run * step, Fraction(run * busy), most, [run] * copies
        divisions.append(Division("columns", copies, *figures))
    iterations = parts * units * unit
    return StageWork("s", divisions, iterations, step, busy, {"dpu": [int(step)]})


works = st.lists(stage_works(), min_size=1, max_size=3)
limits = st.none() | st.integers(1, 30)


def plans(stages: list[StageWork]) -> Iterator[tuple[Fraction, int, int]]:
    """Yield the interval, crossbars and cores of all choices of copies and ways."""
    each = [
        [
            (max(d.step, d.busy / ways), ways * d.crossbars, d.cores)
            for d in stage.divisions
            for ways in range(1, d.most + 1)
        ]
        for stage in stages
    ]
    for chosen in product(*each):
        interval, crossbars, cores = zip(*chosen, strict=True)
        yield max(interval), sum(crossbars), sum(cores)


def figures(chosen: list[PlanChoice]) -> tuple[Fraction, int, int]:
    return (
        max(choice.interval for choice in chosen),
        sum(choice.crossbars for choice in chosen),
        sum(choice.cores for choice in chosen),
    )


def within(plan: tuple[Fraction, int, int], budget: Budget) -> bool:
    _, crossbars, cores = plan
    return (budget.crossbars is None or crossbars <= budget.crossbars) and (
        budget.cores is None or cores <= budget.cores
    )


@settings(deadline=None, max_examples=150)
@given(works, limits, limits)
def test_shortest_interval_with_the_fewest_crossbars(
    stages: list[StageWork], crossbars: int | None, cores: int | None
) -> None:
    budget = Budget(crossbars, cores)
    expected = min((plan for plan in plans(stages) if within(plan, budget)), default=None)
    plan = fastest(stages, budget)
    assert (None if plan is None else (plan[0], *figures(plan[1])[1:])) == expected


@settings(deadline=None, max_examples=150)
@given(works, limits, limits, st.integers(1, 100))
def test_fewest_crossbars_for_an_interval(
    stages: list[StageWork], crossbars: int | None, cores: int | None, interval: int
) -> None:
    budget = Budget(crossbars, cores)
    enough = (plan[1:] for plan in plans(stages) if within(plan, budget) and plan[0] <= interval)
    chosen = cheapest(stages, Fraction(interval), budget)
    assert (None if chosen is None else figures(chosen)[1:]) == min(enough, default=None)


@settings(deadline=None, max_examples=100)
@given(works, limits, limits)
def test_no_division_into_whole_iterations_is_faster_than_the_bound(
    stages: list[StageWork], crossbars: int | None, cores: int | None
) -> None:
    """Every assignment of iterations to cores: only how many the busiest core has matters."""
    budget = Budget(crossbars, cores)
    plan = fastest(stages, budget)
    assume(plan is not None)
    assert plan is not None
    each: list[list[tuple[Fraction, int, int]]] = []
    for stage in stages:
        first, options = stage.divisions[0], list[tuple[Fraction, int, int]]()
        for number in range(first.cores, stage.iterations + 1):
            busiest = -(-stage.iterations // number)
            for ways in range(1, first.most + 1):
                of_one = max(stage.step, Fraction(stage.busy, ways))
                taken = number * ways * (first.crossbars // first.cores)
                options.append((busiest * of_one, taken, number))
        each.append(options)
    best = min(
        max(interval)
        for chosen in product(*each)
        for interval, taken, on in [zip(*chosen, strict=True)]
        if within((max(interval), sum(taken), sum(on)), budget)
    )
    bound = lower_bound(stages, budget, plan[0])
    assert bound <= best
    assert bound * Fraction(1002, 1000) >= best


@settings(deadline=None, max_examples=100)
@given(works, st.integers(1, 30), st.integers(1, 30), st.booleans(), st.booleans())
def test_a_larger_budget_is_never_slower(
    stages: list[StageWork], crossbars: int, cores: int, share: bool, more_cores: bool
) -> None:
    small = fastest(stages, Budget(crossbars, cores, 4, share))
    assume(small is not None)
    assert small is not None
    large = fastest(stages, Budget(crossbars + (not more_cores), cores + more_cores, 4, share))
    assert large is not None
    assert large[0] <= small[0]


def test_programs_that_share_cores_are_limited_by_what_all_of_them_do() -> None:
    alone = Division("columns", 1, 1, 0, Fraction(9), Fraction(0), 1, [9])
    divided = Division("columns", 9, 9, 0, Fraction(1), Fraction(0), 1, [1] * 9)
    stage = StageWork("s", [alone, divided], 9, Fraction(1), 0, {"dpu": [1]})
    both = [PlanChoice(alone, 1)] * 2
    assert fastest([stage, stage], Budget(cores=2, share=True)) == (9, both)
    assert fastest([stage, stage], Budget(cores=1, share=True)) == (18, both)
    assert cheapest([stage], Fraction(8), Budget(cores=1, share=True)) is None
    assert cheapest([stage], Fraction(9), Budget(cores=1, share=True)) is not None


def test_programs_share_a_core_of_which_nothing_is_limited() -> None:
    alone = Division("columns", 1, 1, 0, Fraction(9), Fraction(0), 1, [9])
    stage = StageWork("s", [alone], 9, Fraction(1), 0, {})
    budget = Budget(cores=1, share=True)
    assert has_room([stage] * 3, [PlanChoice(alone, 1)] * 3, Fraction(9), budget)
    assert has_room([], [], Fraction(1), budget)
