"""Timeline of a run in a terminal: a line for each core, a column for one or more cycles."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from rich.console import Console
from rich.text import Text

from cmir.dialects.core_name import CoreName
from cmir.report.activity import Activity, activities
from cmir.timing.actors import Actor
from cmir.timing.report import RunReport

WAITS = {"data": ("-", "yellow"), "credit": ("x", "magenta")}
"""Characters and colours of waits."""

DONE, SOME = " ", "+"
FIRING = ("bold cyan", "bold blue")
"""Colours of alternating inferences, so that their borders are visible."""

LONGEST_NAME = 24
TICK = 10
"""Number of columns between cycle numbers."""


def print_timeline(
    actors: Mapping[CoreName, Actor],
    report: RunReport,
    console: Console | None = None,
    units: Collection[CoreName] = (),
) -> None:
    """Print the activity of each core in each column, in colours on a terminal.

    console: destination, which sets the width; standard output by default. units: names of what runs on the global
    control unit, whose waits for room are no alarm: inputs are ahead.
    """
    console = console or Console(highlight=False)
    found = activities(actors, report)
    width = max(4, *(min(len(str(activity.name)), LONGEST_NAME) for activity in found))
    columns = max(TICK, console.width - width - 2)
    step = column_cycles(report.cycles, columns)
    edges = np.arange(0, report.cycles + step, step)
    for line in (
        _ruler(edges),
        *(_row(activity, edges, activity.name in units) for activity in found),
    ):
        name, cells = line
        name = name if len(name) <= width else name[: width - 1] + "…"
        console.print(Text(f"{name:<{width}}  ").append_text(cells), soft_wrap=True)
    each = "a cycle" if step == 1 else f"{step} cycles"
    some = "" if step == 1 else ", + for less than half of the time"
    console.print(
        Text(
            f"A column is {each}. 0-9: fires, for the inference with that last digit{some}; "
            "-: waits for data; x: waits for room at a reader."
        ),
        soft_wrap=True,
    )


def column_cycles(cycles: int, columns: int) -> int:
    """Return the smallest number of cycles per column, of 1, 2, 5, 10, 20, …, for which the columns suffice."""
    scale = 1
    while True:
        for factor in (1, 2, 5):
            if columns * factor * scale >= cycles:
                return factor * scale
        scale *= 10


def _ruler(edges: np.ndarray) -> tuple[str, Text]:
    """Return the ruler: the numbers of the cycles at which some columns begin."""
    ticks = [f"{cycle:<{TICK}}" for cycle in edges[:-1:TICK].tolist()]
    return "core", Text("".join(ticks).rstrip())


def _row(activity: Activity, edges: np.ndarray, is_unit: bool) -> tuple[str, Text]:
    total = activity.until(edges)
    spent = np.diff(total, axis=1)
    half = (total[0, :-1] + total[0, 1:]) // 2
    ended = activity.fired(np.arange(1, len(activity.start)))
    inference = np.searchsorted(ended, half, side="right") // activity.iterations
    text = Text()
    for (fire, data, credit), n in zip(spent.T.tolist(), inference.tolist(), strict=True):
        if not fire + data + credit:
            text.append(DONE)
        elif fire:
            text.append(str(n % 10) if fire >= data + credit else SOME, FIRING[n % 2])
        else:
            character, colour = WAITS["data" if data >= credit else "credit"]
            text.append(character, "bright_black" if is_unit and credit > data else colour)
    text.rstrip()
    return str(activity.name), text
