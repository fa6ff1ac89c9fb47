"""Sweeps: which points, what is in their rows, and that no row is lost whatever happens."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cmir
from cmir.hardware.description import Hardware
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.sweeps.grid import Grid, read_axes
from cmir.sweeps.point import Task
from cmir.sweeps.sweep import Sweep
from cmir.sweeps.table import Table
from cmir.tools.cm_run import main as cm_run
from cmir.tools.cm_sweep import main

IDEAL = Hardware.load("ideal")
DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"
TEXTBOOK = Path(__file__).parents[1] / "filecheck" / "textbook.mlir"
MACHINE = """
name = "small"
[crossbar]
columns = 4
phase_cycles = 1
[core]
crossbars = 1
[system]
clock_hz = 1e9
[energy]
crossbar_product = 10
static_watts = 1
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    file = tmp_path / "small.toml"
    file.write_text(MACHINE)
    return file


def sweep(machine: Path, output: Path, *options: str) -> int:
    settings = ("--set", "core.count=1,2", "--set", "crossbar.phase_cycles=1..5:2")
    model = () if options and options[0].endswith((".mlir", ".onnx")) else (str(TEXTBOOK),)
    files = ("--hardware", str(machine), "-o", str(output))
    return main([*model, *files, *(() if "--set" in options else settings), *options])


def rows_of(file: Path) -> list[dict[str, str]]:
    with open(file, newline="") as stream:
        return list(csv.DictReader(stream))


# Points


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("crossbar.rows=64", (64,)),
        ("crossbar.rows=64,128, 256", (64, 128, 256)),
        ("core.crossbars=1..8:2", (1, 3, 5, 7)),
        ("core.crossbars=1..3,8,none", (1, 2, 3, 8, None)),
        ("interconnect.shape=[2,2],[4, 4]", ([2, 2], [4, 4])),
        ("interconnect.topology=mesh,torus", ("mesh", "torus")),
        ("system.clock_hz=1e9,2.5e8", (1e9, 2.5e8)),
    ],
)
def test_values(setting: str, values: tuple[Any, ...]) -> None:
    (axis,) = read_axes([setting], IDEAL, "cm-sweep")
    assert (axis.field, axis.values) == (setting.partition("=")[0], values)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["crossbar.row=64"], "unknown field `crossbar.row`; did you mean `crossbar.rows`?"),
        (["crossbar.row=none"], "unknown field `crossbar.row`; did you mean `crossbar.rows`?"),
        (
            ["crosbar.rows=64"],
            "unknown field `crosbar.rows`: there is no table `crosbar`; did you mean `crossbar`?",
        ),
        (["name=x"], "--set needs section.field=VALUES, got 'name=x'"),
        (["crossbar.rows"], "--set needs section.field=VALUES, got 'crossbar.rows'"),
        (["crossbar.rows=64,0"], "`crossbar.rows` must be an integer >= 1, got 0"),
        (["crossbar.rows=wide"], "`crossbar.rows` must be an integer >= 1, got 'wide'"),
        (["crossbar.rows=1..0"], "`crossbar.rows`: the range 1..0 has no values"),
        (["crossbar.rows=64,,128"], "`crossbar.rows`: '' is no value"),
        (["crossbar.rows=64,32..64:32"], "`crossbar.rows` has the value 64 twice"),
        (["core.count=1", "core.count=2"], "`core.count` is set twice"),
        (
            ["interconnect.hop_cycles=1", "network.hop_cycles=2"],
            "`interconnect.hop_cycles` is set twice",
        ),
        (["interconnect.shape=[2,x]"], "`interconnect.shape`: '[2,x]' is no value"),
        (["crossbar.model.at=1"], "unknown field `crossbar.model.at` of the model `ideal`"),
        (
            ["crossbar.model.name=pcm,reram", "crossbar.model.seeds=1..3"],
            "`crossbar.model.seeds` of the model `pcm`, `reram`; did you mean `crossbar.model.seed`?",
        ),
        (
            ["crossbar.model.name=quantised", "crossbar.model.adc_bits=4,6"],
            "`crossbar.model.adc_bits` of the model `quantised`; did you mean `crossbar.adc_bits`?",
        ),
        (
            ["crossbar.model.at=1,-1", "crossbar.model.name=pcm"],
            "`crossbar.model.at` must be a number >= 0, got -1",
        ),
        (["crossbar.model.name=pmc"], "`crossbar.model.name` must be one of ideal, quantised"),
        (
            ["crossbar.adc_bits=4,6"],
            "`crossbar.adc_bits` changes nothing with the model `ideal`: choose a model with converters",
        ),
        (["crossbar.model.name=none"], "must be the name of a model, got None"),
    ],
)
def test_fields_and_values_that_there_are_not(settings: list[str], message: str) -> None:
    with pytest.raises(CompileError) as error:
        read_axes(settings, IDEAL, "cm-sweep")
    assert message in str(error.value)


