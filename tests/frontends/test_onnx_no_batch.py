"""Models without a batch dimension: all of an input is one sample."""

from __future__ import annotations

from pathlib import Path

import pytest
from frontends.onnx_models import evaluate, model_of, reference_outputs, samples_for, save
from tolerance import assert_close

from cmir.frontends.onnx import OnnxError, import_onnx
from cmir.tools.cm_translate import main

CASES = {
    "Add of two ranks": ("float[2,3,4] x1, float[3,1] x2", "y = Add(x1, x2)"),
    "Concat": ("float[2,3] x1, float[4,3] x2", "y = Concat<axis = 0>(x1, x2)"),
    "Flatten": ("float[2,3,4] x", "y = Flatten<axis = 2>(x)"),
    "Gemm": ("float[3,5] x, float[3,4] w, float[5,1] c", "y = Gemm<transA = 1>(x, w, c)"),
    "MatMul broadcast": ("float[3,1,3,4] x1, float[1,2,4,2] x2", "y = MatMul(x1, x2)"),
    "MatMul of vectors": ("float[4] x1, float[4] x2", "y = MatMul(x1, x2)"),
    "ReduceMean": ("float[3,4] x", "y = ReduceMean<keepdims = 0>(x)"),
    "Softmax": ("float[3,4] x", "y = Softmax<axis = 0>(x)"),
    "Squeeze": ("float[1,3,1] x", "y = Squeeze(x)"),
    "Transpose": ("float[3,4] x", "y = Transpose(x)"),
    "Conv": ("float[1,3,5,5] x, float[2,3,3,3] w", "y = Conv(x, w)"),
}


@pytest.mark.parametrize("name", CASES)
def test_equal_to_onnxruntime(name: str, tmp_path: Path) -> None:
    model = model_of(*CASES[name])
    samples = samples_for(model)
    (expected,) = reference_outputs(model, samples)
    imported = import_onnx(save(model, tmp_path), batch=False)
    assert imported.outputs == {"y": expected.shape}
    (result,) = evaluate(imported, [*samples.values()])
    assert_close(result, expected)


def test_a_batch_is_needed_for_several_samples(tmp_path: Path) -> None:
    path = save(model_of("float[2,3,5,5] x, float[2,3,3,3] w", "[n] y = Conv(x, w)"), tmp_path)
    with pytest.raises(OnnxError, match="a batch of 2 is not one sample"):
        import_onnx(path, batch=False)


def test_cm_translate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(model_of("float[3,4] x", "y = Transpose(x)"), tmp_path)
    assert main(["--import-onnx", str(path), "--no-batch"]) == 0
    assert "(tensor<3x4xf32>) -> tensor<4x3xf32>" in capsys.readouterr().out
