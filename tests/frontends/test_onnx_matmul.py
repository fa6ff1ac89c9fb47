"""MatMul with a constant, of any shapes that broadcast, against NumPy."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from frontends.onnx_models import evaluate, model_of, samples_for, save
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper
from tolerance import assert_close

from cmir.dialects.nn import Cells, GemmOp
from cmir.frontends.onnx import import_onnx


@st.composite
def shapes(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Of two tensors that have a product."""
    outer = draw(st.lists(st.integers(1, 3), max_size=3))
    rows, inner, columns = (draw(st.integers(1, 4)) for _ in range(3))

    def operand(*matrix: int) -> list[int]:
        kept = [size if draw(st.booleans()) else 1 for size in outer]
        return [*kept[draw(st.integers(0, len(outer))) :], *matrix]

    left = [inner] if draw(st.booleans()) else operand(rows, inner)
    right = [inner] if draw(st.booleans()) else operand(inner, columns)
    return left, right


def declared(shape: list[int], name: str) -> str:
    return f"float[{','.join(map(str, shape))}] {name}"


@pytest.mark.parametrize("constant", ["left", "right"])
@given(drawn=shapes())
@settings(max_examples=60, deadline=None)
def test_products_with_a_constant(constant: str, drawn: tuple[list[int], list[int]]) -> None:
    names = ("w", "x") if constant == "left" else ("x", "w")
    inputs = ", ".join(map(declared, drawn, names))
    model = model_of(inputs, f"y = MatMul({', '.join(names)})")
    (weight,) = (numpy_helper.to_array(tensor) for tensor in model.graph.initializer)
    (x,) = samples_for(model).values()
    with TemporaryDirectory() as directory:
        imported = import_onnx(save(model, Path(directory)), samples="whole")
    (result,) = evaluate(imported, [x])
    expected = weight @ x if constant == "left" else x @ weight
    assert result.shape == expected.shape
    assert_close(result, expected, terms=1)


@pytest.mark.parametrize(
    ("inputs", "product"),
    [
        ("float[N,5,6] x, float[1,6,4] w", "x, w"),
        ("float[N,2,5,6] x, float[1,1,6,4] w", "x, w"),
        ("float[N,2,5,6] x, float[1,4,5] w", "w, x"),
        ("float[N,5,6] x, float[6] w", "x, w"),
        ("float[N,5,6] x, float[5] w", "w, x"),
    ],
)
def test_one_matrix_is_on_crossbars(inputs: str, product: str, tmp_path: Path) -> None:
    imported = import_onnx(save(model_of(inputs, f"y = MatMul({product})"), tmp_path))
    (gemm,) = (op for op in imported.module.walk() if isinstance(op, GemmOp))
    assert isinstance(gemm.reads()[1], Cells)
