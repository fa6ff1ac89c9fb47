"""Elaboration of programs for the cores that run them: iterations, accesses, slots and the steps of automata."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

import numpy as np
from xdsl.dialects.builtin import MemRefType, VectorType
from xdsl.ir import Attribute, Operation

from cmir.dialects.cmcore import (
    BufferOp,
    CreditOp,
    FireOp,
    LoadOp,
    NetworkOp,
    ProgramOp,
    ReleaseOp,
    SnoopOp,
    StoreOp,
)
from cmir.dialects.polyhedral import ArrayOp, symbol
from cmir.reference.accesses import Lanes, Point, lanes_of, slots_of
from cmir.reference.findings import ProgramFault, element
from cmir.reference.loops import reached_operations


@dataclass
class ReferenceArray:
    """An array of the network: an input, a parameter, or computed by programs."""

    name: str
    op: ArrayOp
    given: bool
    """True for inputs, given at the start of an inference, and for parameters, given at the start of the stream."""
    held: int
    """The number D of inferences before the first in which the array has values."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.op.shape

    @property
    def size(self) -> int:
        return prod(self.shape)

    def element(self, location: int, inference: int) -> str:
        """Return the element of this number as text."""
        return element(
            self.name, [int(x) for x in np.unravel_index(location, self.shape)], inference
        )


@dataclass
class ReferenceBuffer:
    """A buffer of one core.

    slots: the slot of each element of each inference, the first of which is inference −D for an array that has values
    for D inferences before the first of the stream; -1 for none.
    """

    array: ReferenceArray
    slots: np.ndarray
    count: int
    op: BufferOp


@dataclass
class ReferenceLoad:
    """A load: the buffers that it reads, and the lanes read from each."""

    op: LoadOp
    sources: list[tuple[ReferenceBuffer, Lanes]]


@dataclass
class ReferenceStore:
    """A store: the array that it writes, and the lanes that it stores."""

    op: StoreOp
    array: ReferenceArray
    lanes: Lanes


@dataclass
class ReferenceCore:
    """A program on one core, or on the global control unit.

    iterations: in firing order. position: index of each iteration in that order.
    """

    program: ProgramOp
    coordinates: Point
    iterations: list[Point]
    position: dict[Point, int]
    buffers: dict[Operation, ReferenceBuffer] = field(default_factory=dict)
    loads: dict[Operation, ReferenceLoad] = field(default_factory=dict)
    stores: dict[Operation, ReferenceStore] = field(default_factory=dict)
    automata: list[ReferenceAutomaton] = field(default_factory=list)

    @property
    def name(self) -> str:
        return _name(self.program.sym_name.data, self.coordinates)


@dataclass(frozen=True)
class ReferenceCopy:
    """A core of the chip: it runs all iterations of a program, or those i of an inference with i mod turns = turn."""

    core: ReferenceCore
    turn: int = 0
    turns: int = 1

    @property
    def name(self) -> str:
        return self.core.name if self.turns == 1 else f"{self.core.name} turn {self.turn}"

    @property
    def count(self) -> int:
        """Number of its iterations in an inference."""
        return len(range(self.turn, len(self.core.iterations), self.turns))

    def iteration(self, k: int) -> tuple[int, int]:
        """Return (inference, position among the program's iterations) of its k-th iteration of the stream."""
        inference, each = divmod(k, self.count)
        return inference, self.turn + each * self.turns


@dataclass
class ReferenceAutomaton:
    """A snoop or credit of a core that follows one core of the source program.

    steps: (event, limit) of each step in inference 0. The event is the position of the awaited iteration of the source,
    or None. The limit is a position of this core, counted through the inferences.
    """

    op: SnoopOp | CreditOp
    source: ReferenceCore
    array: ReferenceArray
    steps: list[tuple[int | None, int]]

    @property
    def follows_data(self) -> bool:
        return isinstance(self.op, SnoopOp)


