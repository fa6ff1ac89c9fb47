"""Accuracy of outputs, given labels, and their deviation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmir.execution.accuracy import Deviation, Labels
from cmir.support.diagnostics import CompileError


@given(st.integers(1, 20), st.integers(1, 7), st.integers(1, 7), st.integers(0, 1000))
def test_a_sample_is_right_if_few_elements_are_larger(
    samples: int, classes: int, top: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.integers(0, 3, (samples, 1, classes)).astype(np.float32)  # many are equal
    labels = rng.integers(0, classes, samples)
    right = 0
    for output, label in zip(outputs.reshape(samples, classes).tolist(), labels, strict=True):
        before = [k for k, v in enumerate(output) if (-v, k) < (-output[label], label)]
        right += len(before) < top
    assert Labels.of(labels, top).score([*outputs]) == pytest.approx(right / samples)


def test_an_error_for_the_labels_of_a_regression() -> None:
    outputs = [np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])]
    assert Labels.of(np.array([[1.0, 0.0], [3.0, 5.0]]), 1).score(outputs) == 1.0


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([1, 2]), "there are 2 labels for 3 samples"),
        (np.array([0, 1, 4]), "labels are 0 to 4, and the output has 4 elements"),
        (np.array([0, 1, -1]), "labels are -1 to 1"),
        (np.zeros((3, 4), int), r"labels are one integer a sample, got an array of shape \[3, 4\]"),
        (np.zeros((3, 2)), "labels have 2 elements a sample, the output has 4"),
        (np.array(["a", "b", "c"]), "labels are integers or floats, got <U1"),
    ],
)
def test_labels_that_do_not_fit(labels: np.ndarray, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        Labels.of(labels, 1).score([np.zeros((1, 4))] * 3)


def test_labels_in_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", np.array([[2], [0]], np.uint8))
    labels = Labels.read(tmp_path / "labels.npy", 1)
    assert labels.are_classes and labels.values.tolist() == [2, 0]
    with pytest.raises(CompileError, match=r"labels\.npy"):
        labels.score([])


def test_deviation_is_relative_to_the_largest_element() -> None:
    exact = [{"y": np.array([4.0, -8.0])}, {"y": np.array([1.0, 0.0])}]
    found = [{"y": np.array([4.0, -8.0])}, {"y": np.array([1.0, 2.0])}]
    deviation = Deviation.of(found, exact)["y"]
    assert deviation == Deviation(0.25, 0.125)
    assert str(deviation).startswith("12.5 % root mean square, 25 % at most")
