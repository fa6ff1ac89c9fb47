"""Operators that select, replace and rank elements by data; compiled, proved, run, compared."""

from __future__ import annotations

import numpy as np
import pytest
from end_to_end.test_tokens import PASSES, check
from frontends.onnx_models import model_of
from networks import compile_network

from cmir.support.diagnostics import CompileError

BEFORE = "b = Relu(x1) "
"""A stage that an operator waits for."""

INDICES = "int64[N,3,4] x2"

CASES: dict[str, tuple[str, str, str]] = {
    # inputs, body, outputs; x2 holds indices from -3 to 2
    "TopK": (
        "float[N,9,4] x1",
        BEFORE + "k = Constant<value_ints = [3]>() y, z = TopK<axis = 1>(b, k)",
        "float[] y, int64[] z",
    ),
    "TopK smallest": (
        "float[N,4,9] x1",
        BEFORE + "k = Constant<value_ints = [9]>() y, z = TopK<largest = 0>(b, k)",
        "float[] y, int64[] z",
    ),
    "Hardmax": ("float[N,3,9] x1", BEFORE + "y = Hardmax(b)", "float[] y"),
    "Hardmax of channels": ("float[N,3,9] x1", "y = Hardmax<axis = 1>(x1)", "float[] y"),
    "GatherElements": (
        f"float[N,3,4] x1, {INDICES}",
        BEFORE + "y = GatherElements<axis = 1>(b, x2)",
        "float[] y",
    ),
    "GatherElements of more": (
        f"float[N,5,3] x1, {INDICES}",
        BEFORE + "t = Transpose<perm = [0, 2, 1]>(x2) s = Slice<>(t, i, j, a)"
        " y = GatherElements<axis = 2>(b, s)",
        "float[] y",
    ),
    "GatherElements of a constant": (
        f"{INDICES}, float[1,3,4] w",
        "y = GatherElements<axis = 1>(w, x2)",
        "float[] y",
    ),
    "GatherND": (
        "float[N,3,3,5] x1, int64[N,4,2] x2",
        BEFORE + "y = GatherND<batch_dims = 1>(b, x2)",
        "float[] y",
    ),
    "GatherND elements": (
        "float[N,3,4,3] x1, int64[N,3,7,1] x2",
        BEFORE + "y = GatherND<batch_dims = 2>(b, x2)",
        "float[] y",
    ),
    "GatherND of a constant": (
        "int64[N,4,2] x2, float[3,3,5] w",
        "y = GatherND(w, x2)",
        "float[] y",
    ),
    "ScatterElements": (
        f"float[N,3,4] x1, {INDICES}, float[N,3,4] x3",
        BEFORE + 'y = ScatterElements<axis = 1, reduction = "add">(b, x2, x3)',
        "float[] y",
    ),
    "a scatter of the largest": (
        "float[N,6,4] x1, float[1,6,4] z",
        BEFORE + "k = Constant<value_ints = [2]>() v, i = TopK<axis = 1>(b, k)"
        " y = ScatterElements<axis = 1>(z, i, v)",
        "float[] y",
    ),
}


@pytest.mark.parametrize("aligned", [0, 1])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_sampling(mode: str, padding: str, aligned: int) -> None:
    model = model_of(
        "float[N,2,4,5] x1, float[N,3,2,2] x2",
        f'y = GridSample<mode = "{mode}", padding_mode = "{padding}", align_corners = {aligned}>(x1, x2)',
        20,
    )
    random = np.random.default_rng(1)
    samples = [
        [
            random.standard_normal((2, 4, 5), np.float32),
            random.uniform(-1.9, 1.9, (3, 2, 2)).astype(np.float32),
        ]
        for _ in range(2)
    ]
    check(model, samples)


@pytest.mark.parametrize("passes", ["present", "streamed"])
@pytest.mark.parametrize("name", CASES)
def test_indexing(name: str, passes: str) -> None:
    inputs, body, outputs = CASES[name]
    body = body.replace(
        "s = Slice<>(t, i, j, a)",
        "i = Constant<value_ints = [0]>() j = Constant<value_ints = [4]>()"
        " a = Constant<value_ints = [1]>() s = Slice(t, i, j, a)",
    )
    model = model_of(inputs, body, 18, outputs)
    random = np.random.default_rng(0)
    given = list(model.graph.input)
    samples = [
        [
            random.integers(-3, 3, shape)
            if info.type.tensor_type.elem_type == 7
            else random.standard_normal(shape, np.float32)
            for info in given
            for shape in [[dim.dim_value for dim in info.type.tensor_type.shape.dim[1:]]]
        ]
        for _ in range(2)
    ]
    check(model, samples, PASSES[passes])


def test_scatter_of_slices_without_a_batch() -> None:
    model = model_of("float[4,3] x1, int64[2,1] x2, float[2,3] x3", "y = ScatterND(x1, x2, x3)", 18)
    network = compile_network(model, batch=False)
    x, updates = np.zeros((4, 3), np.float32), np.arange(6, dtype=np.float32).reshape(2, 3)
    inputs = {"x1": x, "x2": np.array([[2], [-4]]), "x3": updates}
    (outputs,) = network.simulator.run([inputs]).outputs or []
    expected = x.copy()
    expected[[2, 0]] = updates
    np.testing.assert_array_equal(next(iter(outputs.values())), expected)
    inputs["x2"] = np.array([[2], [4]])
    with pytest.raises(CompileError, match="index 4 is outside a dimension of 4 elements"):
        network.simulator.run([inputs])