def test_former_name_of_a_table() -> None:
    with collect_diagnostics() as told:
        (axis,) = read_axes(["network.hop_cycles=1,2"], IDEAL, "cm-sweep")
    assert (axis.field, axis.values) == ("interconnect.hop_cycles", (1, 2))
    assert [str(diagnostic) for diagnostic in told] == [
        "cm-sweep: remark: table `network` is called `interconnect` now; the former name is still read"
    ]


def test_all_combinations() -> None:
    grid = Grid(
        Hardware.load("hermes"), read_axes(["core.count=1,none", "crossbar.rows=8,9"], IDEAL, None)
    )
    points = [*grid.points()]
    assert len(points) == len(grid) == 4
    assert [str(point) for point in points[1:3]] == [
        "core.count=1 crossbar.rows=9",
        "core.count=none crossbar.rows=8",
    ]
    machines = [Hardware.of(point.table, None) for point in points]
    assert [(m.core.count, m.crossbar.rows) for m in machines] == [
        (1, 8),
        (1, 9),
        (None, 8),
        (None, 9),
    ]
    assert all(m.core.sram_bytes == 65536 for m in machines)


def test_dry_run_lists_points(machine: Path, tmp_path: Path, capsys: Any) -> None:
    assert sweep(machine, tmp_path / "rows.csv", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6 and lines[1] == "core.count=1 crossbar.phase_cycles=3"
    assert not (tmp_path / "rows.csv").exists()


# Rows


def test_rows(machine: Path, tmp_path: Path, capsys: Any) -> None:
    """With one core there is no room; with two, the interval is eight products of so many cycles."""
    file = tmp_path / "rows.csv"
    assert sweep(machine, file, "--jobs", "1") == 0
    assert capsys.readouterr().out == f"{file}: 6 points, 3 failed\n"
    failed, done = rows_of(file)[:3], rows_of(file)[3:]
    for row in failed:
        assert row["status"] == "failed"
        assert row["error"].startswith("the network needs 2 cores, 1 more than the 1 of 'small'")
    for row, cycles in zip(done, (1, 3, 5), strict=True):
        assert (row["status"], row["error"]) == ("ok", "")
        assert row["crossbar.phase_cycles"] == str(cycles)
        assert float(row["interval_cycles"]) == 8 * cycles
        assert float(row["interval_seconds"]) == pytest.approx(8e-9 * cycles)
        counts = ("programs", "copies", "cores", "crossbars", "link_bytes", "traffic_byte_hops")
        assert [row[c] for c in counts] == ["2", "2", "2", "2", "32", "32"]
        assert float(row["energy_crossbar_joules"]) == pytest.approx(14 * 10e-12)
        assert float(row["energy_static_joules"]) == pytest.approx(8e-9 * cycles)
        assert row["energy_links_joules"] == "" and "energy.link_byte" in row["missing"]


def test_rows_are_what_cm_run_says(machine: Path, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "rows.csv"
    assert sweep(machine, file, "--set", "core.count=7", "--replicate", "--jobs", "1") == 0
    (row,) = rows_of(file)
    machine.write_text(MACHINE.replace("[core]", "[core]\ncount = 7"))
    arguments = [str(TEXTBOOK), "--timing-only", "--hardware", str(machine), "--replicate"]
    assert cm_run([*arguments, "--json", str(tmp_path / "run.json")]) == 0
    figures = json.loads((tmp_path / "run.json").read_text())
    for name in ("cores", "crossbars", "latency_cycles", "interval_cycles", "sram_bytes"):
        assert float(row[name]) == figures[name]
    assert int(row["copies"]) == figures["cores"] > int(row["programs"]) == 2


def test_one_process_or_two(machine: Path, tmp_path: Path) -> None:
    for jobs in ("1", "2"):
        assert sweep(machine, tmp_path / f"{jobs}.csv", "--jobs", jobs) == 0
    one, two = ((tmp_path / f"{jobs}.csv").read_bytes() for jobs in ("1", "2"))
    assert one == two


def test_running_data(machine: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    assert (
        sweep(machine, file, "--set", "core.count=2", "--run", "0", "-n", "2", "--jobs", "1") == 0
    )
    assert [row["status"] for row in rows_of(file)] == ["ok"]
    assert {entry.name for entry in tmp_path.iterdir()} == {"rows.csv", "small.toml"}


def test_results_that_differ_fail(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cmir.execution.references import IrReference

    def zeros(
        reference: IrReference, inputs: list[list[np.ndarray]], first: list[int] | None = None
    ) -> list[list[np.ndarray]]:
        return [[x[:, :6] * 0] for (x,) in inputs]

    monkeypatch.setattr(IrReference, "evaluate", zeros)
    monkeypatch.setattr(IrReference, "evaluate_in_double", zeros)
    file = tmp_path / "rows.csv"
    assert sweep(machine, file, "--set", "core.count=2", "--run", "0", "--jobs", "1") == 0
    (row,) = rows_of(file)
    assert row["status"] == "failed" and row["error"].startswith("check failed: output ")


NOISY = """
[crossbar]
rows = 64
columns = 64
input_bits = 8
[crossbar.model]
name = "quantised"
"""


def test_models_of_crossbars(tmp_path: Path) -> None:
    """Each row is a run under its model, and says how far it is from exact products; timing is the same."""
    machine, file = tmp_path / "noisy.toml", tmp_path / "rows.csv"
    machine.write_text(NOISY)
    names = ("--set", "crossbar.model.name=ideal,quantised", "--set", "crossbar.adc_bits=4,8")
    run = (*names, "--run", "3", "-n", "4", "--jobs", "1", "--placement-seconds", "0")
    assert sweep(machine, file, str(DIGITS), *run, "--pareto", "deviation") == 0
    rows = {(r["crossbar.model.name"], r["crossbar.adc_bits"]): r for r in rows_of(file)}
    assert len({(row["status"], row["interval_cycles"]) for row in rows.values()}) == 1
    assert rows["ideal", "4"]["deviation"] == rows["ideal", "8"]["deviation"] == ""
    for bits in (4, 8):
        described = Hardware.load(str(machine)).replace(crossbar__adc_bits=bits)
        net = cmir.compile(DIGITS, hardware=described, placement_seconds=0)
        ran = net.run(random=3, inferences=4, progress=False)
        exact = np.stack([sample["logits"] for sample in ran.exact_samples]).astype(float)
        error = (ran.output - exact) / np.abs(exact).max()
        row = rows["quantised", str(bits)]
        assert float(row["deviation"]) == pytest.approx(np.sqrt(np.mean(error**2)), 1e-6)
        assert 0 <= float(row["clipped"]) < 0.1
    coarse, fine = (float(rows["quantised", bits]["deviation"]) for bits in "48")
    assert 0 < fine < coarse / 4


# What is there already


def test_a_finished_sweep_is_not_run_again(machine: Path, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "rows.csv"
    sweep(machine, file, "--jobs", "1")
    before = file.read_bytes()
    capsys.readouterr()
    assert sweep(machine, file, "--jobs", "1") == 0
    assert capsys.readouterr().out == f"{file}: 0 points, 6 were there, 0 failed\n"
    assert file.read_bytes() == before


def test_more_values_are_more_rows(machine: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    sweep(machine, file, "--set", "core.count=2", "--jobs", "1")
    before = file.read_bytes()
    sweep(machine, file, "--set", "core.count=1..3", "--jobs", "1")
    assert file.read_bytes().startswith(before)
    assert [row["core.count"] for row in rows_of(file)] == ["2", "1", "3"]


@pytest.mark.parametrize("left", [1, 30, 400])
def test_what_was_not_written_completely_is_done_again(
    left: int, machine: Path, tmp_path: Path
) -> None:
    """Even if that is the line with the names of the columns."""
    file = tmp_path / "rows.csv"
    sweep(machine, file, "--jobs", "1")
    data = file.read_bytes()
    file.write_bytes(data[: left if left < 400 else -left])
    sweep(machine, file, "--jobs", "1")
    assert file.read_bytes() == data


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "core.crossbars=1"), "has other columns than this sweep would give"),
        (("--set", "core.count=2", "--replicate"), "has rows of a sweep of another network"),
        (("other.mlir", "--set", "core.count=2"), "has rows of a sweep of another network"),
    ],
)
def test_rows_of_another_sweep(
    options: tuple[str, ...], message: str, machine: Path, tmp_path: Path, capsys: Any
) -> None:
    file, other = tmp_path / "rows.csv", tmp_path / "other.mlir"
    sweep(machine, file, "--set", "core.count=2", "--jobs", "1")
    before = file.read_bytes()
    other.write_text(TEXTBOOK.read_text().replace("-> tensor<1x8xf32>", "-> tensor<1x8xf32> "))
    other.write_text(other.read_text().replace("1.0, 0.0, -1.0", "1.0, 0.0, 5.0"))
    options = tuple(str(other) if option == "other.mlir" else option for option in options)
    capsys.readouterr()
    assert sweep(machine, file, *options) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"{file}: error: {message}") and printed.err.count("\n") == 1
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda cells: [*cells[:-1], "-"], "column clipped: '-' is not a number"),
        (lambda cells: cells[:3], "line 2 has 3 cells instead of "),
    ],
)
def test_damaged_rows(
    change: Callable[[list[str]], list[str]],
    message: str,
    machine: Path,
    tmp_path: Path,
    capsys: Any,
) -> None:
    file = tmp_path / "rows.csv"
    sweep(machine, file, "--set", "core.count=2", "--jobs", "1")
    head, row = file.read_text().splitlines()
    file.write_text(f"{head}\n{','.join(change(row.split(',')))}\n")
    before = file.read_bytes()
    capsys.readouterr()
    assert sweep(machine, file, "--set", "core.count=2", "--jobs", "1") == 1
    assert capsys.readouterr().err.startswith(f"{file}: error: {message}")
    assert file.read_bytes() == before


