"""A budget for ISL computations.

The budget counts ISL's own operations instead of seconds, so the compiled program does not depend on the machine that
compiles it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import islpy as isl

from cmir.isl.memo import unnamed
from cmir.isl.text import CONTEXT, IslError

MOST_OPERATIONS = 1_000_000
"""Number of ISL operations per relation or nest before points are enumerated instead: about half a second of work."""

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
    CONTEXT.reset_operations()
    CONTEXT.set_max_operations(MOST_OPERATIONS)
    try:
        return compute(*arguments)
    except (isl.Error, IslError):
        pass
    finally:
        CONTEXT.set_max_operations(0)
        CONTEXT.reset_operations()
    _over_budget.add(_key(compute, arguments))
    return None


def _key(compute: Callable[..., object], arguments: tuple[object, ...]) -> str:
    shown = [unnamed(a) if isinstance(a, isl.Map) else a for a in arguments]
    return f"{compute.__qualname__}{shown}"
