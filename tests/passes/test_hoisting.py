"""Point-wise operators hoisted over layouts: results stay the same, and the operators join the stage before."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import run_passes
from nn.test_lanes import factors
from tolerance import assert_close
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue

from cmir.context import make_context
from cmir.dialects import nn
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.nn.evaluate import evaluate_function
from cmir.dialects.nn.operation import Shape, shape_of, tensor_type
from cmir.dialects.nn.stage import StageOp
from cmir.hardware.description import Hardware
from cmir.simulator.simulator import Simulator
from cmir.support.parameters import Parameters
from cmir.timing.network import TimedNetwork

ROWS, COLUMNS = 6, 4


class Network:
    """A product of matrices, and what follows it."""

    def __init__(self) -> None:
        self.parameters: dict[str, np.ndarray] = {
            "w": np.arange(12, dtype=np.float32).reshape(3, COLUMNS) - 5
        }
        self.block = Block(arg_types=[tensor_type((ROWS, 3))])
        w = self.add(nn.ParameterOp("w", tensor_type((3, COLUMNS))))
        self.value = self.add(nn.GemmOp(self.block.args[0], w))

    def add(self, op: Operation) -> SSAValue:
        self.block.add_op(op)
        return op.results[0]

    def constant(self, shape: Shape, number: bool) -> SSAValue:
        type = tensor_type(shape)
        if number:
            return self.add(nn.ParameterOp(DenseIntOrFPElementsAttr.from_list(type, [0.5]), type))
        name = f"c{len(self.parameters)}"
        self.parameters[name] = 1 + np.arange(prod(shape), dtype=np.float32).reshape(shape)
        return self.add(nn.ParameterOp(name, type))

    def module(self) -> ModuleOp:
        self.block.add_op(ReturnOp(self.value))
        types = [a.type for a in self.block.args], [self.value.type]
        return ModuleOp([FuncOp("main", types, Region(self.block))])


@st.composite
def networks(draw: st.DrawFn, residual: bool = False) -> Network:
    """residual: operators also read values from before, in the layout that they have there or in others."""
    network = Network()
    before = [network.value]
    kinds = ["reshape", "transpose", "relu", "constant", "constant", "both"]
    kinds += ["before", "before"] * residual
    for _ in range(draw(st.integers(1, 5))):
        x, shape = network.value, shape_of(network.value)
        match draw(st.sampled_from(kinds)):
            case "reshape":
                op = nn.ReshapeOp(x, draw(factors(prod(shape))))
            case "transpose":
                op = nn.TransposeOp(x, draw(st.permutations(range(len(shape)))))
            case "relu":
                op = nn.ReluOp(x)
            case "both":
                op = nn.MulOp(x, x)
            case "before":
                other = draw(st.sampled_from(before))
                if shape_of(other) != shape:
                    other = network.add(nn.ReshapeOp(other, shape))
                op = nn.AddOp(x, other)
            case _:
                keep = draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
                sizes = [size if kept else 1 for size, kept in zip(shape, keep, strict=True)]
                constant = network.constant(
                    tuple(sizes[draw(st.integers(0, len(sizes))) :]), draw(st.booleans())
                )
                first = draw(st.booleans())
                op = nn.SubOp(*((constant, x) if first else (x, constant)))
        network.value = network.add(op)
        before.append(network.value)
    return network


@given(network=networks())
@settings(max_examples=60, deadline=None)
def test_results_stay_the_same(network: Network) -> None:
    module = network.module()
    module.verify()
    (function,) = module.body.block.ops
    assert isinstance(function, FuncOp)
    x = np.random.default_rng(0).standard_normal((ROWS, 3), np.float32)
    (before,) = evaluate_function(function, [x], network.parameters)
    run_passes(module, "nn-outline-stages", make_context())
    (after,) = evaluate_function(function, [x], network.parameters)
    np.testing.assert_array_equal(after, before)
    assert len([op for op in function.body.block.ops if isinstance(op, StageOp)]) == 1


@given(network=networks(residual=True))
@settings(max_examples=25, deadline=None)
def test_compiled_networks_compute_the_same(network: Network) -> None:
    module, context = network.module(), make_context()
    (function,) = module.body.block.ops
    assert isinstance(function, FuncOp)
    x = np.random.default_rng(0).standard_normal((ROWS, 3), np.float32)
    (expected,) = evaluate_function(function, [x], network.parameters)
    context.parameters = parameters = Parameters(network.parameters)
    run_passes(module, "nn-to-polyhedral,polyhedral-to-cmcore", context)
    (compiled,) = module.body.block.ops
    assert isinstance(compiled, NetworkOp)
    timed = TimedNetwork.of(compiled, Hardware.load("ideal"))
    report = Simulator.of(timed, parameters).run([{timed.network.inputs[0]: x}])
    (result,) = report.outputs[0].values()
    assert_close(result, expected)
