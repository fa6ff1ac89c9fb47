"""How fast data sets run: python benchmarks/data_sets.py [NETWORK or FILE…] [-n INFERENCES] [--lanes N] …

Networks are those of `zoo.py`, by name, `digits`, a small CNN for images of 28×28, or ONNX files. Each runs random data
with full buffers and with rings that keep the interval, in turn with onnxruntime at batch 1. Seconds are those of the
processor, on one thread, the least of several runs without the first one, which prepares the network.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx_builder import Builder
from speed_network import onnxruntime_session
from zoo import build

from cmir.compilation.choices import Storage
from cmir.compilation.model import lower, read_model
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.description import Hardware
from cmir.simulator.simulator import Simulator
from cmir.support.diagnostics import collect_diagnostics
from cmir.timing.network import TimedNetwork

DEFAULT = ("digits", "resnet20")
STORAGES: tuple[Storage, ...] = ("full", "lossless")
RUNS = 5


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("networks", nargs="*", default=DEFAULT)
    parser.add_argument("-n", "--inferences", type=int, default=256)
    parser.add_argument("--lanes", type=int, help="default: what the simulator takes")
    options = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        parser.error("set OPENBLAS_NUM_THREADS=1, as onnxruntime has one thread, too")
    print(f"{'network':<22}{'buffers':<10}{'lanes':>6}{'ms':>10}{'onnxruntime':>13}{'ratio':>8}")
    for name in options.networks:
        with TemporaryDirectory() as directory:
            path = Path(name)
            if not path.is_file():
                path = Path(directory) / "model.onnx"
                onnx.save(digits() if name == "digits" else build(name), path)
            for storage in STORAGES:
                measure(path.stem if path.stem != "model" else name, path, storage, options)
    return 0


def digits() -> onnx.ModelProto:
    """Two 5×5 convolutions of 8 and 16 channels, each with pooling, and a dense layer."""
    net = Builder(1, 28)
    first = net.max_pool(net.relu(net.conv(net.x, 8, 5)), 2, 2)
    second = net.max_pool(net.relu(net.conv(first, 16, 5)), 3, 3)
    return net.model(net.dense(net.flatten(second), 10))


def measure(name: str, path: Path, storage: Storage, options: argparse.Namespace) -> None:
    """Print a line."""
    model = read_model(path)
    hardware = Hardware.load("ideal")
    with collect_diagnostics():
        network = lower(model, storage=storage, hardware=hardware, prove=ElaboratedNetwork)
    simulator = Simulator.of(TimedNetwork(network, hardware), model.parameters)
    random = np.random.default_rng(0)
    shapes = {name: network.arrays[name].shape for name in network.inputs}
    samples = [
        {name: random.standard_normal(shape, np.float32) for name, shape in shapes.items()}
        for _ in range(options.inferences)
    ]
    lanes = options.lanes or simulator.lanes_for(len(samples))
    session = onnxruntime_session(path, 1, samples[0])
    session()
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(RUNS):
        mine.append(seconds(lambda: simulator.run(samples, lanes=lanes)))
        theirs.append(seconds(lambda: [session() for _ in samples]))
    ours, others = (1e3 * min(found) / len(samples) for found in (mine[1:], theirs))
    print(
        f"{name:<22}{storage:<10}{lanes:>6}{ours:>10.3f}{others:>13.3f}{ours / others:>8.2f}",
        flush=True,
    )


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process: other work on the machine does not count."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    sys.exit(main())
