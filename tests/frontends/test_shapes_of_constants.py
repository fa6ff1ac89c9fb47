"""Constants of shapes that do not fit: a refusal that names the node, or an import, and no other error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from frontends.microsoft_cases import FUSED, QUANTISED
from frontends.quantized_cases import ALL, QDQ
from frontends.test_onnx_quantized import model_of
from onnx import numpy_helper

from cmir.frontends.onnx import OnnxError, import_onnx
from cmir.support.diagnostics import collect_diagnostics

SHAPES = [(), (2,), (0,), (3, 3)]


@pytest.mark.parametrize("name", [*ALL, *QDQ, *QUANTISED, *FUSED])
def test_shapes_of_constants(name: str, tmp_path: Path) -> None:
    model, path = model_of(name), tmp_path / "model.onnx"
    for index, tensor in enumerate(model.graph.initializer):
        array = numpy_helper.to_array(tensor)
        for shape in SHAPES:
            changed = onnx.ModelProto()
            changed.CopyFrom(model)
            other = np.resize(array, shape).astype(array.dtype)
            changed.graph.initializer[index].CopyFrom(numpy_helper.from_array(other, tensor.name))
            onnx.save(changed, path)
            try:
                with collect_diagnostics():
                    import_onnx(path)
            except OnnxError as error:
                assert "node '" in str(error) or "invalid model" in str(error)
