"""Which networks run on which preset: outputs compared with onnxruntime, or what the machine lacks.

    python benchmarks/presets.py [NETWORK ...] [--hardware PRESET ...] [--replicate] [--csv FILE] [--resnet20 FILE]

Each network is compiled for each machine and runs one inference by `cm-run --check`. Networks are those of networks.py;
--resnet20 gives the file of a trained one.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import onnx
from rich.console import Console
from rich.progress import track
from rich.table import Table
from zoo import build

from cmir.hardware.description import presets
from cmir.support.atomic import atomic_path

NETWORKS = (
    "resnet18",
    "resnet34",
    "resnet50",
    "squeezenet",
    "googlenet",
    "mobilenetv2",
    "vgg16",
    "vgg19",
    "resnet20",
)
COLUMNS: tuple[str, ...] = (
    "network",
    "hardware",
    "cores",
    "latency_cycles",
    "interval_cycles",
    "seconds",
    "result",
)

Row = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "networks", nargs="*", metavar="network", help=f"default: {', '.join(NETWORKS)}"
    )
    parser.add_argument("--hardware", nargs="+", default=presets(), help="default: all presets")
    parser.add_argument("--replicate", action="store_true", help="use the cores that are left")
    parser.add_argument("--placement-seconds", type=float, default=1.0)
    parser.add_argument(
        "--csv", metavar="FILE", type=Path, help="write the rows to a CSV file, too"
    )
    parser.add_argument("--resnet20", metavar="FILE", type=Path, help="the model of resnet20")
    arguments = parser.parse_args()
    options = ["--placement-seconds", str(arguments.placement_seconds)]
    options += ["--replicate"] if arguments.replicate else []
    rows: list[Row] = []
    stderr = Console(stderr=True)
    with tempfile.TemporaryDirectory() as directory:
        for name in arguments.networks or NETWORKS:
            given = arguments.resnet20 if name == "resnet20" else None
            model = given or network(name, Path(directory))
            rows += [
                {"network": name, "hardware": hardware, **run(model, hardware, options)}
                for hardware in track(arguments.hardware, name, console=stderr, transient=True)
            ]
    print_table(rows)
    if arguments.csv is not None:
        with atomic_path(arguments.csv) as path, open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)


def network(name: str, directory: Path) -> Path:
    """The ONNX file of a network."""
    path = directory / f"{name.partition(':')[0]}.onnx"
    onnx.save(build(name, 0), path)
    return path


def run(model: Path, hardware: str, options: list[str]) -> Row:
    """Compile and run one inference: the figures, or the error."""
    with tempfile.TemporaryDirectory() as directory:
        figures = Path(directory) / "figures.json"
        command = [
            "cm-run",
            str(model),
            "--hardware",
            hardware,
            "--check",
            "--random",
            "0",
            "--quiet",
        ]
        start = perf_counter()
        done = subprocess.run(
            [*command, "--json", str(figures), *options],
            capture_output=True,
            text=True,
            check=False,
        )
        row: Row = {"seconds": round(perf_counter() - start, 1)}
        if done.returncode != 0:
            line = done.stderr.strip().splitlines()[-1]
            return {**row, "result": line.rpartition("error: ")[2]}
        found = json.loads(figures.read_text())
        row |= {key: found[key] for key in ("cores", "latency_cycles", "interval_cycles")}
        return {**row, "result": done.stdout.strip().splitlines()[-1].removeprefix("check: ")}


def print_table(rows: list[Row]) -> None:
    table = Table(title="one inference on each machine")
    for column in COLUMNS:
        table.add_column(
            column.replace("_", " "),
            justify="left" if column in ("network", "hardware", "result") else "right",
        )
    for row in rows:
        table.add_row(*(_text(row.get(column, "")) for column in COLUMNS))
    Console(width=170).print(table)


def _text(value: object) -> str:
    return f"{value:,.0f}" if isinstance(value, float) and value >= 1000 else str(value)


if __name__ == "__main__":
    sys.exit(main())
