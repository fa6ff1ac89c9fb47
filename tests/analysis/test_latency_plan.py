"""Plans for a short latency, and the model of the latency that they use, against the recurrence."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from analysis.test_copy_plan import stage_works
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import Builder, compile_network

from cmir.analysis.copy_plan import Budget, StageWork, fastest
from cmir.analysis.flow import Flow, Wait
from cmir.analysis.latency_plan import latency_of, quicker
from cmir.analysis.sizing import Sizing
from cmir.hardware.description import Hardware
from cmir.timing.network import TimedNetwork


@pytest.mark.parametrize("lanes", [None, 1])
@pytest.mark.parametrize("cycles", [1, 40])
def test_the_model_against_the_recurrence(cycles: int, lanes: int | None) -> None:
    """Stages run evenly in the model, and with whole arrays in buffers almost so in the recurrence."""
    b = Builder(2, 24, 24)
    x = b.relu(b.conv("x", 3, 3, pads=1))
    y = b.conv(b.relu(b.conv(x, 3, 3, pads=1)), 3, 3, pads=1)
    compiled = compile_network(b.model(b.pool(b.relu(b.add(x, y)))))
    hardware = Hardware.load("ideal").replace(
        crossbar__phase_cycles=cycles, core__crossbars=9, core__vector_lanes=lanes
    )
    timed = TimedNetwork.of(compiled.network, hardware)
    flow = Flow.of(Sizing(compiled.pipeline, hardware))
    cores = {core.program: core for core in timed.network.single_cores}
    durations = [
        float(timed.costs[core].pace.cycles(timed.network.single_cores[core].iterations))
        for core in map(cores.__getitem__, flow.stages)
    ]
    model = flow.latency(np.array(durations)[:, None])[0]
    assert model == pytest.approx(timed.time(1).inference_latency, rel=0.05)


def test_a_stage_that_waits_for_everything() -> None:
    """Half of the second stage may run when the first one ends, so that it takes half of its time after that."""
    waits = Wait(0, np.array([1 / 4, 1.0]), np.array([0.0, 1 / 2]))
    flow = Flow(["a", "b"], [3, 5], [[], [waits]])
    durations = np.array([[100.0, 100.0], [40.0, 400.0]])
    assert flow.latency(durations).tolist() == [100 + 3 + 20 + 5, 25 + 3 + 400 + 5]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(stage_works(), min_size=1, max_size=3),
    st.integers(1, 40),
    st.integers(1, 40),
    st.booleans(),
    st.data(),
)
def test_no_longer_and_within_the_budget(
    drawn: list[StageWork], crossbars: int, cores: int, share: bool, data: st.DataObject
) -> None:
    work = [
        StageWork(f"s{k}", w.divisions, w.iterations, w.step, w.busy, w.uses)
        for k, w in enumerate(drawn)
    ]
    parts = st.lists(st.sampled_from([0.1, 0.5, 1.0]), min_size=2, max_size=2).map(sorted)
    waits = [
        [Wait(k - 1, np.array(data.draw(parts)), np.array([0.0, 0.5]))] if k else []
        for k in range(len(work))
    ]
    flow = Flow([each.name for each in work], [1] * len(work), waits)
    budget = Budget(crossbars, cores, 12, share)
    plan = fastest(work, budget)
    assume(plan is not None)
    assert plan is not None
    chosen = quicker(work, plan[1], budget, flow, plan[0])
    assert latency_of(work, chosen, flow) <= latency_of(work, plan[1], flow)
    assert sum(choice.crossbars for choice in chosen) <= crossbars
    assert share or sum(choice.cores for choice in chosen) <= cores


def test_crossbars_go_where_a_stage_waits_for_everything() -> None:
    """Of two stages that are equal but for that, the one that the other waits for gets the crossbars that are left."""
    from cmir.analysis.copy_plan import Division

    def stage(name: str) -> StageWork:
        division = Division("columns", 1, 1, 1, Fraction(10), Fraction(1200), 6, [10])
        return StageWork(name, [division], 10, Fraction(1), 120, {})

    work = [stage("a"), stage("b"), stage("c")]
    everything = Wait(0, np.array([1.0]), np.array([0.0]))
    at_once = Wait(1, np.array([0.1, 1.0]), np.array([0.0, 0.9]))
    flow = Flow(["a", "b", "c"], [1, 1, 1], [[], [everything], [at_once]])
    budget = Budget(crossbars=8)
    plan = fastest(work, budget)
    assert plan is not None and [choice.ways for choice in plan[1]] == [2, 2, 2]
    chosen = quicker(work, plan[1], budget, flow, plan[0])
    assert [choice.ways for choice in chosen] == [4, 2, 2]
