"""A compiled network."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from cmir.analysis.workload import check_inferences
from cmir.compilation.model import Model
from cmir.compilation.proofs import verify_network
from cmir.context import source_of_module
from cmir.execution.references import input_names
from cmir.execution.sequences import sequence_starts
from cmir.hardware.description import Hardware
from cmir.isl.budget import limited
from cmir.library.errors import user_errors
from cmir.library.inputs import random_stream, stream_of
from cmir.library.progress import ProgressCallback, shown
from cmir.library.run import Run
from cmir.simulator.simulator import Simulator
from cmir.support.diagnostics import CompileError
from cmir.support.printing import ir_text
from cmir.timing.network import TimedNetwork

Level = Literal["nn", "polyhedral", "cmcore"]

InputsLike: TypeAlias = "np.ndarray | Sequence[Any] | Mapping[str, Any]"
"""An array for a network with one input, an array for each input in order, or arrays by name."""


class Snapshot:
    """The module of a model as it is before its loops are generated: stages, relations and dependences."""

    def __init__(self, model: Model, show: ProgressCallback):
        self._model, self._show = model, show
        self.module: ModuleOp | None = None

    def before(self, name: str) -> None:
        """Take note of a pass that is about to run."""
        self._show(f"compiling: {name}")
        if name == "polyhedral-generate-loops":
            self.module = self._model.module.clone()


class Network:
    """A network that has been compiled for a machine; `cmir.compile` and `cmir.load` make it.

    hardware: the machine. remarks: what the compiler had to say, one line each.
    """

    def __init__(
        self,
        model: Model,
        timed: TimedNetwork,
        relations: ModuleOp | None,
        remarks: Sequence[str] = (),
        kept: object = None,
    ):
        self._model, self._timed, self._relations, self._kept = model, timed, relations, kept
        self.remarks = tuple(remarks)
        self._simulator: Simulator | None = None

    @property
    def hardware(self) -> Hardware:
        return self._timed.hardware

    @property
    def name(self) -> str:
        """Name of the network: that of its file, or of its function."""
        stem = self._model.path.stem
        return self._timed.network.op.sym_name.data if stem.startswith("<") else stem

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shape of each input of an inference, by name and in order."""
        if self._model.inputs is not None:
            return {name: tuple(shape) for name, shape in self._model.inputs.items()}
        arrays = self._timed.network.inputs
        names = input_names(self._model) or arrays
        return dict(zip(names, (self._shape(array) for array in arrays), strict=True))

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """Shape of each output of an inference, by name and in order."""
        if self._model.outputs is not None:
            return {name: tuple(shape) for name, shape in self._model.outputs.items()}
        return {array: self._shape(array) for array in self._timed.network.outputs}

    def _shape(self, array: str) -> tuple[int, ...]:
        return self._timed.network.arrays[array].shape

    def run(
        self,
        inputs: InputsLike | None = None,
        *,
        random: int | None = None,
        inferences: int | None = None,
        sequence_lengths: Sequence[int] | None = None,
        chunk: int | None = None,
        progress: ProgressCallback | bool = True,
    ) -> Run:
        """Execute a stream of inferences on the machine.

        inputs: one array, arrays in the order of the inputs, or arrays by name. An array with one more leading
            dimension than its input is a stream; a batch dimension of 1 may be missing.
        random: the seed of random inputs, instead of `inputs`.
        inferences: number of inferences; inputs are repeated in turn. By default as many as are given.
        sequence_lengths: lengths of the sequences that the stream consists of; state begins anew in each.
        chunk: the most iterations that a core runs before others get a turn; affects speed only.

        Raises CompileError for inputs that do not fit.
        """
        network = self._timed.network
        types = {
            name: network.arrays[array].type
            for name, array in zip(self.inputs, network.inputs, strict=True)
        }
        with user_errors(), shown(progress) as show:
            if (inputs is None) == (random is None):
                raise CompileError(None, "give either inputs or the seed of random inputs")
            if inputs is None:
                assert random is not None
                stream = random_stream(network, self.inputs, types, random, inferences or 1)
            else:
                stream = stream_of(inputs, self.inputs, types, inferences)
            check_inferences(network.op, len(stream), data=True)
            given = [
                {
                    array: value.reshape(self._shape(array))
                    for array, value in zip(network.inputs, sample.values(), strict=True)
                }
                for sample in stream
            ]
            if self._simulator is None:
                self._simulator = Simulator.of(self._timed, self._model.parameters)
            first = sequence_starts(sequence_lengths, len(stream), network.op)
            report = self._simulator.run(given, chunk, _percent(show), first)
        outputs = {
            name: np.stack([sample[array].reshape(shape) for sample in report.outputs])
            for (name, shape), array in zip(self.outputs.items(), network.outputs, strict=True)
        }
        return Run(self.name, self._timed, report, outputs)

    def timing(self, inferences: int = 8) -> Run:
        """Return the figures of a stream of inferences without running it on data; they do not depend on data."""
        check_inferences(self._timed.network.op, inferences, data=False)
        return Run(self.name, self._timed, self._timed.time(inferences), {})

    def verify(self) -> str:
        """Prove control for endless streams, and values over a prime field; return the verdicts.

        Raises CompileError with a counterexample if a proof fails.
        """
        with user_errors(), limited(self._timed.network.op):
            verdict, _ = verify_network(self._model, self._timed.network.op)
        return verdict

    def ir(self, level: Level = "cmcore") -> str:
        """Return the text of the network at a level.

        `nn` is what was compiled, `polyhedral` the stages after mapping, with dependences, `cmcore` the programs.
        Raises CompileError for a level above that of the IR that was compiled.
        """
        modules = {
            "nn": source_of_module(self._model.context, self._model.module),
            "polyhedral": self._relations,
            "cmcore": self._model.module,
        }
        if level not in modules:
            raise CompileError(None, f"levels are {', '.join(modules)}, got '{level}'")
        if (module := modules[level]) is None:
            raise CompileError(None, f"'{self.name}' was not compiled from the {level} level")
        return f"{ir_text(module)}\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the compiled network, weights included, to one file, from which `cmir.load` gets it back."""
        from cmir.library.archive import save

        save(self._model, self._relations, self.hardware, Path(path))

    def __repr__(self) -> str:
        count, programs = len(self._timed.network.positions), len(self._timed.network.programs)
        ends = ", ".join(f"{name} {list(shape)}" for name, shape in self.inputs.items())
        return (
            f"<cmir.Network '{self.name}' on {self.hardware.name}: {programs} programs on {count} cores, "
            f"inputs {ends}>"
        )

    def _repr_html_(self) -> str:
        return self.timing().html()


def _percent(show: ProgressCallback) -> Callable[[int, int], None]:
    return lambda done, total: show(f"executing: {100 * done // total} % of {total} iterations")
