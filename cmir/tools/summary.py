"""The report of a run as text."""

from __future__ import annotations

from cmir.accelerator.report import RunReport


def print_summary(
    report: RunReport, steady_interval: float | None, hardware: str, cores: bool
) -> None:
    """Print cycles, latency and interval, and a line for each core."""
    inferences = f"{report.inferences} inference{'s' if report.inferences != 1 else ''}"
    print(f"{inferences} on {len(report.cores)} cores of '{hardware}'")
    rows = [
        ("cycles", f"{report.cycles}"),
        ("latency of one inference", f"{report.inference_latency}"),
    ]
    if steady_interval is not None:
        rows.append(("steady-state interval", f"{steady_interval:g}"))
    rows.append(("inferences overlapping", f"{report.overlap}"))
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        print(f"  {label:<{width}}  {value:>10}")
    if not cores:
        return
    width = max(4, *(len(core.name) for core in report.cores))
    print(f"{'core':<{width}}  iterations  busy cycles  utilisation  data stalls  credit stalls")
    for core in report.cores:
        utilisation = f"{100 * core.busy / report.cycles:.1f} %"
        print(
            f"{core.name:<{width}}  {core.start.size:>10}  {core.busy:>11}  {utilisation:>11}"
            f"  {core.data_stalls:>11}  {core.credit_stalls:>13}"
        )
