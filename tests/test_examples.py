"""The examples run, and give what their texts promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_digits_demo() -> None:
    run = subprocess.run(
        [sys.executable, str(EXAMPLES / "digits" / "demo.py")], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "98.61% of 360 held-out images" in run.stdout
