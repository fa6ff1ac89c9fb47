"""How many hops what cores send each other makes, on the smallest square mesh that holds the network.

    python benchmarks/placement.py [NETWORK ...] [--seconds S] [--resnet20 MODEL.onnx]

For cores in order (a snake), for the heuristic and for the search: Σ traffic × hops in an inference, its ratio to
that of the snake, and the time; and the bound below which no placement is. Networks are resnet20, for which
--resnet20 gives the file of a trained one, and those of the ONNX package.
"""

from __future__ import annotations

import argparse
import tempfile
from math import ceil, sqrt
from pathlib import Path
from time import perf_counter

import onnx
from light import NAMES, light_network
from rich.console import Console
from rich.table import Table
from xdsl.universe import Universe
from zoo import build

from cmir.context import make_context
from cmir.cost.traffic import flows_of
from cmir.dialects.cmcore import NetworkOp
from cmir.frontends.onnx import import_onnx
from cmir.hardware.topology import link_text, topology
from cmir.pipelines.text import parse_passes
from cmir.placement.problem import Problem, greedy, snake
from cmir.placement.search import optimize

DEFAULT = ("resnet20", "squeezenet", "resnet50", "inception_v1", "inception_v2")
PASSES = (
    "nn-to-polyhedral,polyhedral-derive-dependences,polyhedral-generate-loops,"
    "convert-polyhedral-to-cmcore"
)


def compile_network(name: str, resnet20: Path | None) -> NetworkOp:
    """The network as programs for cores."""
    with tempfile.TemporaryDirectory() as directory:
        path = resnet20 if name == "resnet20" else None
        if path is None:
            path = Path(directory) / "model.onnx"
            onnx.save(build(name) if name == "resnet20" else light_network(name), path)
        imported = import_onnx(path)
    context = make_context()
    context.parameters = imported.parameters
    for item in parse_passes(PASSES, "benchmark", Universe.get_multiverse().all_passes):
        item.apply(context, imported.module)
    (network,) = imported.module.body.block.ops
    assert isinstance(network, NetworkOp)
    return network


def measure(table: Table, name: str, network: NetworkOp, seconds: float) -> None:
    """Add a row for the network."""
    start = perf_counter()
    side = ceil(sqrt(len(network.cores)))
    problem = Problem(topology("mesh", (side, side)), len(network.cores), flows_of(network))
    prepared = perf_counter()
    quick = problem.cost(greedy(problem))
    done = perf_counter()
    found = optimize(problem, seconds)
    searched = perf_counter() - done
    base = problem.cost(snake(problem))
    link, load = next(iter(problem.loads(found.placement).items()))
    table.add_row(
        name,
        f"{problem.cores} on {side}×{side}",
        f"{base / 1e6:.2f}",
        f"{quick / 1e6:.2f} ({quick / base:.2f})",
        f"{found.cost / 1e6:.2f} ({found.cost / base:.2f})",
        f"{found.bound / 1e6:.2f}",
        f"{prepared - start:.2f}",
        f"{done - prepared:.2f}",
        f"{searched:.1f}" + " (ran out)" * (not found.settled),
        f"{link_text(link)} {load / 1e6:.2f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "networks", nargs="*", metavar="network", help=", ".join(("resnet20", *NAMES))
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="for the search, each")
    parser.add_argument("--resnet20", metavar="FILE", type=Path, help="the model of resnet20")
    arguments = parser.parse_args()
    names = arguments.networks or DEFAULT
    if unknown := set(names) - {"resnet20", *NAMES}:
        parser.error(f"no such network: {', '.join(sorted(unknown))}")
    table = Table(title="traffic × hops in an inference, in MB (ratio to the snake)")
    for column in ("network", "cores", "snake", "greedy", "optimal", "bound"):
        table.add_column(column, justify="left" if column == "network" else "right")
    for column in ("traffic s", "greedy s", "optimal s", "most loaded link, MB"):
        table.add_column(column, justify="right")
    for name in names:
        measure(table, name, compile_network(name, arguments.resnet20), arguments.seconds)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
