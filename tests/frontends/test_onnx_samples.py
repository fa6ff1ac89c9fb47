"""The part of the inputs that one inference takes: one sample of a batch, or the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from frontends.onnx_models import evaluate, model_of, reference_outputs, samples_for, save
from tolerance import assert_close

from cmir.frontends.onnx import ImportedModule, OnnxError, import_onnx
from cmir.frontends.samples import Samples
from cmir.support.diagnostics import collect_diagnostics

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


MIXING = {
    "Transpose": (
        "float[N,4,6] x",
        "[n] y = Transpose<perm = [1, 0, 2]>(x)",
        "node 'n' (Transpose): attribute perm = [1, 0, 2] moves the batch dimension",
    ),
    "Reshape": (
        "float[N,5,4] x",
        "s = Constant<value_ints = [-1, 4]>() [n] y = Reshape(x, s)",
        "node 'n' (Reshape): the result's shape [5, 4] does not start with the batch dimension",
    ),
    "ReduceSum": (
        "float[N,3,4] x",
        "[n] y = ReduceSum(x)",
        "node 'n' (ReduceSum): it would mix the samples of a batch (axis 0)",
    ),
    "DynamicQuantizeLinear": (
        "float[N,3,4] x",
        "[n] q, s, z = DynamicQuantizeLinear(x) y = DequantizeLinear(q, s, z)",
        "node 'n' (DynamicQuantizeLinear): one scale would serve all samples of a batch",
    ),
    "a batch of 4": ("float[4,3] x", "y = Relu(x)", "input 'x' has the shape [4, 3]"),
    "an input without a batch": (
        "float[N,3] x1, float[3] x2",
        "y = Add(x1, x2)",
        "input 'x2' has the shape [3]",
    ),
}


def import_with_remarks(path: Path, samples: Samples) -> tuple[ImportedModule, list[str]]:
    with collect_diagnostics() as found:
        imported = import_onnx(path, samples=samples)
    return imported, [remark.message for remark in found]


@pytest.mark.parametrize("name", CASES)
def test_whole_inputs(name: str, tmp_path: Path) -> None:
    model = model_of(*CASES[name])
    samples = samples_for(model)
    (expected,) = reference_outputs(model, samples)
    imported, remarks = import_with_remarks(save(model, tmp_path), "whole")
    assert imported.outputs == {"y": expected.shape} and not remarks
    (result,) = evaluate(imported, [*samples.values()])
    assert_close(result, expected)


def test_an_open_batch_that_is_kept_is_1(tmp_path: Path) -> None:
    path = save(model_of("float[N,3] x", "y = Relu(x)"), tmp_path)
    imported, remarks = import_with_remarks(path, "whole")
    assert imported.inputs == {"x": (1, 3)}
    taken = "input 'x' has an open batch 'N', which is taken as 1"
    assert remarks == [f"{taken}; --shape x=N,3 sets another"]


@pytest.mark.parametrize("name", MIXING)
def test_a_batch_that_something_mixes_is_a_dimension(name: str, tmp_path: Path) -> None:
    inputs, body, reason = MIXING[name]
    model = model_of(inputs, body)
    samples = samples_for(model)
    (expected,) = reference_outputs(model, samples)
    imported, remarks = import_with_remarks(save(model, tmp_path), "auto")
    assert remarks == [f"an inference takes whole inputs, not one sample of a batch: {reason}"]
    assert imported.inputs == {x: array.shape for x, array in samples.items()}
    assert imported.outputs == {"y": expected.shape}
    (result,) = evaluate(imported, [*samples.values()])
    assert_close(result, expected)


@pytest.mark.parametrize("name", ["Transpose", "Reshape", "ReduceSum", "DynamicQuantizeLinear"])
def test_a_split_names_what_mixes_the_batch(name: str, tmp_path: Path) -> None:
    inputs, body, reason = MIXING[name]
    with pytest.raises(OnnxError) as caught:
        import_onnx(save(model_of(inputs, body), tmp_path), samples="split")
    assert caught.value.messages == (reason,)


def test_a_batch_that_nothing_mixes_is_split(tmp_path: Path) -> None:
    path = save(model_of("float[N,3] x, float[3,2] w", "y = MatMul(x, w)"), tmp_path)
    imported, remarks = import_with_remarks(path, "auto")
    assert not remarks and imported.samples == 1
    (result,) = evaluate(imported, [np.ones(3, np.float32)])
    assert result.shape == (2,)


def test_a_larger_batch_is_split_on_request(tmp_path: Path) -> None:
    model = model_of("float[4,3,5,5] x, float[2,3,3,3] w", "y = Conv(x, w)")
    (x,), path = samples_for(model).values(), save(model, tmp_path)
    (expected,) = reference_outputs(model, {"x": x})
    imported = import_onnx(path, samples="split")
    assert (imported.inputs, imported.samples) == ({"x": (1, 3, 5, 5)}, 4)
    for sample, wanted in zip(x, expected, strict=True):
        (result,) = evaluate(imported, [sample])
        assert_close(result, wanted)
    model = model_of("float[4,3] x1, float[2,3] x2", "y = Concat<axis = 0>(x1, x2)")
    with pytest.raises(OnnxError, match=r"no common batch to split: x1 \[4, 3\], x2 \[2, 3\]"):
        import_onnx(save(model, tmp_path), samples="split")


def test_obstacles_in_the_way_of_both(tmp_path: Path) -> None:
    """What only a split would refuse is no obstacle."""
    body = "[a] t = Transpose(x) [b] y = custom.Fancy(t)"
    with pytest.raises(OnnxError) as caught:
        import_onnx(save(model_of("float[N,3] x", body), tmp_path))
    assert caught.value.messages == ("operator custom.Fancy is not supported (node 'b')",)


def test_batch_is_deprecated(tmp_path: Path) -> None:
    path = save(model_of("float[N,3] x", "y = Transpose(x)"), tmp_path)
    with pytest.warns(DeprecationWarning, match="is now `samples`"):
        assert import_onnx(path, batch=False).outputs == {"y": (3, 1)}
    with pytest.warns(DeprecationWarning, match="is now"), pytest.raises(OnnxError):
        import_onnx(path, None, True)


def test_a_refused_node_is_the_only_obstacle(tmp_path: Path) -> None:
    """Constants that depend on it cannot be computed, which is no reason of its own."""
    body = """
        [a] t = Transpose<perm = [1, 0, 2]>(x)
        s = Shape(t)
        c = ConstantOfShape(s)
        r = EyeLike(c)
        y = Add(t, r)
    """
    with pytest.raises(OnnxError) as caught:
        import_onnx(save(model_of("float[N,3,4] x", body), tmp_path), samples="split")
    (message,) = caught.value.messages
    assert message.startswith("node 'a' (Transpose): ")


SHAPES = {
    "a window in the padding": (
        "float[N,1,4,6] x",
        "p = AveragePool<ceil_mode = 1, kernel_shape = [2, 2], pads = [0, 0, 1, 1],"
        " strides = [3, 3]>(x) s = Shape(p) r = Reshape(p, s) f = Flatten(r) y = Relu(f)",
        (4,),
    ),
    "a size that padding reaches": (
        "float[N,4,3,3] x, float[4,2,3,3] w",
        'c = ConvTranspose<auto_pad = "SAME_UPPER", output_padding = [1, 1], strides = [2, 2]>'
        "(x, w) f = Flatten(c) y = Relu(f)",
        (2 * 6 * 6,),
    ),
}


@pytest.mark.parametrize("samples", ["split", "whole"])
@pytest.mark.parametrize("name", SHAPES)
def test_shapes_that_onnx_infers_wrongly(name: str, samples: Samples, tmp_path: Path) -> None:
    inputs, body, shape = SHAPES[name]
    model = model_of(inputs, body)
    (x,) = samples_for(model).values()
    (expected,) = reference_outputs(model, {"x": x})
    imported = import_onnx(save(model, tmp_path), samples=samples)
    assert imported.outputs == {"y": (1, *shape)} == {"y": expected.shape}
    (result,) = evaluate(imported, [x[0] if samples == "split" else x])
    assert_close(result, expected[0] if samples == "split" else expected)
