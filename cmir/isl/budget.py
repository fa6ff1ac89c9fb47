"""A bound on the work that ISL does for a relation.

It counts ISL's own operations and not seconds, so that what is compiled does not depend on the machine that compiles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import islpy as isl

from cmir.isl.memo import unnamed
from cmir.isl.text import CONTEXT, IslError

MOST_OPERATIONS = 1_000_000
"""ISL's operations for one relation or nest before points are enumerated instead: about half a second of work."""

_Result = TypeVar("_Result")

_over_budget: set[str] = set()
"""The texts of what ISL has not computed within the budget."""


def within_budget(compute: Callable[..., _Result], *arguments: object) -> _Result | None:
    """Return the result of `compute` for these relations, or None if ISL needs more than `MOST_OPERATIONS`.

    Parsing fails in its own way when the budget is used up, so every failure counts. What has failed is not tried
    again; the names of relations do not matter for that.
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
