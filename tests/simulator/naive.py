"""Naive simulator, cycle by cycle and element by element: the reference for the simulator's start cycles.

It shares no code with the compiler's mathematics or the simulator. From the polyhedral level it takes domains,
schedules and access relations, has ISL enumerate them into Python lists once, and then steps through time:

- A core starts its next iteration, in schedule order and inference by inference, when every element that the
  iteration reads has arrived, and no element that its write overwrites in a reader's buffer is still to be read.
- What an iteration does (its writes, and the reads it is done with) is seen by others in the next cycle.
- An iteration reads before it writes, so it may overwrite what only it is still to read.
- Network inputs and parameters are there from the start. So are the elements of arrays with initial values, as if their
  writers had written them in the inferences before the first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable

import islpy as isl
import numpy as np
from enumeration import Point, pairs, points

from cmir.dialects.polyhedral import PipelineOp, ReadOp, StageOp, WriteOp

Element = tuple[str, Point]
"""An element of an array."""

Read = tuple[int, Element]
"""An element that an iteration reads, and its inference relative to the iteration's own."""

Storage = Callable[[str, int, Point], Hashable]
"""Where a reader keeps an element: (array, inference, location) -> slot of the buffer for that array."""


class Deadlock(Exception):
    """No core can start an iteration."""


def simulate(
    pipeline: PipelineOp, inferences: int, storage: Storage | None = None
) -> dict[str, np.ndarray]:
    """The cycle in which each iteration starts, by stage: arrays of shape (inferences, iterations).

    The preset is `ideal`: an iteration takes one cycle. Without `storage`, elements are kept where the pipeline's
    storage relations say, and where there are none in a slot for each element of one inference. Raises Deadlock.
    """
    stages = pipeline.stages
    computed = {
        array for s in stages.values() for w in s.writes() for array, _ in w.arrays_and_maps()
    }
    cores = [
        _Core(name, stage, core, computed, inferences, storage)
        for name, stage in stages.items()
        for core in _cores(stage)
    ]
    held = {name: array.initial_inferences() for name, array in pipeline.arrays.items()}
    for core in cores:
        core.neighbours = cores
        core.slots = {
            array: _assigned_slots(
                pipeline, array, op.map.relation, core.coordinates, range(-held[array], inferences)
            )
            for (array, reader), op in pipeline.storages.items()
            if reader == core.stage
        }
    for inference in range(-max(held.values(), default=0), 0):
        for core in cores:
            for elements in core.writes:
                core.write(inference, [e for e in elements if inference >= -held[e[0]]])
    cycle = 0
    while waiting := [core for core in cores if not core.done]:
        firing = [core for core in waiting if core.may_start()]
        if not firing:
            names = ", ".join(core.name for core in waiting)
            raise Deadlock(f"in cycle {cycle} these wait for each other: {names}")
        # All of them have decided by what was there before this cycle.
        for core in firing:
            core.start(cycle)
        cycle += 1
    return {core.name: np.array(core.starts).reshape(inferences, -1) for core in cores}


