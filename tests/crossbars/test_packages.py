"""Models of crossbars from other packages: the example of the page, and packages that cannot be loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from crossbars.packages import install

from cmir.crossbars.choice import model_of
from cmir.crossbars.model import Where
from cmir.crossbars.random import Columns
from cmir.crossbars.tiles import matrix_of, tiles_of
from cmir.documentation.transcripts import blocks
from cmir.hardware.description import Hardware
from cmir.support.diagnostics import CompileError
from cmir.support.unloaded import forget_unloaded

PAGE = Path(__file__).parents[2] / "docs" / "crossbar-models.md"
CHIP = '[crossbar]\nrows = 3\ncolumns = 2\n[crossbar.model]\nname = "leaky"\nleak = 0.25\n'


def test_the_example_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = (b.text for b in blocks(PAGE.read_text(encoding="utf-8")) if b.language == "python")
    install(code, "leaky_models", tmp_path, monkeypatch)
    crossbar = Hardware.load(CHIP).crossbar
    found = model_of(crossbar)
    assert found is not None
    rng = np.random.default_rng(0)
    matrix, x = rng.standard_normal((5, 7)), rng.standard_normal((7, 4))
    programmed = found.program(Where("core"), matrix, tiles_of(matrix_of(matrix), crossbar))
    columns = Columns(np.arange(4), np.zeros(4, int))
    y = found.product(Where("core"), programmed, x, columns)
    assert y == pytest.approx(0.75 * matrix @ x)


def test_a_package_that_cannot_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install("import nothing_of_this_name", "broken_models", tmp_path, monkeypatch)
    assert Hardware.load('[crossbar.model]\nname = "pcm"\n').crossbar.model.name == "pcm"
    try:
        with pytest.raises(CompileError, match="package broken_models cannot be loaded"):
            Hardware.load(CHIP)
    finally:
        forget_unloaded()


def test_settings_without_a_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = (b.text for b in blocks(PAGE.read_text(encoding="utf-8")) if b.language == "python")
    install(code.replace("@computes(Leaky)\n", ""), "classless_models", tmp_path, monkeypatch)
    with pytest.raises(CompileError, match="nothing computes the model of crossbars 'leaky'"):
        model_of(Hardware.load(CHIP).crossbar)
