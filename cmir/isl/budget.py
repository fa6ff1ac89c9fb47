"""Limits of ISL computations.

They count ISL's own operations instead of seconds, so neither the compiled program nor what is refused depends on the
machine that compiles. Relations can be small and harmless as text, and take forever to combine.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import TypeVar

import islpy as isl
from xdsl.ir import Operation

from cmir.isl.memo import unnamed
from cmir.isl.text import IslError, is_exhausted, most_operations
from cmir.support.diagnostics import CompileError

MOST_OPERATIONS = 1_000_000
"""Number of ISL operations per relation or nest before points are enumerated instead: about half a second of work."""

OPERATIONS = 20_000_000
"""Number of ISL operations for a step of compilation, whatever the size of the IR: some seconds of work."""

EACH_OPERATION = 200_000
"""Number of ISL operations besides for each operation of the IR."""

_Result = TypeVar("_Result")

_over_budget: set[str] = set()
"""Keys of the computations that exceeded the budget."""


def within_budget(compute: Callable[..., _Result], *arguments: object) -> _Result | None:
    """Return the result of `compute` for these relations, or None if ISL needs more than `MOST_OPERATIONS`.

    Parsing fails with errors of its own when the budget is exhausted, so every failure counts. A computation that has
    failed is not tried again, whatever the names of its relations.
    """
    if _over_budget and _key(compute, arguments) in _over_budget:
        return None
    with most_operations(MOST_OPERATIONS), suppress(isl.Error, IslError):
        return compute(*arguments)
    _over_budget.add(_key(compute, arguments))
    return None


def _key(compute: Callable[..., object], arguments: tuple[object, ...]) -> str:
    shown = [unnamed(a) if isinstance(a, isl.Map) else a for a in arguments]
    return f"{compute.__qualname__}{shown}"


@contextmanager
def limited(op: Operation) -> Generator[None]:
    """Limit ISL in a step of compilation, by the size of the IR that the step is about.

    Raises CompileError at `op` if the step needs more, where ISL would not end in any useful time.
    """
    count = OPERATIONS + EACH_OPERATION * sum(1 for _ in op.walk())
    with most_operations(count):
        try:
            yield
        except isl.Error:
            if not is_exhausted():
                raise
            raise CompileError(
                op, f"its relations are too complex: ISL needs more than {count} operations"
            ) from None
