"""Rescalings by rational factors after each other compile within ISL's budget, to text that follows the factors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cmir.isl import ast, dependences
from cmir.isl.text import CONTEXT
from cmir.tools.cm_run import main

MODES: dict[str, dict[str, Any]] = {
    "corners": {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    },
    "middles": {"mode": "nearest", "coordinate_transformation_mode": "half_pixel"},
    "linear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
}


def rescalings(sizes: Sequence[Sequence[int]], mode: str) -> onnx.ModelProto:
    """A convolution, rescalings to these sizes, and a convolution; the first sizes are those of the input."""
    weight = np.random.default_rng(0).normal(size=(1, 1, *[3] * len(sizes[0]))).astype(np.float32)
    weights = [numpy_helper.from_array(weight, "w")]
    pads: dict[str, Any] = {"pads": [1, 1] * len(sizes[0])}
    nodes = [helper.make_node("Conv", ["x", "w"], ["v0"], **pads)]
    for number, size in enumerate(sizes[1:], 1):
        weights.append(numpy_helper.from_array(np.array([1, 1, *size]), f"s{number}"))
        inputs = [f"v{number - 1}", "", "", f"s{number}"]
        nodes.append(helper.make_node("Resize", inputs, [f"v{number}"], **MODES[mode]))
    nodes.append(helper.make_node("Conv", [f"v{len(sizes) - 1}", "w"], ["y"], **pads))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, *size])
        for name, size in (("x", sizes[0]), ("y", sizes[-1]))
    ]
    graph = helper.make_graph(nodes, "main", ends[:1], ends[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def budgeted(compute: Callable[..., object]) -> Callable[..., object]:
    """The same, which ISL may only do within a budget."""

    @wraps(compute)
    def checked(*arguments: object, **options: object) -> object:
        assert CONTEXT.get_max_operations(), "ISL works without a budget"
        return compute(*arguments, **options)

    return checked


@pytest.mark.parametrize(
    ("size", "factors", "mode"),
    [
        ((24, 24), ("5/3", "3/4"), "corners"),
        ((24, 24), ("5/3", "3/4"), "middles"),
        ((30, 20), ("7/5", "5/6"), "corners"),
        ((30, 20), ("7/5", "5/7"), "middles"),
        ((16, 16), ("3/2", "5/4"), "middles"),
        ((24,), ("3/2", "7/6"), "middles"),
        ((18, 24), ("2/3", "5/4"), "linear"),
        ((36,), ("5/4", "7/5"), "linear"),
    ],
)
def test_two_rescalings(
    size: tuple[int, ...],
    factors: tuple[str, str],
    mode: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sizes = [size]
    for factor in map(Fraction, factors):
        sizes.append(tuple(int(n * factor) for n in sizes[-1]))
    path = tmp_path / "net.onnx"
    onnx.save(rescalings(sizes, mode), path)
    formulas: dict[str, Any] = {
        name: budgeted(vars(dependences)[name]) for name in ("_raw_formulas", "_war_formulas")
    }
    with (
        patch.multiple(dependences, **formulas),
        patch.object(ast, "cheapest_loops", budgeted(ast.cheapest_loops)),
    ):
        assert main([str(path), "--random", "0", "--check", "--verify"]) == 0
    printed = capsys.readouterr()
    assert "control proved" in printed.out + printed.err
    assert "check: equal to onnxruntime" in printed.out
