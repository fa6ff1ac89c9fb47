"""cmir as a backend for ONNX's Python interface: import, compile, run on the simulator.

The interface is made for runtimes. A compiler for fixed networks differs in some ways, which are resolved when the
first inputs arrive:

* Shapes are those of the given inputs. Inputs that stand for parameters (weights, axes, bounds) become initializers
before the import.
* Models older than the importer supports go through ONNX's version converter.
* The inputs are those of one inference. If they are batches of 1 that nothing mixes with other dimensions, the
  compiled network does not have the batch dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, version_converter
from onnx.backend.base import Backend, BackendRep

from cmir.compilation.model import lower, read_model
from cmir.dialects.nn.operation import Shape
from cmir.frontends.onnx.inference import GROWING
from cmir.frontends.onnx.loading import HELD, OLDEST_OPSET
from cmir.frontends.onnx.registry import find_importer
from cmir.frontends.state import State
from cmir.hardware.description import Hardware
from cmir.simulator.simulator import Simulator
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.support.numerics import held
from cmir.timing.network import TimedNetwork

CONVERTED_OPSET = 13
"""Opset to which older models are converted."""


class CmirBackend(Backend):
    """ONNX's backend interface: `prepare`, `run_model` and `supports_device`. Devices are hardware presets."""

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> CmirRep:
        return CmirRep(model, Hardware.load("ideal"))

    @classmethod
    def supports_device(cls, device: str) -> bool:
        # ONNX has only CPU and CUDA; here, the simulator of the accelerator runs on the CPU.
        return device == "CPU"


class CmirRep(BackendRep):
    """A model to run. It is compiled for the shapes and parameters of the given inputs."""

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
        data = {name: held(x) for name, x in given.items() if name not in self.parameters}
        with collect_diagnostics():
            shapes, simulator = self._compile(fixed, data)
        network = simulator.network
        arrays = zip(network.inputs, data.values(), strict=True)
        sample = {name: x.reshape(network.arrays[name].shape) for name, x in arrays}
        (outputs,) = simulator.run([sample]).outputs
        results = [
            outputs[name].reshape(shape)
            for name, shape in zip(network.outputs, shapes, strict=True)
        ]
        return tuple(map(_declared, self.model.graph.output, results))

    def _compile(
        self, fixed: dict[str, np.ndarray], data: dict[str, np.ndarray]
    ) -> tuple[list[Shape], Simulator]:
        """Return the shapes of the outputs, and a simulator of the compiled network."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        # A missing input is optional: the nodes that take it work without it.
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
            compiled = read_model(path, shapes=shapes, state=State(recognised=False))
        timed = TimedNetwork(lower(compiled), self.hardware)
        return [*(compiled.outputs or {}).values()], Simulator.of(timed, compiled.parameters)


def _declared(info: onnx.ValueInfoProto, output: np.ndarray) -> np.ndarray:
    """Convert indices, which are computed in 32 bits, to the 64 bits declared in ONNX, and integers to 2 or 4 bits."""
    kind = info.type.tensor_type.elem_type
    if (kind == TensorProto.INT64 and output.dtype == np.int32) or kind in HELD:
        return output.astype(helper.tensor_dtype_to_np_dtype(kind))
    return output


def _recent(model: onnx.ModelProto) -> onnx.ModelProto:
    """Convert the model to an opset that the importer supports, as its error message advises."""
    versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    if not versions or versions[0] >= OLDEST_OPSET:
        return model
    try:
        return version_converter.convert_version(model, CONVERTED_OPSET)
    except Exception as error:  # the C++ converter has no exception class of its own
        raise CompileError(None, f"ONNX's version converter: {error}") from error


def static_inputs(model: onnx.ModelProto) -> set[str]:
    """Return the tensors that must be known at compile time.

    These are the tensors that an importer takes only as constants, and the tensors from which they are computed.
    """
    return _static(model.graph.node)


def _static(nodes: Sequence[onnx.NodeProto]) -> set[str]:
    """Return the tensors of a graph or function that must be known at compile time."""
    known: set[str] = set()
    for node in reversed(nodes):
        importer = find_importer(node)
        if node.op_type in ("Shape", "Size"):  # known regardless of values
            continue
        if known.intersection(node.output) or (importer is None and node.op_type in GROWING):
            known.update(node.input)
        elif importer is not None:
            known.update(n for i, n in enumerate(node.input) if importer.needs_constant(i))
        elif onnx.defs.has(node.op_type, node.domain):
            body = onnx.defs.get_schema(node.op_type, domain=node.domain).function_body
            inner = _static(body.node)
            known.update(n for n, formal in zip(node.input, body.input) if formal in inner)
    return known - {""}


prepare = CmirBackend.prepare
run_model = CmirBackend.run_model
supports_device = CmirBackend.supports_device
