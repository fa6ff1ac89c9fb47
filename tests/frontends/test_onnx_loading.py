"""What is done to a model before its nodes are translated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from frontends.onnx_models import evaluate, model_of, reference_outputs, samples_for, save
from onnx import helper, parser
from tolerance import assert_close
from xdsl.dialects.builtin import NameLoc

from cmir.frontends.onnx import import_onnx
from cmir.frontends.onnx.building import identifier

CONV = ("float[N,3,8,9] x, float[4,3,3,2] w", "[c] y = Conv(x, w)")


def agrees(model: onnx.ModelProto, path: Path) -> None:
    samples = samples_for(model)
    (expected,) = reference_outputs(model, samples)
    (result,) = evaluate(import_onnx(path), [sample[0] for sample in samples.values()])
    assert_close(result, expected[0])


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    model = model_of(
        "float[N,4] x1, float[N,4] x2",
        "y = Add(x1, x2) z = Relu(x2)",
        outputs="float[] y, float[] z",
    )
    imported = import_onnx(save(model, tmp_path))
    assert imported.inputs == {"x1": (1, 4), "x2": (1, 4)}
    assert imported.outputs == {"y": (1, 4), "z": (1, 4)}
    y, z = evaluate(imported, [np.ones(4, np.float32), np.full(4, -1, np.float32)])
    assert not y.any() and not z.any()


def test_functions_are_inlined(tmp_path: Path) -> None:
    model = parser.parse_model(
        """
        <ir_version: 8, opset_import: ["" : 13, "local" : 1]>
        main (float[N, 4] x) => (float[N, 4] y) { y = local.twice(x) }
        <opset_import: ["" : 13], domain: "local">
        twice (a) => (c) { b = Relu(a) c = Add(b, b) }
        """
    )
    agrees(model, save(model, tmp_path))


def test_initializers_that_are_inputs_too(tmp_path: Path) -> None:
    model = model_of(*CONV)
    model.ir_version = 3
    model.graph.input.append(
        helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, [4, 3, 3, 2])
    )
    agrees(model, save(model, tmp_path))


def test_external_data(tmp_path: Path) -> None:
    model = model_of(*CONV)
    onnx.save(
        onnx.ModelProto.FromString(model.SerializeToString()),
        tmp_path / "model.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    assert (tmp_path / "weights.bin").stat().st_size == 4 * 3 * 3 * 2 * 4
    agrees(model, tmp_path / "model.onnx")


def test_weights_in_constant_nodes(tmp_path: Path) -> None:
    model = model_of("float[N,600] x", "y = Add(x, w)")
    value = onnx.numpy_helper.from_array(np.arange(600, dtype=np.float32))
    model.graph.node.insert(0, helper.make_node("Constant", [], ["w"], value=value))
    path = save(model, tmp_path)
    assert list(import_onnx(path).parameters) == ["w"]
    agrees(model, path)


def test_weights_are_not_copied(tmp_path: Path) -> None:
    """One array serves all uses of an initializer in one shape, one parameter all of these."""
    body = "s = MatMul(x, w) t = MatMul(s, w) u = Gemm(t, w) y = Gemm<alpha = 2.0>(u, w)"
    imported = import_onnx(save(model_of("float[N,5] x, float[5,5] w", body), tmp_path))
    assert list(imported.parameters) == ["w", "w.1"]
    np.testing.assert_array_equal(imported.parameters["w.1"], 2 * imported.parameters["w"])
    assert str(imported.module).count("nn.parameter") == 2


@pytest.mark.parametrize(
    ("data", "indices", "axis"),
    [((1, 8), (1, 5), 1), ((4, 3), (2, 3), -2), ((4, 3, 2), (5, 2, 2), 0), ((2, 3), (1, 4), 1)],
)
def test_gather_elements_of_constants(
    data: tuple[int, ...], indices: tuple[int, ...], axis: int, tmp_path: Path
) -> None:
    """Also of shapes for which ONNX's reference is wrong."""
    shape = ",".join(map(str, (1, *indices)))
    body = f"g = GatherElements<axis = {axis}>(c, i) y = Add(x, g)"
    model = model_of(f"float[{shape}] x", body)
    random = np.random.default_rng(3)
    numbers = random.standard_normal(data, np.float32)
    places = random.integers(-data[axis], data[axis], indices)
    model.graph.initializer.append(onnx.numpy_helper.from_array(numbers, "c"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(places, "i"))
    agrees(model, save(model, tmp_path))


def test_locations_name_the_node(tmp_path: Path) -> None:
    path = save(model_of(*CONV), tmp_path)
    module = import_onnx(path).module
    places = {
        op.name: op.location.desc.data for op in module.walk() if isinstance(op.location, NameLoc)
    }
    assert places == {
        "nn.parameter": f"{path}: initializer 'w'",
        "nn.conv": f"{path}: node 'c' (Conv)",
    }


def test_identifiers() -> None:
    assert identifier("/layer1/layer1.0/conv1/Conv") == "layer1_layer1_0_conv1_Conv"
    assert identifier("Conv_117") == "Conv117"
    assert identifier("117") == "v117"
    assert identifier("größe") == "gr_e"
    assert identifier("::") == "v"
