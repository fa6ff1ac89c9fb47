"""References that are wrong by a given factor, for tests of cm-run --check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cmir.execution.references import OnnxReference


def off_by(monkeypatch: pytest.MonkeyPatch, factor: float, *methods: str) -> None:
    """Multiply what these methods of references of ONNX models return, in the type that it has."""
    for method in methods:
        true = getattr(OnnxReference, method)

        def off(*arguments: Any, true: Any = true) -> Any:
            found = true(*arguments)
            return [[np.asarray(y * factor, y.dtype) for y in outputs] for outputs in found]

        monkeypatch.setattr(OnnxReference, method, off)
