"""Arguments of the library that come as plain values: one line says what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any, get_args

from cmir.compilation.choices import LIMITS, Copies, CopyBudget, Objective, Replication, Storage
from cmir.frontends.samples import Samples
from cmir.frontends.state import State
from cmir.support.diagnostics import CompileError
from cmir.support.similar import did_you_mean


def check_options(storage: Any, samples: Any, placement_seconds: Any, shapes: Any = None) -> None:
    """Raise CompileError for a value that the option does not have."""
    if shapes is not None and not isinstance(shapes, Mapping):
        raise CompileError(None, f"`shapes` must be shapes by input, got {shapes!r}")
    if storage is not None:
        _check_choice("storage", storage, get_args(Storage))
    _check_choice("samples", samples, get_args(Samples))
    if placement_seconds is not None and not isinstance(placement_seconds, Real):
        raise CompileError(
            None, f"`placement_seconds` must be a number of seconds, got {placement_seconds!r}"
        )


def copies_of(replicate: Any, budget: Any, objective: Any) -> Copies | None:
    """Return how copies of stages are chosen; see `cmir.compile`. Raises CompileError for what is none."""
    if objective is not None:
        _check_choice("objective", objective, get_args(Objective))
    if budget is None and objective is None:
        return _replication_of(replicate)
    if replicate not in (None, False):
        raise CompileError(
            None,
            f"give `replicate` or `{'objective' if budget is None else 'budget'}`, not both",
        )
    budget = {} if budget is None else budget
    if isinstance(budget, Mapping) and all(name in LIMITS for name in budget):
        for name, number in budget.items():
            check_positive(f"budget[{name!r}]", number)
        return CopyBudget(**budget, objective=objective or "interval")
    wanted = ", ".join(map(repr, LIMITS))
    raise CompileError(None, f"`budget` must be numbers by {wanted}, got {budget!r}")


def _replication_of(given: Any) -> Replication | None:
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


def check_positive(name: str, count: Any) -> None:
    """Raise CompileError for anything but an integer of at least 1."""
    if not isinstance(count, Integral) or count < 1:
        raise CompileError(None, f"`{name}` must be an integer of at least 1, got {count!r}")


def check_seed(seed: Any) -> None:
    """Raise CompileError for anything but a seed of random inputs."""
    if not isinstance(seed, Integral) or seed < 0:
        raise CompileError(None, f"`random` must be a seed of at least 0, got {seed!r}")


def check_random(seed: Any, inferences: Any) -> None:
    """Raise CompileError unless a seed, or None, and a number of inferences are given."""
    check_positive("inferences", inferences)
    if seed is not None:
        check_seed(seed)


def values_by_field(fields: Any) -> dict[str, list[Any]]:
    """Return the values of the fields of a sweep, by `section.field`. Raises CompileError for anything else."""
    example = "values by field, {'crossbar.rows': [128, 256]}"
    if not isinstance(fields, Mapping) or not fields:
        raise CompileError(None, f"`fields` must be {example}, got {fields!r}")
    found: dict[str, list[Any]] = {}
    for name, values in fields.items():
        if not isinstance(name, str):
            raise CompileError(None, f"`fields` must be {example}, got the field {name!r}")
        if not isinstance(values, Iterable) or isinstance(values, str | bytes):
            wanted = f"the values of `{name}` must be a list, such as [{values!r}]"
            raise CompileError(None, f"{wanted}, got {values!r}")
        found[name.replace("__", ".")] = [*values]
    return found


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        known = ", ".join(map(repr, choices))
        hint = did_you_mean(str(value), choices)
        raise CompileError(None, f"`{name}` must be one of {known}, got {value!r}{hint}")
