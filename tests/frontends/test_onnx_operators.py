"""Every importer against onnxruntime: the imported IR, evaluated with NumPy, gives its results."""

from __future__ import annotations

import re
from pathlib import Path

import onnx
import pytest
from frontends import (
    composed_cases,
    control_cases,
    microsoft_cases,
    moving_cases,
    qonnx_cases,
    quantized_cases,
    signal_cases,
)
from frontends.onnx_models import evaluate, model_of, reference_outputs, samples_for, save
from tolerance import assert_close

from cmir.frontends.onnx import import_onnx, operators
from cmir.frontends.onnx.node import plain
from cmir.frontends.onnx.registry import find_importer

IMAGE = "float[N,3,8,9] x"
FILTER = "float[4,3,3,2] w"
NORM = "float[3] scale, float[3] b, float[3] mean, float[3] var"
PAIR = "float[N,3,4,4] x1, float[N,3,4,4] x2"

CASES: dict[str, tuple[str, str]] = {
    "Conv": (f"{IMAGE}, {FILTER}", "y = Conv(x, w)"),
    "Conv bias": (f"{IMAGE}, {FILTER}, float[4] b", "y = Conv(x, w, b)"),
    "Conv kernel_shape": (f"{IMAGE}, {FILTER}", "y = Conv<kernel_shape = [3, 2]>(x, w)"),
    "Conv strides": (f"{IMAGE}, {FILTER}", "y = Conv<strides = [2, 3]>(x, w)"),
    "Conv pads": (f"{IMAGE}, {FILTER}", "y = Conv<pads = [1, 0, 2, 1]>(x, w)"),
    "Conv dilations": (f"{IMAGE}, {FILTER}", "y = Conv<dilations = [2, 3]>(x, w)"),
    "Conv SAME_UPPER": (f"{IMAGE}, {FILTER}", 'y = Conv<auto_pad = "SAME_UPPER">(x, w)'),
    "Conv SAME_LOWER": (f"{IMAGE}, {FILTER}", 'y = Conv<auto_pad = "SAME_LOWER">(x, w)'),
    "Conv SAME strided": (
        f"{IMAGE}, {FILTER}",
        'y = Conv<auto_pad = "SAME_UPPER", strides = [2, 2], dilations = [1, 1]>(x, w)',
    ),
    "Conv VALID": (f"{IMAGE}, {FILTER}", 'y = Conv<auto_pad = "VALID">(x, w)'),
    "Conv grouped": ("float[N,4,5,5] x, float[6,2,3,3] w", "y = Conv<group = 2>(x, w)"),
    "Conv depthwise": ("float[N,4,5,5] x, float[4,1,3,3] w", "y = Conv<group = 4>(x, w)"),
    "Conv 1-D": ("float[N,3,9] x, float[4,3,3] w", "y = Conv<pads = [1, 1], strides = [2]>(x, w)"),
    "Gemm": ("float[N,6] x, float[6,4] w", "y = Gemm(x, w)"),
    "Gemm transB": ("float[N,6] x, float[4,6] w, float[4] c", "y = Gemm<transB = 1>(x, w, c)"),
    "Gemm alpha beta": (
        "float[N,6] x, float[6,4] w, float[1,4] c",
        "y = Gemm<alpha = 0.5, beta = 2.0>(x, w, c)",
    ),
    "Gemm scalar bias": ("float[N,6] x, float[6,4] w, float[1] c", "y = Gemm(x, w, c)"),
    "MatMul": ("float[N,6] x, float[6,4] w", "y = MatMul(x, w)"),
    "MatMul rows": ("float[N,5,6] x, float[6,4] w", "y = MatMul(x, w)"),
    "MatMul leading 1": ("float[N,5,6] x, float[1,6,4] w", "y = MatMul(x, w)"),
    "Gemm computed bias": ("float[N,6] x1, float[N,4] x2, float[6,4] w", "y = Gemm(x1, w, x2)"),
    "Gemm computed bias beta": (
        "float[N,6] x1, float[N,4] x2, float[6,4] w",
        "y = Gemm<beta = 0.5>(x1, w, x2)",
    ),
    "MatMul vector": ("float[N,5,6] x, float[6] w", "y = MatMul(x, w)"),
    "MatMul matrices of rows": ("float[N,2,5,6] x, float[6,4] w", "y = MatMul(x, w)"),
    "MatMul matrices": ("float[N,2,5,6] x, float[2,6,4] w", "y = MatMul(x, w)"),
    "MatMul matrices leading 1": ("float[N,2,5,6] x, float[1,2,6,4] w", "y = MatMul(x, w)"),
    "MatMul row": ("float[N,1] x, float[1,4] w", "y = MatMul(x, w)"),
    "MatMul broadcast matrices": ("float[N,3,2,5,6] x, float[2,6,4] w", "y = MatMul(x, w)"),
    "MatMul broadcast data": ("float[N,1,2,5,6] x, float[1,3,1,6,4] w", "y = MatMul(x, w)"),
    "MatMul broadcast from the left": (
        "float[N,1,5,6] x, float[1,3,4,5] w",
        "y = MatMul(w, x)",
    ),
    "MatMul broadcast, computed": (
        "float[N,2,1,3,4] x1, float[N,1,3,4,5] x2",
        "y = MatMul(x1, x2)",
    ),
    "MatMul from the left": ("float[N,5,6] x, float[4,5] w", "y = MatMul(w, x)"),
    "MatMul matrices from the left": ("float[N,2,5,6] x, float[2,4,5] w", "y = MatMul(w, x)"),
    "MatMul of each matrix by its own": ("float[N,2,5,6] x, float[1,2,6,4] w", "y = MatMul(x, w)"),
    "MatMul broadcast": ("float[N,3,2,5,6] x, float[3,1,6,4] w", "y = MatMul(x, w)"),
    "MatMul of one by several": ("float[N,1,5,6] x, float[2,6,4] w", "y = MatMul(x, w)"),
    "MatMul row from the left": ("float[N,5,6] x, float[5] w", "y = MatMul(w, x)"),
    "MatMul broadcast matrices from the left": (
        "float[N,3,2,5,6] x, float[2,4,5] w",
        "y = MatMul(w, x)",
    ),
    "MatMul computed": ("float[N,3,4] x1, float[N,4,5] x2", "y = MatMul(x1, x2)"),
    "MatMul computed matrices": (
        "float[N,2,3,4] x1, float[N,2,4,5] x2",
        "y = MatMul(x1, x2)",
    ),
    "Add": (PAIR, "y = Add(x1, x2)"),
    "Add twice": ("float[N,3,4] x", "y = Add(x, x)"),
    "Add channels": (f"{IMAGE}, float[3,1,1] b", "y = Add(x, b)"),
    "Add batch and channels": (f"{IMAGE}, float[1,3,1,1] b", "y = Add(b, x)"),
    "Add row": (f"{IMAGE}, float[9] b", "y = Add(x, b)"),
    "Add scalar": (f"{IMAGE}, float[1] b", "y = Add(x, b)"),
    "Add broadcast": ("float[N,3,4,4] x1, float[N,3,1,1] x2", "y = Add(x1, x2)"),
    "Relu": (IMAGE, "y = Relu(x)"),
    "Abs": (IMAGE, "y = Abs(x)"),
    "Ceil": (IMAGE, "y = Ceil(x)"),
    "Erf": (IMAGE, "y = Erf(x)"),
    "Exp": (IMAGE, "y = Exp(x)"),
    "Floor": (IMAGE, "y = Floor(x)"),
    "Neg": (IMAGE, "y = Neg(x)"),
    "Reciprocal": (IMAGE, "y = Reciprocal(x)"),
    "Round": (IMAGE, "y = Round(x)"),
    "Sigmoid": (IMAGE, "y = Sigmoid(x)"),
    "Softplus": (IMAGE, "y = Softplus(x)"),
    "Tanh": (IMAGE, "y = Tanh(x)"),
    "Sqrt": (IMAGE, "a = Abs(x) y = Sqrt(a)"),
    "Log": (IMAGE, "a = Abs(x) y = Log(a)"),
    "IsNaN": (IMAGE, "l = Log(x) n = IsNaN(l) y = Cast<to = 1>(n)"),
    "IsInf": (IMAGE, "r = Relu(x) l = Log(r) i = IsInf(l) y = Cast<to = 1>(i)"),
    "IsInf neither": (
        IMAGE,
        "l = Log(x) i = IsInf<detect_negative = 0, detect_positive = 0>(l) y = Cast<to = 1>(i)",
    ),
    "Sub": (PAIR, "y = Sub(x1, x2)"),
    "Sub from a constant": (f"{IMAGE}, float[1] one", "y = Sub(one, x)"),
    "Mul": ("float[N,3,4,4] x1, float[N,3,1,1] x2", "y = Mul(x1, x2)"),
    "Mul channels": (f"{IMAGE}, float[1,3,1,1] s", "y = Mul(x, s)"),
    "Div": (PAIR, "y = Div(x1, x2)"),
    "Div scalar": (f"{IMAGE}, float s", "y = Div(x, s)"),
    "Pow": (IMAGE, "two = Constant<value_float = 2.0>() y = Pow(x, two)"),
    "Pow integer": (IMAGE, "three = Constant<value_int = 3>() y = Pow(x, three)"),
    "Pow of a constant": (f"{IMAGE}, float[9] c", "y = Pow(c, x)"),
    "PRelu": (f"{IMAGE}, float[3,1,1] s", "y = PRelu(x, s)"),
    "Max": (f"{PAIR}, float[3,1,1] c, float[4] d", "y = Max(c, x1, d, x2)"),
    "Max of one": (IMAGE, "z = Max(x) y = Relu(z)"),
    "Min": (PAIR, "y = Min(x1, x2)"),
    "Sum": (f"{PAIR}, float[1] c", "y = Sum(x1, c, x2)"),
    "Clip": (
        IMAGE,
        "l = Constant<value_float = -0.5>() h = Constant<value_float = 1.0>() y = Clip(x, l, h)",
    ),
    "Clip above": (IMAGE, "h = Constant<value_floats = [0.5]>() y = Clip(x, , h)"),
    "Pad by a list of one": (
        IMAGE,
        "p = Constant<value_ints = [0, 0, 1, 0, 0, 0, 0, 2]>() v = Constant<value_floats = [0.5]>()"
        " y = Pad(x, p, v)",
    ),
    "Clip nothing": (IMAGE, "y = Clip(x)"),
    "LeakyRelu": (IMAGE, "y = LeakyRelu<alpha = 0.1>(x)"),
    "Elu": (IMAGE, "y = Elu<alpha = 0.5>(x)"),
    "Selu": (IMAGE, "y = Selu(x)"),
    "Selu attributes": (IMAGE, "y = Selu<alpha = 1.5, gamma = 2.0>(x)"),
    "Shrink": (IMAGE, "y = Shrink<bias = 0.5, lambd = 0.25>(x)"),
    "Shrink default": (IMAGE, "y = Shrink(x)"),
    "HardSigmoid": (IMAGE, "y = HardSigmoid<alpha = 0.3>(x)"),
    "ReduceMean": (IMAGE, "y = ReduceMean<axes = [2, 3]>(x)"),
    "ReduceMean of rows": (IMAGE, "y = ReduceMean<axes = [-1], keepdims = 0>(x)"),
    "ReduceMax of channels": (IMAGE, "y = ReduceMax<axes = [1]>(x)"),
    "ReduceMin unordered": (IMAGE, "y = ReduceMin<axes = [-1, 1], keepdims = 0>(x)"),
    "ReduceL2": (IMAGE, "y = ReduceL2<axes = [1, 2, 3]>(x)"),
    "ReduceSum": (IMAGE, "a = Constant<value_ints = [-2]>() y = ReduceSum(x, a)"),
    "ReduceSum noop": (
        IMAGE,
        "z = ReduceSum<noop_with_empty_axes = 1>(x) y = Relu(z)",
    ),
    "Where": (
        f"{PAIR}, float[4] c",
        "l = Less(x1, x2) g = GreaterOrEqual(x2, c) o = And(l, g) n = Not(o) y = Where(n, x1, c)",
    ),
    "Where of a mask": (
        f"{IMAGE}, float low",
        "m = Constant<value = bool[9] {1, 0, 1, 1, 0, 0, 1, 0, 1}>() y = Where(m, x, low)",
    ),
    "Equal": (
        PAIR,
        "a = Round(x1) b = Round(x2) e = Equal(a, b) l = LessOrEqual(a, b) g = Greater(a, b)"
        " o = Or(e, g) z = Xor(o, l) y = Cast<to = 1>(z)",
    ),
    "Equal of truth values": (
        f"{IMAGE}, float c",
        "l = Less(x, c) g = Greater(x, c) e = Equal(l, g) y = Cast<to = 1>(e)",
    ),
    "Cast to bool": (IMAGE, "r = Round(x) b = Cast<to = 9>(r) y = Cast<to = 1>(b)"),
    "ArgMax": (IMAGE, "i = ArgMax<axis = 2>(x) f = Cast<to = 1>(i) y = Relu(f)"),
    "ArgMax of channels": (IMAGE, "i = ArgMax<axis = 1, keepdims = 0>(x) y = Cast<to = 1>(i)"),
    "ArgMax against constants": (
        IMAGE,
        "i = ArgMax<axis = 2>(x) one = Constant<value_int = 1>() two = Constant<value_int = 2>()"
        " e = Equal(i, one) w = Where(e, two, i) y = Cast<to = 1>(w)",
    ),
    "ArgMin": (IMAGE, "r = Round(x) i = ArgMin<axis = -1>(r) y = Cast<to = 1>(i)"),
    "ArgMin last": (
        IMAGE,
        "r = Round(x) i = ArgMin<axis = -1, select_last_index = 1>(r) y = Cast<to = 1>(i)",
    ),
    "GlobalMaxPool": (IMAGE, "y = GlobalMaxPool(x)"),
    "Softmax": (IMAGE, "y = Softmax(x)"),
    "Softmax of channels": (IMAGE, "y = Softmax<axis = 1>(x)"),
    "LogSoftmax": ("float[N,10] x", "y = LogSoftmax<axis = -1>(x)"),
    "InstanceNormalization": (
        f"{IMAGE}, float[3] s, float[3] b",
        "y = InstanceNormalization<epsilon = 0.01>(x, s, b)",
    ),
    "LRN": ("float[N,9,4,5] x", "y = LRN<size = 3, alpha = 0.5, bias = 1.5>(x)"),
    "Cast": (IMAGE, "z = Cast<to = 1>(x) y = Relu(z)"),
    "MaxPool": (IMAGE, "y = MaxPool<kernel_shape = [2, 3], strides = [2, 2]>(x)"),
    "MaxPool pads": (IMAGE, "y = MaxPool<kernel_shape = [3, 3], pads = [1, 0, 1, 2]>(x)"),
    "MaxPool dilations": (IMAGE, "y = MaxPool<kernel_shape = [3, 3], dilations = [2, 2]>(x)"),
    "MaxPool ceil_mode": (
        IMAGE,
        "y = MaxPool<kernel_shape = [3, 3], strides = [2, 3], ceil_mode = 1>(x)",
    ),
    "MaxPool SAME": (
        IMAGE,
        'y = MaxPool<kernel_shape = [3, 2], strides = [3, 2], auto_pad = "SAME_LOWER">(x)',
    ),
    "MaxPool 1-D": ("float[N,3,9] x", "y = MaxPool<kernel_shape = [2], strides = [2]>(x)"),
    "AveragePool": (IMAGE, "y = AveragePool<kernel_shape = [2, 3], strides = [2, 2]>(x)"),
    "AveragePool pads": (IMAGE, "y = AveragePool<kernel_shape = [3, 3], pads = [1, 0, 1, 2]>(x)"),
    "AveragePool count_include_pad": (
        IMAGE,
        "y = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1], count_include_pad = 1>(x)",
    ),
    "AveragePool SAME": (
        IMAGE,
        'y = AveragePool<kernel_shape = [3, 3], strides = [2, 2], auto_pad = "SAME_UPPER">(x)',
    ),
    "GlobalAveragePool": (IMAGE, "y = GlobalAveragePool(x)"),
    "BatchNormalization": (
        f"{IMAGE}, {NORM}",
        "y = BatchNormalization<epsilon = 0.01, momentum = 0.5>(x, scale, b, mean, var)",
    ),
    "Reshape": (IMAGE, "s = Constant<value_ints = [0, -1, 4]>() y = Reshape(x, s)"),
    "Reshape batch 1": (IMAGE, "s = Constant<value_ints = [1, 216]>() y = Reshape(x, s)"),
    "Reshape batch -1": (IMAGE, "s = Constant<value_ints = [-1, 216]>() y = Reshape(x, s)"),
    "Reshape by Shape": (
        IMAGE,
        "s = Shape(x) zero = Constant<value_ints = [0]>() n = Gather(s, zero)"
        " rest = Constant<value_ints = [-1]>() t = Concat<axis = 0>(n, rest) y = Reshape(x, t)",
    ),
    "Flatten": (IMAGE, "y = Flatten(x)"),
    "Flatten negative": (IMAGE, "y = Flatten<axis = -3>(x)"),
    "Transpose": (IMAGE, "y = Transpose<perm = [0, 3, 1, 2]>(x)"),
    "Slice": (
        IMAGE,
        "s = Constant<value_ints = [1, 2]>() e = Constant<value_ints = [-1, 2147483647]>()"
        " a = Constant<value_ints = [2, -1]>() t = Constant<value_ints = [2, 3]>()"
        " y = Slice(x, s, e, a, t)",
    ),
    "Slice of the batch": (
        IMAGE,
        "s = Constant<value_ints = [0, 1]>() e = Constant<value_ints = [9, 3]>()"
        " y = Slice(x, s, e)",
    ),
    "Pad": (IMAGE, "p = Constant<value_ints = [0, 1, 0, 2, 0, 0, 3, 0]>() y = Pad(x, p)"),
    "Pad value": (
        IMAGE,
        "p = Constant<value_ints = [0, 0, 1, 1, 0, 0, 1, 1]>() v = Constant<value_float = 1.5>()"
        " y = Pad(x, p, v)",
    ),
    "Identity": (IMAGE, "z = Identity(x) y = Relu(z)"),
    "Identity of a parameter": (f"{IMAGE}, {FILTER}", "z = Identity(w) y = Conv(x, z)"),
    "Dropout": (IMAGE, "z, mask = Dropout(x) y = Relu(z)"),
    "folded weights": (
        f"{IMAGE}, float[3,4,3,2] w, float[1] two",
        "t = Transpose<perm = [1, 0, 2, 3]>(w) d = Mul(t, two) y = Conv(x, d)",
    ),
}

