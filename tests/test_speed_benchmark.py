"""The benchmark of speed: what it writes about a small network, and its verdicts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from speed import of_network
from speed_network import LEVELS
from speed_reach import LIMITS, judge

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "speed.py"

PASSES = {
    "nn-fold-batch-norm",
    "canonicalize",
    "nn-outline-stages",
    "convert-nn-to-polyhedral",
    "polyhedral-derive-dependences",
    "polyhedral-generate-loops",
    "convert-polyhedral-to-cmcore",
    "cmcore-verify-control",
}
SECONDS = dict.fromkeys(("cold", "one", "eight", "prepare", "timing"), float)
ENGINE = SECONDS | {"cycles": int, "onnxruntime": {"one": float, "eight": float}}
NETWORK = {
    "compile": {
        "start-up": float,
        "import": float,
        "total": float,
        "passes": dict.fromkeys(PASSES, float),
        "verify": dict.fromkeys(PASSES, float),
    },
    "levels": {
        level: {"lines": int, "parse": float, "verify": float, "print": float} for level in LEVELS
    },
    "engine": {"full": ENGINE, "rings": ENGINE},
    "peak bytes": {"compile": int, "run": int},
    "stages": int,
    "cores": int,
    "crossbars": None,
    "storage": float,
}
SCHEMA = {
    "schema": int,
    "clock": str,
    "threads": int,
    "runs": int,
    "inferences timed": int,
    "machine": {"cores": int, "python": str},
    "versions": dict.fromkeys(("cmir", "numpy", "onnxruntime", "xdsl"), str),
    "tools": {"cm-opt": float, "xdsl-opt": float},
    "networks": {"chain:2,2,6": NETWORK},
    "curves": {},
    "reach": list,
}


def check(value: Any, schema: Any, where: str) -> None:
    """The value has the keys and types of the schema, and numbers are positive."""
    if isinstance(schema, dict):
        assert isinstance(value, dict) and set(value) == set(schema), where
        for key, inner in schema.items():
            check(value[key], inner, f"{where} / {key}")
    elif schema is None:
        assert value is None, where
    else:
        assert isinstance(value, schema), where
        assert schema not in (int, float) or value > 0, where


def test_figures_of_a_small_network(tmp_path: Path) -> None:
    output = tmp_path / "speed.json"
    command = [sys.executable, SCRIPT, "chain:2,2,6", "--runs", "1", "--json", output]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    measured = json.loads(output.read_text())
    check(measured, SCHEMA, "")
    compiled = measured["networks"]["chain:2,2,6"]["compile"]
    parts = (compiled["import"], *compiled["passes"].values(), *compiled["verify"].values())
    assert compiled["total"] == pytest.approx(sum(parts))
    assert "polyhedral-derive-dependences" in done.stdout
    version, *others = measured["reach"]
    assert version["what"] == "cm-opt --version" and version["ok"] is not None
    assert {row["ok"] for row in others} == {None}


def test_verdicts() -> None:
    points = [{"layers": 50, "compile": 2.0}, {"layers": 100, "compile": 5.0}]
    rows = list(
        judge(
            {
                "tools": {"cm-opt": 1.2, "xdsl-opt": 1.0},
                "networks": {},
                "curves": {"layers": points},
            }
        )
    )
    assert len(rows) == len(LIMITS)
    assert (rows[0]["measured"], rows[0]["ok"]) == (1.2, True)
    assert (rows[-1]["measured"], rows[-1]["ok"]) == (2.5, False)
    assert all(row["ok"] is None for row in rows[1:-1])


@pytest.mark.parametrize(
    ("network", "problem"),
    [
        ("chain:2,2", "is not of the form"),
        ("vgg19@x", "the size of a crossbar must be a number, got 'x'"),
    ],
)
def test_networks_that_there_are_not(network: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        of_network(network, 1, 1)
