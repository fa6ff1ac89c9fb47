"""The reference machine, which runs a network one event at a time, as `docs/design.md` §1 describes it.

Cores run their iterations in order. Each of their automata is a pointer into its list of steps, from reset. Every slot
of a buffer holds a tag next to its value: the inference and the element that it holds. Delays are arbitrary. Only order
is assumed: data from one core to another arrives in the order in which it was sent, and so do credits. Cores that run
the iterations of one program in turn report each of them, and whoever receives their data or credits takes these in the
order of the iterations.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from cmir.dialects.cmcore import CrossbarOp, NetworkOp
from cmir.dialects.polyhedral import symbol
from cmir.reference.accesses import Lanes, cells_of
from cmir.reference.arithmetic import Others
from cmir.reference.body import ReferenceBody
from cmir.reference.findings import Deadlock
from cmir.reference.program import (
    Elaboration,
    ReferenceArray,
    ReferenceCopy,
    ReferenceCore,
    ReferenceLoad,
    ReferenceStore,
)
from cmir.reference.schedules import STARVED, ReferenceActor, Schedule, schedules
from cmir.reference.state import CoreState, InTurn
from cmir.reference.values import numpy_type, parameter_array

Sample = Mapping[str, np.ndarray]
"""An array for each input, or for each parameter by its name in the IR."""

Progress = Callable[[int, int], None]
"""Callback with the number of completed iterations and the total number of iterations."""


class ReferenceMachine:
    """A network at the `cmcore` level, prepared for a number of inferences.

    parameters: values of the named parameters in the IR, needed only by runs with values. others: functions of
    operations of other packages, which the machine does not know. Raises ProgramFault if the program is incorrect for
    all delays.
    """

    def __init__(
        self,
        network: NetworkOp,
        inferences: int,
        parameters: Sample | None = None,
        others: Others = lambda op: None,
    ):
        self.inferences = inferences
        self.program = Elaboration(network, inferences)
        self.cores = self.program.copies
        self.links = _links(self.cores)
        self.actors: list[ReferenceActor] = [*map(_Starter, self.cores), *self.links]
        self._parameters = parameters or {}
        self._others = others
        self._constants: dict[str, np.ndarray] = {}
        self._bodies: dict[str, ReferenceBody] = {}

    def schedules(self, count: int, seed: int = 0) -> list[Schedule]:
        """Yield random and adversarial schedules for this network."""
        return list(islice(schedules(self.actors, seed), count))

    def run(
        self,
        schedule: Schedule,
        inputs: Sequence[Sample] | None = None,
        progress: Progress | None = None,
        first: Sequence[int] | None = None,
    ) -> list[dict[str, np.ndarray]]:
        """Run all inferences, and return the outputs of each.

        inputs: of each inference; None to run on tags only, without values and outputs. first: for each inference, the
        first one of its sequence: reads that reach back further give initial values. None for a stream that is one
        sequence. Raises Violation or Deadlock.
        """
        first = [0] * self.inferences if first is None else first
        with np.errstate(all="ignore"):
            return _ReferenceRun(self, schedule, inputs, first).run(progress)

    def constant(self, array: ReferenceArray) -> np.ndarray:
        """Return the elements of a parameter."""
        if array.name not in self._constants:
            self._constants[array.name] = parameter_array(array.op, self._parameters)
        return self._constants[array.name]

    def body(self, core: ReferenceCore) -> ReferenceBody:
        """Return the body of a core's iterations, with its matrices."""
        if core.name not in self._bodies:
            matrices: dict[SSAValue, np.ndarray] = {
                op.result: cells_of(
                    op.cells.data,
                    core.coordinates,
                    op.result.type.get_shape(),
                    self.constant(self.program.arrays[symbol(op.array)]),
                )
                for op in core.program.body.block.ops
                if isinstance(op, CrossbarOp)
            }
            self._bodies[core.name] = ReferenceBody(core, matrices, self._others)
        return self._bodies[core.name]


@dataclass(frozen=True)
class _Starter:
    """An actor that starts the iterations of a core."""

    core: ReferenceCopy
    kind: str = "core"


@dataclass(frozen=True)
class _Channel:
    """A channel from one core to another for data, or for credits, one per completed iteration."""

    kind: str
    source: int
    target: int
    stores: tuple[tuple[int, ReferenceStore], ...] = ()
    """Indices, among the source's stores, of those to arrays for which the target has a buffer."""


