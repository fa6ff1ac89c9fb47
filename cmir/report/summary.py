"""The report of a run as text."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cmir.analysis.advice import Change
from cmir.analysis.binding import Binding
from cmir.analysis.curve import CurvePoint
from cmir.analysis.headlines import Headlines
from cmir.dialects.core_name import CoreName
from cmir.hardware.description import Hardware
from cmir.report.computed_bits import computed_bits_text
from cmir.support.atomic import atomic_path
from cmir.support.counts import count_of
from cmir.support.diagnostics import printable
from cmir.support.origins import middle_cut, tells_more
from cmir.timing.report import CoreReport, RunReport

_NODE = 40
"""Maximum number of characters of a node's name in a table."""


def print_summary(
    report: RunReport,
    steady_interval: float,
    hardware: str,
    cores: int,
    sram_bytes: Mapping[CoreName, int],
    lines: Literal["programs", "cores"] | None,
    headlines: Headlines | None = None,
    nodes: Mapping[str, str] | None = None,
) -> None:
    """Print cycles, latency, interval, memory and headlines, and a line for each program or each core.

    cores: number of cores, without the global control unit. sram_bytes: bytes of the buffers of each core. nodes: the
    node of the model that each program comes from, where it is known.
    """
    inferences = count_of(report.inferences, "inference")
    print(f"{inferences} on {count_of(cores, 'core')} of '{printable(hardware)}'")
    rows = [
        ("cycles", f"{report.cycles}"),
        ("latency of one inference", f"{report.inference_latency}"),
        ("steady-state interval", f"{steady_interval:g}"),
        ("inferences overlapping", f"{report.overlap}"),
        ("SRAM bytes", f"{sum(sram_bytes.values())}"),
    ]
    known = headline_rows(headlines) if headlines is not None else []
    rows += [(label, value) for label, value in known if value]
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        print(f"  {label:<{width}}  {value:>10}")
    if headlines is not None and (unknown := [label for label, value in known if not value]):
        fields = ", ".join(headlines.unknown_without)
        print(f"  unknown: {', '.join(unknown)}" + (f" (without {fields})" if fields else ""))
    if lines is not None:
        _print_cores(report, sram_bytes, lines == "cores", nodes or {})


def headline_rows(headlines: Headlines) -> list[tuple[str, str]]:
    """Return the headlines as labels and values, empty if unknown; a figure of which a part is unknown is a bound."""
    rows = [
        ("inferences/s", headlines.inferences_per_second),
        ("multiply-accumulates/s", headlines.macs_per_second),
        ("TOPS", headlines.tops),
    ]
    for unit, exact, bound in (
        ("TOPS/W", headlines.tops_per_watt, headlines.tops_per_watt_at_most),
        ("TOPS/mm²", headlines.tops_per_mm2, headlines.tops_per_mm2_at_most),
    ):
        rows.append(
            (unit, exact) if exact is not None or bound is None else (f"{unit}, at most", bound)
        )
    shares = [
        ("crossbar cells used", headlines.cells_used),
        ("cells of the chip used", headlines.chip_cells_used),
        ("crossbars at work", headlines.crossbars_busy),
    ]
    return [
        *((label, "" if value is None else f"{value:.4g}") for label, value in rows),
        *((label, "" if x is None else f"{100 * x:.3g} %") for label, x in shares),
    ]


def print_binding(binding: Binding, changes: Sequence[Change], advised: bool) -> None:
    """Print what binds the stream, and the changes that would help. advised: True if all changes have been tried."""
    print(f"what binds: {binding}")
    helpful = " or ".join(map(str, changes)) or ("none of the changes tried" if advised else "")
    more = "" if advised else "--advise tries cores, copies and buffers"
    print(f"would help: {'; '.join(filter(None, [helpful, more]))}")


def print_bits(hardware: Hardware) -> None:
    """Print which bits of the description results are computed with, and which count in costs alone."""
    if (text := computed_bits_text(hardware)) is not None:
        print(text)


