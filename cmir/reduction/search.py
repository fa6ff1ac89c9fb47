"""The search for a small module that fails a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from xdsl.dialects.builtin import ModuleOp

from cmir.reduction.bodies import body_ops, without
from cmir.reduction.delta import minimize
from cmir.reduction.extents import smaller
from cmir.reduction.units import keep_top_level, keep_units, units

Fails = Callable[[ModuleOp], bool]
"""Test of a module, which may be invalid: True if it fails in the way that matters."""


def reduce(module: ModuleOp, fails: Fails) -> ModuleOp:
    """Return a module that fails a test, from which no part can be dropped and no extent made smaller.

    module: a module for which `fails` is True. Parts are dropped from the largest to the smallest: whole networks,
    stages, operations in bodies.
    """
    module = _drop_top_level(module, fails)
    for top in range(len(list(module.body.block.ops))):
        module = _drop_units(module, top, fails)
    while True:
        smallest = _drop_in_bodies(_shrink(module, fails), fails)
        if smallest is module:
            return module
        module = smallest


def _drop_top_level(module: ModuleOp, fails: Fails) -> ModuleOp:
    everything = range(len(list(module.body.block.ops)))
    kept = minimize(everything, lambda chosen: fails(keep_top_level(module, chosen)))
    return keep_top_level(module, kept)


def _drop_units(module: ModuleOp, top: int, fails: Fails) -> ModuleOp:
    everything = range(len(units(list(module.body.block.ops)[top])))

    def still_fails(chosen: Sequence[int]) -> bool:
        return fails(keep_units(module, top, chosen))

    # Unused parameters are dropped even where all units stay; if that matters to the test, nothing is dropped.
    if not everything or not still_fails(everything):
        return module
    return keep_units(module, top, minimize(everything, still_fails))


def _drop_in_bodies(module: ModuleOp, fails: Fails) -> ModuleOp:
    index = 0
    while index < len(body_ops(module)):
        found = _first(without(module, index), fails)
        if found is None:
            index += 1
        else:
            module = found
    return module


def _shrink(module: ModuleOp, fails: Fails) -> ModuleOp:
    while (found := _first(smaller(module), fails)) is not None:
        module = found
    return module


def _first(candidates: Iterator[ModuleOp], fails: Fails) -> ModuleOp | None:
    return next((candidate for candidate in candidates if fails(candidate)), None)
