"""Traces, by the rules of the Trace Event Format, and against the run that they are of."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from pathlib import Path

import pytest
from report.runs import SLOW, Drawn, residual_block

from cmir.report import trace
from cmir.report.trace import BUFFERS, CORES, Event, trace_events, write_trace

PHASES = {"M": {"args"}, "X": {"dur", "cat", "args"}, "C": {"args"}}
"""What events of each phase have besides phase, process, thread, name and time."""


def strided() -> Drawn:
    """A run whose cores wait now and then."""
    return residual_block((3, 1), 2, machine=SLOW)


def events(limit: int | None = None, monkeypatch: pytest.MonkeyPatch | None = None) -> list[Event]:
    drawn = strided()
    if limit is not None and monkeypatch is not None:
        monkeypatch.setattr(trace, "MOST_SLICES", limit)
        monkeypatch.setattr(trace, "MOST_COUNTS", limit)
    return list(trace_events(drawn.compiled.timed, drawn.report))


def tracks(found: list[Event], phase: str, process: int) -> dict[object, list[Event]]:
    result: dict[object, list[Event]] = defaultdict(list)
    for event in found:
        if event["ph"] == phase and event["pid"] == process:
            result[event["tid"] if phase == "X" else event["name"]].append(event)
    return result


@pytest.mark.parametrize("limit", [None, 10])
def test_format(monkeypatch: pytest.MonkeyPatch, limit: int | None) -> None:
    found = events(limit, monkeypatch)
    for event in found:
        assert set(event) == PHASES[event["ph"]] | {"ph", "pid", "tid", "name", "ts"}
        assert isinstance(event["pid"], int) and isinstance(event["tid"], int)
        assert event["name"] and event["ts"] >= 0
    named = {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in found
        if event["name"] in ("thread_name", "process_name")
    }
    assert {(e["pid"], e["tid"]) for e in found} == set(named)
    assert len({tid for _, tid in named}) == len(named) and 0 not in {tid for _, tid in named}
    for slices in tracks(found, "X", CORES).values():
        for one, other in itertools.pairwise(slices):
            assert one["dur"] > 0 and one["ts"] + one["dur"] <= other["ts"]
    for counts in tracks(found, "C", BUFFERS).values():
        times = [event["ts"] for event in counts]
        assert times == sorted(set(times))
        assert all(set(event["args"]) == {"elements"} for event in counts)


def test_slices_are_the_run() -> None:
    found, report = events(), strided().report
    slices = tracks(found, "X", CORES)
    for number, core in enumerate(report.cores, 3):
        starts: dict[int, list[int]] = defaultdict(list)
        waited = {"waits for data": 0, "waits for credit": 0}
        for event in slices[number]:
            if event["cat"] == "stall":
                waited[event["name"]] += event["dur"]
                continue
            args = event["args"]
            ran = args["last"] - args["first"] + 1
            assert event["dur"] == ran * core.pace.step
            assert event["name"] == f"inference {args['inference']}"
            starts[args["inference"]] += [event["ts"] + k * core.pace.step for k in range(ran)]
        assert [starts[n] for n in range(report.inferences)] == core.start.tolist()
        assert list(waited.values()) == [core.data_stalls, core.credit_stalls]


def test_long_runs_have_a_slice_for_like_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    exact, short = events(), events(10, monkeypatch)
    assert len(short) < len(exact)
    report = strided().report
    for number, core in enumerate(report.cores, 3):
        slices = tracks(short, "X", CORES)[number]
        assert sum(e["dur"] for e in slices) == core.busy + core.data_stalls + core.credit_stalls
        ran = sum(e["args"]["last"] - e["args"]["first"] + 1 for e in slices)
        assert ran == core.start.size
    counts = tracks(short, "C", BUFFERS)
    for name, exactly in tracks(exact, "C", BUFFERS).items():
        assert len(counts[name]) == 10 // len(counts)
        most = [max(e["args"]["elements"] for e in found) for found in (counts[name], exactly)]
        assert most[0] == most[1]


def test_file(tmp_path: Path) -> None:
    drawn = strided()
    write_trace(drawn.compiled.timed, drawn.report, tmp_path / "run.json")
    loaded = json.loads((tmp_path / "run.json").read_text())
    assert loaded["traceEvents"] == json.loads(json.dumps(events()))
    assert loaded["displayTimeUnit"] in ("ms", "ns")
