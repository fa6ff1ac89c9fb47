"""The engine: runs the programs of a network on cores, in chunks of iterations.

Loop nests are static, so a core's next chunk is simply the run of iterations that its LCU allows, given how far
its neighbours have come. A worklist fires chunks until all inferences are done. Results never depend on the order
in which chunks are fired (a Kahn network), and start times follow from the recurrence

    t(i) = max(t(i − 1) + II, arrival of the last write needed, arrival of the last credit needed)

as running maxima over a chunk. Both are the same for every chunk size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import islpy as isl
import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, StringAttr
from xdsl.ir import SSAValue

from cmir.accelerator.body import dense_values, evaluate
from cmir.accelerator.hardware import Hardware
from cmir.accelerator.memory import Memory
from cmir.accelerator.program import Dependence, Load, Program
from cmir.accelerator.report import CoreReport, RunReport
from cmir.diagnostics import CompileError
from cmir.dialects.cmcore import CrossbarOp, NetworkOp
from cmir.dialects.polyhedral import ArrayOp, box, symbol
from cmir.isl.evaluate import compile_function

LANES_AT_ONCE = 1 << 22
"""The engine gathers at most about this many lanes at a time, whatever the chunk."""

Progress = Callable[[int, int], None]
"""Called with (iterations done, iterations in all) now and then."""


class DeadlockError(CompileError):
    """The cores wait for each other; the message says which for which."""


class Machine:
    """A network prepared for execution on a machine; it can be run many times.

    parameters: the values of the parameters that the IR names; None for timing only.
    Raises CompileError where the IR cannot be executed.
    """

    def __init__(
        self,
        network: NetworkOp,
        hardware: Hardware,
        parameters: Mapping[str, np.ndarray] | None = None,
    ):
        self.hardware = hardware
        self.inputs = [symbol(ref) for ref in network.inputs]
        self.outputs = [symbol(ref) for ref in network.outputs]
        self.arrays = network.arrays
        programs = {name: Program(op, self.arrays) for name, op in network.programs.items()}
        self.positions: dict[str, tuple[int, ...]] = {}
        for core in network.cores:
            name = symbol(core.program)
            if name in self.positions:
                raise CompileError(core, f"program @{name} runs on two cores")
            self.positions[name] = tuple(core.position.get_values())
        self.programs = {name: p for name, p in programs.items() if name in self.positions}
        for program in self.programs.values():
            program.connect(programs)
        self.parameters = parameters
        self._constants: dict[str, np.ndarray] = {}
        self._matrices: dict[SSAValue, np.ndarray] = {}

    def constant(self, array: ArrayOp) -> np.ndarray:
        """The elements of a parameter array, in its shape. Raises CompileError if there are none."""
        name = array.sym_name.data
        if name not in self._constants:
            source = array.source
            if isinstance(source, DenseIntOrFPElementsAttr):
                value = dense_values(source)
            else:
                assert isinstance(source, StringAttr)
                value = (self.parameters or {}).get(source.data)
                if value is None:
                    raise CompileError(
                        array, f"there is no parameter '{source.data}' in the weights"
                    )
                if value.shape != array.shape:
                    raise CompileError(
                        array,
                        f"parameter '{source.data}' has shape {list(value.shape)}, "
                        f"expected {list(array.shape)}",
                    )
            self._constants[name] = value
        return self._constants[name]

    def matrix(self, crossbar: CrossbarOp) -> np.ndarray:
        """The cells of a crossbar matrix, in its shape."""
        if crossbar.result not in self._matrices:
            elements = self.constant(self.arrays[symbol(crossbar.array)])
            shape = crossbar.result.type.get_shape()
            self._matrices[crossbar.result] = program_cells(crossbar, elements, shape)
        return self._matrices[crossbar.result]

    def run(
        self,
        inputs: Sequence[Mapping[str, np.ndarray]],
        chunk: int | None = None,
        progress: Progress | None = None,
    ) -> RunReport:
        """Execute a stream of inferences.

        inputs: for each inference, an array for each input.
        chunk: the most iterations that a core runs before others get a turn; None for no limit.
        Raises CompileError for inputs that do not fit, DeadlockError where no core can go on.
        """
        for inference in inputs:
            self._check(inference)
        memory = Memory(self, inputs)
        return _Run(self, len(inputs), memory, chunk, progress).go()

    def time(self, inferences: int, chunk: int | None = None) -> RunReport:
        """The timing of a stream of inferences, exactly as `run` gives it, without data."""
        return _Run(self, inferences, None, chunk, None).go()

    def _check(self, inputs: Mapping[str, np.ndarray]) -> None:
        for name in self.inputs:
            expected = self.arrays[name].shape
            if name not in inputs:
                raise CompileError(None, f"there is no value for input '{name}'")
            if inputs[name].shape != expected:
                raise CompileError(
                    None,
                    f"input '{name}' has shape {list(inputs[name].shape)}, "
                    f"expected {list(expected)}",
                )


def program_cells(crossbar: CrossbarOp, elements: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The matrix that a crossbar's cell relation picks from the elements of a parameter."""
    cells = crossbar.cells.relation
    within = box(shape)
    function = compile_function(cells.reset_tuple_id(isl.dim_type.in_), within)
    location, defined = function(np.ix_(*(np.arange(size) for size in shape)))
    if defined is not None:
        raise CompileError(crossbar, "some cells of the matrix have no element")
    index = np.broadcast_to(np.ravel_multi_index(_spread(location), elements.shape), shape)
    flat = index.reshape(-1)
    if len(flat) == elements.size and flat[0] == 0 and bool((np.diff(flat) == 1).all()):
        return elements.reshape(shape)  # the usual case: the matrix is a view of the weights
    return elements.reshape(-1)[index]


