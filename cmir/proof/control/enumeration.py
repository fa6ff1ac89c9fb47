"""Events that iterations need and wait for, inference by inference from reset: functions on arrays alone.

Events are iterations of a neighbour, numbered through its stream from reset: with M iterations per inference, iteration
i of inference n is event n·M + i. A negative event belongs to no inference that runs, so there is nothing to wait for.
"""

from __future__ import annotations

import itertools

import numpy as np

NOTHING = -(1 << 62)
"""Event of an iteration that waits for none."""

NEVER = 1 << 62
"""Event of an iteration that is never released."""


def running_maxima(needs: np.ndarray, starts: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return the last event that each iteration, or an earlier one on its core, needs.

    needs: shape (sources, iterations), core by core. starts: index of the first iteration of each core, and the end.
    before: the last event needed by iterations of earlier inferences, shape (sources, cores).
    """
    found = np.empty_like(needs)
    counts = np.diff(starts)
    if len(counts) and (counts == counts[0]).all():
        by_core = needs.reshape(len(needs), len(counts), -1)
        np.maximum.accumulate(by_core, axis=2, out=found.reshape(by_core.shape))
    else:
        for first, last in itertools.pairwise(starts):
            np.maximum.accumulate(needs[:, first:last], axis=1, out=found[:, first:last])
    return np.maximum(found, np.repeat(before, counts, axis=1))


def predecessors(slots: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the previous occupant of each element's slot, and pairs of elements stored into a slot at one time.

    slots: the slot of each element, -1 if it is not kept. times: the time at which it is stored, counted from 0. Both
    and the result have the shape (elements,); the result is -1 if the slot was empty. pairs: shape (count, 2).
    """
    kept = np.flatnonzero(slots >= 0)
    span = int(times[kept].max(initial=0)) + 1
    keys = slots[kept] * span + times[kept]
    order = np.argsort(keys, kind="stable")
    keys, kept = keys[order], kept[order]
    found = np.full(len(slots), -1)
    same = keys[1:] // span == keys[:-1] // span
    found[kept[1:][same]] = kept[:-1][same]
    ties = np.flatnonzero(keys[1:] == keys[:-1])
    return found, np.stack((kept[ties], kept[ties + 1]), axis=1)


def room_needs(
    slots: np.ndarray,
    times: np.ndarray,
    last_read: np.ndarray,
    events: int,
    first: int,
    own: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Return the event before which each element must not be stored: the last read of the occupant of its slot.

    slots: of the elements in inferences first, first + 1, …, shape (inferences, elements); first is 0, or -D if the
    array has initial values for D inferences, which the buffer holds at reset as if they had been stored. times: when
    the elements are stored, in the order of the stream, of the same shape. last_read: the event of the reader that
    reads an element of inference 0 last, -1 if none does; it may lie in a later inference. events: M of the reader.

    own: if the reader stores elements itself: the event that stores each element, NOTHING for those of other cores; and
    the last event but one that reads an element of inference 0. An iteration reads before it stores, so it may
    overwrite what it reads itself, and only later stores into the slot need it.

    The last occupant suffices. Earlier occupants were taken care of when the last one was stored, by the same writer
    earlier, or after a read that had to wait for it.
    """
    inferences, elements = slots.shape
    before, _ = predecessors(slots.reshape(-1), times.reshape(-1))
    n, element = np.divmod(before, elements)
    read = last_read[element]
    event = np.where((before >= 0) & (read >= 0), read + (n + first) * events, NOTHING)
    if own is not None:
        storing, last_but_one = own[0].reshape(-1), own[1][element]
        itself = (event == storing) & (event > NOTHING)
        other = np.where(last_but_one >= 0, last_but_one + (n + first) * events, NOTHING)
        earlier = np.where((before >= 0) & itself[before], storing[before], NOTHING)
        event = np.maximum(np.where(itself, other, event), earlier)
    return np.where(event >= 0, event, NOTHING).reshape(inferences, elements)


def data_needs(needs: np.ndarray, events: np.ndarray, inference: int) -> np.ndarray:
    """Return the event that each iteration of an inference needs.

    needs: in inference 0, negative for reads of earlier inferences, or NOTHING; shape (sources, iterations). Elements
    of inferences before 0 exist at reset. events: M of each source.
    """
    found = np.where(needs > NOTHING, needs + inference * events[:, None], NOTHING)
    return np.where(found >= 0, found, NOTHING)


def released(
    events: np.ndarray, limits: np.ndarray, iterations: int, count: int, inferences: int
) -> np.ndarray:
    """Return the event for which each iteration waits, from reset; shape (inferences, iterations).

    The automaton takes its steps in order, inference by inference. Each step waits for its event and then raises the
    limit. Before the first step there is no limit, and no iteration may run.

    events: of the steps in inference 0, NOTHING for steps that do not wait. limits: the last iterations that the steps
    release, counted from the first of inference 0. iterations, count: number of iterations of the core and of the
    neighbour per inference.
    """
    if not len(limits):
        return np.full((inferences, iterations), NEVER)
    short = inferences * iterations - 1 - int(limits.max())
    steps = np.arange(max(0, -(-short // iterations)) + 1)[:, None]
    reached = np.maximum.accumulate((limits + steps * iterations).reshape(-1))
    waits = np.where(events == NOTHING, NOTHING, events + steps * count).reshape(-1)
    waits = np.maximum.accumulate(waits)
    first = np.searchsorted(reached, np.arange(inferences * iterations), side="left")
    return waits[first].reshape(inferences, iterations)