OTHER_OPSETS: dict[str, tuple[int, str, str]] = {
    "Clip attributes": (10, IMAGE, "y = Clip<min = 0.0, max = 0.75>(x)"),
    "Softmax of the rest": (12, IMAGE, "y = Softmax(x)"),
    "LogSoftmax of the rest": (11, IMAGE, "y = LogSoftmax<axis = -2>(x)"),
    "LayerNormalization": (
        17,
        f"{IMAGE}, float[9] s, float[9] b",
        "y = LayerNormalization<epsilon = 0.01>(x, s, b)",
    ),
    "LayerNormalization of all": (
        17,
        f"{IMAGE}, float[3,8,9] s",
        "y = LayerNormalization<axis = 1>(x, s)",
    ),
    "LayerNormalization stretched": (
        17,
        f"{IMAGE}, float[1,9] s, float[1] b",
        "y = LayerNormalization<axis = -2>(x, s, b)",
    ),
    "ReduceL2 noop": (18, IMAGE, "y = ReduceL2<noop_with_empty_axes = 1>(x)"),
    "ReduceMax input": (18, IMAGE, "a = Constant<value_ints = [3]>() y = ReduceMax(x, a)"),
    "HardSwish": (14, IMAGE, "y = HardSwish(x)"),
    "Mish": (18, IMAGE, "y = Mish(x)"),
    "Gelu": (20, IMAGE, "y = Gelu(x)"),
    "Gelu tanh": (20, IMAGE, 'y = Gelu<approximate = "tanh">(x)'),
    "Slice attributes": (9, IMAGE, "y = Slice<axes = [2], starts = [1], ends = [-1]>(x)"),
    "Pad attributes": (10, IMAGE, "y = Pad<pads = [0, 0, 1, 1, 0, 0, 1, 1], value = 0.5>(x)"),
    "Dropout attribute": (11, IMAGE, "z = Dropout<ratio = 0.25>(x) y = Relu(z)"),
    "BatchNormalization spatial": (
        7,
        f"{IMAGE}, {NORM}",
        "y = BatchNormalization<spatial = 1>(x, scale, b, mean, var)",
    ),
    "Pad axes": (
        19,
        IMAGE,
        "p = Constant<value_ints = [1, 2]>() a = Constant<value_ints = [-1]>() y = Pad(x, p, , a)",
    ),
    "AveragePool dilations": (
        19,
        IMAGE,
        "y = AveragePool<kernel_shape = [2, 2], dilations = [2, 2]>(x)",
    ),
}


