"""Remarks of polyhedral-plan-copies: what a stage gets, and why less would not do."""

from __future__ import annotations

from fractions import Fraction

from cmir.analysis.copy_plan import PlanChoice, StageWork
from cmir.support.counts import count_of


def explanation(work: StageWork, choice: PlanChoice, longest: Fraction) -> str:
    """Say what a stage gets, and why less would not do."""
    division, got, less = choice.division, list[str](), list[str]()
    if division.copies > 1:
        got.append(f"{division.copies} copies {_KINDS[division.by]}")
        coarser = max(
            (d for d in work.divisions if d.by == division.by and d.copies < division.copies),
            key=lambda d: d.copies,
            default=work.divisions[0],
        )
        needed = coarser.ways(longest)
        fewer = count_of(coarser.copies, "copy", "copies")
        if coarser.copies < work.fewest:
            less.append(f"the buffers of {fewer} would exceed the SRAM of a core")
        elif needed is None or not coarser.crossbars:
            slower = whole(coarser.interval(coarser.most))
            less.append(f"{fewer} would take {slower} cycles")
        else:
            crossbars = needed * coarser.crossbars
            less.append(f"{fewer} would need {count_of(crossbars, 'crossbar')}")
        if division.by == "turns":
            less.append(_instead_of_turns(work, longest))
    if choice.ways > 1:
        got.append(f"{choice.ways} ways")
        slower = whole(division.interval(choice.ways - 1))
        less.append(f"{count_of(choice.ways - 1, 'way')} would take {slower} cycles")
    crossbars = f", {count_of(choice.crossbars, 'crossbar')}" if choice.crossbars else ""
    return (
        f"@{work.name} gets {' and '.join(got)}{crossbars}: its {_binding(work, choice)} {whole(choice.interval)} "
        f"cycles for an inference; {', '.join(less)}"
    )


_KINDS = {"columns": "by columns", "bands": "by rows", "turns": "in turn"}
"""What copies of each kind are, after their number."""


def _instead_of_turns(work: StageWork, longest: Fraction) -> str:
    """Say what the cheapest copies by columns or rows would need at this interval."""
    others = [division for division in work.divisions if division.by != "turns"]
    found = [(ways * d.crossbars, d.cores, d) for d in others if (ways := d.ways(longest))]
    if not found:
        return "no copies by columns or rows are as fast"
    crossbars, cores, best = min(found, key=lambda choice: choice[:2])
    needed = count_of(crossbars, "crossbar") if crossbars else count_of(cores, "core")
    return f"{count_of(best.copies, 'copy', 'copies')} {_KINDS[best.by]} would need {needed}"


def _binding(work: StageWork, choice: PlanChoice) -> str:
    """Return what takes a copy longest, with its verb."""
    if choice.division.busy > choice.ways * choice.division.step:
        return "crossbars take"
    busiest = max(work.cycles, key=lambda name: work.cycles[name], default="")
    if work.cycles.get(busiest) != work.iterations * work.step:
        return "iterations take"
    return _RESOURCES.get(busiest, f"{busiest} takes")


_RESOURCES = {
    "dpu": "vector unit takes",
    "sram": "SRAM port takes",
    "link": "link takes",
    "issue": "issue of products takes",
}


def whole(cycles: Fraction) -> str:
    """Return a number of cycles as text, without a fraction if there are many."""
    return f"{float(cycles):g}" if cycles < 10**5 else f"{float(cycles):.0f}"