def _print_cores(
    report: RunReport, sram_bytes: Mapping[CoreName, int], each: bool, nodes: Mapping[str, str]
) -> None:
    """Print a line for each core, or for each program, with its node if some nodes have names of their own."""
    lines = lines_of(report, sram_bytes, each, nodes)
    named = any(tells_more(line.node, line.program) for line in lines)
    names = [f"{line.name} × {line.cores}" if line.cores > 1 else line.name for line in lines]
    width = max(4, *map(len, names))
    print(
        f"{'core':<{width}}  iterations  busy cycles  utilisation  data stalls  credit stalls"
        f"  SRAM bytes{'  node' if named else ''}"
    )
    for name, line in zip(names, lines, strict=True):
        utilisation = f"{100 * line.utilisation:.1f} %"
        node = f"  {printable(middle_cut(line.node, _NODE))}" if named and line.node else ""
        print(
            f"{name:<{width}}  {line.iterations:>10}  {line.busy_cycles:>11}"
            f"  {utilisation:>11}  {line.data_stall_cycles:>11}"
            f"  {line.credit_stall_cycles:>13}  {line.sram_bytes:>10}{node}"
        )


@dataclass(frozen=True)
class Line:
    """Figures of a core in a run, or of all cores of a program: sums, and the mean utilisation.

    node: the node of the model that the program comes from, None if unknown.
    """

    name: str
    program: str
    node: str | None
    cores: int
    iterations: int
    busy_cycles: int
    utilisation: float
    data_stall_cycles: int
    credit_stall_cycles: int
    sram_bytes: int


def lines_of(
    report: RunReport,
    sram_bytes: Mapping[CoreName, int],
    each: bool,
    nodes: Mapping[str, str] | None = None,
) -> list[Line]:
    """Return a line for each core, or for each program. nodes: see `print_summary`."""
    groups: dict[str, list[CoreReport]] = {}
    for core in report.cores:
        groups.setdefault(str(core.name) if each else core.name.program, []).append(core)
    return [
        _line(name, cores, report.cycles, sram_bytes, nodes or {}) for name, cores in groups.items()
    ]


def _line(
    name: str,
    cores: Sequence[CoreReport],
    cycles: int,
    sram_bytes: Mapping[CoreName, int],
    nodes: Mapping[str, str],
) -> Line:
    program = cores[0].name.program
    busy = sum(core.busy for core in cores)
    return Line(
        name if len(cores) > 1 else str(cores[0].name),
        program,
        nodes.get(program),
        len(cores),
        sum(core.starts.size for core in cores),
        busy,
        busy / len(cores) / cycles,
        sum(core.data_stalls for core in cores),
        sum(core.credit_stalls for core in cores),
        sum(sram_bytes[core.name] for core in cores),
    )


def print_curve(points: Sequence[CurvePoint]) -> None:
    """Print the trade-off between memory and throughput, a line for each point.

    "at least" is the lower bound on the bytes of all sizes with that interval.
    """
    print("SRAM bytes    at least  steady-state interval")
    for point in points:
        note = "" if point.fits else "  (a core has less SRAM)"
        print(f"{point.sram_bytes:>10}  {point.bound:>10}  {point.interval:>21g}{note}")


def write_curve(points: Sequence[CurvePoint], path: Path) -> None:
    """Write the trade-off as CSV: memory, its bound, interval, `fits` (1 or 0), then the rows of each buffer."""
    buffers = list(points[0].sizes)
    with atomic_path(path) as temporary, open(temporary, "w", newline="") as file:
        table = csv.writer(file)
        names = [f"{array} at {reader}" for array, reader in buffers]
        table.writerow(["sram_bytes", "sram_bound", "steady_interval", "fits", *names])
        for point in points:
            rows = [point.sizes[buffer] for buffer in buffers]
            interval = f"{point.interval:g}"
            table.writerow([point.sram_bytes, point.bound, interval, int(point.fits), *rows])
