"""Constants that are computed at import, where ONNX's reference implementation does not serve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from frontends.onnx_models import evaluate, model_of, reference_outputs, samples_for, save
from tolerance import assert_close

from cmir.frontends.onnx import import_onnx


def test_fewer_indices_than_elements(tmp_path: Path) -> None:
    model = model_of(
        "float[N,3,2] x, float[4,5] w",
        "i = Constant<value = int64[3,2] {0, -1, 4, 2, 1, 1}>() g = GatherElements<axis = 1>(w, i)"
        " y = Add(x, g)",
    )
    samples = samples_for(model)
    results = evaluate(import_onnx(save(model, tmp_path)), [x[0] for x in samples.values()])
    assert_close(results[0], reference_outputs(model, samples)[0][0])


def test_a_pad_value_of_one_dimension(tmp_path: Path) -> None:
    model = model_of(
        "float[N,3] x",
        "p = Constant<value_ints = [0, 1, 0, 2]>() v = Constant<value = float[1] {2.5}>() y = Pad(x, p, v)",
    )
    results = evaluate(import_onnx(save(model, tmp_path)), [np.zeros(3, np.float32)])
    assert results[0].tolist() == [2.5, 0, 0, 0, 2.5, 2.5]
