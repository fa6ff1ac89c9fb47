"""Operators that move data, between stages and at the ends of networks: the simulator against onnxruntime."""

from __future__ import annotations

import onnx
import pytest
from frontends.moving_cases import CASES, OTHER_OPSETS, constant
from frontends.onnx_models import model_of
from networks import Compiled, compile_network, reference_outputs
from onnx import helper
from tolerance import assert_close

MODELS = {name: (13, *case) for name, case in CASES.items()} | OTHER_OPSETS


def check(model: onnx.ModelProto) -> Compiled:
    """Two inferences, with everything a core can do at once and with one iteration at a time."""
    network = compile_network(model)
    samples = network.samples(2)
    for chunk in (None, 1):
        report = network.simulator.run(samples, chunk)
        for sample, outputs in zip(samples, report.outputs, strict=True):
            expected = reference_outputs(model, sample)
            for result, wanted in zip(outputs.values(), expected, strict=True):
                assert_close(result, wanted)
    return network


def between_stages(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a stage before each input and one that slides a window behind the output."""
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [info.name for info in model.graph.input if info.name not in constants]
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name in inputs:
                node.input[index] = f"{name}_before"
    for name in inputs:
        model.graph.node.insert(0, helper.make_node("Relu", [name], [f"{name}_before"]))
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    (y,) = inferred.graph.output
    rank = len(y.type.tensor_type.shape.dim) - 2
    if rank < 1:
        model.graph.node.append(helper.make_node("Relu", ["y"], ["behind"]))
    else:
        model.graph.node.append(
            helper.make_node(
                "MaxPool", ["y"], ["behind"], kernel_shape=[2] * rank, pads=[1] * 2 * rank
            )
        )
    model.graph.output[0].name = "behind"
    return model


@pytest.mark.parametrize("name", MODELS)
def test_alone(name: str) -> None:
    opset, inputs, body = MODELS[name]
    check(model_of(inputs, body, opset))


@pytest.mark.parametrize("name", MODELS)
def test_between_stages(name: str) -> None:
    opset, inputs, body = MODELS[name]
    check(between_stages(model_of(inputs, body, opset)))


IMAGE = "float[N,4,6,5] x"
FILTERS = "float[6,4,3,3] v, float[6,4,1,1] w"
BRANCHES = "a = Conv<pads = [1, 1, 1, 1]>(x, v) b = Conv(x, w) "

NETWORKS: dict[str, tuple[str, str, str, int]] = {
    # inputs, body, outputs, number of stages
    "a concatenation that a convolution reads": (
        f"{IMAGE}, {FILTERS}, float[3,12,3,3] u",
        BRANCHES + "c = Concat<axis = 1>(a, b) y = Conv<pads = [1, 1, 1, 1]>(c, u)",
        "float[] y",
        3,
    ),
    "a concatenation that joins a stage": (
        f"{IMAGE}, {FILTERS}, float[12,4,1,1] u",
        BRANCHES + "c = Concat<axis = 1>(a, b) d = Conv(x, u) e = Add(d, c) y = Relu(e)",
        "float[] y",
        3,
    ),
    "a dense block": (
        f"{IMAGE}, float[2,4,3,3] u, float[2,6,3,3] v, float[2,8,3,3] w",
        "a = Conv<pads = [1, 1, 1, 1]>(x, u) b = Concat<axis = 1>(x, a)"
        " c = Conv<pads = [1, 1, 1, 1]>(b, v) d = Concat<axis = 1>(b, c)"
        " e = Conv<pads = [1, 1, 1, 1]>(d, w) f = Concat<axis = 1>(d, e) y = Relu(f)",
        "float[] y",
        4,
    ),
    "a concatenation along the rows": (
        f"{IMAGE}, {FILTERS}, float[3,6,3,3] u",
        BRANCHES + "c = Concat<axis = 2>(a, b, a) y = Conv<pads = [1, 1, 1, 1]>(c, u)",
        "float[] y",
        3,
    ),
    "a concatenation as output": (
        f"{IMAGE}, {FILTERS}",
        BRANCHES + "y = Concat<axis = 3>(a, b)",
        "float[] y",
        2,
    ),
    "a part of a result as output": (
        f"{IMAGE}, {FILTERS}",
        "a = Conv<pads = [1, 1, 1, 1]>(x, v) b, y = Split<axis = 2>(a)",
        "float[] y",
        1,
    ),
    "a flat output": (f"{IMAGE}, {FILTERS}", "a = Conv(x, v) y = Flatten(a)", "float[] y", 1),
    "an output with channels last": (
        f"{IMAGE}, {FILTERS}",
        "a = Conv(x, v) y = Transpose<perm = [0, 2, 3, 1]>(a)",
        "float[] y",
        1,
    ),
    "an output in two layouts": (
        f"{IMAGE}, {FILTERS}",
        "a = Conv(x, v) y = Flatten(a) z = Transpose<perm = [0, 2, 3, 1]>(a)",
        "float[] y, float[] z",
        3,
    ),
    "an output, also flat": (
        f"{IMAGE}, {FILTERS}",
        "y = Conv(x, v) z = Flatten(y)",
        "float[] y, float[] z",
        2,
    ),
    "an output that is read": (
        f"{IMAGE}, {FILTERS}, float[2,6,3,3] u",
        "y = Conv(x, v) z = Conv(y, u)",
        "float[] y, float[] z",
        2,
    ),
    "a flat output that is read": (
        f"{IMAGE}, {FILTERS}, float[2,6,3,3] u",
        "a = Conv(x, v) y = Flatten(a) z = Conv(a, u)",
        "float[] y, float[] z",
        3,
    ),
    "an input as output": (
        f"{IMAGE}, {FILTERS}",
        "y = Identity(x) z = Conv(x, v)",
        "float[] y, float[] z",
        2,
    ),
    "an output twice": (
        f"{IMAGE}, {FILTERS}",
        "y = Conv(x, v) z = Identity(y)",
        "float[] y, float[] z",
        2,
    ),
    "a padded output": (
        f"{IMAGE}, {FILTERS}",
        constant("p", 0, 0, 1, 1, 0, 0, 1, 1) + "a = Conv(x, v) y = Pad(a, p)",
        "float[] y",
        2,
    ),
    "two inputs": (
        "float[N,4,6,5] x1, float[N,2,6,5] x2, float[3,6,3,3] w",
        "c = Concat<axis = 1>(x1, x2) y = Conv(c, w)",
        "float[] y",
        1,
    ),
    "the sum of a result with itself in another order": (
        "float[N,4,5,5] x, float[4,4,1,1] w",
        "a = Conv(x, w) b = Transpose<perm = [0, 1, 3, 2]>(a) y = Add(a, b)",
        "float[] y",
        2,
    ),
    "a layout with two readers": (
        f"{IMAGE}, float[6,4,1,1] w, float[2,6,3,3] u, float[2,6,1,1] v",
        "a = Conv(x, w) b = Transpose<perm = [0, 1, 3, 2]>(a) c = Conv<pads = [1, 1, 1, 1]>(b, u)"
        " d = Relu(c) e = Conv(b, v) y = Add(d, e)",
        "float[] y",
        3,
    ),
    "paddings in conflict on one side of a concatenation": (
        f"{IMAGE}, {FILTERS}, float[2,12,1,1] u",
        constant("p", 0, 0, 1, 1, 0, 0, 1, 1)
        + "one = Constant<value_float = 1.0>() a = Conv<pads = [1, 1, 1, 1]>(x, v) b = Conv(x, w)"
        " c = Pad(a, p) d = Pad(b, p, one) e = Concat<axis = 1>(c, d) y = Conv(e, u)",
        "float[] y",
        4,
    ),
    "a piece of a padded value that has no padding": (
        f"{IMAGE}, {FILTERS}",
        constant("p", 0, 0, 1, 1, 0, 0, 1, 1)
        + constant("s", 1, 1)
        + constant("e", 7, 6)
        + constant("i", 2, 3)
        + "a = Conv<pads = [1, 1, 1, 1]>(x, v) b = Pad(a, p) c = Slice(b, s, e, i)"
        " y = MaxPool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(c)",
        "float[] y",
        2,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_network(name: str) -> None:
    inputs, body, outputs, stages = NETWORKS[name]
    network = check(model_of(inputs, body, outputs=outputs))
    assert len(network.pipeline.stages) == stages


def test_shuffles_are_short_relations() -> None:
    """A channel shuffle, three operators in ONNX, is one affine piece with a few constraints."""
    inputs, body = CASES["channel shuffle"]
    network = check(between_stages(model_of(inputs, body)))
    (relation,) = [
        access
        for stage in network.pipeline.stages.values()
        for read in stage.reads()
        for name, access in read.arrays_and_maps()
        if name != "x" and _is_computed(network, name)
    ]
    assert relation.relation.n_basic_map() == 1
    assert len(relation.data) < 300


def _is_computed(network: Compiled, array: str) -> bool:
    return network.pipeline.arrays[array].source is None
