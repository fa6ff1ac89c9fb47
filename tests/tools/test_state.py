"""State in cm-run: verdicts of the check, and sequences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import parser
from references import off_by

from cmir.compilation.model import read_model
from cmir.execution.judging import Tolerances, check
from cmir.execution.references import Reference, reference_of
from cmir.execution.sequences import sequence_starts
from cmir.execution.streams import Sample
from cmir.frontends.state import State
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.tools import cm_run

COUNTER = """<ir_version: 8, opset_import: ["": 13]>
main (float[1,3] x, float[1,3] s) => (float[1,3] y, float[1,3] s_next) { s_next = Add(x, s) y = Neg(s_next) }
"""
TOLERANCES = Tolerances(None, None, "f32")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    onnx.save(parser.parse_model(COUNTER), tmp_path / "counter.onnx")
    return tmp_path / "counter.onnx"


@pytest.fixture
def reference(path: Path) -> Reference:
    with collect_diagnostics():
        return reference_of(read_model(path))


INPUTS = [[np.full((1, 3), n, np.float32)] for n in range(5)]


def sums(first: list[int] | None) -> list[Sample]:
    starts = first or [0] * len(INPUTS)
    return [
        {"y": -np.full((3,), sum(range(start, n + 1)), np.float32)}
        for n, start in enumerate(starts)
    ]


@pytest.mark.parametrize("first", [None, [0, 0, 2, 2, 2]])
def test_right(reference: Reference, first: list[int] | None) -> None:
    verdict = check(reference, INPUTS, sums(first), TOLERANCES, first)
    assert verdict and str(verdict) == "equal to onnxruntime in all 5 inferences"


def test_wrong(reference: Reference) -> None:
    """Each inference that differs is compared with the stream in double precision."""
    outputs = sums(None)
    outputs[3]["y"][1] = 7
    verdict = check(reference, INPUTS, outputs, TOLERANCES)
    (line,) = verdict.wrong
    assert not verdict and str(verdict) == line
    assert "output 'y' of inference 3: 1 of 3 elements differ" in line
    assert "in float64, onnxruntime is nearer" in line
    verdict = check(reference, INPUTS, sums(None), TOLERANCES, [0, 0, 2, 2, 2])
    assert not verdict and len(verdict.wrong) == 3


def test_the_reference_is_wrong(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    off_by(monkeypatch, 1.01, "evaluate")
    first = [0, 0, 0, 3, 3]
    with collect_diagnostics() as remarks:
        verdict = check(reference, INPUTS, sums(first), TOLERANCES, first)
    assert "agree with the network in float64" in remarks[0].message
    assert verdict and "equal to onnxruntime in 1 of 5 inferences" in str(verdict)


def test_sequences(path: Path) -> None:
    with collect_diagnostics():
        network = read_model(path).module.body.block.first_op
        alone = read_model(path, state=State.parse(["none"])).module.body.block.first_op
    assert network is not None and alone is not None
    assert sequence_starts(None, 6, network) is None
    assert sequence_starts([3, 1, 2], 6, network) == [0, 0, 0, 3, 4, 4]
    with pytest.raises(CompileError, match="the sequences have 6 inferences, and the inputs 5"):
        sequence_starts([3, 1, 2], 5, network)
    with pytest.raises(CompileError, match="sequences need a network with state"):
        sequence_starts([3], 3, alone)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--random", "0", "-n", "8"], "--sequence-lengths has 7 inferences, and --inferences 8"),
        (["--verify"], "--sequence-lengths needs a run"),
        (["--timing-only"], "--timing-only runs no data"),
        (["--random", "0", "--schedules", "2"], "--schedules runs one sequence"),
    ],
)
def test_options(
    path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cm_run.main([str(path), "--sequence-lengths", "3,4", *options]) == 1
    assert message in capsys.readouterr().err


def test_a_lane_holds_a_whole_sequence(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(path), "--random", "0", "--check"]
    assert cm_run.main([*arguments, "--sequence-lengths", "3,1,3", "--lanes", "2"]) == 0
    assert "equal to onnxruntime in all 7 inferences" in capsys.readouterr().out
    for more, there in (
        (["-n", "5"], "1 sequence"),
        (["--sequence-lengths", "3,1"], "2 sequences"),
    ):
        assert cm_run.main([*arguments, *more, "--lanes", "3"]) == 1
        message = f"3 lanes are too many for {there}: with state, a lane holds whole sequences"
        assert capsys.readouterr().err.endswith(f"error: {message}\n")
