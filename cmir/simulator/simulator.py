"""Execution of an elaborated network on data.

Loop nests are static, so a program is evaluated over arrays of iterations, a chunk at a time, as control
(`cmir.timing.control`) allows. Results and cycles are the same for every chunk size and any number of lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property

import numpy as np

from cmir.analysis.capacity import check_sram
from cmir.crossbars.calibration import Recorder
from cmir.crossbars.model import CrossbarModel
from cmir.crossbars.ranges import Ranges
from cmir.dialects.core_name import CoreName
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.sections import Crossbar
from cmir.simulator.body import Body
from cmir.simulator.execution import Execution, Progress, Sink
from cmir.simulator.lanes import check_lanes, lanes_for, most_useful_lanes, sequences_of
from cmir.simulator.memory import Memory, MemoryPlan
from cmir.simulator.numbers import NUMBERS, Numbers
from cmir.simulator.products import Products
from cmir.simulator.stream import Inputs, Stream
from cmir.simulator.weights import Weights
from cmir.support.diagnostics import CompileError
from cmir.timing.actors import Actor
from cmir.timing.network import TimedNetwork
from cmir.timing.report import RunReport
from cmir.timing.steady import StreamTimes

MemoryOf = Callable[[ElaboratedNetwork, MemoryPlan, Weights, Stream], Memory]


class Simulator:
    """A network prepared for execution; it can run many times.

    actors: cores with their costs and delays, by name. parameters: values of the parameters that the IR names.
    numbers: arithmetic of the run; memory: constructor of its storage.
    """

    def __init__(
        self,
        network: ElaboratedNetwork,
        actors: Mapping[CoreName, Actor],
        parameters: Mapping[str, np.ndarray] | None = None,
        numbers: Numbers = NUMBERS,
        memory: MemoryOf = Memory,
    ):
        self.network, self.actors = network, actors
        self._memory = memory
        self._times: dict[int | None, StreamTimes] = {}  # by chunk
        self._start(parameters, numbers)

    @staticmethod
    def of(timed: TimedNetwork, parameters: Mapping[str, np.ndarray] | None = None) -> Simulator:
        """Return the simulator of a network on its chip.

        Raises CompileError if the buffers of a core exceed its SRAM.
        """
        check_sram(timed.network.op, timed.hardware)
        return Simulator(timed.network, timed.actors, parameters)

    def _start(self, parameters: Mapping[str, np.ndarray] | None, numbers: Numbers) -> None:
        self.weights = Weights(self.network.arrays, parameters, numbers)
        self._bodies: dict[CoreName, Body] = {}
        self._products: Products | None = None

    def over(self, numbers: Numbers) -> Simulator:
        """Return a simulator of the same network over other numbers, without parameters.

        The other numbers must represent pad values as those of this simulator do.
        """
        other = copy(self)
        other._start(None, numbers)
        return other

    def with_crossbars(self, model: CrossbarModel | None) -> Simulator:
        """Return a simulator of the same network whose products are those of a model; None for exact products.

        Its crossbars are programmed at their first product, and stay so in all runs.
        """
        other = copy(self)
        other._bodies = {}
        other._products = None if model is None else Products(self.network, model, self.weights)
        return other

    def calibrated(self, crossbar: Crossbar, inputs: Inputs, first: Sequence[int] | None) -> Ranges:
        """Return the ranges of converters that exact products of a stream have. first: see `run`."""
        recorder = Recorder(crossbar)
        self.with_crossbars(recorder).run(inputs, first=first)
        return recorder.found

    @cached_property
    def memory_plan(self) -> MemoryPlan:
        """Layout of the data of a run in memory."""
        return MemoryPlan(self.network, self.weights.numbers)

    def body(self, core: CoreName) -> Body:
        """Return the body of a core's iterations, prepared for execution."""
        if core not in self._bodies:
            self._bodies[core] = Body(self.network.cores[core], self.weights, self._products)
        return self._bodies[core]

    @cached_property
    def _most_useful_lanes(self) -> int:
        return most_useful_lanes(self.network, self.actors, self.memory_plan)

    def lanes_for(self, count: int | None, first: Sequence[int] | None = None) -> int:
        """Return the number of lanes in which a stream runs fast, within bounds of memory.

        count: number of inferences, None if unknown. first: see `run`.
        """
        return lanes_for(self._most_useful_lanes, count, sequences_of(self.network, first))

    def run(
        self,
        inputs: Inputs,
        chunk: int | None = None,
        progress: Progress | None = None,
        first: Sequence[int] | None = None,
        lanes: int = 1,
        sink: Sink | None = None,
    ) -> RunReport:
        """Execute a stream of inferences. Its times are those of the inferences one after the other.

        inputs: for each inference, an array for each input.
        chunk: maximum number of iterations that a core runs before others get a turn; None for no limit.
        first: for each inference, the number of the first inference of its sequence: reads that reach back further give
        initial values. None for a stream that is one sequence.
        lanes: number of inferences that run in lock-step; with state, of sequences.
        sink: takes the outputs; by default they are part of the report.
        Raises CompileError for inputs that do not match, or for more lanes than sequences, DeadlockError if no core can
        continue.
        """
        check_lanes(lanes, sequences_of(self.network, first))
        shapes = {name: self.network.arrays[name].shape for name in self.network.inputs}
        stream = Stream(inputs, shapes, lanes, first)
        memory = self._memory(self.network, self.memory_plan, self.weights, stream)
        collected: dict[int, dict[str, np.ndarray]] = {}

        def collect(numbers: np.ndarray, outputs: Mapping[str, np.ndarray]) -> None:
            for place, number in enumerate(numbers.tolist()):
                collected[number] = {name: array[place] for name, array in outputs.items()}

        Execution(self.actors, memory, self.body, sink or collect, chunk, progress).run_all()
        assert stream.known is not None
        if not stream.known:
            raise CompileError(None, "there is no inference in the inputs")
        outputs = [collected[number] for number in sorted(collected)]
        times = self._times.setdefault(chunk, StreamTimes(self.actors, chunk))
        return replace(times.of(stream.known), outputs=outputs)
