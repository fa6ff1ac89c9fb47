"""Traces in Perfetto's trace_processor: it loads them without complaint, and answers what the run says."""

from __future__ import annotations

import json
from collections import defaultdict

from report.chromium import chromium, needs_chromium
from report.runs import SLOW, residual_block
from report.trace_processor import TraceProcessor

from cmir.report.occupancy import occupancies
from cmir.report.trace import trace_events

SLICES = """
    SELECT thread.name AS core, slice.ts AS start, slice.dur AS length, slice.name AS what,
        EXTRACT_ARG(slice.arg_set_id, 'args.first') AS first,
        EXTRACT_ARG(slice.arg_set_id, 'args.last') AS last,
        EXTRACT_ARG(slice.arg_set_id, 'args.source') AS source
    FROM slice JOIN thread_track ON slice.track_id = thread_track.id JOIN thread USING (utid)
    ORDER BY core, start
"""
COUNTS = """
    SELECT counter_track.name AS buffer, MAX(counter.value) AS most, COUNT(*) AS changes
    FROM counter JOIN counter_track ON counter.track_id = counter_track.id GROUP BY buffer
"""
PROBLEMS = "SELECT name, value FROM stats WHERE value > 0 AND severity != 'info'"
NESTED = "SELECT COUNT(*) AS nested FROM slice WHERE depth > 0"

CYCLE = 1000
"""Nanoseconds that a cycle is in the trace."""


@needs_chromium
def test_loaded_and_queried() -> None:
    drawn = residual_block((3, 1), 2, machine=SLOW)
    timed, report = drawn.compiled.timed, drawn.report
    trace = json.dumps({"traceEvents": list(trace_events(timed, report))}).encode()
    with chromium() as browser:
        processor = TraceProcessor(browser.new_page(), trace)
        assert processor.query(PROBLEMS) == []
        assert processor.query(NESTED) == [(0,)]
        slices, counts = processor.query(SLICES), processor.query(COUNTS)
    starts: dict[str, list[int]] = defaultdict(list)
    waited: dict[tuple[str, str], int] = defaultdict(int)
    for core, start, length, what, first, last, source in slices:
        if what.startswith("waits"):
            assert source in map(str, timed.network.cores)
            waited[core, what] += length // CYCLE
        else:
            interval = length // CYCLE // (last - first + 1)
            starts[core] += [start // CYCLE + k * interval for k in range(last - first + 1)]
    assert list(starts) == sorted(str(core.name) for core in report.cores)
    for core in report.cores:
        assert starts[str(core.name)] == core.start.reshape(-1).tolist()
        assert waited[str(core.name), "waits for data"] == core.data_stalls
        assert waited[str(core.name), "waits for credit"] == core.credit_stalls
    assert sorted(counts) == sorted(
        (f"{o.array} at {o.core} elements", o.most, len(o.live.times))
        for o in occupancies(timed, report)
    )
