"""Sweeps as users of the library call them."""

from __future__ import annotations

import sys
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import onnx
import pytest
from networks import Builder

import cmir
from cmir.tools.cm_sweep import main

FIELDS: dict[str, list[Any]] = {"core.count": [1, 8], "crossbar__phase_cycles": [1, 2]}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = Builder(2, 6, 5)
    path = tmp_path_factory.mktemp("sweep") / "two.onnx"
    onnx.save(net.model(net.conv(net.conv("x", 3, pads=1), 2)), path)
    return path


@pytest.fixture(scope="module")
def table(file: Path) -> cmir.SweepTable:
    return cmir.sweep(file, "hermes", FIELDS, executor=1, progress=False)


def test_rows_are_figures_of_runs(file: Path, table: cmir.SweepTable) -> None:
    """In the order of the grid; what cannot be compiled is a row with the error."""
    assert table.fields == ("core.count", "crossbar.phase_cycles") == table.columns[:2]
    assert [tuple(row[field] for field in table.fields) for row in table] == [
        (1, 1), (1, 2), (8, 1), (8, 2)
    ]  # fmt: skip
    assert [row["status"] for row in table] == ["failed", "failed", "ok", "ok"]
    assert table.failed == table.rows[:2] and "needs 2 cores" in table[0]["error"]
    for row in table.rows[2:]:
        cycles = row["crossbar.phase_cycles"]
        chip = cmir.Hardware.load("hermes").replace(core__count=8, crossbar__phase_cycles=cycles)
        run = cmir.compile(file, chip, progress=False).timing()
        found = row["interval_cycles"], row["latency_cycles"], row["energy_joules"]
        assert found == (run.interval, run.latency, pytest.approx(run.energy))


def test_cm_sweep_has_the_same_rows(file: Path, table: cmir.SweepTable, tmp_path: Path) -> None:
    """A file of one is resumed by the other: nothing is left to run."""
    output = tmp_path / "rows.csv"
    settings = ["--set", "core.count=1,8", "--set", "crossbar.phase_cycles=1,2"]
    command = [str(file), "--hardware", "hermes", *settings, "-o", str(output), "--jobs", "1"]
    assert main(command) == 0
    before = output.read_bytes()
    said: list[tuple[str, float | None]] = []

    def progress(text: str, fraction: float | None) -> None:
        said.append((text, fraction))

    again = cmir.sweep(file, "hermes", FIELDS, output=output, progress=progress)
    assert said[-1] == ("sweeping: 0 of 0 points, 0 failed", None)
    assert output.read_bytes() == before
    assert list(again) == [
        {k: pytest.approx(v) if isinstance(v, float) else v for k, v in row.items()}
        for row in table
    ]


@pytest.mark.parametrize("kind", ["threads", "processes", "joblib", "workers"])
def test_executors(kind: str, file: Path, table: cmir.SweepTable) -> None:
    said: list[str] = []

    def progress(text: str, fraction: float | None) -> None:
        said.append(text)

    def found(executor: Any) -> list[Any]:
        return list(cmir.sweep(file, "hermes", FIELDS, executor=executor, progress=progress))

    expected = list(table)
    match kind:
        case "threads":
            with ThreadPoolExecutor(1) as executor:
                assert found(executor) == expected
        case "processes":
            with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
                assert found(executor) == expected
        case "joblib":
            joblib = pytest.importorskip("joblib")
            assert found(joblib.Parallel(2, return_as="generator_unordered")) == expected
            assert found(joblib.Parallel(1)) == expected
        case _:
            assert found(2) == expected
    assert said[-1] == "sweeping: 4 of 4 points, 2 failed"


def test_dask(file: Path, table: cmir.SweepTable) -> None:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        found = cmir.sweep(file, "hermes", FIELDS, executor=client, progress=False)
    assert list(found) == list(table)


