"""Traffic between cores in one inference, and the resulting load of links.

A core sends each element that it computes once, to all other cores that read it, whichever of their programs do. By the
access relations, an element counts only for the cores that read it, and not for others that have a buffer of the array.
Network inputs and outputs are not counted: they enter and leave at the same cost everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

import islpy as isl
import numpy as np

from cmir.cost.turns import AccessesInTurn
from cmir.dialects.cmcore import BufferOp, LoadOp, NetworkOp, ProgramOp
from cmir.dialects.core_name import CoreName
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import ArrayOp, box, symbol
from cmir.hardware.description import Hardware
from cmir.hardware.topology import Link, Place, Topology
from cmir.isl.evaluate import compile_function
from cmir.isl.inferences import in_any_inference
from cmir.isl.memo import unnamed

Elements = Callable[[CoreName, ArrayOp], np.ndarray | None]
"""Elements of an array that a core accesses, as a mask that broadcasts to the array's shape; None for no accesses."""


@dataclass(frozen=True)
class Flow:
    """Bytes per inference that one core sends to each of a set of other cores.

    source, targets: numbers of the cores.
    """

    source: int
    targets: tuple[int, ...]
    bytes: int


@dataclass(frozen=True)
class NetworkTraffic:
    """Traffic of one inference, including deliveries into buffers.

    flows: traffic between cores. delivered: bytes written into buffers of cores. Inputs of the network count;
    parameters, which stay in their buffers, do not.
    """

    flows: list[Flow]
    delivered: int


def flows_of(network: NetworkOp, hardware: Hardware | None = None) -> list[Flow]:
    """Return the traffic between the cores of a network, numbered in the network's order.

    hardware: determines element sizes, if they differ from those in the IR.
    """
    return traffic_of(network, hardware).flows


def traffic_of(network: NetworkOp, hardware: Hardware | None = None) -> NetworkTraffic:
    """Return the traffic of a network, including data delivered by the global control unit; see `flows_of`."""
    machine = hardware or Hardware("")
    accesses = _NetworkAccesses(network)
    total: dict[tuple[int, tuple[int, ...]], int] = {}
    delivered = 0
    for array in network.arrays.values():
        if array.source is not None:
            continue
        bits = 8 * dtype_of(array.type).itemsize
        written, read = accesses.writes(array), accesses.reads(array)
        delivered += sum(machine.bytes_of(_count(m, array.shape), bits) for _, m in read)
        if not written or not read:
            continue
        written, read = _united(written), _united(read)
        masks = [*written.values(), *read.values()]
        for members, elements in _count_by_members(masks, array.shape):
            sources = [core for m, core in enumerate(written) if m in members]
            readers = [core for m, core in enumerate(read, len(written)) if m in members]
            for source in sources:
                if targets := tuple(sorted(core for core in readers if core != source)):
                    size = machine.bytes_of(elements, bits)
                    total[source, targets] = total.get((source, targets), 0) + size
    flows = [Flow(source, targets, size) for (source, targets), size in sorted(total.items())]
    return NetworkTraffic(flows, delivered)


def traffic_matrix(flows: Iterable[Flow], cores: int) -> np.ndarray:
    """Return the bytes that each core sends to each other in an inference, shape (cores, cores)."""
    traffic = np.zeros((cores, cores), np.int64)
    for flow in flows:
        traffic[flow.source, list(flow.targets)] += flow.bytes
    return traffic


def link_loads(
    topology: Topology, positions: Sequence[Place], flows: Iterable[Flow]
) -> dict[Link, int]:
    """Return the bytes that each link carries in an inference, the most loaded first, without idle links.

    positions: the place of each core. A multicast takes the routes to all of its targets and crosses each link once,
    even if several of the routes share it: routers copy it where the routes part. Under dimension-order routing, the
    union of the routes from one place is a tree.
    """
    loads: dict[Link, int] = {}
    for flow in flows:
        start = positions[flow.source]
        tree = {link for t in flow.targets for link in topology.route(start, positions[t])}
        for link in tree:
            loads[link] = loads.get(link, 0) + flow.bytes
    return dict(sorted(loads.items(), key=lambda item: (-item[1], item[0])))


