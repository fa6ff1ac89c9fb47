"""The figures of `speed.py` as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from speed_reach import Json


def print_tables(measured: Json) -> None:
    """All tables, each with the networks as columns or the points of a curve as rows."""
    console = Console(width=None if Console().is_terminal else 160)
    clock, networks = measured["clock"], measured["networks"]
    threads = measured["threads"]
    console.print(
        f"{clock} on {threads} thread{'s' * (threads != 1)}, least of {measured['runs']} runs; "
        f"cm-opt --version {_seconds(measured['tools']['cm-opt'])}, "
        f"xdsl-opt --version {_seconds(measured['tools']['xdsl-opt'])}"
    )
    console.print(_compile_table(networks))
    console.print(_levels_table(networks))
    if any(network["engine"] for network in networks.values()):
        console.print(_engine_table(networks, measured["inferences timed"]))
    for axis, points in measured["curves"].items():
        console.print(_curve_table(axis, points))
    console.print(_reach_table(measured["reach"]))


def _table(title: str, first: str, columns: Sequence[str]) -> Table:
    table = Table(title=title)
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _compile_table(networks: Json) -> Table:
    table = _table("compilation: each pass, and verification after it", "", list(networks))
    compiled = [network["compile"] for network in networks.values()]
    passes = list(dict.fromkeys(name for one in compiled for name in one["passes"]))
    table.add_row("start-up", *(_seconds(one["start-up"]) for one in compiled))
    table.add_row("import", *(_seconds(one["import"]) for one in compiled))
    for name in passes:
        table.add_row(
            name,
            *(
                f"{_seconds(one['passes'][name])} + {_seconds(one['verify'][name])}"
                if name in one["passes"]
                else ""
                for one in compiled
            ),
        )
    table.add_row("all", *(_seconds(one["total"] + one["start-up"]) for one in compiled))
    storage = [network.get("storage") for network in networks.values()]
    table.add_row(
        "throughput-preserving rings", *("" if s is None else _seconds(s) for s in storage)
    )
    peaks = [network["peak bytes"] for network in networks.values()]
    table.add_row("peak MB of compilation", *(f"{p['compile'] / 1e6:.0f}" for p in peaks))
    with_run = (f"{p['run'] / 1e6:.0f}" if "run" in p else "" for p in peaks)
    table.add_row("peak MB with execution", *with_run)
    table.add_row("stages", *(str(network["stages"]) for network in networks.values()))
    table.add_row("cores", *(str(network["cores"]) for network in networks.values()))
    return table


def _levels_table(networks: Json) -> Table:
    table = _table("IR of each level", "", list(networks))
    for level in next(iter(networks.values()), {"levels": {}})["levels"]:
        for what in ("lines", "parse", "verify", "print"):
            values = [network["levels"][level][what] for network in networks.values()]
            shown = (str(v) if what == "lines" else _seconds(v) for v in values)
            table.add_row(f"{level}: {what}", *shown)
    return table


def _engine_table(networks: Json, timed: int) -> Table:
    ran = {name: network for name, network in networks.items() if network["engine"]}
    table = _table("execution, and how many times what onnxruntime takes", "", list(ran))
    for storage in next(iter(ran.values()))["engine"]:
        runs = [network["engine"][storage] for network in ran.values()]
        table.add_row(f"{storage}: prepare", *(_seconds(run["prepare"]) for run in runs))
        table.add_row(f"{storage}: one, cold", *(_seconds(run["cold"]) for run in runs))
        for what in ("one", "eight"):
            table.add_row(
                f"{storage}: {what}",
                *(f"{_seconds(r[what])} ({r[what] / r['onnxruntime'][what]:.1f}×)" for r in runs),
            )
            theirs = (_seconds(run["onnxruntime"][what]) for run in runs)
            table.add_row(f"onnxruntime: {what}", *theirs)
        timing = (_seconds(run["timing"]) for run in runs)
        table.add_row(f"{storage}: timing of {timed}", *timing)
    return table


def _curve_table(axis: str, points: Sequence[Json]) -> Table:
    executed = [name for name in ("one", "timing", "onnxruntime") if name in points[0]]
    columns = ("compile", "by each", "lines", *executed)
    table = _table(f"curve over {axis}", axis, columns)
    for point in points:
        by_each = 1e6 * point["compile"] / point[axis]
        table.add_row(
            str(point[axis]),
            _seconds(point["compile"]),
            f"{by_each:.1f} µs",
            str(point["lines"]),
            *(_seconds(point[name]) for name in executed),
        )
    return table


def _reach_table(reach: Sequence[Json]) -> Table:
    table = _table("what should be reached", "", ("measured", "at most", ""))
    for row in reach:
        measured = "" if row["measured"] is None else f"{row['measured']:.4g}"
        marks = {None: "not measured", True: "[green]ok[/]", False: "[red]over[/]"}
        table.add_row(row["what"], measured, f"{row['at most']:g} {row['unit']}", marks[row["ok"]])
    return table


def _seconds(value: float) -> str:
    if value < 0.01:
        return f"{1000 * value:.2f} ms"
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.2f} s"
