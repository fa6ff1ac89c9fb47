"""Folded batch normalisation is checked element by element."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import run_passes
from xdsl.dialects.builtin import ModuleOp

from cmir.context import make_context
from cmir.proof.values.folding import NormalizationParameters, check_folding
from cmir.support.diagnostics import CompileError
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module

HERE = ModuleOp([])


def drawn(seed: int, axis: int, magnitude: float) -> NormalizationParameters:
    random = np.random.default_rng(seed)
    weight = random.normal(size=(4, 4, 3)) * magnitude
    weight[1, 2] = 0
    constant, scale, bias, mean = (random.normal(size=4) * magnitude for _ in range(4))
    return NormalizationParameters(
        weight, constant, scale, bias, mean, random.exponential(size=4), 1e-5
    )


def folded(
    before: NormalizationParameters, axis: int, dtype: type
) -> tuple[np.ndarray, np.ndarray]:
    """As textbooks do it."""
    factor = before.scale / np.sqrt(before.variance + before.epsilon)
    weight = before.weight * np.expand_dims(factor, [d for d in range(3) if d != axis])
    bias = before.bias + (before.constant - before.mean) * factor
    return weight.astype(dtype), bias.astype(dtype)


@given(
    st.integers(0, 999),
    st.integers(0, 1),
    st.sampled_from([1e-3, 1.0, 30.0]),
    st.sampled_from([np.float16, np.float32, np.float64]),
)
def test_what_is_right_passes_and_what_is_off_by_little_does_not(
    seed: int, axis: int, magnitude: float, dtype: type
) -> None:
    before = drawn(seed, axis, magnitude)
    weight, bias = folded(before, axis, dtype)
    check_folding(HERE, before, weight, bias, axis)
    factor = np.abs(before.scale) / np.sqrt(before.variance + before.epsilon)
    terms = np.abs(before.bias) + (np.abs(before.constant) + np.abs(before.mean)) * factor
    for what, array, sizes in (("weight", weight, np.abs(weight)), ("bias", bias, terms)):
        finite = np.where(np.isfinite(array), np.abs(array), 0)
        at = np.unravel_index(int(finite.argmax()), array.shape)
        right = array[at]
        # The terms of a bias may be much larger than their sum, and so is then what their rounding leaves open.
        spacing = max(float(np.spacing(np.abs(right))), np.finfo(dtype).eps * float(sizes[at]))
        array[at] = right + dtype(64 * spacing)
        element = [int(i) for i in at]
        with pytest.raises(CompileError) as error:
            check_folding(HERE, before, weight, bias, axis)
        assert error.value.message.startswith(f"the folded {what} is not")
        assert error.value.message.endswith(f"element {element}")
        array[at] = right


def test_the_other_axis_is_refused() -> None:
    before = drawn(0, 0, 1.0)
    with pytest.raises(CompileError, match="the folded weight is not"):
        check_folding(HERE, before, *folded(before, 1, np.float32), 0)


def test_the_pass_checks_what_it_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
      func.func @main(%x: tensor<2x4xf32>) -> tensor<3x4xf32> {
        %w = nn.parameter "w" : tensor<3x2x1xf32>
        %s = nn.parameter "s" : tensor<3xf32>
        %c = nn.conv %x, %w : (tensor<2x4xf32>, tensor<3x2x1xf32>) -> tensor<3x4xf32>
        %y = nn.batch_norm %c, %s, %s, %s, %s
            : (tensor<3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3x4xf32>
        func.return %y : tensor<3x4xf32>
      }
    """
    values = {"w": np.ones((3, 2, 1), np.float32), "s": np.arange(1, 4, dtype=np.float32)}

    def fold() -> None:
        context = make_context()
        context.parameters = Parameters(values)
        run_passes(parse_module(text, context, "network.mlir"), "nn-fold-batch-norm", context)

    fold()
    wrong = SimpleNamespace(sqrt=np.square, float64=np.float64, zeros=np.zeros)
    monkeypatch.setattr("cmir.passes.nn_fold_batch_norm.np", wrong)
    with pytest.raises(CompileError, match=r"network.mlir:6:9: .* the folded weight is not"):
        fold()
