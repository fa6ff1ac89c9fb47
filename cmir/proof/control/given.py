"""Buffers of arrays that exist from the start: inputs and parameters."""

from __future__ import annotations

import numpy as np

from cmir.proof.control.arrays import ArrayUses, Reads
from cmir.support.diagnostics import CompileError


def check_given(array: ArrayUses, reads: Reads, parameter: bool) -> None:
    """Check that each element that is read has a slot of its own, in every inference. Raises CompileError.

    Nothing orders the filling of these buffers and the reads, so no other element may ever occupy that slot. A
    parameter serves all inferences, so its elements must keep their slots. An element of an input that later inferences
    read must keep its slot until then.
    """
    slots, reader = array.slots[reads.stage.name], reads.stage
    for core in range(len(reader.cores)):
        _check_held(array, reads, core)
    if slots.function is None:
        return
    inferences = slots.period + parameter
    for core in range(len(reader.cores)):
        elements, _, _ = reads.on_core(core)
        found = slots.of(core, array.space, inferences, array.budget)
        title = reader.title(reader.cores[core].tolist())
        buffer = f"the buffer of @{array.name} at {title}"
        if (found[:, elements] < 0).any():
            _, e = np.argwhere(found[:, elements] < 0)[0]
            raise CompileError(
                slots.op,
                f"{buffer} has no slot for {array.space.text(int(elements[e]))}, which is read there",
            )
        if parameter and (moved := (found[:, elements] != found[0, elements]).any(axis=0)).any():
            element = array.space.text(int(elements[np.argmax(moved)]))
            raise CompileError(
                slots.op,
                f"{buffer} has {element} in another slot in another inference: a parameter stays",
            )
        array.budget.spend(slots.size)
        owner = np.full(slots.size, -1)
        owner[found[:, elements]] = elements
        kept = found >= 0
        other = kept & (owner[np.maximum(found, 0)] >= 0)
        other &= owner[np.maximum(found, 0)] != np.arange(found.shape[1])
        if other.any():
            n, e = (int(x) for x in np.argwhere(other)[0])
            both = sorted((int(owner[found[n, e]]), e))
            texts = " and ".join(map(array.space.text, both))
            raise CompileError(
                slots.op,
                f"{buffer} has one slot for {texts}; what is read of "
                f"{'a parameter' if parameter else 'an input'} needs a slot of its own",
            )


def _check_held(array: ArrayUses, reads: Reads, core: int) -> None:
    """Check that an element that later inferences read shares its slot with none of the next inferences, till then."""
    slots, reader = array.slots[reads.stage.name], reads.stage
    elements, last, _ = reads.on_core(core)
    back = last // reader.counts[core]
    most = int(back.max(initial=0))
    if not most:
        return
    found = slots.of(core, array.space, slots.period + most, array.budget)[:, elements]
    for later in range(1, most + 1):
        lost = (found[later:] == found[:-later]) & (back >= later)
        if lost.any():
            n, e = (int(x) for x in np.argwhere(lost)[0])
            both = " and ".join(array.space.text(int(elements[e]), x) for x in (n, n + later))
            raise CompileError(
                slots.op,
                f"the buffer of @{array.name} at {reader.title(reader.cores[core].tolist())} has one slot for {both} "
                "(inference first), and the second or a later inference reads the first",
            )
