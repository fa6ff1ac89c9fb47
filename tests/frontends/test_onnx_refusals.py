"""What the importer refuses, and what it says: exactly, node by node, and all at once."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from frontends.onnx_models import model_of, save
from onnx import TensorProto, helper, numpy_helper

from cmir.frontends.onnx import OnnxError, import_onnx

IMAGE = "float[N,3,8,9] x"
FILTER = "float[4,3,3,2] w"


def refusal(path: Path, **shapes: tuple[int, ...]) -> list[str]:
    """The messages of a refused import."""
    with pytest.raises(OnnxError) as caught:
        import_onnx(path, shapes, samples="split")
    lines = str(caught.value).splitlines()
    assert lines == [f"{path}: error: {message}" for message in caught.value.messages]
    return list(caught.value.messages)


NODES: dict[str, tuple[str, str, str] | tuple[str, str, str, int]] = {
    "attribute": (
        "float[N,3,8,9] x, float[3] s, float[3] b, float[3] m, float[3] v",
        "[n] y = BatchNormalization<training_mode = 1>(x, s, b, m, v)",
        "(BatchNormalization): attribute training_mode = 1 is not supported: only inference is supported",
        14,
    ),
    "attribute value": (
        IMAGE,
        's = Constant<value_floats = [1.0, 1.0, 2.0, 2.0]>() [n] y = Resize<mode = "cube">(x, , s)',
        "(Resize): attribute mode = cube is not supported",
    ),
    "blocks of nothing": (
        IMAGE,
        "[n] y = SpaceToDepth<blocksize = 0>(x)",
        "(SpaceToDepth): attribute blocksize = 0 is not positive",
    ),
    "an order of blocks": (
        "float[N,4,8,8] x",
        '[n] y = DepthToSpace<blocksize = 2, mode = "CDR">(x)',
        "(DepthToSpace): attribute mode = CDR is not supported",
    ),
    "matrices that do not broadcast": (
        "float[N,3,4,5] x, float[2,5,2] w",
        "[n] y = MatMul(x, w)",
        "(MatMul): matrices of shapes [3, 4, 5] and [2, 5, 2] do not broadcast",
    ),
    "sizes that are rounded": (
        IMAGE,
        "s = Constant<value_floats = [1.0, 1.0, 0.6, 1.0]>()"
        ' [n] y = Resize<mode = "linear", coordinate_transformation_mode = "align_corners">(x, , s)',
        "(Resize): attribute coordinate_transformation_mode = align_corners with a size of 8, scaled to"
        " 4.8, is ambiguous; give the whole size as input sizes",
    ),
    "region": (
        IMAGE,
        "r = Constant<value_floats = [0.0, 0.0, 1.5, 0.0, 1.0, 1.0, 2.0, 1.0]>()"
        " s = Constant<value_ints = [1, 3, 4, 4]>()"
        ' [n] y = Resize<coordinate_transformation_mode = "tf_crop_and_resize">(x, r, , s)',
        "(Resize): a region of input roi is outside the input",
    ),
    "a batch that is repeated": (
        IMAGE,
        "r = Constant<value_ints = [2, 1, 1, 1]>() [n] y = Tile(x, r)",
        "(Tile): repeats = [2, 1, 1, 1] repeat the batch dimension",
    ),
    "a sum over samples": (
        IMAGE,
        "a = Constant<value_int = 0>() [n] y = CumSum(x, a)",
        "(CumSum): it would mix the samples of a batch (axis 0)",
    ),
    "a product of samples": (
        "float[N,4] x1, float[N,4] x2",
        '[n] y = Einsum<equation = "ni,mi->nm">(x1, x2)',
        "(Einsum): it would mix the samples of a batch (axis 0)",
    ),
    "a filter that antialias does not widen": (
        IMAGE,
        's = Constant<value_ints = [1, 3, 4, 4]>() [n] y = Resize<mode = "linear", antialias = 1,'
        ' coordinate_transformation_mode = "align_corners">(x, , , s)',
        "(Resize): attribute antialias = 1 is not supported with coordinate_transformation_mode = align_corners",
        18,
    ),
    "a norm that is none": (
        IMAGE,
        "[n] y = LpNormalization<p = 3>(x)",
        "(LpNormalization): attribute p = 3 is not supported",
    ),
    "two numbers for one": (
        "float[N,4] x",
        "d = Constant<value_ints = [3, 4]>() v = Constant<value_floats = [0.0, 1.0]>()"
        " i = ArgMax<axis = 1>(x) [n] y = OneHot(i, d, v)",
        "(OneHot): depth must be one number, got 2",
    ),
    "output": (
        IMAGE,
        "s = Constant<value_floats = [1.0, 2.0, 3.0]>() [n] y, a, b, c, z = BatchNormalization(x, s, s, s, s)",
        "(BatchNormalization): output saved_var is not supported",
    ),
    "input that is not constant": (
        "float[N,3,8,9] x, float[N,3,3,2] x2",
        "[n] y = Conv(x, x2)",
        "(Conv): input W must be a constant, but depends on the model's inputs",
    ),
    "kernel": (
        f"{IMAGE}, {FILTER}",
        "[n] y = Conv<kernel_shape = [2, 2]>(x, w)",
        "(Conv): attribute kernel_shape = [2, 2] does not fit weights of shape [4, 3, 3, 2]",
    ),
    "types": (
        f"{IMAGE}, {FILTER}",
        "d = Cast<to = 11>(w) [n] y = Conv(x, d)",
        "(Conv): the operands must have elements of one type, got f32 and f64",
    ),
    "Cast to other numbers": (
        IMAGE,
        "[n] h = Cast<to = 17>(x) y = Cast<to = 1>(h)",
        "(Cast): attribute to = FLOAT8E4M3FN is not supported",
    ),
    "factor of integers": (
        "int32[N,3] x, int32[3,3] w",
        "[n] y = Gemm<alpha = 0.5>(x, w)",
        "(Gemm): a factor of 0.5 is not supported for elements of int32",
    ),
    "Reshape drops the batch": (
        IMAGE,
        "s = Constant<value_ints = [-1]>() [n] y = Reshape(x, s)",
        "(Reshape): the result's shape [216] does not start with the batch dimension",
    ),
    "Reshape does not fit": (
        IMAGE,
        "s = Constant<value_ints = [1, 5, -1]>() [n] y = Reshape(x, s)",
        "(Reshape): 216 elements do not fit the shape [1, 5, 43]",
    ),
    "Flatten mixes the batch": (
        IMAGE,
        "[n] y = Flatten<axis = 0>(x)",
        "(Flatten): attribute axis = 0 mixes the batch dimension with another",
    ),
    "Transpose moves the batch": (
        IMAGE,
        "[n] y = Transpose<perm = [1, 0, 2, 3]>(x)",
        "(Transpose): attribute perm = [1, 0, 2, 3] moves the batch dimension",
    ),
    "Transpose by default": (
        "float[N,6] x",
        "[n] y = Transpose(x)",
        "(Transpose): attribute perm = [1, 0] moves the batch dimension",
    ),
    "Gemm transA": (
        "float[N,6] x, float[1,4] w",
        "[n] y = Gemm<transA = 1>(x, w)",
        "(Gemm): attribute transA = 1 exchanges the batch dimension with another",
    ),
    "MatMul with a batch of matrices": (
        "float[N,5,6] x, float[2,6,4] w",
        "[n] y = MatMul(x, w)",
        "(MatMul): constant 'w' of shape [2, 6, 4] is neither one matrix for each sample nor one"
        " for each matrix of a sample",
    ),
    "MatMul of two ranks": (
        "float[N,5,6] x1, float[N,2,6,4] x2",
        "[n] y = MatMul(x1, x2)",
        "(MatMul): a batch dimension would meet another dimension",
    ),
    "MatMul of the batch": (
        "float[N,5] x, float[4,1] w",
        "[n] y = MatMul(w, x)",
        "(MatMul): a batch dimension would meet another dimension",
    ),
    "Slice removes the batch": (
        IMAGE,
        "s = Constant<value_ints = [1]>() e = Constant<value_ints = [9]>() [n] y = Slice(x, s, e)",
        "(Slice): it removes the batch dimension's only element",
    ),
    "Pad pads the batch": (
        IMAGE,
        "p = Constant<value_ints = [1, 0, 0, 0, 0, 0, 0, 0]>() [n] y = Pad(x, p)",
        "(Pad): pads = [1, 0, 0, 0, 0, 0, 0, 0] pad the batch dimension",
    ),
    "Reduction of the batch": (
        IMAGE,
        "[n] y = ReduceMean<axes = [-4]>(x)",
        "(ReduceMean): it would mix the samples of a batch (axis 0)",
    ),
    "Reduction of all": (
        IMAGE,
        "[n] y = ReduceSum(x)",
        "(ReduceSum): it would mix the samples of a batch (axis 0)",
    ),
    "Reduction of axes that are not there": (
        IMAGE,
        "[n] y = Softmax<axis = 4>(x)",
        "(Softmax): axes = [4] do not fit a tensor of 4 dimensions",
    ),
    "Clip by two numbers": (
        IMAGE,
        "b = Constant<value_floats = [0.0, 1.0]>() [n] y = Clip(x, b)",
        "(Clip): input min must be one number, got shape [2]",
    ),
    "Clip by a tensor of the network": (
        f"{IMAGE}, float[N] x2",
        "[n] y = Clip(x, x2)",
        "(Clip): input min must be a constant, but depends on the model's inputs",
    ),
    "Add of two ranks": (
        "float[N,3,4] x1, float[N,4] x2",
        "[n] y = Add(x1, x2)",
        "(Add): broadcasting would align a batch dimension with another dimension",
    ),
    "Gather behind the batch": (
        "int64[N,3] x, float[4,9] t",
        "[n] y = Gather<axis = 1>(t, x)",
        "(Gather): axis = 1 of a constant would put the batch dimension behind others",
    ),
    "Gather of data by data": (
        "float[N,9] x1, int64[N,3] x2",
        "[n] y = Gather<axis = 1>(x1, x2)",
        "(Gather): data and indices both have a batch dimension",
    ),
    "Add of a batch of constants": (
        "float[N,4] x, float[2,4] c",
        "[n] y = Add(x, c)",
        "(Add): constant 'c' of shape [2, 4] does not broadcast to one sample of 2 dimensions",
    ),
}


@pytest.mark.parametrize("case", NODES)
def test_refused_node(case: str, tmp_path: Path) -> None:
    inputs, body, expected, *opset = NODES[case]
    outputs = "float[] y, int64[] z" if "z =" in body else "float[] y"
    (message,) = refusal(save(model_of(inputs, body, *opset, outputs=outputs), tmp_path))
    assert expected in message
    assert message.startswith("node 'n' ") or "not supported (node" in message


def test_everything_at_once_in_order(tmp_path: Path) -> None:
    body = """
        [a] t = RandomNormalLike(x)
        [b] u = RandomUniformLike(t)
        [c] v = MaxPool<kernel_shape = [2, 2], pads = [0, 0, 0, 0]>(u)
        [d] w = RandomNormalLike(v)
        s = Constant<value_floats = [1.0, 2.0, 3.0]>()
        [e] o, z, q1, q2, q3 = BatchNormalization(x, s, s, s, s)
        [f] p = custom.Fancy(w)
        [g] y = Flatten<axis = 2>(x)
    """
    path = save(
        model_of(IMAGE, body, outputs="float[] y, float[] p, float[] o, int64[] z"), tmp_path
    )
    assert refusal(path) == [
        "operator RandomNormalLike is not supported (node 'a' and 1 more)",
        "operator RandomUniformLike is not supported (node 'b')",
        "node 'e' (BatchNormalization): output mean is not supported",
        "operator custom.Fancy is not supported (node 'f')",
        "node 'g' (Flatten): attribute axis = 2 mixes the batch dimension with another",
    ]


def test_nodes_that_no_output_needs_do_not_matter(tmp_path: Path) -> None:
    import_onnx(save(model_of(IMAGE, "unused = RandomNormalLike(x) y = Relu(x)"), tmp_path))


def test_output_without_batch_dimension(tmp_path: Path) -> None:
    path = save(model_of(f"{IMAGE}, {FILTER}", "y = Relu(w)"), tmp_path)
    message = "output 'y' is a constant of shape [4, 3, 3, 2], which has no batch dimension"
    assert refusal(path) == [message]


# Inputs


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (
            "float[N,3,height,width] x",
            "input 'x' has unknown dimensions 'height', 'width';"
            " set them: --shape x=1,3,height,width",
        ),
        (
            "float[N,3,?,?] x",
            "input 'x' has unknown dimensions 'D2', 'D3'; set them: --shape x=1,3,D2,D3",
        ),
        ("float[] x", "input 'x' has no shape; set one with --shape"),
        (
            "uint64[N,3] x",
            "input 'x' has elements of type uint64;"
            " supported are float, float16, bfloat16, double, int8, uint8,"
            " int16, uint16, int32, int64, bool, int4, uint4, int2, uint2",
        ),
        ("seq(float[3]) x", "input 'x' is not a tensor but a sequence_type"),
    ],
)
def test_refused_input(inputs: str, expected: str, tmp_path: Path) -> None:
    model = model_of(inputs, "y = Identity(x)")
    assert refusal(save(model, tmp_path)) == [expected]


def test_shapes_of_inputs_can_be_set(tmp_path: Path) -> None:
    path = save(model_of("float[N,3,height,width] x", "y = Relu(x)"), tmp_path)
    imported = import_onnx(path, {"x": (1, 3, 5, 6)})
    assert imported.inputs == {"x": (1, 3, 5, 6)} == {"x": imported.outputs["y"]}


def test_fixed_batch_can_be_set_to_one(tmp_path: Path) -> None:
    path = save(model_of("float[4,3] x", "y = Relu(x)", outputs="float[4,3] y"), tmp_path)
    assert import_onnx(path, {"x": (1, 3)}).outputs == {"y": (1, 3)}


def test_shapes_that_do_not_fit(tmp_path: Path) -> None:
    path = save(model_of("float[N,3] x", "y = Relu(x)"), tmp_path)
    assert refusal(path, z=(1, 3)) == ["--shape names 'z', which is not an input; the inputs are x"]
    assert refusal(path, x=(1, 3, 4)) == ["input 'x' has 2 dimensions, but --shape sets 3"]


# Files


def test_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.onnx") == ["No such file or directory"]


@pytest.mark.parametrize("name", ["other.onnx", "other.json", "other.onnxtxt"])
@pytest.mark.parametrize("content", [b"hello, this is not a model", b"", bytes(range(256))])
def test_other_file(content: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(OnnxError) as caught:
        import_onnx(path)
    place, _, message = str(caught.value).removeprefix(str(path)).partition(" error: ")
    assert re.fullmatch(r":1:\d+:" if "expected" in message else ":", place)
    assert message.startswith("not an ONNX model") or message.endswith("not found")


def test_truncated_file(tmp_path: Path) -> None:
    path = save(model_of(f"{IMAGE}, {FILTER}", "y = Conv(x, w)"), tmp_path)
    content = path.read_bytes()
    for length in range(0, len(content) - 1, 7):
        path.write_bytes(content[:length])
        assert len(refusal(path)) == 1


def test_invalid_text(tmp_path: Path) -> None:
    path = tmp_path / "model.onnxtxt"
    path.write_text("<ir_version: 8> main (float[N] x) => (float[N] y) { y = Relu(x }")
    with pytest.raises(OnnxError) as caught:
        import_onnx(path)
    assert str(caught.value) == f"{path}:1:64: error: expected character ) not found"


def test_invalid_model(tmp_path: Path) -> None:
    (message,) = refusal(save(model_of(IMAGE, "y = Relu(x, x)"), tmp_path))
    assert message.startswith("invalid model: ")


def test_names_that_are_given_twice(tmp_path: Path) -> None:
    model = model_of(f"{IMAGE}, float[3,1,1] w", "y = Mul(x, w)")
    model.graph.output.append(model.graph.output[0])
    model.graph.input.append(model.graph.input[0])
    model.graph.initializer.append(model.graph.initializer[0])
    assert refusal(save(model, tmp_path)) == [
        "invalid model: input 'x' is listed 2 times",
        "invalid model: output 'y' is listed 2 times",
        "invalid model: constant 'w' is listed 2 times",
    ]


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    body = 'm = Relu(x) [some_name] y = Gelu<approximate = "tanh">(m)'
    data = model_of(IMAGE, body, opset=20).SerializeToString()
    path = tmp_path / "model.onnx"
    for text in (b"some_name", b"Relu", b"main"):
        assert text in data
        path.write_bytes(data.replace(text, b"\xff" * len(text)))
        (message,) = refusal(path)
        assert message.startswith("invalid model: a onnx.") and message.endswith("not UTF-8 text")
    path.write_bytes(data.replace(b"tanh", b"\xff" * 4))
    assert refusal(path) == ["node 'some_name' (Gelu): attribute approximate is not UTF-8 text"]


def test_an_output_that_nothing_computes(tmp_path: Path) -> None:
    model = model_of(IMAGE, "y = Relu(x)", outputs="float[] y, float[] z")
    assert refusal(save(model, tmp_path)) == ["invalid model: nothing computes output 'z'"]


@pytest.mark.parametrize(
    ("op_type", "inputs"), [("Constant", []), ("Split", ["x"]), ("Relu", ["x"])]
)
def test_a_node_with_too_few_outputs(op_type: str, inputs: list[str], tmp_path: Path) -> None:
    model = model_of(IMAGE, "y = Relu(x)")
    node = helper.make_node(op_type, inputs, [])
    if op_type == "Constant":
        value = numpy_helper.from_array(np.zeros((), np.float32))
        node.attribute.append(helper.make_attribute("value", value))
    model.graph.node.append(node)
    (message,) = refusal(save(model, tmp_path))
    assert "invalid model" in message and op_type in message


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ([1, 1, np.nan, 2], "scale nan is not a positive number"),
        ([1, 1, np.inf, 2], "scale inf is not a positive number"),
        ([1, 1, 0, 2], "scale 0.0 is not a positive number"),
        ([1, 1, -2, 2], "scale -2.0 is not a positive number"),
        ([1, 1, 2], "there are 3 scales or sizes for 4 dimensions"),
    ],
)
def test_scales_that_are_none(scales: list[float], message: str, tmp_path: Path) -> None:
    for mode in ("nearest", "linear"):
        model = model_of(IMAGE, f'[n] y = Resize<mode = "{mode}">(x, , s)')
        array = np.array(scales, np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, "s"))
        (found,) = refusal(save(model, tmp_path))
        # ONNX's own checker refuses some of them.
        assert found == f"node 'n' (Resize): {message}" or found.startswith("invalid model: ")


def test_old_opset(tmp_path: Path) -> None:
    (message,) = refusal(save(model_of(IMAGE, "y = Relu(x)", 6), tmp_path))
    assert message.startswith("opset 6 is not supported, only 7 to ")


def test_missing_external_data(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    model = model_of(f"{IMAGE}, {FILTER}", "y = Conv(x, w)")
    onnx.save(model, path, save_as_external_data=True, location="data.bin", size_threshold=0)
    assert list(import_onnx(path).parameters) == ["w"]
    (tmp_path / "data.bin").unlink()
    (message,) = refusal(path)
    assert message.startswith("initializer 'w': ")


def test_external_data_outside_the_folder(tmp_path: Path) -> None:
    """A link in a model's folder does not make files elsewhere readable."""
    path = tmp_path / "folder" / "model.onnx"
    path.parent.mkdir()
    model = model_of(f"{IMAGE}, {FILTER}", "y = Conv(x, w)")
    onnx.save(model, path, save_as_external_data=True, location="data.bin", size_threshold=0)
    data = path.with_name("data.bin")
    data.symlink_to(data.rename(tmp_path / "elsewhere.bin"))
    (message,) = refusal(path)
    assert message.startswith("initializer 'w': ")


