"""Published figures that take a compiled network: what published_chips.py compares with them.

Functions give figures in the units of the publications.
"""

from __future__ import annotations

from math import ceil

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from published import Layer, compiled, polyhedral
from xdsl.universe import Universe
from zoo import build

import cmir
from cmir.cost.tiling import Tiling
from cmir.hardware.description import Hardware
from cmir.library.run import Run
from cmir.pipelines.text import parse_passes

PRODUCT = 1000
"""Cycles of a product where only products count: other operations take single cycles, beside it."""


def overlapping_layers(name: str, more: int) -> float:
    """How many times faster a network is whose layers overlap and have copies than one layer after the other.

    Only products take time. Crossbars have 256×256 cells, and copies take at most `more` of them beyond one copy of
    each layer: the slowest layer gets one more copy again and again, until there are too few crossbars for that. Copies
    take turns at the rows of the result (by=rows of polyhedral-replicate).
    """
    machine = Hardware.load("ideal").replace(
        core__fixed_interval=None,
        core__fixed_latency=None,
        crossbar__rows=256,
        crossbar__columns=256,
        crossbar__phase_cycles=PRODUCT,
    )
    model = build(name)
    layers = compiled(model)
    context, module = polyhedral(model)
    for layer, copies in zip(layers, copies_of_slowest(layers, machine, more), strict=True):
        text = f"polyhedral-replicate{{stage={layer.name} copies={copies} by=rows}}"
        for item in parse_passes(text, "benchmark", Universe.get_multiverse().all_passes):
            item.apply(context, module)
    one_by_one = PRODUCT * sum(layer.iterations for layer in layers)
    net = cmir.compile(
        module, machine, weights=context.parameters, placement_seconds=0, progress=False
    )
    return one_by_one / net.timing(1).latency


def copies_of_slowest(layers: list[Layer], machine: Hardware, more: int) -> list[int]:
    """The copies of each layer, see overlapping_layers."""
    crossbars = [Tiling.of(layer.matrix, machine.crossbar).crossbars for layer in layers]
    copies = [1] * len(layers)
    while True:
        windows = [ceil(layer.iterations / n) for layer, n in zip(layers, copies, strict=True)]
        slowest = windows.index(max(windows))
        if crossbars[slowest] > more:
            return copies
        copies[slowest] += 1
        more -= crossbars[slowest]


def step_of_lstm(preset: str, inputs: int, units: int) -> float:
    """The microseconds from one step of an LSTM layer to the next, with all of its crossbars in one core."""
    hardware = Hardware.load(preset)
    machine = hardware.replace(core__crossbars=hardware.core.count)
    first, second = (
        cmir.compile(
            _lstm(steps, inputs, units), machine, samples="whole", placement_seconds=0, progress=False
        ).timing(1).latency
        for steps in (8, 16)
    )  # fmt: skip
    assert hardware.system.clock_hz is not None
    return 1e6 * (second - first) / 8 / hardware.system.clock_hz


def _lstm(steps: int, inputs: int, units: int) -> onnx.ModelProto:
    shapes = {"W": (1, 4 * units, inputs), "R": (1, 4 * units, units), "B": (1, 8 * units)}
    weights = [
        numpy_helper.from_array(np.full(shape, 0.01, np.float32), name)
        for name, shape in shapes.items()
    ]
    graph = helper.make_graph(
        [helper.make_node("LSTM", ["x", *shapes], ["y"], hidden_size=units)],
        "main",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [steps, 1, inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [steps, 1, 1, units])],
        weights,
    )
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def on_preset(name: str, preset: str) -> Run:
    """The timing of a network on a preset, with copies of layers on the cores that are left, eight inferences."""
    net = cmir.compile(
        build(name), preset, replicate=True, storage="lossless", placement_seconds=0, progress=False
    )
    return net.timing(8)
