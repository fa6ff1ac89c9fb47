"""Events that iterations need and wait for, inference by inference from reset: functions on arrays alone.

Events are iterations of a neighbour, counted through its stream from reset: iteration i of inference n is n·M + i where
there are M of them in an inference. An event before 0 belongs to no inference that runs, so there is nothing to wait
for.
"""

from __future__ import annotations

import itertools

import numpy as np

NOTHING = -(1 << 62)
"""The event of an iteration that waits for none."""

NEVER = 1 << 62
"""The event of an iteration that is never released."""


def running_maxima(needs: np.ndarray, starts: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return the last event that each iteration, or one before it on its core, needs.

    needs: shape (sources, iterations), of one core after the other. starts: where those of each core begin, and the
    end. before: what the iterations of earlier inferences have needed, shape (sources, cores).
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
    """For each element, the one that was in its slot before it, and pairs that come into one slot at one time.

    slots: of each element, -1 where it is not kept; times: when it is stored, counted from 0. Both and the result have
    the shape (elements,); -1 where nothing was in the slot. pairs: shape (count, 2).
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
    slots: np.ndarray, times: np.ndarray, last_read: np.ndarray, events: int, first: int
) -> np.ndarray:
    """Return the event that must have happened before each element may be stored: the last read of what is in its slot.

    slots: of the elements in inferences first, first + 1, …, shape (inferences, elements); first is 0, or -1 where the
    array has initial values: then inference -1 is in the buffer, complete, at reset. times: when they are stored, in
    the order of the stream, of the same shape. last_read: the event of the reader that reads an element of inference 0
    for the last time, -1 if none does; it may lie in a later inference. events: M of the reader.

    The element that was in the slot last is enough: what was there before it has been taken care of when that one was
    stored, by the same writer earlier, or after a read that had to wait for it.
    """
    inferences, elements = slots.shape
    before, _ = predecessors(slots.reshape(-1), times.reshape(-1))
    n, element = np.divmod(before, elements)
    read = last_read[element]
    event = np.where((before >= 0) & (read >= 0), read + (n + first) * events, NOTHING)
    return np.where(event >= 0, event, NOTHING).reshape(inferences, elements)


def data_needs(needs: np.ndarray, events: np.ndarray, inference: int) -> np.ndarray:
    """Return the event that each iteration of an inference needs.

    needs: in inference 0, before 0 for what is read of inferences before, or NOTHING; shape (sources, iterations). What
    is read of inferences before 0 is there at reset. events: M, of each source.
    """
    found = np.where(needs > NOTHING, needs + inference * events[:, None], NOTHING)
    return np.where(found >= 0, found, NOTHING)


def released(
    events: np.ndarray, limits: np.ndarray, iterations: int, count: int, inferences: int
) -> np.ndarray:
    """Return the event for which each iteration waits, from reset; shape (inferences, iterations).

    The automaton takes its steps one after the other, those of inference 0, of inference 1, …; each waits for its event
    and then raises the limit. Before the first step there is none, and no iteration may run.

    events: of the steps in inference 0, NOTHING for those that do not wait. limits: the last iterations that they
    allow, counted from the first of inference 0. iterations, count: those of the core and of the neighbour in an
    inference.
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
