"""The page of a run: one self-contained HTML file that holds and draws the figures."""

from __future__ import annotations

import html
import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from cmir.report.figures import Data, page_figures
from cmir.support.atomic import atomic_path
from cmir.timing.network import TimedNetwork
from cmir.timing.report import RunReport

if TYPE_CHECKING:
    from cmir.rtl.control_cost import ControlCost

SCRIPTS = (
    "dom",
    "time",
    "rows",
    "timeline",
    "graph",
    "tables",
    "control",
    "crossbars",
    "chip",
    "theme",
    "main",
)
"""Scripts of the page, in execution order."""


def write_page(
    timed: TimedNetwork,
    report: RunReport,
    title: str,
    folder: Path,
    control: ControlCost | None = None,
) -> None:
    """Write `index.html` into a folder, which is created if it does not exist. See `page_figures`."""
    text = run_page(page_figures(timed, report, control), title)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / "index.html") as temporary:
        temporary.write_text(text, encoding="utf-8")


def run_page(data: Data, title: str) -> str:
    """Return the page that shows the figures of a run."""
    parts = {
        "title": html.escape(title),
        "style": _part("style.css"),
        "script": "\n".join(_part(f"{name}.js") for name in SCRIPTS),
        # Inside a script element, only its end tag and comments are special.
        "run": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    }
    before, *rest = _part("page.html").split("{{")
    text = [before]
    for piece in rest:
        name, _, after = piece.partition("}}")
        text += [parts[name], after]
    return "".join(text)


def _part(name: str) -> str:
    return resources.files("cmir.report").joinpath("page", name).read_text(encoding="utf-8")
