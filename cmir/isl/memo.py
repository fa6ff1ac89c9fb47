"""Memoization by the texts of arguments.

Networks repeat themselves: the blocks of a residual network have the same relations up to the names of stages and
arrays. Functions that do not depend on tuple names strip them first and memoize their results. Equal texts denote
equal objects; equal objects with different texts are merely computed twice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import islpy as isl

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_KEPT = 4096
"""Limit of memoized results per function; the oldest are evicted."""


def kept_by_text(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Memoize a function of ISL objects, and of dataclasses of them, that has no side effects."""
    results: dict[str, _Result] = {}

    @wraps(function)
    def lookup(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        key = f"{args}{kwargs}"
        if key not in results:
            if len(results) >= _KEPT:
                del results[next(iter(results))]
            results[key] = function(*args, **kwargs)
        return results[key]

    return lookup


def unnamed(relation: isl.Map) -> isl.Map:
    """Return the relation without the names of its tuples."""
    return relation.reset_tuple_id(isl.dim_type.in_).reset_tuple_id(isl.dim_type.out)
