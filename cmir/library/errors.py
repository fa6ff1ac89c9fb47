"""Errors of the library: whatever a user got wrong is a CompileError, with the place and message that tools print."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from xdsl.utils.exceptions import ArgSpecParseError

from cmir.support.diagnostics import CompileError
from cmir.support.errors import diagnostics_of


@contextmanager
def user_errors() -> Generator[None]:
    """Raise the errors of parsers, verifiers and ISL inside the `with` block as CompileError.

    Errors of the operating system, of memory, and of packages that are not installed stay what they are.
    """
    try:
        yield
    except (CompileError, OSError, MemoryError, ImportError):
        raise
    except (Exception, ArgSpecParseError) as error:
        if (diagnostics := diagnostics_of(error, "cmir")) is None:
            raise
        first, *notes = diagnostics
        raised = CompileError(first.location, first.message)
        raised.notes = notes
        raise raised from error
