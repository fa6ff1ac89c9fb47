"""Programs that simulate and synthesize circuits, run in a folder that has their files."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from cmir.support.diagnostics import CompileError


def run_program(command: Sequence[str], folder: Path) -> str:
    """Run a program in a folder, without input, and return what it prints. Raises CompileError if it fails."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise CompileError(None, f"{command[0]} failed: {said[-1] if said else done.returncode}")
    return done.stdout
