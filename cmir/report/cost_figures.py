"""Figures of the page about costs: headlines, what binds, energy, area, and what is in the crossbars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cmir.analysis.advice import changes_that_help
from cmir.analysis.binding import binding_of
from cmir.analysis.inference_costs import InferenceCosts
from cmir.cost.firing import Firing
from cmir.cost.tiling import Tiling
from cmir.timing.network import TimedNetwork
from cmir.timing.report import RunReport

Data = dict[str, Any]


def headline_figures(timed: TimedNetwork, costs: InferenceCosts, report: RunReport) -> Data:
    """Return the headlines, what binds, and what would help, in words."""
    binding = binding_of(timed, costs, report)
    changes = changes_that_help(timed, costs, binding)
    return {
        **costs.headlines.figures(),
        "binds": str(binding),
        "help": [str(change).replace("`", "") for change in changes],
    }


def part_figures(known: Mapping[str, float], missing: Mapping[str, str]) -> Data:
    """Return the components of the energy or of the area, and the fields that others lack."""
    return {"known": dict(known), "missing": dict(missing)}


def crossbar_figures(timed: TimedNetwork) -> Data:
    """Return what is in the crossbars of a core of each stage: tiles, each with the number of crossbars alike."""
    crossbar, core = timed.hardware.crossbar, timed.hardware.core
    cores = Counter(o.core_name.program for _, o in timed.network.op.instances)
    stages: list[Data] = []
    for name, program in timed.network.programs.items():
        firing = Firing.of(program.op)
        found = (tile for matrix in firing.matrices for tile in Tiling.tiles(matrix, crossbar))
        tiles = [{**asdict(tile), "count": firing.ways * tile.count} for tile in found]
        if tiles:
            stages.append({"stage": name, "cores": cores[name], "tiles": tiles})
    return {
        "rows": crossbar.rows,
        "columns": crossbar.columns,
        "perCore": core.crossbars,
        "stages": stages,
    }
