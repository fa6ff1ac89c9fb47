"""Costs of an inference, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cmir.analysis.advice import Change
from cmir.analysis.binding import Binding
from cmir.analysis.energy import Programming
from cmir.analysis.inference_costs import InferenceCosts, LinkUse
from cmir.dialects.core_name import CoreName
from cmir.hardware.description import Hardware
from cmir.hardware.topology import link_text
from cmir.report.computed_bits import bits_of
from cmir.report.summary import lines_of
from cmir.support.atomic import atomic_path
from cmir.support.counts import count_of
from cmir.support.diagnostics import emit
from cmir.timing.report import RunReport

_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))


def print_costs(costs: InferenceCosts, cores: int) -> None:
    """Print energy, area, the busiest link, inputs and outputs, and the figures that the description lacks.

    cores: number of cores in use.
    """
    _print_parts("energy of an inference", costs.energy, costs.energy_missing, _joules)
    _print_programming(costs.programming)
    used = f"area of the {count_of(cores, 'core')} in use"
    _print_parts(used, costs.area, costs.area_missing, lambda value: f"{value:.4g} mm²")
    if (use := costs.busiest) is None:
        print("busiest link: cores send each other nothing")
    else:
        parts = [f"{use.bytes} bytes an inference"]
        if (share := costs.utilisation(use)) is not None:
            parts.append(f"{100 * share:.1f} % of {use.bytes_per_cycle} bytes a cycle")
        elif use.bytes_per_cycle is None:
            parts.append("no limit")
        print(f"busiest link {link_text(use.link)}: {', '.join(parts)}")
    for stream in costs.streams:
        print(
            f"{stream.what}: {count_of(stream.elements, 'element')} an inference, at least {stream.cycles:g} cycles at "
            f"{stream.elements_per_cycle} a cycle"
        )


def _print_programming(programming: Programming) -> None:
    """Print time and energy of programming all crossbars, as far as the hardware has figures."""
    parts: list[str] = []
    if programming.cycles is not None:
        seconds = "" if programming.seconds is None else f" ({programming.seconds:.4g} s)"
        parts.append(f"{programming.cycles} cycles{seconds}")
    if programming.joules is not None:
        parts.append(_joules(programming.joules))
    if parts:
        print(f"programming, once: {', '.join(parts)}")


def warn_of_overload(costs: InferenceCosts) -> None:
    """Warn, on stderr, if links, inputs or outputs cannot keep up with the cores."""
    for stream in costs.streams:
        if (costs.utilisation(stream) or 0) > 1:
            emit(
                "warning",
                None,
                f"{stream.what} of {stream.elements} elements take {stream.cycles:g} cycles an inference at "
                f"{stream.elements_per_cycle} a cycle: the interval of {costs.interval:g} is not reached",
            )
    over = [use for use in costs.links if (costs.utilisation(use) or 0) > 1]
    if not over:
        return
    worst, others = over[0], len(over) - 1
    also = f", and {count_of(others, 'other link')} too much" if others else ""
    emit(
        "warning",
        None,
        f"link {link_text(worst.link)} has {worst.bytes} bytes to carry in an inference{also}, which take "
        f"{worst.cycles:g} cycles: cores alone would have an interval of {costs.interval:g}, which is not "
        f"reached; other places of cores, or wider links, would help",
    )


def _joules(value: float) -> str:
    factor, prefix = next((p for p in _PREFIXES if value >= p[0]), _PREFIXES[-1])
    return f"{value / factor:.4g} {prefix}J"


def _print_parts(
    title: str, parts: Mapping[str, float], missing: Mapping[str, str], text: Any
) -> None:
    """Print a sum and its parts, and the parts without a figure."""
    fields = ", ".join(f"{component} ({field})" for component, field in missing.items())
    if not parts:
        print(f"{title}: no figures for {fields}")
        return
    total = sum(parts.values())
    print(f"{title}: {text(total)}" + (f", without {fields}" if missing else ""))
    for component, value in parts.items():
        share = f"{100 * value / total:.1f} %" if total else ""
        print(f"  {component:<10}  {text(value):>12}  {share:>7}".rstrip())


def run_figures(
    report: RunReport,
    costs: InferenceCosts,
    hardware: Hardware,
    sram_bytes: Mapping[CoreName, int],
    cores: int,
    each: bool = False,
    binding: Binding | None = None,
    changes: Sequence[Change] = (),
    nodes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return all figures that a run prints, with units in the names; None for unknown ones.

    cores: number of cores. sram_bytes: bytes of the buffers of each core. each: one entry per core instead of per
    program. binding, changes: what binds the stream, and what would help. nodes:
    the node of the model that each program comes from, where it is known.
    """
    clock = hardware.system.clock_hz
    bits = bits_of(hardware)

    def seconds(cycles: float | None) -> float | None:
        return None if cycles is None or clock is None else cycles / clock

    return {
        "hardware": hardware.name,
        "bits_computed": None if bits is None else bits.computed,
        "bits_costed": None if bits is None else bits.costed,
        "inferences": report.inferences,
        "cores": cores,
        "crossbars": costs.crossbars,
        "cycles": report.cycles,
        "latency_cycles": report.inference_latency,
        "latency_seconds": seconds(report.inference_latency),
        "interval_cycles": costs.interval,
        "interval_seconds": seconds(costs.interval),
        "inferences_overlapping": report.overlap,
        **costs.headlines.figures(),
        "binds": None if binding is None else asdict(binding),
        "would_help": [asdict(change) for change in changes],
        "sram_bytes": sum(sram_bytes.values()),
        "energy_joules": dict(costs.energy),
        "energy_missing": dict(costs.energy_missing),
        "programming_cycles": costs.programming.cycles,
        "programming_seconds": costs.programming.seconds,
        "programming_joules": costs.programming.joules,
        "area_mm2": dict(costs.area),
        "area_missing": dict(costs.area_missing),
        "traffic_byte_hops": costs.byte_hops,
        "busiest_link": None if costs.busiest is None else _link(costs, costs.busiest),
        "streams": [
            {**asdict(s), "cycles_per_inference": s.cycles, "utilisation": costs.utilisation(s)}
            for s in costs.streams
        ],
        "programs": [asdict(line) for line in lines_of(report, sram_bytes, each, nodes)],
    }


def _link(costs: InferenceCosts, use: LinkUse) -> dict[str, Any]:
    return {
        "from": list(use.link[0]),
        "to": list(use.link[1]),
        "bytes_per_inference": use.bytes,
        "bytes_per_cycle": use.bytes_per_cycle,
        "busy_cycles_per_inference": None if use.bytes_per_cycle is None else use.cycles,
        "utilisation": costs.utilisation(use),
    }


def write_json(table: Mapping[str, Any], path: Path) -> None:
    """Write figures as JSON, completely or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
