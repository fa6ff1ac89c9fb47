"""Views in many pieces: what they cost grows about as their number does, and they mean what they did."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from networks import run_passes

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.description import Hardware
from cmir.passes.base import top_level
from cmir.simulator.simulator import Simulator
from cmir.support.parsing import parse_module
from cmir.timing.network import TimedNetwork

SECONDS = 40.0
"""Of processor time, for what takes two to six: what grows faster takes minutes."""


def tensor(channels: int) -> str:
    return f"tensor<{channels}x2xf32>"


def relu(result: str, operand: str, channels: int) -> str:
    return f"  %{result} = nn.relu %{operand} : ({tensor(channels)}) -> {tensor(channels)}\n"


def concat(result: str, operands: list[str], channels: int) -> str:
    types = ", ".join([tensor(channels)] * len(operands))
    names = ", ".join(f"%{operand}" for operand in operands)
    whole = tensor(channels * len(operands))
    return f"  %{result} = nn.concat {names} {{axis = 0}} : ({types}) -> {whole}\n"


def function(body: str, channels: int, results: int) -> str:
    head = f"func.func @main(%a: {tensor(channels)}) -> {tensor(results)} {{\n"
    return f"{head}{body}  return %y : {tensor(results)}\n}}\n"


def doubled() -> tuple[str, int]:
    """A value concatenated with itself, ten times over."""
    body = relu("t0", "a", 2)
    for level in range(10):
        body += concat(f"t{level + 1}", [f"t{level}"] * 2, 2 << level)
    return function(body + relu("y", "t10", 2048), 2, 2048), 1024


def wide() -> tuple[str, int]:
    """A concatenation of 2000 operands, of two values in turn."""
    body = relu("s", "a", 1) + relu("t", "s", 1)
    body += concat("u", ["s", "t"] * 1000, 1) + relu("y", "u", 2000)
    return function(body, 1, 2000), 2000


def repeated() -> tuple[str, int]:
    """A concatenation of one value, a thousand times; each piece has several channels."""
    body = relu("s", "a", 4) + concat("u", ["s"] * 1000, 4) + relu("y", "u", 4000)
    return function(body, 4, 4000), 1000


def deep() -> tuple[str, int]:
    """A chain of 3001 layout operators."""
    body, value = relu("t0", "a", 2), "t0"
    for level in range(1, 3002):
        shapes = ("tensor<2x2xf32>",) * 2
        body += f"  %t{level} = nn.transpose %{value} {{perm = [1, 0]}} : ({shapes[0]}) -> {shapes[1]}\n"
        value = f"t{level}"
    return function(body + relu("y", value, 2), 2, 2), 1


@pytest.mark.parametrize("network", [doubled, wide, repeated, deep])
def test_costs_grow_with_the_pieces(network: Callable[[], tuple[str, int]]) -> None:
    text, copies = network()
    context, started = make_context(), time.process_time()
    module = parse_module(text, context)
    run_passes(module, "nn-to-polyhedral,polyhedral-to-cmcore", context)
    (op,) = top_level(module, NetworkOp)
    timed = TimedNetwork.of(op, Hardware.load("ideal"))
    simulator = Simulator.of(timed)
    channels = simulator.network.arrays[simulator.network.inputs[0]].shape[0]
    x = np.arange(2 * channels, dtype=np.float32).reshape(channels, 2) + 1
    (outputs,) = simulator.run([{simulator.network.inputs[0]: x}]).outputs
    (y,) = outputs.values()
    expected = x.T if network is deep else np.concatenate([x] * copies)
    np.testing.assert_array_equal(y, expected)
    assert time.process_time() - started < SECONDS