class Broken(Executor):
    """An executor whose processes have all ended."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        from concurrent.futures.process import BrokenProcessPool

        future: Future[Any] = Future()
        future.set_exception(BrokenProcessPool("a child process terminated abruptly"))
        return future


def test_errors(file: Path, tmp_path: Path) -> None:
    def sweep(fields: dict[str, Any], **options: Any) -> None:
        cmir.sweep(file, "hermes", fields, progress=False, **options)

    with pytest.raises(
        cmir.CompileError,
        match=r"^error: unknown field `core\.counts`; did you mean `core\.count`\?$",
    ):
        sweep({"core.counts": [1]})
    with pytest.raises(cmir.CompileError, match=r"`core.count` has no values"):
        sweep({"core.count": []})
    with pytest.raises(cmir.CompileError, match=r"`core.count` has the value 1 twice"):
        sweep({"core.count": [1, 1]})
    with pytest.raises(cmir.CompileError, match="the executor has stopped: a child process"):
        sweep({"core.count": [9]}, executor=Broken())
    with pytest.raises(cmir.CompileError, match="executor must be a number of processes"):
        sweep({"core.count": [9]}, executor="many")
    with pytest.raises(cmir.CompileError, match=r"results are written to \.csv"):
        sweep({"core.count": [9]}, output=tmp_path / "rows.txt")


def test_runs_are_checked(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cmir.execution.references import OnnxReference

    def status() -> Any:
        return cmir.sweep(file, "hermes", {"core.count": [8]}, random=0, executor=1)[0]["status"]

    assert status() == "ok"
    for name in ("evaluate", "evaluate_in_double"):
        true = getattr(OnnxReference, name)

        def off(self: Any, *arguments: Any, true: Any = true) -> Any:
            return [[2 * x for x in arrays] for arrays in true(self, *arguments)]

        monkeypatch.setattr(OnnxReference, name, off)
    assert status() == "failed"


def test_tables(table: cmir.SweepTable) -> None:
    assert repr(table) == (
        "<cmir.SweepTable of core.count × crossbar.phase_cycles: 4 rows, 2 failed>"
    )
    page = table._repr_html_()  # pyright: ignore[reportPrivateUsage]
    assert page.count("<tr>") == 5 and "<th>interval_cycles</th>" in page
    assert "energy_static_joules" not in page
    pandas = pytest.importorskip("pandas")
    frame = table.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and list(frame.columns) == list(table.columns)
    assert frame["interval_cycles"].tolist()[2:] == [row["interval_cycles"] for row in table[2:]]


def test_front(table: cmir.SweepTable) -> None:
    front = table.pareto("interval", "crossbars")
    assert isinstance(front, cmir.SweepTable)
    assert front.rows == [table[2]] and front.fields == table.fields
    assert table.pareto().rows == [table[2]]
    (axes,) = table.plot("interval", "crossbars").axes
    assert axes.get_ylabel() == "interval" and [t.get_text() for t in axes.texts] == ["8 1"]
    with pytest.raises(cmir.CompileError, match="no figure is called `speed`"):
        table.pareto("speed")
    with pytest.raises(cmir.CompileError, match="a drawing of a front needs two figures or more"):
        table.plot("interval")


def test_polars(table: cmir.SweepTable) -> None:
    pytest.importorskip("polars")
    assert table.to_polars()["core.count"].to_list() == [1, 1, 8, 8]


def test_without_an_executor_of_its_kind(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither joblib nor Dask is imported unless it is used."""
    for name in ("joblib", "distributed"):
        monkeypatch.setitem(sys.modules, name, None)
    assert len(cmir.sweep(file, "hermes", {"core.count": [8]}, executor=1, progress=False)) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, r"`fields` must be values by field, {'crossbar.rows': \[128, 256\]}, got {}"),
        (["core.count"], r"`fields` must be values by field, .*, got \['core.count'\]"),
        ({3: [4]}, "got the field 3"),
        ({"core.count": 4}, r"the values of `core.count` must be a list, such as \[4\], got 4"),
        ({"core__count": "4"}, r"the values of `core__count` must be a list, such as \['4'\]"),
        ({"core.count": []}, "`core.count` has no values"),
        ({"crossbar__model__at": [1]}, "`crossbar.model.at` of the model `ideal`"),
    ],
)
def test_fields_that_are_none(fields: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(cmir.CompileError, match=message):
        cmir.sweep("net.onnx", "ideal", fields, progress=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "."}, "expected IR or an ONNX model .*, got a directory"),
        ({"source": "func.func @main() {}"}, "no file .*; IR as a string has several lines"),
        ({"hardware": "herms"}, "did you mean 'hermes'"),
        ({"random": "x"}, "`random` must be a seed of at least 0, got 'x'"),
        ({"inferences": 0}, "`inferences` must be an integer of at least 1, got 0"),
        ({"shapes": 3}, "`shapes` must be shapes by input, got 3"),
    ],
)
def test_arguments_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"source": "net.onnx", "hardware": "ideal", **options}
    with pytest.raises(cmir.CompileError, match=message):
        cmir.sweep(fields={"core.count": [4]}, progress=False, **arguments)
