"""Errors of the library: whatever a user got wrong is a CompileError, with the place and message that tools print."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager

from xdsl.utils.exceptions import ArgSpecParseError

from cmir.support.diagnostics import CompileError
from cmir.support.errors import diagnostics_of

_OPTIONS = (
    (r"cm-run takes them after the model, as inputs", "`Network.run()` takes them"),
    (r"--hardware\b", "`hardware`"),
    (r"--shape '?(\w+)'?=([\w,]+)", r"shapes={'\1': (\2)}"),
    (r"--shape\b", "`shapes`"),
    (r"--samples (auto|split|whole)", r"samples='\1'"),
    (r"--samples\b", "`samples`"),
    (r"--state none", "state=False"),
    (r"--state\b", "`state`"),
    (r"--storage (full|live|lossless)", r"storage='\1'"),
    (r"--storage\b", "`storage`"),
    (r"--replicate\b", "`replicate`"),
    (r"--budget\b", "`budget`"),
    (r"--dependence says which; there are", "name one, ('writer', 'reader', 'array')"),
    (r"give --check-against NET\.mlir", "give `source`"),
    (r"--check-with (onnxruntime|numpy)", r"reference='\1'"),
    (r"(named )?with --check-against", "as `against`"),
    (r"--check-against\b", "`against`"),
    (r"--check\b", "`Run.check()`"),
    (r"--weights\b", "`weights`"),
    (r"--memory\b", "the environment variable CMIR_MEMORY"),
    (r"--run SEED", "`random`"),
    (r"cm-run --verify", "`Network.verify()`"),
)
"""Options of tools in messages, and what they are called in the library."""


def in_python(text: str) -> str:
    """Return a message that names arguments of the library instead of options of tools."""
    for option, argument in _OPTIONS:
        text = re.sub(option, argument, text)
    return text


@contextmanager
def user_errors() -> Generator[None]:
    """Raise the errors of parsers, verifiers and ISL inside the `with` block as CompileError.

    Messages name arguments of the library. Errors of the operating system, of memory, and of packages that are not
    installed stay what they are.
    """
    try:
        yield
    except CompileError as error:
        error.reword(in_python)
        raise
    except (OSError, MemoryError, ImportError):
        raise
    except (Exception, ArgSpecParseError) as error:
        if (diagnostics := diagnostics_of(error, "cmir")) is None:
            raise
        first, *notes = diagnostics
        raised = CompileError(first.location, in_python(first.message))
        raised.notes = notes
        raise raised from error