class _Core:
    """A stage: its iterations in order, by what they read and write; its buffers; how far it has come."""

    def __init__(
        self,
        name: str,
        stage: StageOp,
        coordinates: Point,
        computed: set[str],
        inferences: int,
        storage: Storage | None,
    ):
        order = [i for i in _iterations_in_order(stage) if i[: stage.core_dims] == coordinates]
        reads = _reads(stage.reads(), computed)
        writes = _accessed(stage.writes(), computed)
        self.stage, self.coordinates, self.storage = name, coordinates, storage
        self.name = f"{name}[{', '.join(map(str, coordinates))}]" if coordinates else name
        self.reads = [list(dict.fromkeys(reads[iteration])) for iteration in order]
        self.writes = [writes[iteration] for iteration in order]
        self.total = inferences * len(order)
        self.starts: list[int] = []
        self.neighbours: list[_Core] = []
        # By array, for those with a storage relation: inference and location -> slot.
        self.slots: dict[str, dict[Point, Point]] = {}
        # By inference: what has been written into the buffers, how many iterations have read it. By element: how many
        # iterations read it, and of which inference, relative to its own.
        self.arrived: dict[int, set[Element]] = defaultdict(set)
        self.read: dict[int, Counter[Element]] = defaultdict(Counter)
        self.uses: dict[Element, Counter[int]] = defaultdict(Counter)
        for elements in self.reads:
            for m, element in elements:
                self.uses[element][-m] += 1
        self.arrays = {array for array, _ in self.uses}
        # By array and slot: inference and element that are there.
        self.occupant: dict[tuple[str, Hashable], tuple[int, Element]] = {}
        # What the next iteration waits for. Data that has arrived and room that is free stay so till then.
        self.data: list[Read] = []
        self.room: list[tuple[_Core, int, tuple[str, Hashable]]] = []
        self.waits = False

    @property
    def done(self) -> bool:
        return len(self.starts) == self.total

    @property
    def place(self) -> tuple[int, int]:
        """Inference and iteration that come next."""
        return divmod(len(self.starts), len(self.reads))

    def may_start(self) -> bool:
        inference, iteration = self.place
        if not self.waits:
            self.data = list(self.reads[iteration])
            self.room = [
                (reader, inference, reader.slot(inference, element))
                for element in self.writes[iteration]
                for reader in self.neighbours
                if element[0] in reader.arrays
            ]
            self.waits = True
        while self.data and self.data[-1][1] in self.arrived[inference + self.data[-1][0]]:
            self.data.pop()
        while self.room and self.room[-1][0].is_free(*self.room[-1][1:], self):
            self.room.pop()
        return not self.data and not self.room

    def slot(self, inference: int, element: Element) -> tuple[str, Hashable]:
        """Where this core keeps an element, or (array, None) if it does not."""
        array, location = element
        if self.storage is not None:
            return array, self.storage(array, inference, location)
        if array in self.slots:
            return array, self.slots[array].get((inference, *location))
        return array, location

    def is_free(self, now: int, slot: tuple[str, Hashable], writer: _Core) -> bool:
        """Whether what is in the slot is not going to be read again; by the writer's next iteration, it may be.

        now: the inference of that iteration.
        """
        if slot not in self.occupant:
            return True
        inference, element = self.occupant[slot]
        # Reads of a later inference are refused by the compiler, so none of them is waited for.
        uses = sum(c for d, c in self.uses[element].items() if 0 <= inference + d <= now)
        unread = uses - self.read[inference][element]
        if writer is self and unread > 0:
            unread -= (inference - now, element) in self.reads[self.place[1]]
        return unread == 0

    def start(self, cycle: int) -> None:
        inference, iteration = self.place
        for m, element in self.reads[iteration]:
            self.read[inference + m][element] += 1
        self.write(inference, self.writes[iteration])
        self.starts.append(cycle)
        self.waits = False

    def write(self, inference: int, elements: list[Element]) -> None:
        """Write elements into the buffers of all readers of their arrays."""
        for element in elements:
            for reader in self.neighbours:
                if element[0] in reader.arrays:  # also elements that it never reads
                    reader.arrived[inference].add(element)
                    slot = reader.slot(inference, element)
                    if slot[1] is not None:
                        reader.occupant[slot] = inference, element


def _cores(stage: StageOp) -> list[Point]:
    """The coordinates of the cores of a stage, in lexicographic order."""
    return sorted({point[: stage.core_dims] for point in points(stage.domain.points)})


def _assigned_slots(
    pipeline: PipelineOp, array: str, storage: isl.Map, core: Point, inferences: range
) -> dict[Point, Point]:
    """By a storage relation of a core: inference and location -> slot."""
    for d, coordinate in enumerate(core):
        if (at := storage.find_dim_by_name(isl.dim_type.param, f"p{d}")) >= 0:
            storage = storage.fix_val(isl.dim_type.param, at, isl.Val(coordinate))
    locations = pipeline.arrays[array].locations.insert_dims(isl.dim_type.set, 0, 1)
    bounds = [
        (isl.Set.lower_bound_val, inferences.start),
        (isl.Set.upper_bound_val, inferences.stop - 1),
    ]
    for bound, value in bounds:
        locations = bound(locations, isl.dim_type.set, 0, isl.Val(value))
    within = storage.intersect_domain(locations.set_tuple_name(array))
    return dict(pairs(within.project_out_all_params()))


def _iterations_in_order(stage: StageOp) -> list[Point]:
    if stage.schedule is None:
        return sorted(points(stage.domain.points))
    schedule = stage.schedule.relation.intersect_domain(stage.domain.points)
    return [iteration for iteration, _ in sorted(pairs(schedule), key=lambda pair: pair[1])]


def _accessed(
    accesses: Iterable[ReadOp | WriteOp], computed: set[str]
) -> dict[Point, list[Element]]:
    """The elements of computed arrays that each iteration accesses."""
    found: dict[Point, list[Element]] = defaultdict(list)
    for access in accesses:
        for array, relation in access.arrays_and_maps():
            if array in computed:
                for iteration, location in pairs(relation.relation.domain_factor_domain()):
                    found[iteration].append((array, location))
    return found


def _reads(accesses: Iterable[ReadOp], computed: set[str]) -> dict[Point, list[Read]]:
    """The elements of computed arrays that each iteration reads."""
    found: dict[Point, list[Read]] = defaultdict(list)
    for access in accesses:
        for iteration, elements in _accessed([access], computed).items():
            for array, location in elements:
                m, at = (location[0], location[1:]) if access.across else (0, location)
                found[iteration].append((m, (array, at)))
    return found
