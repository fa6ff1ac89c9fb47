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
_Key = TypeVar("_Key")
_Result = TypeVar("_Result")

_KEPT = 4096
"""Limit of memoized results per function; the oldest are evicted."""


def kept_by_text(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Memoize a function of ISL objects, and of dataclasses of them, that has no side effects."""
    results: dict[str, _Result] = {}

    @wraps(function)
    def kept(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        return lookup(results, f"{args}{kwargs}", lambda: function(*args, **kwargs))

    return kept


def lookup(
    results: dict[_Key, _Result], key: _Key, compute: Callable[[], _Result], most: int = _KEPT
) -> _Result:
    """Return the result of a key, which is computed if it is not among the results. most: limit of their number."""
    if key not in results:
        if len(results) >= most:
            del results[next(iter(results))]
        results[key] = compute()
    return results[key]


def unnamed(relation: isl.Map) -> isl.Map:
    """Return the relation without the names of its tuples."""
    return relation.reset_tuple_id(isl.dim_type.in_).reset_tuple_id(isl.dim_type.out)