def test_front(machine: Path, tmp_path: Path, capsys: Any) -> None:
    """Two cores and one cycle are best in all figures. Rows that were there are points of the front, too."""
    file, plot = tmp_path / "rows.csv", tmp_path / "front.svg"
    for said in ("6 points, 3 failed", "0 points, 6 were there, 0 failed"):
        assert sweep(machine, file, "--jobs", "1", "--pareto", "--plot", str(plot)) == 0
        printed = capsys.readouterr().out.splitlines()
        assert printed[0] == f"{file}: {said}"
        figures = ["interval_seconds", "latency_seconds", "energy_joules", "crossbars"]
        assert printed[1] == f"front of {', '.join(figures)}: 1 of 3 points"
        assert [line.split() for line in printed[2:]] == [
            ["core.count", "crossbar.phase_cycles", *figures],
            ["2", "1", "8e-09", "9e-09", "8.14e-09", "2"],
        ]  # fmt: skip
    assert plot.read_text().startswith("<?xml")


def test_front_of_chosen_figures(machine: Path, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "rows.csv"
    assert sweep(machine, file, "--jobs", "1", "--pareto", "sram, cores") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1] == "front of sram_bytes, cores: 3 of 3 points"
    assert [line.split()[1] for line in printed[3:]] == ["1", "3", "5"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["-o", "a.csv", "--set", "core.count=1", "--pareto", "intervall"],
            "cm-sweep: error: no figure is called `intervall`; did you mean `interval`?",
        ),
        (
            ["-o", "a.csv", "--set", "core.count=1", "--pareto", "area", "--plot", "a.svg"],
            "cm-sweep: error: --plot draws two figures or more, and --pareto has one",
        ),
        (
            ["-o", "a.csv", "--set", "core.count=1", "--plot", "a.txt"],
            "a.txt: error: plots are .svg, .png, .pdf files",
        ),
        (["-o", "rows.txt", "--set", "core.count=1"], "rows.txt: error: results are written to"),
        (["--set", "core.count=1"], "cm-sweep: error: no file for the rows: -o FILE"),
        (["-o", "rows.csv"], "cm-sweep: error: nothing to sweep"),
        (
            ["-o", "rows.csv", "--hardware", "hermes", "--set", "crossbar.model.name=pcm"],
            "error: `crossbar.model.name` changes results alone: give data, --run SEED\n",
        ),
        (
            [
                *("-o", "rows.csv", "--set", "crossbar.adc_bits=4,8"),
                *("--set", "crossbar.model.name=pcm"),
            ],
            "error: `crossbar.adc_bits` changes results alone: give data, --run SEED\n",
        ),
        (
            ["-o", "rows.csv", "--set", "core.count=1", "--client", "tcp://x:1", "--jobs", "2"],
            "cm-sweep: error: --jobs is for this computer",
        ),
        (["-o", "no/rows.csv", "--set", "core.count=1"], "no/rows.csv: error: No such file"),
    ],
)
def test_refusals(
    options: list[str],
    message: str,
    capsys: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([str(TEXTBOOK), *options]) == 1
    assert message in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


def test_without_dask(
    machine: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert sweep(machine, tmp_path / "rows.csv", "--client", "tcp://127.0.0.1:1") == 1
    assert capsys.readouterr().err == (
        "cm-sweep: error: the package 'distributed' is not installed: pip install 'cmir[dask]'\n"
    )
    assert not (tmp_path / "rows.csv").exists()


# Whatever happens


def _start(machine: Path, file: Path, count: int, *options: str) -> subprocess.Popen[str]:
    """A sweep in a process, as soon as it has written two rows."""
    tool = [
        sys.executable,
        "-m",
        "cmir.tools.entry",
        "cm-sweep",
        str(TEXTBOOK),
        "--hardware",
        str(machine),
    ]
    arguments = ["--set", f"crossbar.phase_cycles=1..{count}", "-o", str(file), *options]
    process = subprocess.Popen([*tool, *arguments], stderr=subprocess.PIPE, text=True)
    while not file.exists() or file.read_bytes().count(b"\n") < 3:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_resume_after_a_kill(how: signal.Signals, machine: Path, tmp_path: Path) -> None:
    file, count = tmp_path / "rows.csv", 12
    process = _start(machine, file, count, "--jobs", "1")
    process.send_signal(how)
    _, said = process.communicate()
    assert process.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    if how == signal.SIGINT:
        assert "points are done, and the same command goes on" in said and "Traceback" not in said
    kept = file.read_bytes()
    kept = kept[: kept.rfind(b"\n") + 1]
    assert 3 <= kept.count(b"\n") < 1 + count
    assert sweep(machine, file, "--set", f"crossbar.phase_cycles=1..{count}", "--jobs", "1") == 0
    assert file.read_bytes().startswith(kept)
    done = [int(row["crossbar.phase_cycles"]) for row in rows_of(file)]
    assert sorted(done) == [*range(1, count + 1)]


class _Deadly(dict[str, Any]):
    """A machine that no process survives hearing of."""

    def __reduce__(self) -> Any:
        return os._exit, (1,)


def test_a_killed_process_is_a_failed_row() -> None:
    grid = Grid(Hardware.load("ideal"), read_axes(["core.count=1..5"], IDEAL, None))
    points = [*grid.points()]
    points[2] = type(points[2])(points[2].values, _Deadly(points[2].table))
    network = (TEXTBOOK.parent / "textbook-polyhedral.mlir").read_text()
    rows = {row["core.count"]: row for row in Sweep(grid, Task(network, {})).rows(points, 2)}
    assert sorted(rows) == [1, 2, 3, 4, 5]
    assert rows[3]["error"] == "its process was killed: is there enough memory?"
    assert {number for number, row in rows.items() if row["status"] == "ok"} == {2, 4, 5}


# Parquet


def test_parquet(machine: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    sweep(machine, tmp_path / "rows.csv", "--jobs", "1")
    file, journal = tmp_path / "rows.parquet", tmp_path / "rows.parquet.journal.csv"
    sweep(
        machine, file, "--set", "core.count=1,2", "--set", "crossbar.phase_cycles=1", "--jobs", "1"
    )
    assert not journal.exists() and len(pyarrow.parquet.read_table(file)) == 2
    sweep(machine, file, "--jobs", "1")  # what was there is kept
    table = pyarrow.parquet.read_table(file).to_pylist()
    assert not journal.exists() and len(table) == 6
    expected = {
        (r["core.count"], r["crossbar.phase_cycles"]): r for r in rows_of(tmp_path / "rows.csv")
    }
    for row in table:
        wanted = expected[str(row["core.count"]), str(row["crossbar.phase_cycles"])]
        for column, value in row.items():
            if column != "sweep":
                text = "" if value is None else value
                assert text == (
                    type(value)(wanted[column]) if value is not None else wanted[column]
                )
    assert isinstance(table[-1]["interval_cycles"], int | float)
    assert isinstance(table[-1]["core.count"], int)


def test_parquet_that_is_not_finished_stays_a_journal(tmp_path: Path) -> None:
    file, journal = tmp_path / "rows.parquet", tmp_path / "rows.parquet.journal.csv"

    def interrupted() -> None:
        with Table(file, "a", ["x"]) as table:
            table.add({"x": "1"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert journal.exists() and not file.exists()
    with Table(file, "a", ["x"]) as table:
        assert table.rows == [{"sweep": "a", "x": "1"}]
        table.add({"x": "2"})
    assert file.exists() and not journal.exists()
    with Table(file, "a", ["x"]) as table:
        assert [row["x"] for row in table.rows] == ["1", "2"]


def test_not_parquet(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    file.write_text("text")
    with pytest.raises(CompileError, match="not a Parquet file"):
        Table(file, "a", ["x"])
    assert file.read_text() == "text"
