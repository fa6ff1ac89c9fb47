"""Networks whose values are narrow and wide: compiled, proved and run, they compute what NumPy does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from networks import run_passes
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, ModuleOp, f32, i1, i8, i16
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from cmir.context import make_context
from cmir.dialects import nn
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.evaluate import evaluate_function
from cmir.dialects.nn.operation import QUANTIZED, Shape, element_of, shape_of, tensor_type, ui8
from cmir.hardware.description import Hardware
from cmir.simulator.simulator import Simulator
from cmir.support.parameters import Parameters
from cmir.timing.network import TimedNetwork

SHAPE = (3, 5, 4)


class Network:
    """A network in the making. values: those that may be read."""

    def __init__(self, random: np.random.Generator, element: Attribute = f32):
        self.random = random
        self.parameters = Parameters()
        self.block = Block(arg_types=[tensor_type(SHAPE, element)])
        self.values: list[SSAValue] = [self.block.args[0]]

    def add(self, op: Operation) -> SSAValue:
        self.block.add_op(op)
        return op.results[0]

    def number(self, value: float, element: Attribute = f32) -> SSAValue:
        type = tensor_type((), element)
        return self.add(nn.ParameterOp(DenseIntOrFPElementsAttr.from_list(type, [value]), type))

    def weights(self, *shape: int) -> SSAValue:
        name = f"w{len(self.parameters)}"
        self.parameters[name] = self.random.standard_normal(shape, np.float32)
        return self.add(nn.ParameterOp(name, tensor_type(shape)))

    def pick(self, *elements: Attribute, shape: Shape | None = None) -> SSAValue:
        """A value of one of the types, and of this shape; an input's clone if there is none."""
        found = [
            value
            for value in self.values
            if element_of(value) in elements and (shape is None or shape_of(value) == shape)
        ]
        if not found:
            raise LookupError
        return found[self.random.integers(len(found))]

    def quantize(self) -> SSAValue:
        zero = QUANTIZED[self.random.integers(len(QUANTIZED))]
        scale = self.number(2.0 ** self.random.integers(-6, 0))
        return self.add(
            nn.QuantizeOp(
                self.pick(f32), scale, self.number(int(self.random.integers(0, 50)), zero)
            )
        )

    def dequantize(self) -> SSAValue:
        x = self.pick(*QUANTIZED)
        zero = self.number(int(self.random.integers(0, 50)), element_of(x))
        return self.add(nn.DequantizeOp(x, self.number(0.125), zero))

    def dequantize_channels(self) -> SSAValue:
        x = self.pick(*QUANTIZED)
        scale = self.weights(shape_of(x)[0], *(1,) * (len(shape_of(x)) - 1))
        return self.add(nn.DequantizeOp(x, scale, self.number(3, element_of(x))))

    def cast(self) -> SSAValue:
        return self.add(nn.CastOp(self.pick(i1, *QUANTIZED), f32))

    def less(self) -> SSAValue:
        x = self.pick(f32)
        return self.add(nn.LessOp(x, self.pick(f32, shape=shape_of(x))))

    def conv(self) -> SSAValue:
        x = self.pick(f32, shape=SHAPE)
        return self.add(nn.ConvOp(x, self.weights(3, 3, 3, 3), None, pads=[1, 1, 1, 1]))

    def max_pool(self) -> SSAValue:
        return self.add(
            nn.MaxPoolOp(self.pick(f32, *QUANTIZED, shape=SHAPE), [3, 3], pads=[1, 1, 1, 1])
        )

    def average_pool(self) -> SSAValue:
        x = self.pick(f32, shape=SHAPE)
        return self.add(nn.AveragePoolOp(x, [3, 1], pads=[1, 0, 1, 0]))

    def mean(self) -> SSAValue:
        return self.add(nn.GlobalAveragePoolOp(self.pick(f32, shape=SHAPE)))

    def softmax(self) -> SSAValue:
        return self.add(nn.SoftmaxOp(self.pick(f32), [0]))

    def relu(self) -> SSAValue:
        return self.add(nn.ReluOp(self.pick(f32)))

    def sum(self) -> SSAValue:
        x = self.pick(f32, shape=SHAPE)
        other = self.pick(f32)
        if shape_of(other) not in (SHAPE, (3, 1, 1)):
            raise LookupError
        return self.add(nn.AddOp(x, other))

    def transpose(self) -> SSAValue:
        x = self.pick(f32, *QUANTIZED, shape=SHAPE)
        return self.add(nn.TransposeOp(self.add(nn.TransposeOp(x, [0, 2, 1])), [0, 2, 1]))

    def pad(self) -> SSAValue:
        x = self.pick(f32, *QUANTIZED, shape=SHAPE)
        value = float(self.random.choice([0.0, 1.0, 0.25]) if element_of(x) == f32 else 1)
        padded = self.add(nn.PadOp(x, [0, 1, 0, 0, 0, 2], value))
        return self.add(nn.MaxPoolOp(padded, [2, 3]))

    def concat(self) -> SSAValue:
        x = self.pick(f32, *QUANTIZED, shape=SHAPE)
        other = self.pick(element_of(x), shape=SHAPE)
        both = self.add(nn.ConcatOp([x, other], 0))
        return self.add(nn.SliceOp(both, [1, 0, 0], [4, 5, 4]))

    def module(self) -> ModuleOp:
        """The network, with the last values as outputs."""
        outputs = list(dict.fromkeys(self.values[-2:]))
        self.block.add_op(ReturnOp(*outputs))
        types = [a.type for a in self.block.args], [value.type for value in outputs]
        return ModuleOp([FuncOp("main", types, Region(self.block))])


KINDS: list[Callable[[Network], SSAValue]] = [
    *(Network.quantize, Network.dequantize) * 4,
    *(Network.dequantize_channels, Network.cast, Network.less, Network.relu, Network.sum),
    *(Network.conv, Network.max_pool, Network.average_pool, Network.mean, Network.softmax),
    *(Network.transpose, Network.pad, Network.concat),
]


def drawn(seed: int) -> Network:
    random = np.random.default_rng(seed)
    network = Network(random, (f32, i8, ui8, i16)[seed % 4])
    while len(network.values) < 7:
        try:
            network.values.append(KINDS[random.integers(len(KINDS))](network))
        except LookupError:
            continue
    return network


@pytest.mark.parametrize("seed", range(40))
def test_results_stay_the_same(seed: int) -> None:
    network = drawn(seed)
    module = network.module()
    module.verify()
    original = module.clone()
    (function,) = original.body.block.ops
    assert isinstance(function, FuncOp)
    x = network.random.integers(0, 100, SHAPE).astype(dtype_of(network.block.args[0]))
    expected = evaluate_function(function, [x], network.parameters)
    context = make_context()
    context.parameters = network.parameters
    run_passes(module, "nn-to-cmcore", context)
    (compiled,) = module.body.block.ops
    assert isinstance(compiled, NetworkOp)
    timed = TimedNetwork.of(compiled, Hardware.load("ideal"))
    report = Simulator.of(timed, network.parameters).run([{timed.network.inputs[0]: x}])
    for array, wanted in zip(report.outputs[0].values(), expected, strict=True):
        assert array.dtype == wanted.dtype
        np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-4)