def _spread(location: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    return tuple(np.broadcast_arrays(*location))


class _Core:
    """The progress of one program: how far it has come, and when each iteration started."""

    def __init__(self, program: Program, inferences: int):
        self.program = program
        self.done = 0
        self.total = inferences * program.iterations
        self.start = np.zeros(self.total, np.int64)
        self.ready = 0  # the earliest start of the next iteration
        self.stalls = {"raw": 0, "war": 0}
        self.incoming: list[tuple[Dependence, _Core, int]] = []  # with the delay of its events
        self.waiters: set[_Core] = set()

    @property
    def place(self) -> tuple[int, int]:
        """(inference, iteration) that is next."""
        return divmod(self.done, self.program.iterations)


class _Run:
    """One execution of a stream of inferences; without memory, of its timing alone."""

    def __init__(
        self,
        machine: Machine,
        inferences: int,
        memory: Memory | None,
        chunk: int | None,
        progress: Progress | None,
    ):
        self.machine, self.memory, self.inferences = machine, memory, inferences
        self.chunk, self.progress = chunk, progress
        hardware = machine.hardware
        self.interval = hardware.initiation_interval
        self.cores = {name: _Core(p, inferences) for name, p in machine.programs.items()}
        for core in self.cores.values():
            here = machine.positions[core.program.name]
            for dependence in core.program.dependences:
                source = self.cores[dependence.source]
                hops = sum(
                    abs(a - b)
                    for a, b in zip(here, machine.positions[dependence.source], strict=True)
                )
                delay = hops * hardware.hop_cycles + (
                    hardware.latency if dependence.kind == "raw" else hardware.credit_latency
                )
                core.incoming.append((dependence, source, delay))
                source.waiters.add(core)

    def go(self) -> RunReport:
        work = deque(self.cores.values())
        queued = set(work)
        total = sum(core.total for core in self.cores.values())
        done = 0
        while work:
            core = work.popleft()
            queued.discard(core)
            ran = self._advance(core)
            done += ran
            if ran and self.progress is not None:
                self.progress(done, total)
            if ran:
                again = core.waiters | ({core} if core.done < core.total else set())
                for waiter in sorted(again - queued, key=lambda c: c.done / max(1, c.total)):
                    work.append(waiter)
                    queued.add(waiter)
        if done < total:
            raise self._deadlock()
        return self._report()

    def _advance(self, core: _Core) -> int:
        """Run the next chunk of a core; the number of iterations in it."""
        if core.done == core.total:
            return 0
        inference, first = core.place
        last = core.program.iterations
        for dependence, source, _ in core.incoming:
            seen = source.done - 1 - inference * source.program.iterations
            last = min(last, int(np.searchsorted(dependence.needs, seen, side="right")))
        if self.chunk is not None:
            last = min(last, first + self.chunk)
        if last <= first:
            return 0
        self._schedule(core, inference, first, last)
        if self.memory is not None:
            execute(self.machine, core.program, self.memory, inference, first, last)
        core.done += last - first
        return last - first

    def _schedule(self, core: _Core, inference: int, first: int, last: int) -> None:
        """The start times of a chunk, and what it waited for."""
        count = last - first
        arrival = {kind: np.zeros(count, np.int64) for kind in ("raw", "war")}
        for dependence, source, delay in core.incoming:
            event = dependence.needs[first:last] + inference * source.program.iterations
            seen = np.where(event >= 0, source.start[np.maximum(event, 0)] + delay, 0)
            np.maximum(arrival[dependence.kind], seen, out=arrival[dependence.kind])
        steps = self.interval * np.arange(count)
        bound = np.maximum(arrival["raw"], arrival["war"])
        bound[0] = max(bound[0], core.ready)
        start = np.maximum.accumulate(bound - steps) + steps
        earliest = np.concatenate(([core.ready], start[:-1] + self.interval))
        stall = start - earliest
        on_data = arrival["raw"] >= arrival["war"]
        core.stalls["raw"] += int(stall[on_data].sum())
        core.stalls["war"] += int(stall[~on_data].sum())
        begin = inference * core.program.iterations
        core.start[begin + first : begin + last] = start
        core.ready = int(start[-1]) + self.interval

    def _deadlock(self) -> DeadlockError:
        """Says what each stuck core waits for."""
        waits = []
        for core in self.cores.values():
            if core.done == core.total:
                continue
            inference, iteration = core.place
            for dependence, source, _ in core.incoming:
                need = dependence.needs[iteration]
                if need + inference * source.program.iterations >= source.done:
                    what = "data" if dependence.kind == "raw" else "room"
                    waits.append(
                        f"@{core.program.name} waits for {what} in @{dependence.array} "
                        f"from @{source.program.name}"
                    )
        return DeadlockError(None, "deadlock: " + "; ".join(waits))

    def _report(self) -> RunReport:
        latency = self.machine.hardware.latency
        cores = [
            CoreReport(
                name=core.program.name,
                iterations=core.program.iterations,
                start=core.start.reshape(self.inferences, -1),
                interval=self.interval,
                data_stalls=core.stalls["raw"],
                credit_stalls=core.stalls["war"],
            )
            for core in self.cores.values()
        ]
        outputs = self.memory.results() if self.memory is not None else []
        return RunReport(cores, outputs, latency)


def execute(
    machine: Machine, program: Program, memory: Memory, inference: int, first: int, last: int
) -> None:
    """Run iterations first ≤ i < last of an inference on data."""
    lanes = max((load_size(load) for load in program.loads.values()), default=1)
    block = max(1, LANES_AT_ONCE // lanes)
    for start in range(first, last, block):
        _execute_block(machine, program, memory, inference, start, min(last, start + block))


def load_size(load: Load) -> int:
    return int(np.prod(load.lanes, dtype=np.int64))


def _execute_block(
    machine: Machine, program: Program, memory: Memory, inference: int, start: int, stop: int
) -> None:
    values: dict[SSAValue, np.ndarray] = {
        crossbar.result: machine.matrix(crossbar) for crossbar in program.crossbars
    }
    for arg, column in zip(program.op.iteration.body.block.args, program.points.T, strict=True):
        values[arg] = column[start:stop]
    for op in program.body:
        if (load := program.loads.get(op)) is not None:
            values[load.op.result] = memory.load(program, load, inference, start, stop)
        elif (store := program.stores.get(op)) is not None:
            value = np.broadcast_to(values[store.op.value], (stop - start, *store.lanes))
            memory.store(store, value, inference, start, stop)
        else:
            values[op.results[0]] = evaluate(op, *(values[o] for o in op.operands))
