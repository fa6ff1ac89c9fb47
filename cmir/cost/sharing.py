"""Division of a core's resources among its programs: the slots of each use, from the shares of the programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cmir.cost.slots import Slots, apportion, divided
from cmir.dialects.cmcore import SHARED_RESOURCES, CoreOp
from cmir.hardware.description import Hardware
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError

Uses = Mapping[str, Sequence[int]]
"""Cycles of each use of a resource in an iteration, in order, without uses that take none."""

UseSlots = dict[str, tuple[Slots, ...]]
"""Slots of each use of a resource in an iteration; none for a resource that the program has all cycles of."""


def slots_of(core: CoreOp, uses: Sequence[Uses], hardware: Hardware) -> list[UseSlots]:
    """Return the slots of each program of a core.

    uses: by the programs, in order. A program alone with a resource, or with all slots of its table, has all cycles of
    it. Raises CompileError if a program lacks a share, or has fewer slots than uses.
    """
    found: list[UseSlots] = [{} for _ in uses]
    for resource in SHARED_RESOURCES:
        of_each = [each.get(resource, ()) for each in uses]
        if _is_divided(core, resource, of_each):
            _check_not_fixed(core, hardware)
            for slots, own in zip(found, _divide(core, resource, of_each), strict=True):
                slots[resource] = own
    return found


def _is_divided(core: CoreOp, resource: str, uses: Sequence[Sequence[int]]) -> bool:
    """Return True if no program has all cycles of a resource. Raises CompileError if a program lacks a share."""
    users = [k for k, own in enumerate(uses) if own]
    shares = {k: n for k, each in enumerate(core.instances) if (n := each.shares.get(resource))}
    names = [f"@{instance.core_name}" for instance in core.instances]
    without = next((k for k in users if k not in shares), None)
    if not shares and len(users) > 1:
        raise CompileError(
            core,
            f"{names[users[0]]} and {names[users[1]]} use the `{resource}` of core @{core.sym_name.data}, and no "
            "program has a share of it; cmcore-share-cores assigns shares",
        )
    if shares and without is not None:
        other = next(iter(shares))
        raise CompileError(
            core,
            f"{names[without]} has no share of the `{resource}` of core @{core.sym_name.data}, which it uses, and "
            f"{names[other]} has {shares[other]} of {core.table_size} slots",
        )
    return any(shares[k] != core.table_size for k in users if k in shares)


def fixed_time(hardware: Hardware) -> str | None:
    """Return the field that fixes the time of an iteration, whatever its resources do; None if there is none."""
    fields = ("fixed_interval", "fixed_latency")
    return next((f"core.{f}" for f in fields if getattr(hardware.core, f) is not None), None)


def _check_not_fixed(core: CoreOp, hardware: Hardware) -> None:
    if (field := fixed_time(hardware)) is not None:
        raise CompileError(
            core,
            f"core @{core.sym_name.data} divides its resources, and '{hardware.name}' fixes the time of an "
            f"iteration: `{field}`",
        )


def _divide(core: CoreOp, resource: str, uses: Sequence[Sequence[int]]) -> list[tuple[Slots, ...]]:
    counts: list[list[int]] = []
    for instance, own in zip(core.instances, uses, strict=True):
        share = instance.shares.get(resource, 0)
        if share < len(own):
            raise CompileError(
                core,
                f"@{instance.core_name} uses the `{resource}` {count_of(len(own), 'time')} an iteration, each in slots "
                f"of its own, and has {count_of(share, 'slot')}",
            )
        # A share without a use keeps its slots.
        counts.append(apportion(share, own) if own else [share])
    assert core.table_size is not None
    slots = iter(divided(tuple(n for each in counts for n in each), core.table_size))
    return [tuple(next(slots) for _ in each)[: len(own)] for each, own in zip(counts, uses)]
