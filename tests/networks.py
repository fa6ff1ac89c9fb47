"""Small networks for tests: built as ONNX models, compiled with the pipelines, and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.printer import Printer

from cmir.checking import evaluator_of
from cmir.context import CmirContext, make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn import evaluate_function
from cmir.dialects.polyhedral import PipelineOp
from cmir.extensions import installed_universe
from cmir.frontends.onnx import import_onnx
from cmir.hardware.description import Hardware
from cmir.pipelines.text import parse_passes
from cmir.reference import ReferenceMachine
from cmir.simulator.simulator import Simulator
from cmir.simulator.stream import Stream
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module
from cmir.timing.network import TimedNetwork

Sizes = int | Sequence[int]
"""A number for all spatial dimensions, or one for each."""

Sample = dict[str, np.ndarray]
"""An array for each input of a network, without batch dimension."""


Reschedule: TypeAlias = Callable[[PipelineOp], None]
"""Called with a network at the polyhedral level; it may give stages other schedules."""


class Impossible(ValueError):
    """The operator would have an empty result."""


class Builder:
    """An ONNX model in the making. Values are names; every method adds a node and gives its result."""

    def __init__(self, *shape: int, seed: int = 0):
        """shape: that of the input `x`, without batch dimension: channels, then spatial dimensions."""
        self.shapes = {"x": tuple(shape)}
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def conv(
        self,
        x: str,
        channels: int,
        kernel: Sizes = 3,
        strides: Sizes = 1,
        pads: Sizes = 0,
        dilations: Sizes = 1,
        groups: int = 1,
    ) -> str:
        inner, *space = self.shapes[x]
        window = self._window(space, kernel, strides, pads, dilations)
        fan_in = inner // groups * int(np.prod(window["kernel_shape"]))
        shape = (channels, inner // groups, *window["kernel_shape"])
        weight = self._weight(self.random.normal(size=shape) / np.sqrt(fan_in))
        bias = self._weight(self.random.normal(size=channels))
        attributes = {**window, "group": groups}
        return self._node(
            "Conv", [x, weight, bias], (channels, *_sizes(space, **window)), **attributes
        )

    def pool(
        self,
        x: str,
        kind: str = "Max",
        kernel: Sizes = 2,
        strides: Sizes = 2,
        pads: Sizes = 0,
    ) -> str:
        channels, *space = self.shapes[x]
        window = self._window(space, kernel, strides, pads, 1)
        if any(p >= k for p, k in zip(window["pads"], 2 * window["kernel_shape"], strict=True)):
            raise Impossible("onnxruntime wants pads to be smaller than the kernel")
        sizes = _sizes(space, **window)
        del window["dilations"]
        return self._node(f"{kind}Pool", [x], (channels, *sizes), **window)

    def relu(self, x: str) -> str:
        return self._node("Relu", [x], self.shapes[x])

    def response_normalization(self, x: str, size: int = 3) -> str:
        return self._node("LRN", [x], self.shapes[x], size=size)

    def add(self, a: str, b: str) -> str:
        shape = np.broadcast_shapes(self.shapes[a], self.shapes[b])
        return self._node("Add", [a, b], tuple(shape))

    def batch_norm(self, x: str) -> str:
        channels = self.shapes[x][0]
        uniform = [self._weight(self.random.uniform(0.5, 1.5, channels)) for _ in range(4)]
        return self._node("BatchNormalization", [x, *uniform], self.shapes[x])

    def global_average_pool(self, x: str) -> str:
        channels, *space = self.shapes[x]
        return self._node("GlobalAveragePool", [x], (channels, *(1 for _ in space)))

    def flatten(self, x: str) -> str:
        return self._node("Flatten", [x], (int(np.prod(self.shapes[x])),))

    def gemm(self, x: str, outputs: int) -> str:
        (inputs,) = self.shapes[x]
        weight = self._weight(self.random.normal(size=(outputs, inputs)) / np.sqrt(inputs))
        bias = self._weight(self.random.normal(size=outputs))
        return self._node("Gemm", [x, weight, bias], (outputs,), transB=1)

    def concat(self, *values: str) -> str:
        """Along the channels."""
        channels = sum(self.shapes[value][0] for value in values)
        shape = (channels, *self.shapes[values[0]][1:])
        return self._node("Concat", [*values], shape, axis=1)

    def crop(self, x: str, starts: Sizes, ends: Sizes) -> str:
        """Slices all spatial dimensions."""
        channels, *space = self.shapes[x]
        low, high = _spread(starts, len(space)), _spread(ends, len(space))
        if any(not 0 <= a < b <= s for a, b, s in zip(low, high, space, strict=True)):
            raise Impossible("nothing is left")
        axes = list(range(2, 2 + len(space)))
        arguments = [self._constant(np.array(v, np.int64)) for v in (low, high, axes)]
        sizes = [b - a for a, b in zip(low, high, strict=True)]
        return self._node("Slice", [x, *arguments], (channels, *sizes))

    def pad(self, x: str, begins: Sizes, ends: Sizes) -> str:
        """Pads all spatial dimensions with zeros."""
        channels, *space = self.shapes[x]
        low, high = _spread(begins, len(space)), _spread(ends, len(space))
        pads = self._constant(np.array([0, 0, *low, 0, 0, *high], np.int64))
        sizes = [a + s + b for a, s, b in zip(low, space, high, strict=True)]
        return self._node("Pad", [x, pads], (channels, *sizes))

    def model(self, *outputs: str) -> onnx.ModelProto:
        """The model that gives these values."""

        def info(name: str) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, *self.shapes[name]))

        graph = helper.make_graph(
            self.nodes, "main", [info("x")], [info(name) for name in outputs], self.weights
        )
        opset = helper.make_opsetid("", 13)
        return helper.make_model(graph, opset_imports=[opset], ir_version=8)

    def _node(self, kind: str, inputs: list[str], shape: tuple[int, ...], **attributes: Any) -> str:
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        self.shapes[name] = shape
        return name

    def _weight(self, value: np.ndarray) -> str:
        return self._constant(value.astype(np.float32))

    def _constant(self, value: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    @staticmethod
    def _window(
        space: Sequence[int], kernel: Sizes, strides: Sizes, pads: Sizes, dilations: Sizes
    ) -> dict[str, list[int]]:
        rank = len(space)
        return {
            "kernel_shape": _spread(kernel, rank),
            "strides": _spread(strides, rank),
            "pads": _spread(pads, 2 * rank),
            "dilations": _spread(dilations, rank),
        }


def _spread(sizes: Sizes, rank: int) -> list[int]:
    return [sizes] * rank if isinstance(sizes, int) else list(sizes)


def _sizes(
    space: Sequence[int],
    kernel_shape: list[int],
    strides: list[int],
    pads: list[int],
    dilations: list[int],
) -> list[int]:
    """The spatial sizes of what a window makes of `space`. Raises Impossible if there is nothing."""
    rank = len(space)
    sizes = [
        (size + pads[d] + pads[d + rank] - dilations[d] * (kernel_shape[d] - 1) - 1) // strides[d]
        + 1
        for d, size in enumerate(space)
    ]
    if min(sizes) < 1:
        raise Impossible("the window does not fit")
    return sizes


@dataclass
class Compiled:
    """A network, compiled for the accelerator.

    function: at the nn level, as imported.
    pipeline: at the polyhedral level, without dependences. network: at the cmcore level.
    """

    function: FuncOp
    pipeline: PipelineOp
    network: NetworkOp
    timed: TimedNetwork
    simulator: Simulator
    parameters: Parameters

    def reference(self, sample: Sample) -> list[np.ndarray]:
        """The outputs by NumPy, from the nn level."""
        inputs = [sample[name] for name in self.timed.network.inputs]
        return list(evaluate_function(self.function, inputs, self.parameters))

    def reference_machine(self, inferences: int) -> ReferenceMachine:
        """The reference machine, on the network's text."""
        text = StringIO()
        Printer(text).print_op(self.network)
        (network,) = parse_module(text.getvalue(), make_context()).body.block.ops
        assert isinstance(network, NetworkOp)
        return ReferenceMachine(network, inferences, self.simulator.weights.parameters)

    def samples(self, count: int) -> list[Sample]:
        """Random inputs for a stream of inferences."""
        random = np.random.default_rng(7)
        arrays = {name: self.timed.network.arrays[name] for name in self.timed.network.inputs}
        return [
            {
                name: random.standard_normal(array.shape, np.float32).astype(dtype_of(array.type))
                for name, array in arrays.items()
            }
            for _ in range(count)
        ]


