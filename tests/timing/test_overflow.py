"""Times that 64-bit integers do not hold are refused before anything is computed with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.support.diagnostics import CompileError
from cmir.timing.actors import Actor
from cmir.timing.periodic import periodic_schedule
from cmir.timing.recurrence import Recurrence
from cmir.timing.steady import time_stream
from cmir.tools import cm_run

TEXTBOOK = str(Path(__file__).parents[1] / "filecheck" / "textbook.mlir")


def actors(iterations: int, interval: int) -> dict[CoreName, Actor]:
    name = CoreName("a")
    return {name: Actor(name, iterations, Pace(interval), interval, [])}


def test_the_largest_times_are_exact():
    few = actors(3, 2**60)
    assert time_stream(few, 1).cycles == Recurrence(few, 1).run().cycles == 3 * 2**60
    assert periodic_schedule(few, 3 * 2**60).tolist() == [0, 2**60, 2 * 2**60]


def test_larger_times_are_refused():
    with pytest.raises(CompileError, match=r"times may exceed 2\^62 cycles: 4 iterations"):
        Recurrence(actors(4, 2**60), 1)
    with pytest.raises(CompileError, match="times may exceed"):
        time_stream(actors(1, 2**40), 2**30)
    with pytest.raises(CompileError, match="times may exceed"):
        periodic_schedule(actors(4, 2**60), 2**62)


@pytest.mark.parametrize("data", [["--timing-only"], ["--random", "0"], ["--buffer-curve"]])
def test_a_slow_machine_is_refused(
    data: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    machine = tmp_path / "slow.toml"
    machine.write_text(f"[crossbar]\nphase_cycles = {10**12}\ninput_phases = {10**12}\n")
    assert cm_run.main([TEXTBOOK, *data, "--hardware", str(machine)]) == 1
    message = capfd.readouterr().err
    assert "times may exceed 2^62 cycles" in message and message.count("\n") == 1
