"""Slots of tables: windows, delays and splits against their definitions, cycle by cycle."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmir.cost.firing import Firing, FiringStep, Matrix
from cmir.cost.program_cost import Cost, firing_cost, uses_of
from cmir.cost.slots import apportion, divided, table
from cmir.hardware.description import Hardware

Counts = tuple[tuple[int, ...], int]


@st.composite
def counts_and_size(draw: st.DrawFn) -> Counts:
    """Numbers of slots of several uses, and the size of a table that has at least as many."""
    counts = draw(st.lists(st.integers(1, 12), min_size=1, max_size=6))
    return tuple(counts), sum(counts) + draw(st.integers(0, 20))


@given(counts_and_size())
def test_tables_give_each_use_its_slots_in_their_windows(given: Counts):
    counts, size = given
    places = table(counts, size)
    taken = [place for mine in places for place in mine]
    assert len(set(taken)) == len(taken) == sum(counts)
    for count, mine in zip(counts, places, strict=True):
        for k, place in enumerate(mine):
            assert k * size // count <= place < -(-(k + 1) * size // count) <= size


def served(places: list[int], size: int, begin: int, work: int) -> int:
    """The cycle after the one in which a request that arrives at `begin` has got `work` slots, alone."""
    cycle = begin
    while work:
        work -= cycle % size in places
        cycle += 1
    return cycle


@given(counts_and_size())
def test_delays_are_the_worst_of_all_phases_and_amounts(given: Counts):
    counts, size = given
    for slots, mine in zip(divided(counts, size), table(counts, size), strict=True):
        late = [
            served(mine, size, begin, work) - begin - slots.interval(work)
            for begin, work in product(range(size), range(1, 2 * slots.count + 1))
        ]
        assert slots.delay == max(late) <= -(-size // slots.count)


def test_all_slots_are_all_cycles():
    (slots,) = divided((7,), 7)
    assert (slots.delay, slots.interval(5), slots.latency(5)) == (0, 5, 5)


@given(counts_and_size(), st.data())
def test_streams_of_requests_are_done_in_time(given: Counts, data: st.DataObject):
    """Requests at least ⌈bF/s⌉ apart, or earlier than that: each is done ⌈bF/s⌉ + Θ after the time when it was due."""
    counts, size = given
    use = data.draw(st.integers(0, len(counts) - 1))
    slots, mine = divided(counts, size)[use], table(counts, size)[use]
    work = data.draw(st.integers(1, 9))
    due = free = data.draw(st.integers(0, size))
    for _ in range(20):
        arrived = max(0, due - data.draw(st.integers(0, 3 * size)))
        free = served(mine, size, max(arrived, free), work)
        assert free <= due + slots.latency(work)
        due += slots.interval(work) + data.draw(st.integers(0, 5))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 8))
def test_splits_make_the_slowest_use_fastest(cycles: list[int], more: int):
    slots = len(cycles) + more
    found = apportion(slots, cycles)
    assert sum(found) == slots and min(found) >= 1

    def slowest(counts: tuple[int, ...] | list[int]) -> Fraction:
        return max(Fraction(b, n) for b, n in zip(cycles, counts, strict=True))

    ways = product(range(1, slots + 1), repeat=len(cycles))
    assert slowest(found) == min(slowest(way) for way in ways if sum(way) == slots)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 20), st.integers(0, 9))
def test_enough_slots_for_an_interval_are_enough_when_split(
    cycles: list[int], size: int, more: int
):
    """The fewest slots with which each use by itself is as fast as a target, added up, are enough for all."""
    target = max(cycles) + more
    enough = [-(-b * size // target) for b in cycles]
    found = apportion(sum(enough), cycles)
    assert all(-(-b * size // n) <= target for b, n in zip(cycles, found, strict=True))


MACHINE = Hardware.load("puma").replace(core__product_issue_cycles=3)

FIRING = Firing(
    (
        FiringStep("load", 576),
        FiringStep("load", 64),
        FiringStep("product", 64, after=(0,)),
        FiringStep("vector", 64, after=(1, 2)),
        FiringStep("vector", 64, after=(3,)),
        FiringStep("store", 64, after=(4,), arrays=("y",)),
        FiringStep("store", 32, after=(4,), arrays=("z",)),
    ),
    (Matrix(64, 576),),
)
"""A convolution with partial sums, a summand and an activation, that stores to two arrays."""


def test_uses_add_up_to_busy_cycles():
    cost = firing_cost(FIRING, MACHINE)
    uses = uses_of(FIRING, MACHINE)
    busy = {name: cycles for name, cycles in cost.busy.items() if name != "crossbar"}
    assert {name: sum(cycles) for name, cycles in uses.items()} == busy
    assert list(map(len, (uses["dpu"], uses["sram"], uses["link"]))) == [3, 2, 2]


def of(counts: dict[str, list[int]], size: int) -> Cost:
    slots = {name: divided((*each, size - sum(each)), size) for name, each in counts.items()}
    return firing_cost(FIRING, MACHINE, slots=slots)


def test_each_use_takes_its_slots():
    """By hand: each use in an iteration takes ⌈bF/s⌉ and is done Θ later, and the next steps begin then."""
    size = 20
    counts = {"sram": [5, 3], "dpu": [4, 2, 2], "link": [6, 5], "issue": [7]}
    cost, alone, uses = of(counts, size), firing_cost(FIRING, MACHINE), uses_of(FIRING, MACHINE)
    slots = {name: divided((*each, size - sum(each)), size) for name, each in counts.items()}
    interval = {
        name: max(s.interval(b) for b, s in zip(uses[name], slots[name], strict=False))
        for name in uses
        if name in slots
    }
    assert cost.busy == {**interval, "crossbar": alone.busy["crossbar"]}
    assert cost.interval == max(cost.busy.values())
    assert (cost.energy, cost.crossbars) == (alone.energy, alone.crossbars)
    core = MACHINE.core

    def done(name: str, number: int, more: int = 0) -> int:
        return slots[name][number].latency(uses[name][number]) + more

    parts = 5
    loaded = [done("sram", k, core.sram_latency) for k in (0, 1)]
    issued = slots["issue"][0].latency(3 * (parts - 1) + 1) - 1
    crossbar = MACHINE.crossbar
    product_ = alone.busy["crossbar"] + crossbar.pipeline_cycles
    summed = loaded[0] + issued + product_ + done("dpu", 0, core.vector_latency)
    added = max(summed, loaded[1]) + done("dpu", 1, core.vector_latency)
    activated = added + done("dpu", 2, core.vector_latency)
    assert cost.latency == activated + max(done("link", 0), done("link", 1))


def test_all_slots_cost_what_no_table_costs():
    """One use of each resource with all of its slots."""
    steps = (
        FiringStep("load", 576),
        FiringStep("vector", 64, after=(0,)),
        FiringStep("store", 64, after=(1,)),
    )
    firing = Firing(steps)
    slots = {name: divided((9,), 9) for name in ("sram", "dpu", "link")}
    assert firing_cost(firing, MACHINE, slots=slots) == firing_cost(firing, MACHINE)


def test_results_for_the_core_itself_use_no_link():
    cost = firing_cost(FIRING, MACHINE, staying={"y"})
    assert cost.busy["link"] == uses_of(FIRING, MACHINE)["link"][1]
    assert firing_cost(FIRING, MACHINE, staying={"y", "z"}).busy["link"] == 0
    assert uses_of(FIRING, MACHINE, staying={"y", "z"}).get("link") is None


@pytest.mark.parametrize("field", ["sram_port_bytes", "vector_lanes", "product_issue_cycles"])
@given(st.integers(1, 20), st.data())
def test_a_faster_resource_with_the_same_slots_is_no_slower(field: str, value: int, data: Any):
    size = 24
    counts = {
        name: [data.draw(st.integers(1, 6)) for _ in range(number)]
        for name, number in (("sram", 2), ("dpu", 3), ("link", 2), ("issue", 1))
    }
    slots = {name: divided(tuple(each), size) for name, each in counts.items()}
    slower, faster = value, value + 1
    if field == "product_issue_cycles":
        slower, faster = faster, slower
    costs = [
        firing_cost(FIRING, replace(MACHINE, core=replace(MACHINE.core, **{field: n})), slots=slots)
        for n in (slower, faster)
    ]
    assert costs[1].latency <= costs[0].latency and costs[1].interval <= costs[0].interval
