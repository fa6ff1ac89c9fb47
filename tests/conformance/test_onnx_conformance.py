"""ONNX's conformance suite ends as `expected.json` says.

After a change that is meant: pytest tests/conformance --update-golden
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from cmir.testing.onnx_conformance import (
    conformance_summary,
    not_applicable_reasons,
    passed_share,
    run,
)

EXPECTED = Path(__file__).with_name("expected.json")
STATIC_SHARE = 0.95
"""The least share of the node cases of static operators that pass."""


@pytest.mark.slow
def test_conformance(request: pytest.FixtureRequest) -> None:
    results = run()
    nodes = [result for result in results if result.kind == "node"]
    assert passed_share(nodes) >= STATIC_SHARE
    found = {
        "onnx": onnx.__version__,
        **conformance_summary(results),
        "not applicable": not_applicable_reasons(nodes),
    }
    if request.config.getoption("--update-golden"):
        EXPECTED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    failed = {result.name: result.reason for result in results if result.status == "failed"}
    assert not failed
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    if expected["onnx"] == onnx.__version__:  # other releases have other cases
        assert found == expected
