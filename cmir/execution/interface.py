"""Inputs and outputs of a network, by the names and in the shapes in which its user knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from xdsl.dialects.builtin import SymbolRefAttr

from cmir.analysis.index_ranges import index_ranges
from cmir.compilation.model import Model
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import PipelineOp, symbol
from cmir.execution.inferences import Inferences
from cmir.execution.lazily import Lazily
from cmir.execution.streams import Sample, arrays_by_name, random_samples, read_samples, samples_of
from cmir.support.diagnostics import CompileError

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Port:
    """An input or output.

    array: its array in the network. shape: in the model, of one inference. stored: shape of the array, which has as
    many elements. dtype: type of the elements; one of 2 or 4 bits for an input whose array holds these as `i8`.
    """

    array: str
    shape: Shape
    stored: Shape
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Interface:
    """The inputs and outputs of a network by name, in order."""

    network: PipelineOp | NetworkOp
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]

    @staticmethod
    def of(
        model: Model, network: PipelineOp | NetworkOp, names: Sequence[str] | None = None
    ) -> Interface:
        """Return the interface of a network that a model has been lowered to.

        names: those of its inputs, see `input_names`; by default, those of arrays. An ONNX model has its own.
        """
        ports = _ports(network, network.inputs, model.inputs, names)
        inputs = {n: replace(p, dtype=model.narrow.get(n, p.dtype)) for n, p in ports.items()}
        return Interface(network, inputs, _ports(network, network.outputs, model.outputs, None))

    @property
    def input_shapes(self) -> dict[str, Shape]:
        return {name: port.shape for name, port in self.inputs.items()}

    @property
    def output_shapes(self) -> dict[str, Shape]:
        return {name: port.shape for name, port in self.outputs.items()}

    @property
    def _types(self) -> dict[str, np.dtype[Any]]:
        return {name: port.dtype for name, port in self.inputs.items()}

    def random(self, seed: int, count: int) -> list[Sample]:
        """Return random inputs for each inference; see `random_samples`. Indices are in range."""
        known = index_ranges(self.network)
        ranges = {n: known[port.array] for n, port in self.inputs.items() if port.array in known}
        return random_samples(self.input_shapes, seed, count, self._types, ranges)

    def read(self, files: Sequence[Path], count: int | None = None) -> Sequence[Sample]:
        """Return the inputs of each inference in files; see `read_samples`.

        count: number of inferences; inputs are repeated in turn. None for as many as there are.
        """
        return _repeated(read_samples(files, self.input_shapes, self._types), count, files[0])

    def given(self, inputs: Any, count: int | None = None) -> Sequence[Sample] | Inferences:
        """Return the inputs of each inference in arrays; see `cmir.Network.run`. count: see `read`."""
        if Inferences.are_in(inputs):
            if count is not None:
                hint = "end it, for example with `itertools.islice`"
                message = f"an iterable has as many inferences as it yields; {hint}"
                raise CompileError(None, message)
            return Inferences(inputs, self._samples)
        return _repeated(self._samples(inputs), count, None)

    def _samples(self, inputs: Any) -> Sequence[Sample]:
        arrays = arrays_by_name(inputs, list(self.inputs))
        return samples_of(arrays, self.input_shapes, self._types)

    def stored(self, sample: Sample) -> Sample:
        """Return the inputs of an inference by the names and in the shapes of the network's arrays."""
        pairs = zip(self.inputs.values(), sample.values(), strict=True)
        return {port.array: value.reshape(port.stored) for port, value in pairs}

    def arrays(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """Return the inputs of inferences as `stored` does."""
        return Lazily(len(samples), lambda number: self.stored(samples[number]))

    def named(self, outputs: Iterable[Mapping[str, np.ndarray]]) -> list[Sample]:
        """Return the outputs in the network's arrays by the names and in the shapes of the model."""
        return [
            {name: sample[port.array].reshape(port.shape) for name, port in self.outputs.items()}
            for sample in outputs
        ]


def _ports(
    network: PipelineOp | NetworkOp,
    arrays: Iterable[SymbolRefAttr],
    known: Mapping[str, Shape] | None,
    names: Sequence[str] | None,
) -> dict[str, Port]:
    symbols, all_arrays = [symbol(ref) for ref in arrays], network.arrays
    found = [all_arrays[name] for name in symbols]
    shapes = [array.shape for array in found] if known is None else [*map(tuple, known.values())]
    return {
        name: Port(array, shape, op.shape, dtype_of(op.type))
        for name, array, shape, op in zip(
            known or names or symbols, symbols, shapes, found, strict=True
        )
    }


def _repeated(samples: Sequence[Sample], count: int | None, where: Path | None) -> Sequence[Sample]:
    if not samples:
        raise CompileError(where, "there is no inference in the inputs")
    return Lazily(count or len(samples), lambda number: samples[number % len(samples)])
