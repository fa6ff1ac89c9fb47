"""PIMCOMP and cmir on the same chip, with the same costs: interval, latency, crossbars and cores.

    python benchmarks/pimcomp.py                                  all networks
    python benchmarks/pimcomp.py resnet18 --costs pimcomp         some, with other costs
    python benchmarks/pimcomp.py --recorded                       only what has been recorded of PIMCOMP
    python benchmarks/pimcomp.py --markdown                       the table of docs/pimcomp.md
    python benchmarks/pimcomp.py --record build/PIMCOMP-NN        runs PIMCOMP, and records what it prints

PIMCOMP's figures are recorded in pimcomp_runs.csv: runs of github.com/sunxt99/PIMCOMP-NN at 2ed10c8, unchanged. Its
`batch` mode prints the time between two inferences, and its `element` mode the time of one. `balance` gives the same
each time; `GA` draws at random, from the time of day. Times are those that its own evaluator prints ("practical"): 4000
ns a product, at least 200 ns between the starts of two products of a core, no limit of the cores' memories.

cmir's networks are compiled for presets with these costs: with copies of stages on all cores, with copies and ways, and
with budgets of crossbars, for which programs may share cores. `--issue` adds the 200
ns, and `--no-sram` takes the limit of 64 KB away. Of several runs, the best is given, and the median in parentheses.
"""

from __future__ import annotations

import argparse
import csv
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import onnx
from zoo import build

import cmir
from cmir.compilation.choices import Replication
from cmir.hardware.description import Hardware

RECORDS = Path(__file__).with_name("pimcomp_runs.csv")
NETWORKS = ("resnet18", "squeezenet", "googlenet")
RUNS = 10
Budget = dict[str, int]
"""What a plan of cmir may take, by name."""

KINDS: dict[str, Replication] = {"cmir": "columns", "cmir, ways": "columns-ways"}
"""How cmir divides stages, by its name in the table."""
BUDGETS = {"resnet18": (2500, 5400), "squeezenet": (2000,), "googlenet": (3500,)}
"""Numbers of crossbars that cmir also plans for, by network."""


@dataclass(frozen=True)
class Record:
    """A run of PIMCOMP. mode: `batch` or `element`. method: of replication. nanoseconds: as printed."""

    network: str
    mode: str
    method: str
    run: int
    nanoseconds: int
    crossbars: int
    cores: int


@dataclass(frozen=True)
class Figures:
    """Figures of cmir's network. interval, latency: in milliseconds."""

    interval: float
    latency: float
    crossbars: int
    cores: int


def records() -> list[Record]:
    """The recorded runs."""
    with RECORDS.open(newline="") as file:
        return [
            Record(
                row["network"],
                row["mode"],
                row["method"],
                *(int(row[k]) for k in ("run", "nanoseconds", "crossbars", "cores")),
            )
            for row in csv.DictReader(file)
        ]


def record(binary: Path) -> Iterator[Record]:
    """Run PIMCOMP. binary: in a folder beside its `models` and `output`, as its README says."""
    for network in NETWORKS:
        for mode in ("batch", "element"):
            for method, runs in (("balance", 1), ("GA", RUNS)):
                for run in range(runs):
                    time.sleep(1)  # GA's seed is the second
                    yield _record(binary.resolve(), network, mode, method, run)


