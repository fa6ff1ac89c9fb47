"""Packages with models of crossbars that tests install."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cmir.crossbars import model
from cmir.hardware import crossbar_models
from cmir.hardware.crossbar_models import BUILT_IN


def install(code: str, name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with a module of models, as if nothing had been registered by packages."""
    monkeypatch.setattr(crossbar_models, "_models", dict(BUILT_IN))
    monkeypatch.setattr(model, "_classes", dict(model._classes))  # pyright: ignore[reportPrivateUsage]
    monkeypatch.delitem(sys.modules, name, raising=False)
    (place / f"{name}.py").write_text(code, encoding="utf-8")
    info = place / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[cmir.crossbars]\n{name} = {name}\n")
    monkeypatch.syspath_prepend(place)