def test_tensor_of_the_wrong_size(tmp_path: Path) -> None:
    model = model_of(f"{IMAGE}, {FILTER}", "y = Conv(x, w)")
    model.graph.initializer[0].raw_data = bytes(12)
    (message,) = refusal(save(model, tmp_path))
    assert message.startswith("initializer 'w': ")


def test_parameters_of_another_type(tmp_path: Path) -> None:
    model = model_of(IMAGE, "[n] y = Add(x, c)")
    model.graph.initializer.append(numpy_helper.from_array(np.ones(9, np.float32), "c"))
    model.graph.initializer[0].data_type = TensorProto.INT32
    (message,) = refusal(save(model, tmp_path))
    assert message == (
        "node 'n' (Add): the operands must have elements of one type, got f32 and i32"
    )


def test_sparse_initializer(tmp_path: Path) -> None:
    model = model_of(IMAGE, "y = Relu(x)")
    values = helper.make_tensor("s", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))
    assert refusal(save(model, tmp_path)) == ["initializer 's' is sparse, which is not supported"]


def test_sequences_of_tensors(tmp_path: Path) -> None:
    """The operators are not supported, whether or not their inputs are constants."""
    body = "[e] a = SequenceEmpty() [i] b = SequenceInsert(a, x) [c] y = ConcatFromSequence<axis = 1>(b)"
    assert refusal(save(model_of(IMAGE, body), tmp_path)) == [
        "operator SequenceEmpty is not supported (node 'e')",
        "operator SequenceInsert is not supported (node 'i')",
        "operator ConcatFromSequence is not supported (node 'c')",
    ]
