"""Missing packages name the extra that installs them."""

from __future__ import annotations

import importlib.metadata

import pytest

from cmir.support.extras import missing_package


def test_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = [
        "numpy>=2.0",
        "onnxruntime>=1.29; extra == 'check'",
        'matplotlib>=3.9; extra == "plot"',
        "matplotlib>=3.9; extra == 'dev'",
    ]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: requirements)  # pyright: ignore
    assert missing_package("onnxruntime") == (
        "the package 'onnxruntime' is not installed: pip install 'cmir[check]'"
    )
    assert missing_package("matplotlib.pyplot").endswith(": pip install 'cmir[plot]'")
    assert missing_package("numpy") == "the package 'numpy' is not installed"


def test_without_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """cmir runs from its sources."""

    def requires(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", requires)
    assert missing_package("onnxruntime") == "the package 'onnxruntime' is not installed"
