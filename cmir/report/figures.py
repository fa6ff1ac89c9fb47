"""Figures on the page of a run, as plain data.

Their size depends on the number of cores and buffers, not on the length of the run. Series that are too long are
reduced to sums, or to minimum and maximum, over equal parts of the run; `Figures.notes` reports that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cmir.analysis.capacity import sram_bytes
from cmir.analysis.copies import nodes_of
from cmir.analysis.energy import TrafficTotals, inference_energy
from cmir.analysis.inference_costs import costs_of
from cmir.cost.traffic import flows_of, link_loads
from cmir.dialects.cmcore import NetworkOp, ProgramOp
from cmir.dialects.polyhedral import symbol
from cmir.hardware.topology import Topology
from cmir.report.activity import Activity, activities
from cmir.report.computed_bits import computed_bits_text
from cmir.report.cost_figures import crossbar_figures, headline_figures, part_figures
from cmir.report.graph import draw_graph
from cmir.report.occupancy import occupancies
from cmir.support.origins import tells_more
from cmir.timing.network import TimedNetwork
from cmir.timing.report import RunReport

if TYPE_CHECKING:
    from cmir.rtl.control_cost import ControlCost

MOST_STRETCHES = 80_000
"""Maximum total number of stretches of all cores that are kept exactly."""

MOST_PARTS = 80_000
"""Maximum total number of parts of the occupancies of all buffers."""

LEAST_PARTS = 100
"""Minimum number of parts of a core or a buffer."""

Data = dict[str, Any]


def page_figures(
    timed: TimedNetwork, report: RunReport, control: ControlCost | None = None
) -> Data:
    """Return the figures of a run. control: the cost of control logic, if known."""
    notes: list[str] = []
    found = activities(timed.actors, report)
    costs = costs_of(timed, timed.interval)
    return {
        "hardware": timed.hardware.name,
        "hardwareSummary": timed.hardware.summary,
        "inferences": report.inferences,
        "cycles": report.cycles,
        "latency": report.inference_latency,
        "interval": timed.interval,
        "overlap": report.overlap,
        "clock": timed.hardware.system.clock_hz,
        "sram": timed.hardware.core.sram_bytes,
        "cores": _cores(timed, report, found, notes),
        "buffers": _buffers(timed, report, notes),
        "graph": _graph(timed.network.op),
        "chip": None if timed.places.chip is None else _chip(timed, timed.places.chip),
        "layers": _layers(timed, found),
        "bits": computed_bits_text(timed.hardware),
        "headlines": headline_figures(timed, costs, report),
        "energy": part_figures(costs.energy, costs.energy_missing),
        "area": part_figures(costs.area, costs.area_missing),
        "crossbars": crossbar_figures(timed),
        "control": None if control is None else control.figures(),
        "notes": notes,
    }


def _cores(
    timed: TimedNetwork, report: RunReport, found: Sequence[Activity], notes: list[str]
) -> list[Data]:
    most = max(LEAST_PARTS, MOST_STRETCHES // len(found))
    sram = sram_bytes(timed.network, timed.hardware)
    nodes = nodes_of(timed.network.op)
    cores: list[Data] = []
    longer = 0
    for core, activity in zip(report.cores, found, strict=True):
        waited = activity.waited()
        stretches = activity.stretches()
        data: Data = {
            "name": str(core.name),
            "stage": core.name.program,
            "node": _node(nodes, core.name.program),
            "place": timed.network.positions.get(core.name),
            "iterations": core.iterations,
            "interval": timed.costs[core.name].interval,
            "latency": core.latency,
            "sram": sram[core.name],
            "busy": core.busy,
            "data": core.data_stalls,
            "credit": core.credit_stalls,
            "end": activity.end,
            "firing": np.diff(
                activity.fired(np.arange(0, len(activity.start) + 1, core.iterations))
            ).tolist(),
            "causes": [
                [c.kind.awaited, str(c.source), c.array, waited.get(c, 0)] for c in activity.causes
            ],
        }
        if len(stretches) <= most:
            names = ("first", "iterations", "wait", "cause", "fire", "count")
            data["stretches"] = {name: getattr(stretches, name).tolist() for name in names}
        else:
            longer += 1
            edges = np.linspace(0, report.cycles, most + 1).round().astype(np.int64)
            fire, waits, credit = np.diff(activity.until(edges), axis=1).tolist()
            data["parts"] = {"fire": fire, "data": waits, "credit": credit}
        cores.append(data)
    if longer:
        notes.append(
            f"The timelines of {longer} of {len(found)} cores are kept as sums over {most} equal parts of the run."
        )
    return cores


def _node(nodes: Mapping[str, str], stage: str) -> str | None:
    """Return the node that a stage comes from, if its name tells more than that of the stage."""
    node = nodes.get(stage)
    return node if tells_more(node, stage) else None


def _buffers(timed: TimedNetwork, report: RunReport, notes: list[str]) -> list[Data]:
    found = list(occupancies(timed, report))
    parts = max(LEAST_PARTS, min(1000, MOST_PARTS // max(1, len(found))))
    parts = min(report.cycles, parts)
    if found and parts < report.cycles:
        notes.append(
            f"Of the occupancy of buffers, the least and the most in each of {parts} equal parts of the run are kept."
        )
    buffers: list[Data] = []
    for occupancy in found:
        low, high = occupancy.live.bounds(report.cycles, parts)
        buffers.append(
            {
                "core": str(occupancy.core),
                "array": occupancy.array,
                "slots": occupancy.slots,
                "bytes": occupancy.bytes,
                "most": occupancy.most,
                "low": low.tolist(),
                "high": high.tolist(),
            }
        )
    return buffers


_ENDS = ("input", "output")
"""Kinds of boxes that are no stages."""


def _graph(network: NetworkOp) -> Data:
    """Return stages, inputs and outputs as boxes, with the arrays between them."""
    programs = network.programs
    cores: dict[str, int] = defaultdict(int)
    for _, instance in network.instances:
        cores[instance.core_name.program] += 1
    ran = {name: op for name, op in programs.items() if cores[name] or op.gcu is not None}
    writers: dict[str, list[str]] = defaultdict(list)
    for name in map(symbol, network.inputs):
        writers[name].append(f"input {name}")
    for name, op in ran.items():
        for array in {symbol(store.array): None for store in op.stores()}:
            writers[array].append(name)
    arrays: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, op in ran.items():
        for array in _read(op):
            for writer in writers[array]:
                arrays[writer, name].append(array)
    for name in map(symbol, network.outputs):
        for writer in writers[name]:
            arrays[writer, f"output {name}"].append(name)
    kinds = {f"input {symbol(ref)}": "input" for ref in network.inputs}
    kinds |= {name: "gcu" if op.gcu is not None else "stage" for name, op in ran.items()}
    kinds |= {f"output {symbol(ref)}": "output" for ref in network.outputs}
    drawing, nodes = draw_graph(list(kinds), arrays), nodes_of(network)
    return {
        "width": drawing.width,
        "height": drawing.height,
        "boxes": [
            {
                "name": name,
                "label": name.removeprefix(f"{kind} ") if kind in _ENDS else name,
                "kind": kind,
                "node": _node(nodes, name),
                "cores": cores.get(name, 0),
                "at": drawing.boxes[name],
            }
            for name, kind in kinds.items()
        ],
        "lines": [
            {"from": edge[0], "to": edge[1], "arrays": arrays[edge], "path": path}
            for edge, path in drawing.lines.items()
        ],
    }


def _read(op: ProgramOp) -> list[str]:
    """Return the arrays for which a program has buffers."""
    return list(dict.fromkeys(symbol(buffer.array) for buffer in op.buffers))


def _chip(timed: TimedNetwork, chip: Topology) -> Data:
    cores = timed.network.op.cores
    positions = [core.place for core in cores]
    loads = link_loads(chip, positions, flows_of(timed.network.op, timed.hardware))
    at = {core.place: [str(o.core_name) for o in core.instances] for core in cores}
    interconnect = timed.hardware.interconnect
    return {
        "title": chip.title,
        "places": [{"at": place, "cores": at.get(place, [])} for place in chip.places],
        "links": [
            {"from": a, "to": b, "bytes": size, "rate": interconnect.rate(chip.crosses(a, b))}
            for (a, b), size in loads.items()
        ],
        # The links of an all-to-all topology are too many to draw.
        "idle": []
        if len(chip.links) > 8 * len(chip.places)
        else [link for link in chip.links if link not in loads],
    }


def _layers(timed: TimedNetwork, found: Sequence[Activity]) -> list[Data]:
    """Return the costs of an inference by stage; energy includes iterations, but not links."""
    of_stage: dict[str, list[Activity]] = defaultdict(list)
    for activity in found:
        of_stage[activity.name.program].append(activity)
    layers: list[Data] = []
    nodes = nodes_of(timed.network.op)
    for name, cores in of_stage.items():
        iterations = {activity.name: activity.iterations for activity in cores}
        costs = {core: timed.costs[core] for core in iterations}
        energy = inference_energy(timed.hardware, costs, iterations, TrafficTotals())
        # Cores of a stage differ in their traffic to other chips; the slowest represents all.
        slowest = max(costs, key=lambda core: costs[core].pace.cycles(iterations[core]))
        cost = costs[slowest]
        layers.append(
            {
                "stage": name,
                "node": _node(nodes, name),
                "cores": sum(core in timed.network.positions for core in iterations),
                "iterations": sum(iterations.values()),
                "interval": cost.interval,
                "latency": cost.latency,
                "cycles": float(cost.pace.cycles(iterations[slowest])),
                "crossbars": sum(each.crossbars for each in costs.values()),
                "busy": dict(cost.loads),
                "energy": {component: joules for component, joules in energy.items() if joules},
            }
        )
    return layers
