"""One point of a sweep: a network on one machine, and its row of results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from cmir.compilation.choices import Copies, Storage
from cmir.compilation.verification import verify
from cmir.hardware.sections import ENERGY_PARTS
from cmir.isl.budget import limited
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.support.errors import diagnostics_of
from cmir.support.frames import outside_frame
from cmir.support.numerics import plain

if TYPE_CHECKING:
    from cmir.support.parameters import Parameters
    from cmir.timing.network import TimedNetwork

COLUMNS = (
    "status",
    "error",
    "programs",
    "copies",
    "cores",
    "crossbars",
    "sram_bytes",
    "interval_cycles",
    "interval_seconds",
    "latency_cycles",
    "latency_seconds",
    "energy_joules",
    *(f"energy_{part}_joules" for part in ENERGY_PARTS),
    "area_mm2",
    "missing",
    "link_bytes",
    "link_utilisation",
    "traffic_byte_hops",
    "deviation",
    "clipped",
)
"""Columns of a row, after those of the swept fields.

programs: number of programs that cores run. copies: total number of their copies with the same weights. cores,
crossbars: number in use. energy, area: sums of the known figures; missing: fields of the description without a figure.
link: the busiest one. traffic_byte_hops: the objective of placement. deviation: root mean square of what the model of
crossbars changes in the output that it changes most, relative to its largest exact element; clipped: share of
conversions that were clipped.
"""

TEXTS = ("status", "error", "missing")
"""Columns of texts."""

INTEGERS = (
    *("programs", "copies", "cores", "crossbars", "sram_bytes", "latency_cycles", "link_bytes"),
    "traffic_byte_hops",
)
"""Columns of integers; the others have floats."""


@dataclass(frozen=True)
class RunFiles:
    """Data of a run, in a folder: `inputs.npz`, `outputs.npz` with the expected outputs, parameters.

    `float64.npz` holds the outputs in double precision, and is missing if the network cannot be evaluated in it.

    count: number of inferences. seed: of the inputs.
    """

    folder: Path
    count: int
    seed: int


@dataclass(frozen=True)
class Task:
    """The data of a point that a process needs.

    network: its IR at the polyhedral level. table: the machine. storage, replicate, placement_seconds: arguments of
    `lower`. run: None for timing only.
    """

    network: str
    table: Mapping[str, Any]
    storage: Storage | None = None
    replicate: Copies | None = None
    placement_seconds: float | None = None
    run: RunFiles | None = None


def evaluate_point(task: Task) -> dict[str, Any]:
    """Return the figures of a point, by column. Those of a failed point are the error."""
    try:
        with collect_diagnostics(), limited(_module(task.network)[0]):
            return {"status": "ok", **_figures(task)}
    except Exception as error:
        found = diagnostics_of(error, "")
        if found is None:
            frame = outside_frame(error)
            where = "" if frame is None else f", at {frame}"
            message = f"internal error: {type(error).__name__}: {error}{where}"
        else:
            message = found[0].one_line
        return {"status": "failed", "error": " ".join(message.split())}


def _figures(task: Task) -> dict[str, Any]:
    from cmir.analysis.capacity import check_capacity, check_sram, sram_bytes
    from cmir.analysis.copies import copies_of
    from cmir.analysis.inference_costs import costs_of
    from cmir.compilation.model import Model, lower
    from cmir.hardware.description import Hardware
    from cmir.support.parameters import Parameters
    from cmir.timing.network import TimedNetwork

    hardware = Hardware.of(task.table, None)
    model = Model(Path("network"), *_parsed(task.network), None, None)
    if task.run is not None:
        model.context.parameters = Parameters.open(task.run.folder / "parameters.safetensors")
    network = lower(model, None, task.storage, hardware, task.replicate, task.placement_seconds)
    check_capacity(network.op, hardware)
    check_sram(network.op, hardware)
    timed = TimedNetwork(network, hardware)
    report = timed.time(1)
    costs = costs_of(timed, timed.interval)
    found = {} if task.run is None else _run(timed, model.parameters, task.run)
    clock, copies, link = hardware.system.clock_hz, copies_of(network.op), costs.busiest
    energy = {f"energy_{part}_joules": value for part, value in costs.energy.items()}
    missing = [*costs.energy_missing.values(), *costs.area_missing.values()]
    figures = {
        "programs": len(copies),
        "copies": sum(copies.values()),
        "cores": timed.network.core_count,
        "crossbars": costs.crossbars,
        "sram_bytes": sum(sram_bytes(timed.network, hardware).values()),
        "interval_cycles": costs.interval,
        "interval_seconds": costs.interval / clock if clock and costs.interval else None,
        "latency_cycles": report.inference_latency,
        "latency_seconds": report.inference_latency / clock if clock else None,
        "energy_joules": sum(costs.energy.values()) if costs.energy else None,
        **energy,
        "area_mm2": sum(costs.area.values()) if costs.area else None,
        "missing": " ".join(missing),
        "link_bytes": link.bytes if link else 0,
        "link_utilisation": costs.utilisation(link) if link else None,
        "traffic_byte_hops": costs.byte_hops,
        **found,
    }
    return {column: value for column, value in figures.items() if value is not None}


@lru_cache(maxsize=1)
def _module(text: str) -> tuple[ModuleOp, Any]:
    """Parse the network of a sweep, once in each process."""
    from cmir.context import make_context
    from cmir.support.parsing import parse_module

    context = make_context()
    module = parse_module(text, context, "network")
    verify(module)
    return module, context


def _parsed(text: str) -> tuple[ModuleOp, Any]:
    module, context = _module(text)
    return module.clone(), context.clone()


def _run(timed: TimedNetwork, parameters: Parameters | None, run: RunFiles) -> dict[str, float]:
    """Run the data, and return the figures of the model of crossbars, if there is one.

    Raises CompileError if outputs with exact products differ from the expected ones.
    """
    from cmir.checking import compare
    from cmir.execution.accuracy import Deviation
    from cmir.execution.crossbars import ModelledCrossbars
    from cmir.semantics.precision import narrowest_float
    from cmir.simulator.simulator import Simulator

    inputs, expected = (
        list(_samples(run.folder / name, run.count)) for name in ("inputs.npz", "outputs.npz")
    )
    double = run.folder / "float64.npz"
    exact = [*_samples(double, run.count)] if double.is_file() else None
    samples = [dict(zip(timed.network.inputs, values, strict=True)) for values in inputs]
    simulator = Simulator.of(timed, parameters)
    lanes = simulator.lanes_for(len(samples))
    outputs = simulator.run(samples, lanes=lanes).outputs
    narrowest = narrowest_float(timed.network.op)
    if problems := compare(outputs, expected, narrowest=narrowest, exact=exact):
        raise CompileError(None, f"check failed: {problems[0]}")
    crossbars = ModelledCrossbars(simulator, timed.hardware.crossbar)
    crossbars.calibrate(lambda count: samples[:count], None)
    programmed, model = crossbars.programmed()
    if model is None:
        return {}
    modelled = programmed.run(samples, lanes=lanes).outputs
    deviation = max(found.rms for found in Deviation.of(modelled, outputs).values())
    return {"deviation": deviation, "clipped": model.clipped}


def write_run_arrays(path: Path, samples: list[list[np.ndarray]]) -> None:
    """Write the arrays of inferences to a file for `_run`."""
    arrays = {
        f"{n}_{k}": plain(a) for n, arrays in enumerate(samples) for k, a in enumerate(arrays)
    }
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]


def _samples(path: Path, count: int) -> Iterator[list[np.ndarray]]:
    with np.load(path) as arrays:
        for n in range(count):
            names = [name for name in arrays.files if name.startswith(f"{n}_")]
            yield [arrays[name] for name in sorted(names, key=lambda name: int(name.split("_")[1]))]
