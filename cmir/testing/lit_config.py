"""The settings of a lit suite for a compiler built on cmir. All of a `lit.cfg.py` is:

    from cmir.testing.lit_config import configure

    configure(config, lit_config, "my-project", __file__)

Tests are then files `.mlir` and `.test` whose RUN lines use cm-opt, cm-run, cm-translate and filecheck, as they
are installed with the Python that runs lit. They run inside the lit process (see `lit_format`), or as true
subprocesses with `lit --param subprocess=1`. With `lit --param update=1`, texts of relations in tests that fail
are updated (see `update_checks`).
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
"""Seconds after which a test is stopped, where lit can do so (which needs the package psutil).

The limit is for what does not end. It is far from what a test takes on a machine that has other things to do, or that
makes matplotlib's cache of fonts for the first time.
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
    """Set up lit's `config` for the tests beside and below a `lit.cfg.py`.

    Params:
        name: of the suite, as lit shows it.
        file: the `lit.cfg.py` itself, its `__file__`.
        exec_root: where tests write; the folder `build` in the working directory when left out.
        tools: commands of the project's own to run in process: `{"my-opt": "my_project.my_opt:main"}`.
        suffixes: the endings of files that are tests.
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
