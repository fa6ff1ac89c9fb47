"""cmir as a backend in the sense of ONNX's Python interface: import, compile, run on the engine.

A compiler for fixed networks differs in some ways from the runtimes that this interface is made for,
which are dealt with when it first sees data:

* Shapes are those of the given inputs, and inputs in the place of parameters (weights, axes, bounds)
  are parameters: their values become initializers before the import.
* Models that are older than the importer takes go through ONNX's version converter.
* A batch is a stream of inferences. If the model has an operator whose first dimension is a batch,
  each sample is an inference and the results are stacked; otherwise, and where that cannot be, all
  of an input is one sample (`import_onnx` without `batch`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper, version_converter
from onnx.backend.base import Backend, BackendRep

from cmir.frontends.onnx.loading import OLDEST_OPSET
from cmir.frontends.onnx.registry import find_importer
from cmir.hardware.description import Hardware
from cmir.simulator.simulator import Simulator
from cmir.support.diagnostics import CompileError
from cmir.timing.network import TimedNetwork
from cmir.tools.model import lower, read_model

CONVERTED_OPSET = 13
"""Opset to which models are converted that are older than the importer takes."""


class CmirBackend(Backend):
    """`prepare`, `run_model` and `supports_device`; devices are presets of the accelerator."""

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> CmirRep:
        return CmirRep(model, Hardware.load("ideal"))

    @classmethod
    def supports_device(cls, device: str) -> bool:
        # ONNX knows CPU and CUDA only; what runs on the CPU here is the model of the accelerator.
        return device == "CPU"


class CmirRep(BackendRep):
    """A model to be run. It is compiled for the shapes, and parameters, that it is given."""

    def __init__(self, model: onnx.ModelProto, hardware: Hardware):
        self.model = model
        self.hardware = hardware
        held = {tensor.name for tensor in model.graph.initializer}
        self.inputs = [info.name for info in model.graph.input if info.name not in held]
        self.parameters = static_inputs(model) & set(self.inputs)

    def run(self, inputs: Sequence[Any], **kwargs: Any) -> tuple[np.ndarray, ...]:
        """Return the outputs. Raises CompileError with the reason if the model cannot be compiled."""
        given = {n: np.asarray(x) for n, x in zip(self.inputs, inputs, strict=False)}
        fixed = {name: x for name, x in given.items() if name in self.parameters}
        data = {name: x for name, x in given.items() if name not in self.parameters}
        ways = [self._whole, self._samples]
        counts = {x.shape[:1] for x in data.values()}
        if len(counts) != 1 or () in counts:
            ways = [self._whole]
        elif any(map(_is_batched, self.model.graph.node)):
            ways.reverse()
        errors: list[CompileError] = []
        for way in ways:
            try:
                return tuple(map(_declared, self.model.graph.output, way(fixed, data)))
            except CompileError as error:
                errors.append(error)
        raise errors[0]

    def _whole(self, fixed: dict[str, np.ndarray], data: dict[str, np.ndarray]) -> list[np.ndarray]:
        simulator = self._compile(fixed, data, batch=False)
        (outputs,) = _run(simulator, [list(data.values())])
        return outputs

    def _samples(
        self, fixed: dict[str, np.ndarray], data: dict[str, np.ndarray]
    ) -> list[np.ndarray]:
        simulator = self._compile(fixed, {name: x[:1] for name, x in data.items()}, batch=True)
        outputs = _run(simulator, list(zip(*data.values(), strict=True)))
        return [np.stack(samples) for samples in zip(*outputs, strict=True)]

    def _compile(
        self, fixed: dict[str, np.ndarray], data: dict[str, np.ndarray], batch: bool
    ) -> Simulator:
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        # An input that is left out is optional: the nodes that take it do without.
        unused = set(self.inputs) - fixed.keys() - data.keys()
        infos = [info for info in model.graph.input if info.name not in fixed.keys() | unused]
        del model.graph.input[:]
        model.graph.input.extend(infos)
        model.graph.initializer.extend(
            numpy_helper.from_array(value, name) for name, value in fixed.items()
        )
        model = _recent(model)
        with TemporaryDirectory() as directory:
            path = Path(directory) / "model.onnx"
            onnx.save(model, path)
            shapes = {name: x.shape for name, x in data.items()}
            compiled = read_model(path, shapes=shapes, batch=batch)
        timed = TimedNetwork(lower(compiled), self.hardware)
        return Simulator.of(timed, compiled.parameters)


def _is_batched(node: onnx.NodeProto) -> bool:
    """Return True if the first dimension of the node's tensors is a batch by definition of its operator."""
    importer = find_importer(node)
    return importer is not None and importer.batched


def _run(simulator: Simulator, samples: Sequence[Sequence[np.ndarray]]) -> list[list[np.ndarray]]:
    """Return the outputs of each inference, in order."""
    network = simulator.network
    report = simulator.run([dict(zip(network.inputs, sample, strict=True)) for sample in samples])
    return [[outputs[name] for name in network.outputs] for outputs in report.outputs]


def _declared(info: onnx.ValueInfoProto, output: np.ndarray) -> np.ndarray:
    """Return indices, which are computed in 32 bits, in the 64 of ONNX."""
    indices = info.type.tensor_type.elem_type == TensorProto.INT64 and output.dtype == np.int32
    return output.astype(np.int64) if indices else output


def _recent(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model at an opset that the importer takes: what its error message tells users to do."""
    versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    if not versions or versions[0] >= OLDEST_OPSET:
        return model
    try:
        return version_converter.convert_version(model, CONVERTED_OPSET)
    except Exception as error:  # the C++ converter has no class of its own
        raise CompileError(None, f"ONNX's version converter: {error}") from error


def static_inputs(model: onnx.ModelProto) -> set[str]:
    """Return the tensors that must be known when the model is compiled: what some importer only takes as a
    constant, and what that is computed from."""
    known: set[str] = set()
    for node in reversed(model.graph.node):
        importer = find_importer(node)
        if node.op_type in ("Shape", "Size"):  # known whatever the values are
            continue
        if known.intersection(node.output):
            known.update(node.input)
        elif importer is not None:
            known.update(n for i, n in enumerate(node.input) if importer.needs_constant(i))
    return known - {""}


prepare = CmirBackend.prepare
run_model = CmirBackend.run_model
supports_device = CmirBackend.supports_device
