"""A compiled network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from cmir.analysis.capacity import check_capacity, check_sram
from cmir.analysis.workload import check_inferences
from cmir.compilation.model import Model
from cmir.compilation.proofs import verify_network
from cmir.context import source_of_module
from cmir.crossbars.model import CrossbarModel
from cmir.elaboration.network import ElaboratedNetwork
from cmir.execution.accuracy import Labels
from cmir.execution.crossbars import ModelledCrossbars
from cmir.execution.inferences import Inferences
from cmir.execution.interface import Interface
from cmir.execution.judging import Tolerances, Verdict, check
from cmir.execution.lazily import Anew, Lazily
from cmir.execution.output_file import OutputFile
from cmir.execution.references import (
    EvaluatorChoice,
    Reference,
    reference_of,
    reference_of_ir,
)
from cmir.execution.sequences import sequence_starts
from cmir.execution.shadow import Shadow
from cmir.execution.streams import Sample, check_output, write_samples
from cmir.hardware.description import Hardware
from cmir.isl.budget import limited
from cmir.library.accuracy import Accuracy, accuracy_of
from cmir.library.arguments import check_positive, check_seed
from cmir.library.errors import in_python, user_errors
from cmir.library.progress import ProgressCallback, Show, executing, shown
from cmir.library.run import Run
from cmir.library.visible import Visible
from cmir.semantics.precision import narrowest_float
from cmir.simulator.simulator import Inputs, Simulator
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.support.printing import ir_text
from cmir.support.similar import did_you_mean
from cmir.timing.network import TimedNetwork

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cmir.rtl.control_cost import ControlCost
    from cmir.rtl.simulation import SimulationVerdict
    from cmir.rtl.simulators import SimulatorName

Level = Literal["nn", "polyhedral", "cmcore", "hw"]

InputsLike: TypeAlias = "np.ndarray | Sequence[Any] | Mapping[str, Any] | Iterable[Any]"
"""An array for a network with one input, an array for each input in order, or arrays by name; an iterable of these."""


class Network(Visible):
    """A network that has been compiled for a machine; `cmir.compile` and `cmir.load` make it.

    hardware: the machine.
    interface: inputs and outputs, with their arrays and types.
    remarks: what the compiler had to say, one line each.
    """

    FOR_TOOLS = frozenset({"check_inferences", "crossbars", "execute", "judge", "timed"})

    def __init__(
        self,
        model: Model,
        elaborated: ElaboratedNetwork,
        hardware: Hardware,
        relations: ModuleOp | None = None,
        names: Sequence[str] | None = None,
        source: Model | None = None,
    ):
        """Make a network of a model that has been lowered.

        relations: the module with stages and dependences, if the model was compiled from as much. names: those of the
        inputs, see `Interface.of`. source: the model before it was lowered, for `Run.check`; by default, the nn IR that
        the network was compiled from.
        """
        self.hardware, self.interface = hardware, Interface.of(model, elaborated.op, names)
        self.remarks: tuple[str, ...] = ()
        self._model, self._elaborated, self._relations = model, elaborated, relations
        self._source = source

    @property
    def name(self) -> str:
        """Name of the network: that of its file, or of its function."""
        stem = self._model.path.stem
        return self._elaborated.op.sym_name.data if stem.startswith("<") else stem

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shape of each input of an inference, by name and in order."""
        return self.interface.input_shapes

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """Shape of each output of an inference, by name and in order."""
        return self.interface.output_shapes

    @cached_property
    def timed(self) -> TimedNetwork:
        """The network with costs and delays. Raises CompileError if it does not fit on the machine."""
        check_capacity(self._elaborated.op, self.hardware)
        check_sram(self._elaborated.op, self.hardware)
        return TimedNetwork(self._elaborated, self.hardware)

    @cached_property
    def _simulator(self) -> Simulator:
        return Simulator.of(self.timed, self._model.parameters)

    @cached_property
    def crossbars(self) -> ModelledCrossbars:
        """The crossbars of the network, with their calibrated ranges."""
        return ModelledCrossbars(self._simulator, self.hardware.crossbar)

    def run(
        self,
        inputs: InputsLike | None = None,
        *,
        random: int | None = None,
        inferences: int | None = None,
        sequence_lengths: Sequence[int] | None = None,
        lanes: int | None = None,
        chunk: int | None = None,
        output: str | os.PathLike[str] | None = None,
        progress: ProgressCallback | bool = True,
    ) -> Run:
        """Execute a stream of inferences on the machine.

        inputs: one array, arrays in the order of the inputs, or arrays by name. An array with one more leading
            dimension than its input is a stream; a batch dimension of 1 may be missing. Or an iterable of these, such
            as a generator, for a stream of unknown length: it is read as the run goes on, and ends the stream.
        random: the seed of random inputs, instead of `inputs`.
        inferences: number of inferences; inputs are repeated in turn. By default as many as are given.
        sequence_lengths: lengths of the sequences that the stream consists of; state begins anew in each.
        lanes: number of inferences that run in lock-step; with state, of sequences. By default as many as save time.
        chunk: the most iterations that a core runs before others get a turn; with it, the default of `lanes` is 1. Both
            affect speed only.
        output: a .npy file for the only output, or a .npz file. Outputs are written as inferences are over, and are not
            kept in memory, unless NumPy lacks the type of one: the run reads them from the file.
        progress: see `cmir.compile`.

        Raises CompileError for inputs that do not fit.
        """
        with user_errors(), shown(progress) as show:
            if (inputs is None) == (random is None):
                raise CompileError(None, "give either inputs or the seed of random inputs")
            check_positive("inferences", 1 if inferences is None else inferences)
            if random is not None:
                check_seed(random)
                self.check_inferences(inferences or 1)
                samples = self.interface.random(random, inferences or 1)
            else:
                samples = self.interface.given(inputs, inferences)
            check_positive("lanes", 1 if lanes is None else lanes)
            file = None if output is None else Path(output)
            return self.execute(samples, sequence_lengths, chunk, lanes, show, file)

    def execute(
        self,
        samples: Sequence[Sample] | Inferences,
        sequence_lengths: Sequence[int] | None,
        chunk: int | None,
        lanes: int | None,
        show: Show,
        output: Path | None = None,
    ) -> Run:
        """Execute inferences, given as the interface returns them. See `run`."""
        ports, network = self.interface.outputs, self._elaborated.op
        if output is not None:
            check_output(output, ports)
        written = output is not None and OutputFile.holds(output, ports)
        if isinstance(samples, Sequence):
            count = len(samples)
            check_inferences(network, count, not isinstance(samples, Lazily), not written)
            given: Inputs = self.interface.arrays(samples)
        else:
            count, given = None, Anew(partial(self._taken, samples, not written))
        first = sequence_starts(sequence_lengths, count, network)
        if lanes is None:
            lanes = 1 if chunk is not None else self._simulator.lanes_for(count, first)
        self.crossbars.calibrate(partial(self._first, samples), first)
        simulator, model = self.crossbars.programmed()
        if written:
            assert output is not None
            file = OutputFile(output, ports)
            with file.writing() as sink:
                record = simulator.run(given, chunk, executing(show), first, lanes, sink)
            outputs = file.samples
        else:
            record = simulator.run(given, chunk, executing(show), first, lanes)
            outputs = self.interface.named(record.outputs)
            if output is not None:
                write_samples(outputs, output)
        judge = partial(self._check, samples, first, lanes)
        again = partial(self._again, given, chunk, first, lanes)
        return Run(self.name, self.timed, record, outputs, judge, lanes, model, again)

    def _taken(self, samples: Inferences, kept: bool) -> Iterator[Sample]:
        """Yield the inputs of inferences. kept: True if outputs are; raises CompileError if they become too many."""
        for count, sample in enumerate(samples, 1):
            check_inferences(self._elaborated.op, count, False, kept)
            yield self.interface.stored(sample)

    def _first(self, samples: Sequence[Sample] | Inferences, count: int) -> Inputs:
        """Return the inputs of the first inferences, at most so many."""
        first = samples[:count] if isinstance(samples, Sequence) else samples.first(count)
        return self.interface.arrays(first)

    def _again(
        self,
        given: Inputs,
        chunk: int | None,
        first: Sequence[int] | None,
        lanes: int,
        fields: Mapping[str, Any] | None,
        compare: bool,
    ) -> tuple[list[Sample], CrossbarModel | None]:
        """Run a stream once more; see `Run.again`."""
        simulator, model = self._simulator, None
        if fields is not None:
            simulator, model = self.crossbars.programmed(fields, compare)
        outputs = simulator.run(given, chunk, None, first, lanes).outputs
        return self.interface.named(outputs), model

    def accuracy(
        self,
        inputs: InputsLike,
        labels: np.ndarray | Sequence[int],
        *,
        at: Sequence[float] = (),
        seeds: int = 1,
        top: int = 1,
        output: str | None = None,
        progress: ProgressCallback | bool = True,
    ) -> Accuracy:
        """Return the accuracy on labelled samples, with exact products and on the crossbars of the machine.

        inputs: see `run`; samples are a stream of inferences.
        labels: the class of each sample, or floats for a regression: the output of each sample.
        at: times of reading in seconds after programming, for a model of crossbars that has a time.
        seeds: number of times that crossbars are programmed.
        top: a sample is right if its class is among so many of the largest elements.
        output: the output that labels are for; by default, the only one.
        progress: see `cmir.compile`.

        Raises CompileError for inputs and labels that do not fit.
        """
        with user_errors(), shown(progress) as show:
            check_positive("seeds", seeds)
            check_positive("top", top)
            samples = self.interface.given(inputs, None)
            expected = Labels.of(np.asarray(labels), top)
            run = self.execute(samples, None, None, None, show)
            return accuracy_of(run, expected, at, seeds, output, show)

    def _check(
        self,
        inputs: Iterable[Sample],
        first: Sequence[int] | None,
        lanes: int,
        outputs: Sequence[Sample],
        against: Path | None,
        evaluator: EvaluatorChoice | None,
        tolerances: tuple[float | None, float | None],
    ) -> Verdict:
        """Compare the outputs of inferences with a reference; see `Run.check`."""
        if self._source is not None:
            reference = reference_of(self._source, against, evaluator)
        elif against is not None:
            reference = reference_of(self._model, against, evaluator)
        else:
            reference = reference_of_ir(self._model)
        compared = Tolerances(*tolerances, self._narrowest)
        return self.judge(reference, inputs, outputs, compared, first, lanes)

    @cached_property
    def _narrowest(self) -> str | None:
        """The least precise type of floats before the network was compiled."""
        module = self._model.module
        before = self._source.module if self._source is not None else None
        return narrowest_float(before or source_of_module(self._model.context, module) or module)

    def judge(
        self,
        reference: Reference,
        inputs: Iterable[Sample],
        outputs: Sequence[Sample],
        tolerances: Tolerances,
        first: Sequence[int] | None,
        lanes: int,
    ) -> Verdict:
        """Compare the outputs of inferences with a reference.

        first: see `Reference.evaluate`. lanes: number of inferences that the run had in lock-step.
        """
        parameters, narrowest = self._model.parameters, tolerances.narrowest
        shadow = Shadow(self.timed, self.interface, parameters, narrowest, lanes)
        arrays = [[*sample.values()] for sample in inputs]
        return check(reference, arrays, outputs, tolerances, first, shadow)

    def check_inferences(self, count: int, data: bool = True) -> None:
        """Raise CompileError if so many inferences are too large. data: True if inputs and outputs are in memory."""
        check_inferences(self._elaborated.op, count, data, data)

    def timing(self, inferences: int = 8, chunk: int | None = None) -> Run:
        """Return the figures of a stream of inferences without running it on data; they do not depend on data."""
        with user_errors():
            check_positive("inferences", inferences)
            self.check_inferences(inferences, data=False)
            return Run(self.name, self.timed, self.timed.time(inferences, chunk))

    def verify(self, source: str | os.PathLike[str] | None = None) -> str:
        """Prove control for endless streams, and values over a prime field; return the verdicts.

        source: the ONNX file or the nn IR that the network was compiled from, if it was compiled from IR that does not
            know its own. Without a source, the verdict says that values are not proved.

        Raises CompileError with a counterexample if a proof fails.
        """
        from cmir.execution.proof_sources import proof_sources

        with user_errors(), limited(self._elaborated.op):
            sources = () if source is None else proof_sources(self._model, Path(source))
            verdict, _ = verify_network(self._model, self._elaborated.op, sources=sources)
            return in_python(str(verdict))

    def ir(self, level: Level = "cmcore") -> str:
        """Return the text of the network at a level.

        `nn` is what was compiled, `polyhedral` the stages after mapping, with dependences, `cmcore` the programs, and
        `hw` the circuits of their control units.
        Raises CompileError for a level above that of the IR that was compiled, and for control that has no circuit.
        """
        with user_errors():
            module = self._circuits() if level == "hw" else self._module(level)
            return f"{ir_text(module)}\n"

    def verilog(self) -> str:
        """Return the control units as SystemVerilog. Raises CompileError for control that has no circuit."""
        from cmir.rtl.verilog import export_verilog

        with user_errors():
            return export_verilog(self._circuits())

    def _circuits(self) -> ModuleOp:
        from cmir.rtl.chip import ControlLogic

        with limited(self._elaborated.op):
            return ModuleOp([*ControlLogic.of(self.timed).modules()])

    def simulate_control(
        self, inferences: int = 4, simulator: SimulatorName | None = None
    ) -> SimulationVerdict:
        """Simulate the control units as circuits, and compare each start with the timing model.

        simulator: `icarus` or `verilator`; by default, the faster of those that are installed. The verdict is true if
        all starts are right, in cycle and coordinates. Raises CompileError if there is no simulator or no circuit.
        """
        from cmir.rtl.simulation import simulate

        with user_errors(), limited(self._elaborated.op):
            check_positive("inferences", inferences)
            return simulate(self.timed, inferences, simulator)

    def control_cost(
        self, gates: bool | None = None, *, progress: ProgressCallback | bool = True
    ) -> ControlCost:
        """Return the size of the control units as circuits, beside that of valid bits and counts for the same buffers.

        gates: synthesize circuits with Yosys, to count gates and LUTs; by default, if it is installed. Flip-flops are
        known without it. progress: see `cmir.compile`.

        The text of the result is a table; `figures()` returns its numbers. Raises CompileError for control that has no
        circuit, and if gates are asked for and Yosys is not installed.
        """
        from cmir.rtl.costing import control_cost
        from cmir.rtl.synthesis import synthesizable

        with user_errors(), limited(self._elaborated.op), shown(progress) as show:
            asked = synthesizable() if gates is None else gates
            return control_cost(self.timed, asked, show)

    def _module(self, level: Level) -> ModuleOp:
        modules = {
            "nn": source_of_module(self._model.context, self._model.module),
            "polyhedral": self._relations,
            "cmcore": self._model.module,
        }
        if level not in modules:
            levels = get_args(Level)
            hint = did_you_mean(str(level), levels)
            raise CompileError(None, f"levels are {', '.join(levels)}, got '{level}'{hint}")
        if (module := modules[level]) is None:
            raise CompileError(None, f"'{self.name}' was not compiled from the {level} level")
        return module

    def plot_dependence(self, *names: str) -> Figure:
        """Return a drawing of a dependence between two stages as a Matplotlib figure.

        The figure shows the elements that iterations write and read, and the release relation. names: those of the
        writer, the reader and the array, in this order, as many as identify the dependence. Raises CompileError if
        they do not.
        """
        from cmir.dialects.polyhedral import PipelineOp
        from cmir.report.plot import check_matplotlib
        from cmir.report.relation import find_dependence, relation_of
        from cmir.report.relation_plot import relation_figure
        from cmir.report.settings import SETTINGS

        check_matplotlib("plot_dependence()")
        from matplotlib import rc_context

        with user_errors(), limited(self._elaborated.op), rc_context(SETTINGS):
            (pipeline,) = self._module("polyhedral").body.block.ops
            assert isinstance(pipeline, PipelineOp)
            return relation_figure(relation_of(pipeline, find_dependence(pipeline, names)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the compiled network, weights included, to one file, from which `cmir.load` gets it back."""
        from cmir.library.archive import save

        save(self._model, self.interface, self._relations, self.hardware, Path(path))

    def __repr__(self) -> str:
        network = self._elaborated
        ends = ", ".join(f"{name} {list(shape)}" for name, shape in self.inputs.items())
        return (
            f"<cmir.Network '{self.name}' on {self.hardware.name}: {count_of(len(network.programs), 'program')} on"
            f" {count_of(network.core_count, 'core')}, inputs {ends}>"
        )

    def _repr_html_(self) -> str:
        return self.timing().html()