for cases in (moving_cases, composed_cases, signal_cases):
    CASES.update(cases.CASES)
    OTHER_OPSETS.update(cases.OTHER_OPSETS)


ALL = {name: (13, *case) for name, case in CASES.items()} | OTHER_OPSETS

OF_ONE_SAMPLE = {
    "Concat parameter",
    "Reshape batch 1",
    # Other constants have one sample, too.
    "AffineGrid",
    "AffineGrid of corners",
    "GatherND",
    "GridSample",
    "Scatter",
    "ScatterElements",
    # onnxruntime resizes only the last dimensions.
    "Resize antialias",
    "Resize antialias cubic",
    "Resize cubic down",
    "Resize linear corners",
    "Resize linear pytorch",
    "Resize of a region",
}
"""Cases that need a batch of 1."""


@pytest.mark.parametrize("case", ALL)
def test_operator(case: str, tmp_path: Path) -> None:
    opset, inputs, body = ALL[case]
    model = model_of(inputs, body, opset)
    samples = samples_for(model)
    (expected,) = reference_outputs(model, samples)
    imported = import_onnx(save(model, tmp_path), samples="split")
    (result,) = evaluate(imported, [sample[0] for sample in samples.values()])
    assert_close(result, expected[0])


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("case", ALL)
def test_operator_on_whole_inputs(case: str, batch: int, tmp_path: Path) -> None:
    if batch > 1 and case in OF_ONE_SAMPLE:
        return
    opset, inputs, body = ALL[case]
    model = model_of(inputs.replace("[N", f"[{batch}"), body, opset)
    samples = samples_for(model)
    (expected,) = reference_outputs(model, samples)
    imported = import_onnx(save(model, tmp_path), samples="whole")
    assert imported.outputs == {"y": expected.shape}
    (result,) = evaluate(imported, [*samples.values()])
    assert_close(result, expected)


