"""Configuration of a lit suite for a compiler built on cmir.

A complete `lit.cfg.py` is:

from cmir.testing.lit_config import configure

    configure(config, lit_config, "my-project", __file__)

Tests are files `.mlir` and `.test` whose RUN lines use the cm-opt, cm-run, cm-translate and filecheck of the Python
that runs lit. They run inside the lit process (see `lit_format`), or in subprocesses with `lit --param subprocess=1`.
With `lit --param update=1`, texts of relations in failing tests are updated (see `update_checks`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cmir.testing.lit_format import InProcessTest

TIME_LIMIT = 1200
"""Seconds after which lit stops a test, if the package psutil is installed.

The limit is for tests that do not terminate. It leaves a wide margin for a busy machine, or for the first construction
of Matplotlib's font cache.
"""


def configure(
    config: Any,
    lit_config: Any,
    name: str,
    file: str | os.PathLike[str],
    exec_root: str | os.PathLike[str] | None = None,
    tools: Mapping[str, str] | None = None,
    suffixes: Sequence[str] = (".mlir", ".test"),
) -> None:
    """Set up lit's `config` for the tests next to and below a `lit.cfg.py`.

    name: name of the suite in lit's output.
    file: the `__file__` of the `lit.cfg.py`.
    exec_root: folder for files that tests write; by default `build` in the working directory.
    tools: additional commands to run in process: `{"my-opt": "my_project.my_opt:main"}`.
    suffixes: suffixes of test files.
    """
    config.name = name
    config.suffixes = list(suffixes)
    config.excludes = ["Inputs"]
    config.test_source_root = str(Path(file).resolve().parent)
    config.test_exec_root = str(Path(exec_root or "build").resolve())
    subprocess, update = (
        lit_config.params.get(name, "0") != "0" for name in ("subprocess", "update")
    )
    config.test_format = InProcessTest(tools, subprocess, update)
    path = [os.path.dirname(sys.executable), os.environ.get("PATH", "")]
    config.environment["PATH"] = os.pathsep.join(path)
    if find_spec("psutil"):
        config.maxIndividualTestTime = TIME_LIMIT
