"""How long the proof of values takes, and what it says: python benchmarks/values.py [NETWORK or FILE…] [--storage S] …

Networks are those of `zoo.py`, by name, or ONNX files. Seconds are those of the processor, of one thread if
OPENBLAS_NUM_THREADS=1 is set; the peak of memory includes compiling.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from zoo import build

from cmir.compilation.model import lower, read_model
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.description import Hardware
from cmir.proof.values.comparison import ROUNDS, prove_values
from cmir.proof.values.source import find_source
from cmir.support.diagnostics import collect_diagnostics

DEFAULT = ("resnet20", "googlenet", "mobilenetv2", "resnet50")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("networks", nargs="*", default=DEFAULT)
    parser.add_argument("--storage", choices=["full", "live", "lossless"])
    parser.add_argument("--hardware", default="ideal")
    parser.add_argument("--replicate", choices=["columns", "rows", "bands", "runs"])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    for name in options.networks:
        with TemporaryDirectory() as directory:
            path = Path(name)
            if not path.is_file():
                path = Path(directory) / "model.onnx"
                onnx.save(build(name), path)
            measure(name, path, options)
    return 0


def measure(name: str, path: Path, options: argparse.Namespace) -> None:
    """Print a line."""
    model = read_model(path)
    with collect_diagnostics():
        network = lower(
            model,
            storage=options.storage,
            hardware=Hardware.load(options.hardware),
            replicate=options.replicate,
            prove=ElaboratedNetwork,
        )
    source = find_source(model.context, model.module, network.op)
    assert source is not None
    start = time.process_time()
    verdict = prove_values(network, source, options.rounds)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{name:<28} {seconds:7.1f} s {peak:6} MB  {verdict}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
