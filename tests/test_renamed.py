"""Modules under the names that they had before the first release."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from cmir.frontends import onnx
from cmir.renamed import MODULES, NAMES


@pytest.mark.parametrize("old", MODULES)
def test_old_names_of_modules_import_and_warn(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, old, raising=False)
    with pytest.warns(DeprecationWarning, match=f"{old} is now {MODULES[old]}") as warned:
        __import__(old)
    module = sys.modules[old]
    assert warned[0].filename == __file__
    now = import_module(MODULES[old])
    public = [name for name in vars(now) if not name.startswith("_")]
    assert public
    for name in public:
        assert getattr(module, name) is getattr(now, name)
    for name, new in NAMES.get(old, {}).items():
        assert getattr(module, name) is getattr(now, new)


def test_old_names_in_a_module() -> None:
    with pytest.warns(DeprecationWarning, match="NotImportable is now ImporterError"):
        error = onnx.NotImportable
    assert error is onnx.ImporterError
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = onnx.nothing


def test_names_of_modules_that_never_were() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"cmir\.accelerator\.nothing"):
        import_module("cmir.accelerator.nothing")