def _record(binary: Path, network: str, mode: str, method: str, run: int) -> Record:
    command = [str(binary), f"-m={network}", f"-r={method}", f"-p={mode}"]
    done = subprocess.run(command, cwd=binary.parent, capture_output=True, text=True, check=True)
    found = re.search(r"practical \(ns\)\s*([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(f"PIMCOMP printed no time: {' '.join(command)}")
    mapping = (binary.parent.parent / "output" / "MappingResult.txt").read_text()
    rows = re.findall(r"^\s+\d+\s+\d+\s+\d+\s+\|\s+\d+\s+(\d+)\s+\d+\s*$", mapping, re.MULTILINE)
    cores = re.findall(r"^core_\d+\n(?=.*\n\s+\d)", mapping, re.MULTILINE)
    crossbars = sum(map(int, rows))
    return Record(network, mode, method, run, round(float(found[1])), crossbars, len(cores))


def kinds_of(network: str) -> dict[str, Replication | Budget]:
    """How cmir divides the stages of a network, by its name in the table."""
    return KINDS | {f"cmir, budget {n}": {"crossbars": n} for n in BUDGETS[network]}


def compiled(network: str, hardware: Hardware, division: Replication | Budget) -> Figures:
    """The figures of the network that cmir compiles."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        onnx.save(build(network), path)
        net = cmir.compile(
            path,
            hardware,
            replicate=False if isinstance(division, dict) else division,
            budget=division if isinstance(division, dict) else None,
            storage=None if isinstance(division, dict) else "lossless",
            placement_seconds=0,
            progress=False,
        )
    run = net.timing(32)
    interval, latency = run.interval_seconds, run.latency_seconds
    assert interval is not None and latency is not None
    return Figures(
        1e3 * interval, 1e3 * latency, run.figures["crossbars"], net.timed.network.core_count
    )


Row = tuple[str, str, str, str, int, int]
"""Network, compiler, interval, latency, crossbars and cores."""

HEAD = ("network", "", "interval, ms", "latency, ms", "crossbars", "cores")


def rows_of(network: str, found: Sequence[Record], ours: Mapping[str, Figures]) -> Iterator[Row]:
    """The rows of a network: PIMCOMP's runs by mode and method, the best and the median, and cmir's."""
    for mode in ("batch", "element"):
        for method in ("balance", "GA"):
            runs = sorted(
                (r for r in found if (r.network, r.mode, r.method) == (network, mode, method)),
                key=lambda r: r.nanoseconds,
            )
            if not runs:
                continue
            times = f"{runs[0].nanoseconds / 1e6:.3f}"
            if len(runs) > 1:
                times += f" ({median(r.nanoseconds for r in runs) / 1e6:.3f})"
            interval, latency = (times, "") if mode == "batch" else ("", times)
            what, best = f"PIMCOMP, {mode}, {method}", runs[0]
            yield network, what, interval, latency, best.crossbars, best.cores
    for what, figures in ours.items():
        times = f"{figures.interval:.3f}", f"{figures.latency:.3f}"
        yield network, what, *times, figures.crossbars, figures.cores


def plain(row: Sequence[object]) -> str:
    """A row as text."""
    first, second, *rest = map(str, row)
    widths = (16, 16, 11, 7)
    return f"{first:<12}{second:<26}" + "".join(
        f"{x:>{w}}" for x, w in zip(rest, widths, strict=True)
    )


def markdown(row: Sequence[object]) -> str:
    """A row as Markdown."""
    return f"| {' | '.join(map(str, row))} |"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("networks", nargs="*", metavar="network", help=", ".join(NETWORKS))
    parser.add_argument(
        "--costs", choices=("pimcomp-evaluator", "pimcomp"), default="pimcomp-evaluator"
    )
    parser.add_argument("--issue", action="store_true", help="200 ns between products of a core")
    parser.add_argument("--no-sram", action="store_true", help="no limit of the cores' SRAM")
    parser.add_argument("--markdown", action="store_true", help="a table in Markdown")
    parser.add_argument("--recorded", action="store_true", help="compile nothing")
    parser.add_argument("--record", metavar="BINARY", type=Path, help="run PIMCOMP and record it")
    given = parser.parse_args(arguments)
    names = given.networks or list(NETWORKS)
    if unknown := set(names) - set(NETWORKS):
        parser.error(f"nothing is recorded of {', '.join(sorted(unknown))}")
    if given.record is not None:
        rows = [asdict(row) for row in record(given.record)]
        with RECORDS.open("w", newline="") as file:
            writer = csv.DictWriter(file, [f.name for f in fields(Record)], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    hardware = Hardware.load(given.costs)
    if given.issue:
        hardware = hardware.replace(core__product_issue_cycles=200)
    if given.no_sram:
        table = hardware.table()
        del table["core"]["sram_bytes"]
        hardware = Hardware.of(table, None)
    text = markdown if given.markdown else plain
    print(text(HEAD))
    if given.markdown:
        print("|---|---|" + "---:|" * 4)
    for name in names:
        kinds = {} if given.recorded else kinds_of(name)
        ours = {what: compiled(name, hardware, by) for what, by in kinds.items()}
        for row in rows_of(name, records(), ours):
            print(text(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