class Elaboration:
    """All cores of a network.

    inferences: number of inferences for which slots are computed. Raises ProgramFault if the program is incorrect for
    all delays.
    """

    def __init__(self, network: NetworkOp, inferences: int):
        self.inferences = inferences
        self.inputs = [symbol(ref) for ref in network.inputs]
        self.outputs = [symbol(ref) for ref in network.outputs]
        self.arrays = {
            name: ReferenceArray(
                name, op, op.source is not None or name in self.inputs, op.initial_inferences()
            )
            for name, op in network.arrays.items()
        }
        self.cores: list[ReferenceCore] = []
        self.copies: list[ReferenceCopy] = []
        """The cores of the chip, and the programs of the global control unit."""
        self._running: dict[str, list[ReferenceCore]] = defaultdict(list)
        """The cores that run each program."""
        for program, coordinates, turns in _runs(network):
            self.cores.append(self._core(program, coordinates))
            if len(self.cores[-1].iterations) < turns:
                raise ProgramFault(
                    f"@{self.cores[-1].name} has fewer iterations than turns", program
                )
            self.copies += [ReferenceCopy(self.cores[-1], turn, turns) for turn in range(turns)]
            self._running[program.sym_name.data].append(self.cores[-1])
        self._writer: dict[tuple[str, str], np.ndarray] = {}
        self._check_stores()
        for core in self.cores:
            core.automata = list(self._automata(core))

    def _core(self, program: ProgramOp, coordinates: Point) -> ReferenceCore:
        iterations = _iterations(program, coordinates)
        core = ReferenceCore(
            program, coordinates, iterations, {point: i for i, point in enumerate(iterations)}
        )
        dims = len(coordinates)
        for point in iterations:
            if point[:dims] != coordinates:
                raise ProgramFault(f"@{core.name} fires iteration {point} of another core")
        if len(core.position) < len(iterations):
            twice = next(p for i, p in enumerate(iterations) if core.position[p] != i)
            raise ProgramFault(f"@{core.name} fires iteration {twice} twice")
        for op in program.body.block.ops:
            if isinstance(op, BufferOp):
                core.buffers[op] = self._buffer(op, coordinates)
        points = tuple(iterations)
        for op in program.iteration.body.block.ops:
            if isinstance(op, LoadOp):
                lanes = _shape(op.result.type)
                sources = []
                for value, access in op.buffers_and_maps():
                    assert isinstance(value.owner, BufferOp)
                    buffer = core.buffers[value.owner]
                    array = buffer.array
                    held = None if op.across is None else array.held
                    found = _lanes(op, access.data, points, lanes, array, held)
                    sources.append((buffer, found))
                core.loads[op] = ReferenceLoad(op, sources)
            elif isinstance(op, StoreOp):
                array, lanes = self.arrays[symbol(op.array)], _shape(op.value.type)
                core.stores[op] = ReferenceStore(
                    op, array, _lanes(op, op.map.data, points, lanes, array)
                )
        return core

    def _buffer(self, op: BufferOp, coordinates: Point) -> ReferenceBuffer:
        array = self.arrays[symbol(op.array)]
        assert isinstance(op.result.type, MemRefType)
        shape = op.result.type.get_shape()
        inferences = range(-array.held, self.inferences)
        if op.storage is not None:
            slots = slots_of(op.storage.data, coordinates, inferences, array.shape, shape)
        elif shape == array.shape:
            slots = np.broadcast_to(np.arange(array.size), (len(inferences), array.size))
        else:
            raise ProgramFault(f"a buffer of @{array.name} without storage has its shape", op)
        return ReferenceBuffer(array, slots, prod(shape), op)

    def _check_stores(self) -> None:
        """Check that elements of computed arrays are stored at most once per inference, and those of outputs once."""
        for array in self.arrays.values():
            stored = np.zeros(array.size, np.int64)
            for core in self.cores:
                for store in core.stores.values():
                    if store.array is array:
                        stored += np.bincount(store.lanes.locations, minlength=array.size)
            if array.given and stored.any():
                raise ProgramFault(f"@{array.name} is stored, which is given", array.op)
            if (stored > 1).any():
                twice = array.element(int(np.argmax(stored > 1)), 0)
                raise ProgramFault(f"{twice} is stored more than once", array.op)
            if array.name in self.outputs and not stored.all():
                missing = array.element(int(np.argmin(stored)), 0)
                raise ProgramFault(f"output element {missing} is stored by no core", array.op)

    def _automata(self, core: ReferenceCore) -> Iterator[ReferenceAutomaton]:
        for op in (*core.program.snoops, *core.program.credits):
            if isinstance(op, SnoopOp):
                assert isinstance(op.buffer.owner, BufferOp)
                array = self.arrays[symbol(op.buffer.owner.array)]
            else:
                array = self.arrays[symbol(op.array)]
            for source in self._running[symbol(op.source)]:
                yield ReferenceAutomaton(op, source, array, self._steps(core, op, source, array))

    def _steps(
        self,
        core: ReferenceCore,
        op: SnoopOp | CreditOp,
        source: ReferenceCore,
        array: ReferenceArray,
    ) -> list[tuple[int | None, int]]:
        steps: list[tuple[int | None, int]] = []
        for release, values in reached_operations(
            op.body, ReleaseOp, core.coordinates + source.coordinates
        ):
            assert isinstance(release, ReleaseOp)
            upto = tuple(values[x] for x in release.upto)
            if (limit := core.position.get(upto)) is None:
                raise ProgramFault(
                    f"{op.name} of @{core.name} releases {upto}, which is no iteration of it",
                    release,
                )
            if release.ahead is not None:
                limit += values[release.ahead] * len(core.iterations)
            event = None
            if release.awaits:
                at = tuple(values[x] for x in release.at)
                event = self._event(op, source, array, at)
                if event is None:
                    raise ProgramFault(
                        f"{op.name} of @{core.name} waits for {at}, which @{source.name} never brings about",
                        release,
                    )
            steps.append((event, limit))
        return steps

    def written_in_order(self, array: ReferenceArray) -> np.ndarray:
        """Return the elements that cores store, each core's in the order in which it stores them."""
        found = [np.zeros(0, np.int64)]
        for core in self.cores:
            writer = self._writers(core, array)
            stored = np.flatnonzero(writer >= 0)
            found.append(stored[np.argsort(writer[stored], kind="stable")])
        return np.concatenate(found)

    def _event(
        self, op: SnoopOp | CreditOp, source: ReferenceCore, array: ReferenceArray, at: Point
    ) -> int | None:
        """Return the position of the awaited iteration of `source`, or of the one that stores the awaited element."""
        if isinstance(op, CreditOp):
            return source.position.get(at)
        if len(at) != len(array.shape) or not all(
            0 <= x < size for x, size in zip(at, array.shape, strict=True)
        ):
            return None
        writer = self._writers(source, array)[np.ravel_multi_index(at, array.shape)]
        return None if writer < 0 else int(writer)

    def _writers(self, core: ReferenceCore, array: ReferenceArray) -> np.ndarray:
        """Return the position of the iteration of a core that stores each element of an array; -1 for none."""
        key = core.name, array.name
        if key not in self._writer:
            writer = np.full(array.size, -1)
            for store in core.stores.values():
                if store.array is array:
                    counts = np.diff(store.lanes.starts)
                    writer[store.lanes.locations] = np.repeat(np.arange(len(counts)), counts)
            self._writer[key] = writer
        return self._writer[key]


