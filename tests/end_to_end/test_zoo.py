"""The networks of the benchmarks: made small, they give the results of onnxruntime; and the command that makes them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from networks import compile_network, reference_outputs
from tolerance import assert_close
from zoo import NETWORKS, build

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "networks.py"

SMALL = {
    "resnet18:32,8": 18 + 3,
    "googlenet:32,8": 58,
    "mobilenetv2:32,4": 53,
    "vgg16:32,4": 16,
    "resnet20:16,4": 20,
    "tinyyolov3:32,2": 13,
    "chain:3,5,7": 3,
}
"""How many layers with weights there are, projections of shortcuts included."""

ORIGINAL = {"resnet18": 11_689_512, "mobilenetv2": 3_504_872}
"""The trained parameters of networks in torchvision's documentation (num_params)."""


@pytest.mark.parametrize("text", SMALL)
def test_small_networks_agree_with_onnxruntime(text: str) -> None:
    model = build(text)
    layers = [node for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    assert len(layers) == SMALL[text]
    compiled = compile_network(model)
    (sample,) = compiled.samples(1)
    results = compiled.simulator.run([sample]).outputs[0].values()
    for result, expected in zip(results, reference_outputs(model, sample), strict=True):
        assert_close(result, expected)


@pytest.mark.parametrize("name", ORIGINAL)
def test_originals_have_as_many_parameters_as_published(name: str) -> None:
    graph = build(name).graph
    statistics = {
        tensor
        for node in graph.node
        if node.op_type == "BatchNormalization"
        for tensor in node.input[3:]
    }
    bounds = {t for node in graph.node if node.op_type == "Clip" for t in node.input[1:]}
    trained = [t for t in graph.initializer if t.name not in statistics | bounds]
    assert sum(int(np.prod(tensor.dims)) for tensor in trained) == ORIGINAL[name]


def test_the_same_seed_gives_the_same_model() -> None:
    first, again, other = (build("resnet18:32,8", seed).SerializeToString() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def networks_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_command_writes_a_model(tmp_path: Path) -> None:
    path = tmp_path / "chain.onnx"
    run = networks_script("chain:2,3,5", "-o", str(path))
    assert run.returncode == 0, run.stderr
    assert path.read_bytes() == build("chain:2,3,5").SerializeToString()


def test_the_command_lists_all_networks() -> None:
    listed = networks_script("--list").stdout.splitlines()
    assert [line.split()[0].partition(":")[0] for line in listed] == list(NETWORKS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alexnet", "there is no network 'alexnet'; there are resnet18, "),
        ("resnet18:32", "`resnet18:32` is not of the form `resnet18:SIZE,CHANNELS` with positive"),
        ("chain:1,2,0", "`chain:1,2,0` is not of the form `chain:LAYERS,CHANNELS,SIZE` with pos"),
        ("squeezenet:32", "`squeezenet:32` is not of the form `squeezenet`: it has no sizes"),
        ("vgg16:16,8", "nothing is left after 30 layers: give a larger size"),
    ],
)
def test_what_there_is_not_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        build(text)


def test_the_command_says_what_is_wrong_and_writes_nothing(tmp_path: Path) -> None:
    run = networks_script("resnet18:32", "-o", str(tmp_path / "x.onnx"))
    assert run.returncode == 2
    assert "error: `resnet18:32` is not of the form" in run.stderr
    assert "Traceback" not in run.stderr
    assert not list(tmp_path.iterdir())
