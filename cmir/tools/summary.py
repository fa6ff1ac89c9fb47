"""The report of a run as text."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from cmir.accelerator.curve import Point
from cmir.accelerator.report import RunReport
from cmir.atomic import atomic_path


def print_summary(
    report: RunReport,
    steady_interval: float | None,
    hardware: str,
    sram_bytes: Mapping[str, int],
    cores: bool,
) -> None:
    """Print cycles, latency, interval and memory, and a line for each core.

    sram_bytes: of the buffers of each core.
    """
    inferences = f"{report.inferences} inference{'s' if report.inferences != 1 else ''}"
    print(f"{inferences} on {len(report.cores)} cores of '{hardware}'")
    rows = [
        ("cycles", f"{report.cycles}"),
        ("latency of one inference", f"{report.inference_latency}"),
    ]
    if steady_interval is not None:
        rows.append(("steady-state interval", f"{steady_interval:g}"))
    rows.append(("inferences overlapping", f"{report.overlap}"))
    rows.append(("SRAM bytes", f"{sum(sram_bytes.values())}"))
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        print(f"  {label:<{width}}  {value:>10}")
    if not cores:
        return
    width = max(4, *(len(core.name) for core in report.cores))
    print(
        f"{'core':<{width}}  iterations  busy cycles  utilisation  data stalls  credit stalls"
        "  SRAM bytes"
    )
    for core in report.cores:
        utilisation = f"{100 * core.busy / report.cycles:.1f} %"
        print(
            f"{core.name:<{width}}  {core.start.size:>10}  {core.busy:>11}  {utilisation:>11}"
            f"  {core.data_stalls:>11}  {core.credit_stalls:>13}"
            f"  {sram_bytes[core.name]:>10}"
        )


def print_curve(points: Sequence[Point]) -> None:
    """Print the trade-off between memory and throughput, a line for each point."""
    print("SRAM bytes  steady-state interval")
    for point in points:
        print(f"{point.sram_bytes:>10}  {point.interval:>21g}")


def write_curve(points: Sequence[Point], path: Path) -> None:
    """Write the trade-off as CSV: memory, interval, then the rows of each buffer."""
    buffers = list(points[0].sizes)
    with atomic_path(path) as temporary, open(temporary, "w", newline="") as file:
        table = csv.writer(file)
        names = [f"{array} at {reader}" for array, reader in buffers]
        table.writerow(["sram_bytes", "steady_interval", *names])
        for point in points:
            rows = [point.sizes[buffer] for buffer in buffers]
            table.writerow([point.sram_bytes, f"{point.interval:g}", *rows])