def test_every_operator_has_a_case() -> None:
    bodies = [case[-1] for case in (*CASES.values(), *OTHER_OPSETS.values())]
    bodies += [body for _, body, _ in control_cases.CASES.values()]
    quantized = {**quantized_cases.ALL, **microsoft_cases.QUANTISED, **microsoft_cases.FUSED}
    quantized |= qonnx_cases.CASES
    bodies += [body for _, body, *_ in quantized.values()]
    tested = {name for body in bodies for name in re.findall(r"= ?([\w.]+)[<(]", body)}
    # The quantisers have the same importers in other domains. The others address the batch dimension, or have several
    # results: their tests are in tests/end_to_end, test_indexing.py, test_signals.py, test_recurrent.py and
    # test_onnx_dynamic_recurrent.py.
    aliases = ("finn.", "onnx.brevitas.")
    own = {name for name in operators() if not name.startswith(aliases)}
    elsewhere = {"ReverseSequence", "RoiAlign", "ScatterND", "GRU", "LSTM", "RNN"}
    elsewhere.add("com.microsoft.DynamicQuantizeLSTM")
    assert own - elsewhere <= tested


@pytest.mark.parametrize("name", [name for name in operators() if "." not in name])
def test_settings_and_their_defaults_are_those_of_onnx(name: str) -> None:
    """A setting is an attribute or input in some opset, with the default that ONNX gives it."""
    schemas = [
        schema
        for schema in onnx.defs.get_all_schemas_with_history()
        if schema.name == name and not schema.domain
    ]
    inputs = {formal.name for schema in schemas for formal in schema.inputs}
    defaults: dict[str, object] = {}
    for schema in sorted(schemas, key=lambda schema: schema.since_version):
        for attribute in schema.attributes.values():
            has_default = attribute.default_value.type
            defaults[attribute.name] = plain(attribute.default_value) if has_default else None
    importer = find_importer(onnx.NodeProto(op_type=name))
    assert importer is not None
    for setting in importer.settings.values():
        assert setting.name in inputs | set(defaults)
        by_type = name == "Clip" and setting.name in ("min", "max")
        if name == "RNN" and setting.name == "activations":  # one for each direction that there is
            continue
        if defaults.get(setting.name) is not None and not by_type:
            assert setting.default == pytest.approx(defaults[setting.name])
