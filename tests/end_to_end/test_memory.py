"""Peak memory of importing, compiling and running a network, measured in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from math import prod
from pathlib import Path

import onnx
import pytest
from networks import Builder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc: make test on Linux")

# What the small network takes, any network takes. Not getrusage: its maximum is inherited from the parent process.
SCRIPT = """
import re, sys
import numpy as np
from networks import compile_network
from cmir.analysis.workload import workload_of
from cmir.frontends.onnx import import_onnx
from pathlib import Path

def peak():
    return 2**10 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

small, model, shape = Path(sys.argv[1]), Path(sys.argv[2]), eval(sys.argv[3])
compile_network(small)
base, estimate = peak(), 0
if shape is None:
    import_onnx(model)
else:
    network = compile_network(model)
    estimate, simulator = workload_of(network.network).size, network.simulator
    simulator.run([{simulator.network.inputs[0]: np.ones(shape, np.float32)}])
print(peak() - base, estimate)
"""


def peak(model: onnx.ModelProto, directory: Path, shape: tuple[int, ...] | None) -> int:
    """The bytes that it takes to import the model; and to compile and run it, if its input's shape is given."""
    return peak_and_estimate(model, directory, shape)[0]


def peak_and_estimate(
    model: onnx.ModelProto, directory: Path, shape: tuple[int, ...] | None
) -> tuple[int, int]:
    """The same bytes, and those that cmir estimates before it starts."""
    small = Builder(1, 4, 4)
    paths = directory / "small.onnx", directory / "model.onnx"
    onnx.save(small.model(small.relu(small.conv("x", 1))), paths[0])
    onnx.save(model, paths[1])
    command = [sys.executable, "-c", SCRIPT, *map(str, paths), repr(shape)]
    run = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    measured, estimate = map(int, run.stdout.split())
    return measured, estimate


def sizes(net: Builder) -> int:
    """The bytes of the weights and of all tensors that are computed."""
    weights = sum(len(tensor.raw_data) for tensor in net.weights)
    return weights + 4 * sum(prod(shape) for name, shape in net.shapes.items() if name != "x")


def test_run_takes_at_most_three_times_weights_and_activations(tmp_path: Path) -> None:
    """With branches that are read by several stages, and large layers at both ends."""
    net = Builder(3, 96, 96)
    x = net.relu(net.conv("x", 32, pads=1))
    for _ in range(3):
        branches = [net.relu(net.conv(x, 32, kernel, pads=kernel // 2)) for kernel in (1, 3, 5)]
        x = net.pool(net.concat(*branches, x))
    y = net.gemm(net.flatten(x), 256)
    assert peak(net.model(y), tmp_path, (3, 96, 96)) <= 3 * sizes(net)


def _chain(channels: int, size: int) -> tuple[Builder, str]:
    net, x = Builder(channels, size, size), "x"
    for _ in range(3):
        x = net.relu(net.conv(x, channels, 3, pads=1))
    return net, x


def _fan(size: int) -> tuple[Builder, str]:
    """A stage that reads six others."""
    net = Builder(1, size, size)
    branches = [net.relu(net.conv("x", 1, 3, pads=1)) for _ in range(6)]
    return net, net.relu(net.conv(net.concat(*branches), 1, 3, pads=1))


def _dense(size: int) -> tuple[Builder, str]:
    """Stages that each read two others, and are read by two."""
    net = Builder(1, size, size)
    x = net.relu(net.conv("x", 1, 3, pads=1))
    for _ in range(4):
        x = net.relu(net.concat(x, net.relu(net.conv(x, 1, 3, pads=1))))
    return net, x


@pytest.mark.parametrize(
    ("net", "y"),
    [_chain(1, 256), _chain(4, 256), _fan(192), _dense(160)],
    ids=["one channel", "four channels", "fan", "dense"],
)
def test_the_estimate_holds_where_iterations_take_most(
    net: Builder, y: str, tmp_path: Path
) -> None:
    """With few channels, iterations take more memory than the tensors: several times what these do."""
    measured, estimate = peak_and_estimate(net.model(y), tmp_path, net.shapes["x"])
    assert measured > 4 * sizes(net)
    assert estimate / 3 <= measured <= estimate


@pytest.mark.slow
def test_import_takes_at_most_three_times_the_weights(tmp_path: Path) -> None:
    """A model of 500 MB."""
    net = Builder(11_000)
    model = net.model(net.gemm("x", 11_500))
    assert sizes(net) > 5e8
    assert peak(model, tmp_path, None) < 3 * sizes(net)