def _runs(network: NetworkOp) -> Iterator[tuple[ProgramOp, Point, int]]:
    """Yield each program with the coordinates of each core that runs it, and the number of its turns."""
    programs = network.programs
    found: dict[tuple[str, Point], list[int | None]] = defaultdict(list)
    turns: dict[tuple[str, Point], int] = {}
    for core, instance in network.instances:
        program, coordinates = symbol(instance.program), tuple(instance.coordinates.get_values())
        turn, count = instance.turn or (None, 1)
        if turn in found[program, coordinates] or turns.get((program, coordinates), count) != count:
            raise ProgramFault(f"two cores run @{_name(program, coordinates)}", core)
        found[program, coordinates].append(turn)
        turns[program, coordinates] = count
    for (program, coordinates), of in found.items():
        if len(of) < turns[program, coordinates]:
            raise ProgramFault(f"a turn of @{_name(program, coordinates)} has no core", network)
        yield programs[program], coordinates, len(of)
    for program in programs.values():
        if program.gcu is not None:
            if program.core_dims:
                raise ProgramFault(f"@{program.sym_name.data} has coordinates of cores", program)
            yield program, (), 1


def _iterations(program: ProgramOp, coordinates: Point) -> list[Point]:
    return [
        tuple(values[x] for x in fire.operands)
        for fire, values in reached_operations(program.loop_nest.body, FireOp, coordinates)
    ]


def _lanes(
    op: Operation,
    access: str,
    points: tuple[Point, ...],
    lanes: tuple[int, ...],
    array: ReferenceArray,
    held: int | None = None,
) -> Lanes:
    try:
        return lanes_of(access, points, lanes, array.shape, held)
    except ProgramFault as fault:
        raise ProgramFault(f"{op.name} of @{array.name}: {fault}", op) from fault


def _shape(type: Attribute) -> tuple[int, ...]:
    assert isinstance(type, VectorType)
    return type.get_shape()


def _name(program: str, coordinates: Point) -> str:
    return f"{program}[{', '.join(map(str, coordinates))}]" if coordinates else program
