"""What cores send each other, against counting element by element, and links against walking routes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import Builder
from proof.networks_to_prove import lower
from shared_cores import share_cores

from cmir.cost.traffic import Flow, flows_of, link_loads, traffic_matrix, traffic_of
from cmir.dialects.cmcore import BufferOp, NetworkOp
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import symbol
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.topology import Link, Place, Topology, topology
from cmir.semantics.access import CompiledAccess

SPREAD = [
    "",
    "polyhedral-split-matrices{rows=9 columns=2}",
    "polyhedral-replicate{stage=conv2 copies=3 by=rows}",
    "polyhedral-replicate{stage=conv1 copies=2 by=bands},polyhedral-replicate{stage=conv2 copies=2 by=rows}",
]


def chain(passes: str) -> NetworkOp:
    net = Builder(2, 6, 5)
    x = net.conv("x", 3, pads=1)
    return lower(net, net.pool(net.conv(x, 4, pads=1)), passes=passes)


def strided(passes: str) -> NetworkOp:
    """Of what the first stage computes, some is read by one reader, some by another, some by both or none."""
    net = Builder(1, 9, 9)
    x = net.relu(net.conv("x", 2, pads=1))
    one = net.conv(x, 2, kernel=1, strides=2)
    other = net.conv(net.crop(x, 0, 5), 2, kernel=1)
    return lower(net, net.add(one, other), passes=passes)


def residual(passes: str) -> NetworkOp:
    net = Builder(2, 6, 6)
    x = net.conv("x", 2, pads=1)
    y = net.conv(net.relu(net.conv(x, 2, pads=1)), 2, pads=1)
    return lower(net, net.relu(net.add(y, x)), passes=passes)


def counted(network: NetworkOp) -> Counter[tuple[int, tuple[int, ...]]]:
    """Bytes by source and targets, from sets of elements that cores read and write."""
    elaborated = ElaboratedNetwork(network)
    numbers = {o.core_name: n for n, core in enumerate(network.cores) for o in core.instances}

    def elements(access: CompiledAccess) -> set[tuple[int, ...]]:
        location, defined = access.locations(0, len(access.points))
        shape = (len(access.points), *access.lanes)
        kept = np.broadcast_to(True if defined is None else defined, shape)
        columns = [np.broadcast_to(x, shape)[kept].tolist() for x in location]
        return set(zip(*columns, strict=True))

    total: Counter[tuple[int, tuple[int, ...]]] = Counter()
    for name, array in elaborated.arrays.items():
        readers: dict[int, set[tuple[int, ...]]] = {}
        for core in elaborated.cores.values():
            for load in core.loads.values():
                for buffer, access in load.sources:
                    assert isinstance(buffer.owner, BufferOp)
                    if symbol(buffer.owner.array) == name:
                        readers.setdefault(numbers[core.name], set()).update(elements(access))
        for core in elaborated.cores.values():
            source = numbers[core.name]
            for store in core.stores.values():
                for element in elements(store.access) if store.array == name else ():
                    targets = sorted(r for r, those in readers.items() if element in those)
                    targets = tuple(target for target in targets if target != source)
                    if targets:
                        total[source, targets] += dtype_of(array.type).itemsize
    return total


@pytest.mark.parametrize("passes", SPREAD)
@pytest.mark.parametrize("make", [chain, strided, residual])
def test_flows_are_what_is_stored_and_read(make: Callable[[str], NetworkOp], passes: str):
    network = make(passes)
    flows = flows_of(network)
    assert {(f.source, f.targets): f.bytes for f in flows} == counted(network)
    assert len({(f.source, f.targets) for f in flows}) == len(flows)


@pytest.mark.parametrize("make", [chain, strided, residual])
@given(st.data())
def test_flows_between_cores_of_several_programs(
    make: Callable[[str], NetworkOp], data: st.DataObject
):
    network = made(make).clone()
    names = [str(instance.core_name) for _, instance in network.instances]
    numbers = [data.draw(st.integers(0, 3)) for _ in names]
    cores = [[name for name, k in zip(names, numbers, strict=True) if k == n] for n in range(4)]
    share_cores(network, [{name: {} for name in those} for those in cores if those], None)
    assert {(f.source, f.targets): f.bytes for f in flows_of(network)} == counted(network)
    # Every program has its own buffers.
    assert traffic_of(network).delivered == traffic_of(made(make)).delivered


@cache
def made(make: Callable[[str], NetworkOp]) -> NetworkOp:
    return make(SPREAD[2])


def test_elements_go_to_those_who_read_them():
    network = strided("")
    names = [str(core.instances[0].core_name) for core in network.cores]
    sent = {
        tuple(names[t] for t in f.targets): f.bytes
        for f in flows_of(network)
        if names[f.source] == "conv1"
    }
    # Of 2 channels of 9×9: 5×5 at even rows and columns, the first 5×5, and 3×3 in both.
    both, one = 4 * 2 * 9, 4 * 2 * (25 - 9)
    assert sent == {("conv2", "conv3"): both, ("conv2",): one, ("conv3",): one}


PlacedFlows = tuple[Topology, list[Place], list[Flow]]


@st.composite
def placed_flows(draw: st.DrawFn) -> PlacedFlows:
    where = topology(draw(st.sampled_from(["mesh", "torus"])), (3, 3))
    positions = draw(st.permutations(where.places))[:5]
    sources = st.integers(0, 4)
    flows = [
        Flow(source, tuple(sorted(targets - {source})), draw(st.integers(1, 9)))
        for source, targets in draw(st.lists(st.tuples(sources, st.sets(sources)), max_size=6))
    ]
    return where, positions, flows


@given(placed_flows())
def test_links_carry_each_flow_once(case: PlacedFlows):
    where, positions, flows = case
    expected: Counter[Link] = Counter()
    for link in where.links:
        for flow in flows:
            routes = [where.route(positions[flow.source], positions[t]) for t in flow.targets]
            expected[link] += flow.bytes * any(link in route for route in routes)
    loads = link_loads(where, positions, flows)
    assert loads == {link: load for link, load in expected.items() if load}
    assert list(loads.values()) == sorted(loads.values(), reverse=True)
    # Without multicast, what links carry in all is traffic × hops; with it, never more.
    single = [Flow(f.source, (t,), f.bytes) for f in flows for t in f.targets]
    at = [where.index_of(p) for p in positions]
    hops = (traffic_matrix(flows, 5) * where.distances[np.ix_(at, at)]).sum()
    assert sum(link_loads(where, positions, single).values()) == hops >= sum(loads.values())


@given(placed_flows())
def test_on_a_mesh_or_torus_the_routes_of_a_flow_are_a_tree(case: PlacedFlows):
    where, positions, flows = case
    for flow in flows:
        tree = {
            link for t in flow.targets for link in where.route(positions[flow.source], positions[t])
        }
        entered = [end for _, end in tree]
        assert len(entered) == len(set(entered)) and positions[flow.source] not in entered
