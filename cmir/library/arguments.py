"""Arguments of the library that come as plain values: one line says what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, get_args

from cmir.compilation.choices import Replication, Storage
from cmir.frontends.samples import Samples
from cmir.frontends.state import State
from cmir.support.diagnostics import CompileError
from cmir.support.similar import did_you_mean


def check_options(storage: Any, samples: Any, placement_seconds: Any) -> None:
    """Raise CompileError for a value that the option does not have."""
    if storage is not None:
        _check_choice("storage", storage, get_args(Storage))
    _check_choice("samples", samples, get_args(Samples))
    if placement_seconds is not None and not isinstance(placement_seconds, Real):
        raise CompileError(
            None, f"`placement_seconds` must be a number of seconds, got {placement_seconds!r}"
        )


def replication_of(given: Any) -> Replication | None:
    """Return how stages are divided. True: by columns. Raises CompileError for what is no replication."""
    if isinstance(given, bool) or given is None:
        return "columns" if given else None
    _check_choice("replicate", given, get_args(Replication))
    return given


def carried_state(given: Any) -> State:
    """Return the state of an ONNX model; see `cmir.compile`. Raises CompileError for what is none."""
    if isinstance(given, Mapping):
        return State(given, True)
    if isinstance(given, bool):
        return State({}, given)
    raise CompileError(None, f"`state` must be outputs by input, True or False, got {given!r}")


def check_positive(name: str, count: int) -> None:
    """Raise CompileError for a number of something that is not at least 1."""
    if count < 1:
        raise CompileError(None, f"`{name}` must be at least 1, got {count}")


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        known = ", ".join(map(repr, choices))
        hint = did_you_mean(str(value), choices)
        raise CompileError(None, f"`{name}` must be one of {known}, got {value!r}{hint}")