def _links(copies: Sequence[ReferenceCopy]) -> list[_Channel]:
    numbers: dict[str, list[int]] = defaultdict(list)
    buffering: dict[str, list[int]] = defaultdict(list)
    for k, copy in enumerate(copies):
        numbers[copy.core.name].append(k)
        for name in {buffer.array.name for buffer in copy.core.buffers.values()}:
            buffering[name].append(k)
    links: list[_Channel] = []
    for k, copy in enumerate(copies):
        core = copy.core
        sent: dict[int, list[tuple[int, ReferenceStore]]] = defaultdict(list)
        for place, store in enumerate(core.stores.values()):
            for target in buffering[store.array.name]:
                sent[target].append((place, store))
        links += [_Channel("data", k, target, tuple(stores)) for target, stores in sent.items()]
        sources = (numbers[a.source.name] for a in core.automata if not a.follows_data)
        followed = {number for of_source in sources for number in of_source}
        links += [_Channel("credit", source, k) for source in sorted(followed)]
    return links


class _ReferenceRun:
    """One run of the machine with a schedule."""

    def __init__(
        self,
        machine: ReferenceMachine,
        schedule: Schedule,
        inputs: Sequence[Sample] | None,
        first: Sequence[int],
    ):
        self.machine, self.schedule, self.inputs, self.first = machine, schedule, inputs, first
        self.values = inputs is not None
        program = machine.program
        self.states = [CoreState(core, machine.inferences, self.values) for core in machine.cores]
        self.queues: list[deque[tuple[int, list[Any]]]] = [deque() for _ in machine.links]
        self.followers = [
            [
                f
                for f in self.states[link.target].followers
                if f.automaton.source is machine.cores[link.source].core
                and f.automaton.follows_data == (link.kind == "data")
            ]
            for link in machine.links
        ]
        in_turn: dict[tuple[str, str, int], InTurn] = defaultdict(InTurn)
        """Order in which a core takes what the cores of a program that has turns send to it."""
        self.in_turn = [
            in_turn[link.kind, source.core.name, link.target] if source.turns > 1 else None
            for link in machine.links
            for source in [machine.cores[link.source]]
        ]
        self.sends: list[list[int]] = [[] for _ in machine.cores]
        for k, link in enumerate(machine.links):
            self.sends[link.source].append(k)
        self.outputs = [
            {
                name: np.zeros(program.arrays[name].shape, numpy_type(program.arrays[name].op.type))
                for name in program.outputs
            }
            for _ in range(machine.inferences if self.values else 0)
        ]
        self.agenda: list[tuple[float, int, int]] = []
        self.now, self.events = 0.0, 0

    def run(self, progress: Progress | None) -> list[dict[str, np.ndarray]]:
        self.schedule.begin(self.machine.actors)
        for state in self.states:
            self._fill(state, parameters=True, inference=0)
            self._fill_initially(state)
            for follower in state.followers:
                follower.advance(0)
            state.update()
        for k in range(len(self.states)):
            self._offer(k)
        total, started = sum(state.total for state in self.states), 0
        while self.agenda:
            time, _, actor = heappop(self.agenda)
            if time < STARVED:
                self.now = time
            if actor >= len(self.states):
                self._deliver(actor - len(self.states))
                continue
            self._start(actor)
            started += 1
            if progress is not None and started % 256 == 0:
                progress(started, total)
        if any(state.done < state.total for state in self.states):
            raise Deadlock([self._waits(s) for s in self.states if s.done < s.total])
        return self.outputs

    def _push(self, actor: int) -> None:
        self.events += 1
        heappush(self.agenda, (self.schedule.time(self.now, actor), self.events, actor))

    def _offer(self, k: int) -> None:
        """Let a core start its next iteration if its automata allow it."""
        state = self.states[k]
        if not state.offered and state.done < state.total and state.stamp <= state.limit:
            state.offered = True
            self._push(k)

    def _fill(self, state: CoreState, parameters: bool, inference: int) -> None:
        """Fill the buffers of given arrays: parameters before the stream, inputs at the start of an inference."""
        for memory in state.memories.values():
            array = memory.array
            if not array.given or (array.op.source is not None) != parameters:
                continue
            values = None
            if self.inputs is not None:
                source = self.machine.constant(array) if parameters else None
                values = self.inputs[inference][array.name] if source is None else source
            memory.fill(inference, values)

    def _fill_initially(self, state: CoreState) -> None:
        """Fill the buffers of arrays with initial values as if these had been stored in the inferences before."""
        program = self.machine.program
        for memory in state.memories.values():
            array = memory.array
            if array.op.initial is None:
                continue
            initial = program.arrays[symbol(array.op.initial)]
            values = self.machine.constant(initial) if self.values else [None] * array.held
            elements = None if array.given else program.written_in_order(array)
            for n, of_inference in enumerate(values):
                memory.fill(n - array.held, of_inference, elements)

    def _start(self, k: int) -> None:
        state = self.states[k]
        stamp = state.stamp
        inference, i = state.copy.iteration(state.done)
        if state.done % state.copy.count == 0:
            self._fill(state, parameters=False, inference=inference)
        stored = self._execute(state, inference, i)
        state.done += 1
        state.offered = False
        for number in self.sends[k]:
            link = self.machine.links[number]
            message = [stored[place] for place, _ in link.stores if stored[place] is not None]
            if message or link.kind == "credit" or self.in_turn[number] is not None:
                if not self.queues[number]:
                    self._push(len(self.states) + number)
                self.queues[number].append((stamp, message))
        self._offer(k)

    def _execute(self, state: CoreState, inference: int, i: int) -> list[Any]:
        """Run an iteration; return (array, inference, locations, values) of each store, None if it sends nothing."""
        core = state.core
        if not self.values:
            for load in core.loads.values():
                self._load(state, load, inference, i)
            return [self._send(store, None, inference, i) for store in core.stores.values()]
        body = self.machine.body(core)
        values = body.values.copy()
        for number, coordinate in zip(body.coordinates, core.iterations[i], strict=True):
            values[number] = np.array(coordinate)
        sent: list[Any] = []
        for step in body.steps:
            if isinstance(step.work, ReferenceLoad):
                values[step.result] = self._load(state, step.work, inference, i)
            elif isinstance(step.work, ReferenceStore):
                sent.append(self._send(step.work, values[step.operands[0]], inference, i))
            else:
                values[step.result] = step.work(*(values[n] for n in step.operands))
        return sent

    def _load(
        self, state: CoreState, load: ReferenceLoad, inference: int, i: int
    ) -> np.ndarray | None:
        """Read lanes from their slots, and check that the slots hold the wanted elements."""
        result = None
        if self.values:
            type = load.op.result.type
            result = np.full(type.get_shape(), load.op.pad.value.data, numpy_type(type))
        for buffer, lanes in load.sources:
            first, last = lanes.starts[i], lanes.starts[i + 1]
            if first < last:
                memory = state.memories[id(buffer)]
                slots = memory.find(state.core, i, inference, lanes)
                if result is not None and memory.data is not None:
                    values = memory.data[slots]
                    self._reset(values, memory.array, inference, lanes, slice(first, last))
                    result.reshape(-1)[lanes.lanes[first:last]] = values
        return result

    def _reset(
        self,
        values: np.ndarray,
        array: ReferenceArray,
        inference: int,
        lanes: Lanes,
        run: slice,
    ) -> None:
        """Replace what comes from before the sequence of an inference by initial values."""
        start = self.first[inference]
        of = inference + lanes.inferences[run]
        before = of < start
        if start and before.any():
            assert array.op.initial is not None
            initial = self.machine.program.arrays[symbol(array.op.initial)]
            entries = self.machine.constant(initial).reshape(array.held, -1)
            values[before] = entries[array.held + of[before] - start, lanes.locations[run][before]]

    def _send(
        self, store: ReferenceStore, value: np.ndarray | None, inference: int, i: int
    ) -> tuple[ReferenceArray, int, np.ndarray, np.ndarray | None] | None:
        first, last = store.lanes.starts[i], store.lanes.starts[i + 1]
        if first == last:
            return None
        locations = store.lanes.locations[first:last]
        if value is not None:
            value = value.reshape(-1)[store.lanes.lanes[first:last]]
            if store.array.name in self.outputs[inference]:
                self.outputs[inference][store.array.name].reshape(-1)[locations] = value
        return store.array, inference, locations, value

    def _deliver(self, number: int) -> None:
        link, queue = self.machine.links[number], self.queues[number]
        stamp, message = queue.popleft()
        state, in_turn = self.states[link.target], self.in_turn[number]
        taken = [(stamp, message)] if in_turn is None else in_turn.take(stamp, message)
        for stamp, message in taken:
            for array, inference, locations, values in message:
                for memory in state.buffers[array.name]:
                    memory.write(inference, locations, values)
            for follower in self.followers[number]:
                follower.advance(stamp + 1)
        state.update()
        self._offer(link.target)
        if queue:
            self._push(len(self.states) + number)

    def _waits(self, state: CoreState) -> str:
        inference, i = state.copy.iteration(state.done)
        blocking = [f.awaited() for f in state.followers if f.limit < state.stamp]
        point = state.core.iterations[i]
        return (
            f"iteration {point} of @{state.copy.name} in inference {inference} waits for "
            f"{' and '.join(blocking)}"
        )
