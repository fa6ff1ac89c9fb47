"""The table of operators in the documentation is the one that the importers give."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from cmir.frontends.onnx.table import table

PAGE = Path(__file__).parents[2] / "docs" / "onnx-operators.md"


def test_table_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    if f"at opset {onnx.defs.onnx_opset_version()};" not in page:
        pytest.skip(
            "the table is of another release of onnx; make test in a fresh clone takes the newest"
        )
    assert page == table(), f"python -m cmir.frontends.onnx.table > {PAGE}"