class _Accesses:
    """Elements of each array that a program reads and writes, as sets of `[core, location]`."""

    def __init__(self, op: ProgramOp):
        self.dims = op.core_dims
        self._reads: dict[str, isl.Set] = {}
        self._writes: dict[str, isl.Set] = {}
        for item in op.iteration.body.block.ops:
            if isinstance(item, LoadOp):
                for buffer, access in item.buffers_and_maps():
                    assert isinstance(buffer.owner, BufferOp)
                    relation = access.relation
                    if item.across is not None:
                        relation = in_any_inference(relation)
                    self._add(self._reads, symbol(buffer.owner.array), relation)
        for store in op.stores():
            self._add(self._writes, symbol(store.array), store.map.relation)

    def reads(self, core: CoreName, array: ArrayOp) -> np.ndarray | None:
        """Return the elements of an array that a core reads; None if its program reads none."""
        points = self._reads.get(array.sym_name.data)
        return None if points is None else _elements(points, core.coordinates, array.shape)

    def writes(self, core: CoreName, array: ArrayOp) -> np.ndarray | None:
        """Like `reads`, for the elements that a core writes."""
        points = self._writes.get(array.sym_name.data)
        return None if points is None else _elements(points, core.coordinates, array.shape)

    def _add(self, accesses: dict[str, isl.Set], array: str, relation: isl.Map) -> None:
        """Add an access `{ [[core, iteration] -> lane] -> location }`."""
        flat = unnamed(relation.flatten_domain())
        rest = flat.dim(isl.dim_type.in_) - self.dims
        points = flat.project_out(isl.dim_type.in_, self.dims, rest).wrap().flatten()
        accesses[array] = points.union(accesses[array]) if array in accesses else points


class _NetworkAccesses:
    """Elements of arrays that each core of a network accesses, as masks that broadcast to the array's shape."""

    def __init__(self, network: NetworkOp):
        self._numbers: dict[str, dict[CoreName, int]] = {name: {} for name in network.programs}
        turns = dict.fromkeys(network.programs, 1)
        for number, core in enumerate(network.cores):
            for instance in core.instances:
                name = instance.core_name
                self._numbers[name.program][name] = number
                turns[name.program] = instance.turns
        self._accesses = {
            name: _Accesses(op)
            if turns[name] == 1
            else AccessesInTurn(op, list(self._numbers[name]), turns[name])
            for name, op in network.programs.items()
        }

    def reads(self, array: ArrayOp) -> list[tuple[int, np.ndarray]]:
        """Return the elements that each program reads on each core, with the number of the core."""
        return self._of_cores(array, lambda accesses: accesses.reads)

    def writes(self, array: ArrayOp) -> list[tuple[int, np.ndarray]]:
        """Like `reads`, for the elements that each program writes."""
        return self._of_cores(array, lambda accesses: accesses.writes)

    def _of_cores(
        self, array: ArrayOp, kind: Callable[[_Accesses | AccessesInTurn], Elements]
    ) -> list[tuple[int, np.ndarray]]:
        found = (
            (number, kind(accesses)(core, array))
            for program, accesses in self._accesses.items()
            for core, number in self._numbers[program].items()
        )
        return [(number, mask) for number, mask in found if mask is not None]


def _united(masks: Iterable[tuple[int, np.ndarray]]) -> dict[int, np.ndarray]:
    """Return the elements that any of the programs on a core accesses, by the number of the core."""
    united: dict[int, np.ndarray] = {}
    for core, mask in masks:
        united[core] = united[core] | mask if core in united else mask
    return united


def _elements(points: isl.Set, core: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    """Return the mask of the locations of one core in `{ [core, location] }`."""
    for d, coordinate in enumerate(core):
        points = points.fix_val(isl.dim_type.set, d, isl.Val(coordinate))
    points = points.project_out(isl.dim_type.set, 0, len(core)).coalesce()
    function = compile_function(isl.Map.from_domain(points), box(shape))
    _, inside = function(np.ix_(*map(np.arange, shape)))
    inside = np.asarray(True if inside is None else inside)
    return inside.reshape((1,) * (len(shape) - inside.ndim) + inside.shape)


def _count(mask: np.ndarray, shape: tuple[int, ...]) -> int:
    """Return the number of elements of an array for which a mask, which broadcasts to the array's shape, is true."""
    return int(np.count_nonzero(mask)) * (prod(shape) // mask.size)


def _count_by_members(
    masks: Sequence[np.ndarray], shape: tuple[int, ...]
) -> Iterator[tuple[set[int], int]]:
    """Yield each set of masks that are exactly those true at some elements, with the number of these elements."""
    labels, members = np.zeros((1,) * len(shape), np.int64), [set[int]()]
    for number, mask in enumerate(masks):
        refined = 2 * labels + mask
        found, inverse = np.unique(refined, return_inverse=True)
        labels = inverse.reshape(refined.shape)
        members = [members[k // 2] | ({number} if k % 2 else set()) for k in found.tolist()]
    counts = np.bincount(labels.reshape(-1)) * (prod(shape) // labels.size)
    yield from zip(members, counts.tolist(), strict=True)
