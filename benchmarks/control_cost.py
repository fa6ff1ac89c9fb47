"""What control costs: flip-flops, gates and LUTs of control units, beside valid bits and counts of the same buffers.

    python benchmarks/control_cost.py [CASE ...] [--csv FILE] [--no-gates]

A case is a network with its storage on a machine. Gates and LUTs are counted with Yosys; all cases take some minutes.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from xdsl.universe import Universe
from zoo import build

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.frontends.onnx import import_onnx
from cmir.hardware.chip import chip_of
from cmir.hardware.description import Hardware
from cmir.passes.cmcore_place_cores import CmcorePlaceCoresPass
from cmir.pipelines.text import parse_passes
from cmir.rtl.costing import control_cost
from cmir.rtl.synthesis import synthesizable
from cmir.support.atomic import atomic_path
from cmir.timing.network import TimedNetwork

DIGITS = Path(__file__).parents[1] / "examples" / "digits" / "digits.onnx"

RINGS = "polyhedral-assign-storage"
STREAMS = "polyhedral-stream-inputs,polyhedral-stream-outputs"
BUFFERS = {
    "whole arrays": [],
    "rings": [RINGS],
    "rings, streamed": [STREAMS, RINGS],
}
"""Passes at the polyhedral level that determine the buffers, and whether inputs and outputs are streamed."""

COLUMNS = (
    *("network", "buffers", "machine", "units", "iterations"),
    *("flip_flops", "gates", "luts", "line_flip_flops"),
    *("counter_flip_flops", "counter_gates", "words", "word_flip_flops", "word_gates"),
)
"""Figures of the chip; of which delay lines between units; of the token counters that guard buffers; of their words."""

Row = dict[str, str | int | None]


@dataclass(frozen=True)
class Case:
    """A network with its buffers on a machine. model: returns the network."""

    network: str
    buffers: str
    machine: str
    model: Callable[[], onnx.ModelProto]

    @property
    def name(self) -> str:
        return f"{self.network}, {self.buffers}, {self.machine}"

    def row(self, gates: bool) -> Row:
        """The figures of the case. gates: count them."""
        timed = timed_network(self.model(), BUFFERS[self.buffers], self.machine)
        cost = control_cost(timed, gates)
        chip, counters, words = cost.chip, cost.in_counters, cost.in_words
        row: Row = {
            "network": self.network,
            "buffers": self.buffers,
            "machine": self.machine,
            "units": sum(unit.count for unit in cost.units),
            "iterations": sum(core.iterations for core in timed.network.single_cores.values()),
            "flip_flops": chip.state_bits,
            "line_flip_flops": cost.in_lines.state_bits,
            "counter_flip_flops": counters.state_bits,
            "words": sum(buffer.states.words for buffer in cost.buffers),
            "word_flip_flops": words.state_bits,
        }
        row |= {"gates": chip.figures()["gates"], "luts": chip.figures()["luts"]}
        row |= {
            "counter_gates": counters.figures()["gates"],
            "word_gates": words.figures()["gates"],
        }
        return row


CASES = (
    *(Case("digits", b, "ideal", lambda: onnx.load(DIGITS)) for b in BUFFERS),
    Case("digits", "rings, streamed", "puma", lambda: onnx.load(DIGITS)),
    *(
        Case("ResNet-20", "rings, streamed", m, lambda: build("resnet20"))
        for m in ("ideal", "puma")
    ),
    Case("two convolutions at 224 × 224", "rings", "ideal", lambda: build("chain:2,16,224")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = [case.name for case in CASES]
    parser.add_argument("cases", nargs="*", metavar="case", help=f"default: {'; '.join(names)}")
    parser.add_argument(
        "--csv", metavar="FILE", type=Path, help="write the rows to a CSV file, too"
    )
    parser.add_argument("--no-gates", action="store_true", help="flip-flops only, without Yosys")
    arguments = parser.parse_args()
    if unknown := {*arguments.cases} - {*names}:
        parser.error(f"there is no case '{unknown.pop()}'; cases are {'; '.join(names)}")
    if not arguments.no_gates and not synthesizable():
        parser.error(
            "gates are counted with Yosys, which is missing: install it, or give --no-gates"
        )
    asked = [case for case in CASES if case.name in (arguments.cases or names)]
    rows = [case.row(not arguments.no_gates) for case in asked]
    print(markdown(rows))
    if arguments.csv is not None:
        with atomic_path(arguments.csv) as path, open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table of Markdown."""
    heads = (
        *("network", "buffers", "machine", "units", "flip-flops", "gates", "LUTs"),
        *("flip-flops of delay lines", "token counters: flip-flops, gates"),
        "valid bits and counts: words, flip-flops, gates",
    )
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * 3}{'---:|' * (len(heads) - 3)}"]
    for row in rows:
        plain = [row[c] for c in ("network", "buffers", "machine", "units", "flip_flops", "gates")]
        cells = [*plain, row["luts"], row["line_flip_flops"]]
        cells.append(f"{row['counter_flip_flops']}, {row['counter_gates']}")
        cells.append(f"{row['words']}, {row['word_flip_flops']}, {row['word_gates']}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def timed_network(model: onnx.ModelProto, passes: list[str], machine: str) -> TimedNetwork:
    """The network after these passes at the polyhedral level, on a machine."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "network.onnx"
        onnx.save(model, path)
        imported = import_onnx(path)
    hardware, context = Hardware.load(machine), make_context()
    context.parameters = imported.parameters
    names = ",".join(["nn-to-polyhedral", *passes, "polyhedral-to-cmcore"])
    for item in parse_passes(names, "benchmark", Universe.get_multiverse().all_passes):
        item.apply(context, imported.module)
    (network,) = imported.module.body.block.ops
    assert isinstance(network, NetworkOp)
    if chip_of(hardware) is not None:
        CmcorePlaceCoresPass(hardware=hardware).apply_to(context, network)
    return TimedNetwork.of(network, hardware)


if __name__ == "__main__":
    sys.exit(main())