def stream_of(
    net: Compiled, samples: Sequence[Sample], lanes: int = 1, first: Sequence[int] | None = None
) -> Stream:
    """The stream that the simulator makes of inputs."""
    arrays = net.timed.network.arrays
    shapes = {name: arrays[name].shape for name in net.timed.network.inputs}
    return Stream(samples, shapes, lanes, first)


def compile_network(
    model: onnx.ModelProto | Path,
    reschedule: Reschedule | None = None,
    passes: str = "",
    hardware: str = "ideal",
    batch: bool = True,
    finally_: str = "",
) -> Compiled:
    """Compile a model down to the accelerator with the named pipelines, verifying the IR after each pass.

    passes: run on that level. finally_: passes run on the result.
    batch: whether the first dimensions are batches of one sample.
    """
    with TemporaryDirectory() as directory:
        path = model if isinstance(model, Path) else Path(directory) / "model.onnx"
        if not isinstance(model, Path):
            onnx.save(model, path)
        imported = import_onnx(path, samples="split" if batch else "whole")
    module = imported.module
    context = make_context()
    context.parameters = imported.parameters
    original, parameters = module.clone(), imported.parameters.copy()
    run_passes(module, "nn-to-polyhedral", context)
    if reschedule is not None:
        (pipeline,) = module.body.block.ops
        assert isinstance(pipeline, PipelineOp)
        reschedule(pipeline)
        module.verify()
    run_passes(module, passes, context)
    relations = module.clone()
    run_passes(module, "polyhedral-to-cmcore", context)
    run_passes(module, finally_, context)
    (function,), (pipeline,), (network,) = (m.body.block.ops for m in (original, relations, module))
    assert isinstance(function, FuncOp) and isinstance(pipeline, PipelineOp)
    assert isinstance(network, NetworkOp)
    timed = TimedNetwork.of(network, Hardware.load(hardware))
    simulator = Simulator.of(timed, context.parameters)
    return Compiled(function, pipeline, network, timed, simulator, parameters)


def run_passes(module: ModuleOp, passes: str, context: CmirContext) -> None:
    """Run passes, given as on cm-opt's command line."""
    for item in parse_passes(passes, "test", installed_universe().all_passes):
        item.apply(context, module)
        module.verify()


def reference_outputs(
    model: onnx.ModelProto | Path, sample: Mapping[str, np.ndarray]
) -> list[np.ndarray]:
    """The model's reference for a sample, without batch dimension; inputs in the model's order."""
    outputs = evaluator_of(model)(*(value[None] for value in sample.values()))
    return [output[0] for output in outputs]
