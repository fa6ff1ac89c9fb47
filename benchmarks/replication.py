"""How near replication comes to the ideal: ResNet-20 on 64 cores, each iteration of a stage one cycle.

    python benchmarks/replication.py MODEL.onnx [--cores N] [--by columns|rows|bands|runs] [--merge A,B ...]

Ideal is all work divided evenly over all cores. Stages that have little of it share a core (--merge), or their cores
would be idle for most of the time; iterations are divided by runs: there are too few rows and columns for even shares.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table
from xdsl.dialects.builtin import ModuleOp
from xdsl.universe import Universe

from cmir.checking import difference
from cmir.context import CmirContext, make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.frontends.onnx import import_onnx
from cmir.hardware.description import Hardware
from cmir.pipelines.text import parse_passes
from cmir.simulator.simulator import Simulator
from cmir.timing.interval import steady_interval
from cmir.timing.network import TimedNetwork
from cmir.timing.steady import time_stream

MERGED = ("conv14,conv15", "conv16,conv17", "conv18,conv19,average_pool1,gemm1")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", type=Path, help="ONNX model, of ResNet-20 for the default --merge")
    parser.add_argument("--cores", type=int, default=64)
    parser.add_argument("--by", choices=["columns", "rows", "bands", "runs"], default="runs")
    parser.add_argument("--merge", nargs="*", default=MERGED, metavar="STAGES")
    arguments = parser.parse_args()
    if not arguments.model.is_file():
        parser.error(f"{arguments.model} is not there; give the path of an ONNX model")
    merges = [f"polyhedral-merge-stages{{stages={stages}}}" for stages in arguments.merge]
    copies = f"polyhedral-replicate{{cores={arguments.cores} by={arguments.by}}}"
    plain = compiled(arguments.model, [])
    work = sum(core.iterations for core in time_stream(plain.actors, 1).cores)
    start = perf_counter()
    copied = compiled(arguments.model, [*merges, copies, "polyhedral-assign-storage"])
    seconds = perf_counter() - start
    before, after = (float(steady_interval(s.actors)) for s in (plain, copied))
    ideal = work / arguments.cores
    table = Table(title=f"{arguments.model.stem} on {arguments.cores} cores, by {arguments.by}")
    for column in ("", "cores", "interval", "speed-up", "of ideal"):
        table.add_column(column, justify="left" if not column else "right")
    for name, cores, interval in (
        ("a core a stage", len(plain.network.cores), before),
        ("replicated", len(copied.network.cores), after),
        ("ideal", arguments.cores, ideal),
    ):
        table.add_row(
            name,
            str(cores),
            f"{interval:.1f}",
            f"{before / interval:.2f}",
            f"{ideal / interval:.3f}",
        )
    Console().print(table)
    sample = random_sample(copied)
    (one,), (other,) = (s.run([sample]).outputs for s in (plain, copied))
    for name, value in one.items():
        if (problem := difference(other[name], value)) is not None:
            raise SystemExit(f"output '{name}' of the replicated network: {problem}")
    print(
        f"compiled, with the proof, in {seconds:.1f} s; outputs are those of the unreplicated network"
    )


def random_sample(simulator: Simulator) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        name: generator.random(simulator.network.arrays[name].shape, np.float32)
        for name in simulator.network.inputs
    }


def compiled(model: Path, passes: list[str]) -> Simulator:
    """The network after these passes at the polyhedral level, for a machine without limits."""
    imported = import_onnx(model)
    context = make_context()
    context.parameters = imported.parameters
    run(context, imported.module, ["nn-to-polyhedral", *passes, "polyhedral-to-cmcore"])
    (network,) = imported.module.body.block.ops
    assert isinstance(network, NetworkOp)
    timed = TimedNetwork.of(network, Hardware.load("ideal"))
    return Simulator.of(timed, imported.parameters)


def run(context: CmirContext, module: ModuleOp, passes: list[str]) -> None:
    for item in parse_passes(",".join(passes), "benchmark", Universe.get_multiverse().all_passes):
        item.apply(context, module)


if __name__ == "__main__":
    sys.exit(main())
