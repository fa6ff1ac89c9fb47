"""cm-run --verify of IR: the file that it was compiled from is named, and what is not proved is not passed over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import cmir
from cmir.tools.cm_opt import main as cm_opt
from cmir.tools.cm_run import main as cm_run
from cmir.tools.cm_translate import main as cm_translate
from cmir.tools.common import NOT_PROVED

NORMALISED = """
<ir_version: 8, opset_import: ["" : 17]>
g (float[1,2,5,5] x) => (float[1,3,3,3] y) {
  a = Conv(x, w)
  y = BatchNormalization(a, s, s, s, s)
}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model whose batch normalization the pipeline folds, with its IR at each level beside it."""
    proto = onnx.parser.parse_model(NORMALISED)
    for name, shape in (("w", (3, 2, 3, 3)), ("s", (3,))):
        values = np.random.default_rng(len(shape)).uniform(0.5, 1.5, shape).astype(np.float32)
        proto.graph.initializer.append(numpy_helper.from_array(values, name))
    onnx.save(proto, tmp_path / "net.onnx")
    imported, compiled = str(tmp_path / "imported.mlir"), str(tmp_path / "net.mlir")
    assert cm_translate(["--import-onnx", str(tmp_path / "net.onnx"), "-o", imported]) == 0
    assert cm_opt([imported, "-p", "nn-to-cmcore", "-o", compiled]) == 0
    return tmp_path / "net.mlir"


@pytest.mark.parametrize("source", ["net.onnx", "imported.mlir"])
def test_values_of_the_file_that_is_named(
    source: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Batch normalization is folded on both sides, as pipelines fold it."""
    path = model.with_name(source)
    assert cm_run([str(model), "--verify", "--check-against", str(path)]) == 0
    assert "values equal over 8 random interpretations" in capsys.readouterr().out
    assert "values equal over 8" in cmir.compile(model, progress=False).verify(path)


def test_without_a_source(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = "control proved for endless streams; values not proved: the nn IR that the network"
    for inputs in ([], ["--random", "0"]):
        assert cm_run([str(model), "--verify", *inputs]) == NOT_PROVED
        out = capsys.readouterr().out
        assert verdict in out and "give --check-against NET.mlir" in out
    assert cmir.compile(model, progress=False).verify().endswith("is not known; give `source`")
