"""Placed networks: places, results, and what is told on the way."""

from __future__ import annotations

import numpy as np
import pytest
from networks import Builder, run_passes
from proof.networks_to_prove import lower
from xdsl.dialects.builtin import ModuleOp

from cmir.context import make_context
from cmir.cost.traffic import flows_of, traffic_matrix
from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.description import Hardware
from cmir.hardware.topology import topology
from cmir.support.diagnostics import collect_diagnostics
from cmir.timing.network import TimedNetwork

FAR = Hardware.of(
    {
        "core": {"fixed_interval": 1, "fixed_latency": 1},
        "interconnect": {"topology": "mesh", "shape": [4, 4], "hop_cycles": 7},
    },
    "far",
)


def branches(passes: str = "") -> NetworkOp:
    """Two residual blocks with a dense end; stages that are split or replicated have several cores."""
    net = Builder(2, 6, 6)
    x = net.conv("x", 3, pads=1)
    for _ in range(2):
        x = net.relu(net.add(net.conv(net.relu(net.conv(x, 3, pads=1)), 3, pads=1), x))
    return lower(net, net.gemm(net.flatten(net.pool(x)), 4), passes=passes)


def placed(options: str, passes: str = "", told: list[str] | None = None) -> NetworkOp:
    network = branches(passes)
    context = make_context()
    context.progress = None if told is None else told.append
    module = ModuleOp([network])
    with collect_diagnostics():
        run_passes(module, f"cmcore-place-cores{{{options}}}", context)
    return network


def places(network: NetworkOp) -> list[tuple[int, ...]]:
    return [tuple(core.position.get_values()) for core in network.cores]


def cost(network: NetworkOp, shape: tuple[int, ...]) -> int:
    where = topology("mesh", shape)
    at = [where.index_of(place) for place in places(network)]
    traffic = traffic_matrix(flows_of(network), len(at))
    return int((traffic * where.distances[np.ix_(at, at)]).sum())


REPLICATED = (
    "polyhedral-replicate{stage=conv2 copies=3},polyhedral-split-matrices{stage=conv3 outputs=3}"
)


@pytest.mark.parametrize("passes", ["", REPLICATED])
def test_each_core_has_a_place_and_the_search_is_never_worse(passes: str):
    costs: list[int] = []
    for strategy in ("optimal", "greedy", "snake"):
        network = placed(f"shape=4,4 strategy={strategy} time-limit=1", passes)
        assert len(set(places(network))) == len(network.cores)
        assert set(places(network)) <= set(np.ndindex(4, 4))
        costs.append(cost(network, (4, 4)))
    assert costs == sorted(costs)


def test_the_same_seed_gives_the_same_places():
    options = "shape=3,3 seed=5 time-limit=60"
    assert places(placed(options)) == places(placed(options))


def test_cores_that_are_nearer_hear_of_each_other_earlier():
    scattered, near = placed("shape=4,4 strategy=snake"), placed("shape=4,4 time-limit=1")
    far = [(0, 0), (3, 3), (0, 3), (3, 0), (0, 1), (3, 2), (1, 3)]
    for core, place in zip(scattered.cores, far, strict=False):
        core.properties["position"] = type(core.position).from_list(core.position.elt_type, place)
    assert (
        TimedNetwork.of(near, FAR).time(1).cycles < TimedNetwork.of(scattered, FAR).time(1).cycles
    )


def test_progress_is_told_and_ends():
    told: list[str] = []
    placed("shape=4,4 time-limit=1", REPLICATED, told)
    assert told and told[-1] == ""
    assert all(text.startswith("placing: traffic × hops = ") for text in told[:-1])
