"""The engine: runs the programs of a network on cores, on data.

Loop nests are static, so a program is evaluated over arrays of iterations: a chunk of them at a time, as the
recurrence (`cmir.timing.recurrence`) allows. Results and cycles are the same for every chunk size.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cache, cached_property

import numpy as np
from xdsl.ir import SSAValue

from cmir.analysis.capacity import check_sram
from cmir.cost.program_cost import Cost, program_cost
from cmir.dialects.cmcore import CrossbarOp, NetworkOp
from cmir.dialects.polyhedral import ArrayOp, symbol
from cmir.elaboration.automata import Automaton, automata_of
from cmir.elaboration.program import Core, Program, core_name
from cmir.hardware.chip import Places, check_places, chip_of
from cmir.hardware.description import Hardware
from cmir.simulator.execution import Body
from cmir.simulator.memory import MemoryPlan
from cmir.simulator.numbers import NUMBERS, Numbers
from cmir.support.diagnostics import CompileError
from cmir.timing.recurrence import Actor, Dependence, Progress, Recurrence
from cmir.timing.report import RunReport
from cmir.timing.steady import time_stream


class Machine:
    """A network prepared for execution on a machine; it can be run many times.

    parameters: the values of the parameters that the IR names; None for timing only. numbers: what values are.
    Raises CompileError where the IR cannot be executed.
    """

    def __init__(
        self,
        network: NetworkOp,
        hardware: Hardware,
        parameters: Mapping[str, np.ndarray] | None = None,
        numbers: Numbers = NUMBERS,
    ):
        check_places(network, hardware)
        check_sram(network, hardware)
        self.hardware = hardware
        self.inputs = [symbol(ref) for ref in network.inputs]
        self.outputs = [symbol(ref) for ref in network.outputs]
        self.arrays = network.arrays
        self.positions: dict[str, tuple[int, ...]] = {}
        coordinates: dict[str, list[tuple[int, ...]]] = {name: [] for name in network.programs}
        for core in network.cores:
            program = symbol(core.program)
            name = core_name(program, core.core)
            if name in self.positions:
                raise CompileError(core, f"program @{name} runs on two cores")
            self.positions[name] = tuple(core.position.get_values())
            coordinates[program].append(core.core)
        if not network.programs:
            raise CompileError(network, "the network has no program to run")
        for name, op in network.programs.items():
            if op.gcu is not None:
                coordinates[name].append(())
            if not coordinates[name]:
                raise CompileError(op, f"no core runs @{name}")
        self.programs = {
            name: Program(
                op, self.arrays, np.array(sorted(coordinates[name]), np.int64), numbers.pad
            )
            for name, op in network.programs.items()
        }
        self.cores = {
            core.name: core
            for program in self.programs.values()
            for core in (Core(program, k) for k in range(len(program.core_coordinates)))
        }
        self.chip = chip_of(hardware)
        self.places = Places(self.chip, self.positions)
        self.waits = self._waits()
        self.costs = self._costs()
        self.actors = self._actors()
        self.parameters = parameters
        self._start(numbers)

    def _start(self, numbers: Numbers) -> None:
        self.numbers = numbers
        self._constants: dict[str, np.ndarray] = {}
        self._matrices: dict[tuple[SSAValue, tuple[int, ...]], np.ndarray] = {}
        self._bodies: dict[str, Body] = {}

    def over(self, numbers: Numbers) -> Machine:
        """The same machine on other numbers, which keep pad values as those of this one do."""
        other = copy(self)
        other._start(numbers)
        return other

    @cached_property
    def memory_plan(self) -> MemoryPlan:
        """How the data of a run lies in memory; timing alone needs none."""
        return MemoryPlan(self.cores.values(), self.arrays)

    def _waits(self) -> list[tuple[str, str, Automaton]]:
        """The automata of all cores: (core, the one that it waits for, how)."""
        names = {
            name: [core_name(name, core) for core in program.core_coordinates.tolist()]
            for name, program in self.programs.items()
        }
        return [
            (names[name][found.core], names[found.source][found.source_core], found)
            for name, program in self.programs.items()
            for found in automata_of(program, self.programs)
        ]

    def _costs(self) -> dict[str, Cost]:
        """What an iteration of each core costs, which depends on what the core sends to other chips."""
        crossing: dict[str, set[str]] = {name: set() for name in self.cores}
        for core, source, found in self.waits:
            if found.kind == "raw" and self.places.crosses(source, core):
                crossing[source].add(found.array)
        cost = cache(
            lambda name, arrays: program_cost(self.programs[name].op, self.hardware, arrays)
        )
        return {
            name: cost(core.program.name, frozenset(crossing[name]))
            for name, core in self.cores.items()
        }

    def _actors(self) -> dict[str, Actor]:
        dependences: dict[str, list[Dependence]] = {name: [] for name in self.cores}
        for core, source, found in self.waits:
            delay = self.delay(found.kind, core, source)
            dependence = Dependence(
                found.kind, source, found.array, found.needs, delay, found.first
            )
            dependences[core].append(dependence)
        return {
            name: Actor(
                name,
                core.iterations,
                self.costs[name].interval,
                self.costs[name].latency,
                dependences[name],
            )
            for name, core in self.cores.items()
        }

    def delay(self, kind: str, core: str, source: str) -> int:
        """Cycles from the start of an iteration of `source` until `core` sees it."""
        first = self.hardware.core.credit_latency
        if kind == "raw":
            first = self.costs[source].latency
        hops = self.places.hops(source, core)
        return first + hops * self.hardware.network.hop_cycles

    @property
    def sram_bytes(self) -> dict[str, int]:
        """Bytes of the buffers of each core; the global control unit has a memory of its own."""
        return {
            name: core.sram_bytes(self.hardware) if name in self.positions else 0
            for name, core in self.cores.items()
        }

    def constant(self, array: ArrayOp) -> np.ndarray:
        """The elements of a parameter array, in its shape. Raises CompileError if there are none."""
        name = array.sym_name.data
        if name not in self._constants:
            self._constants[name] = self.numbers.elements(array, self.parameters)
        return self._constants[name]

    def matrix(self, crossbar: CrossbarOp, core: Core) -> np.ndarray:
        """The cells of a crossbar matrix of a core, in its shape."""
        key = crossbar.result, core.coordinates
        if key not in self._matrices:
            array = self.arrays[symbol(crossbar.array)]
            elements = self.constant(array)
            matrix = self.numbers.matrix(crossbar, array, elements, core.coordinates)
            self._matrices[key] = matrix
        return self._matrices[key]

    def body(self, core: str) -> Body:
        """The body of a core's iterations, prepared for execution."""
        if core not in self._bodies:
            self._bodies[core] = Body(self, self.cores[core])
        return self._bodies[core]

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
        memory = self.numbers.memory(self, inputs)

        def run_chunk(name: str, inference: int, first: int, last: int) -> None:
            self.body(name).run(memory, inference, first, last)

        report = Recurrence(self.actors, len(inputs), chunk, run_chunk, progress).run()
        return dataclasses.replace(report, outputs=memory.outputs)

    def time(self, inferences: int, chunk: int | None = None) -> RunReport:
        """The timing of a stream of inferences, exactly as `run` gives it, without data."""
        return time_stream(self.actors, inferences, chunk)

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
