"""Room that writers need in the buffers of one reader.

The proof requires that elements enter a slot in an order that does not depend on durations:

- Elements stored by one core enter in the order of its iterations.
- Elements that share a slot and are stored by several cores enter in the order in which the reader reads them, and all
  of them must be read. An element may be stored after the last read of its predecessor, and that read has waited for
  the store of the predecessor. By induction, the slot holds the elements one after the other, each while it is read.

If copies of the reader run its iterations in turn, each has a buffer of its own, and a read in one of them does not
order arrivals in another. Slots with elements of several cores are then rejected.

An array with initial values has been stored in the inferences before the first for which it has values. No store may
wait for a read of a later inference, because the last inferences of a stream would wait forever.
"""

from __future__ import annotations

import numpy as np

from cmir.proof.control.arrays import ArrayUses, Reads
from cmir.proof.control.enumeration import NOTHING, predecessors, room_needs
from cmir.proof.control.slots import Slots
from cmir.support.diagnostics import CompileError


class RoomNeeds:
    """The needs of the writers of an array for room in the buffers of one reader.

    settled, period: from inference `settled` on, needs repeat every `period` inferences, shifted. rows: needs of the
    iterations in the first inferences, counted from the beginning of each; shape (inferences, cores of the reader,
    iterations).
    """

    def __init__(self, array: ArrayUses, reads: Reads):
        self.array, self.reads, self.reader = array, reads, reads.stage
        self.slots: Slots = array.slots[self.reader.name]
        self.events = self.reader.counts
        if self.slots.function is None and array.op.initial is None:
            row = np.full((len(self.reader.cores), len(array.core_of)), -1)
            np.maximum.at(row, (reads.core, array.writer[reads.element]), reads.last)
            row = np.where(row >= 0, row - self.events[:, None], NOTHING)
            self.rows, self.settled, self.period = row[None], 1, 1
            return
        cores = range(len(self.reader.cores))
        alike = all(self.slots.alike(core, array.space.shape, array.budget) for core in cores)
        self.period = 1 if alike else self.slots.period
        walks = [Walk(self, core) for core in cores]
        inferences = max(walk.inferences for walk in walks)
        for walk in walks:
            walk.extend(inferences)
        self.settled = inferences - self.period
        self.rows = np.stack([walk.rows() for walk in walks], axis=1)

    def at(self, inference: int) -> np.ndarray:
        """Return the events that iterations of an inference need, shape (cores of the reader, iterations)."""
        known = len(self.rows)
        if inference >= known:
            row = self.rows[known - self.period + (inference - known) % self.period]
        else:
            row = self.rows[inference]
        events = np.where(row > NOTHING, row + inference * self.events[:, None], NOTHING)
        return np.where(events >= 0, events, NOTHING)

    def overwritten(self, core: int, iteration: int, inference: int) -> list[tuple[int, int]]:
        """Return (inference, element) of the older occupants of the slots into which an iteration stores, latest first.

        Without a storage map, only the previous ones.
        """
        if self.slots.function is None and self.array.op.initial is None:
            stored = np.flatnonzero(self.array.writer[:-1] == iteration)
            return [(inference - 1, int(e)) for e in stored] if inference else []
        walk = Walk(self, core)
        walk.extend(inference + 1)
        return walk.overwritten(iteration, inference)


class Walk:
    """The elements that enter the slots of one core, inference by inference from reset.

    first: the first inference, which is negative if there are initial values. Row r of `slots`, `times` and `before` is
    inference first + r. elements: those with a slot on the core; other arrays are of these. in_period: their slots in
    the inferences of a period, which repeat.
    """

    def __init__(self, room: RoomNeeds, core: int):
        self.room, self.core, self.array = room, core, room.array
        self.first = -self.array.op.initial_inferences()
        count = self.array.space.count
        elements, last, first = room.reads.on_core(core)
        last_read, first_read = np.full(count, -1), np.full(count, -1)
        last_read[elements], first_read[elements] = last, first
        in_period = self._slots_of_period()
        self._check_kept(in_period, last_read)
        # Copies of a stage keep a small part of an array each.
        self.elements = np.flatnonzero((in_period >= 0).any(axis=0))
        self.in_period = in_period[:, self.elements]
        self.last_read, self.first_read = last_read[self.elements], first_read[self.elements]
        self.stored_by = self.array.writer[self.elements]
        self.by_core = self.array.core_of[self.stored_by]
        self.shared = self._shared()
        if room.period > 1:
            self.extend(2 * room.period)
            return
        # Continue until each slot has had an occupant; the distance to it is then the same in all later inferences.
        count = 3
        while True:
            self.extend(count)
            kept = self.slots[-1] >= 0
            if (self.before[-1] >= 0)[kept].all():
                break
            count = 2 * count - 1
        distance = count - 1 - self.first - self.before[-1][kept] // len(self.elements)
        self.inferences = int(distance.max(initial=0)) + 1

    def _shared(self) -> np.ndarray:
        """Return, for each slot, True if several cores store into it."""
        size, slots = self.room.slots.size, self.in_period
        self.array.budget.spend(size)
        if len(np.unique(self.by_core)) < 2:
            return np.zeros(size, bool)
        low, high = np.full(size, len(self.array.counts)), np.full(size, -1)
        kept = slots >= 0
        cores = np.broadcast_to(self.by_core, slots.shape)[kept]
        np.minimum.at(low, slots[kept], cores)
        np.maximum.at(high, slots[kept], cores)
        return low < high

    def _slots_of_period(self) -> np.ndarray:
        """Return the slots of all elements in the inferences of a period, -1 for none; those not stored have none."""
        array, slots = self.array, self.room.slots
        found = slots.of(self.core, array.space, slots.period, array.budget)
        return np.where(array.writer[:-1] >= 0, found, -1)

    def _slots(self, first: int, inferences: int) -> np.ndarray:
        """Return the slots in consecutive inferences, shape (inferences, elements)."""
        self.array.budget.spend(inferences * len(self.elements))
        return self.in_period[np.arange(first, first + inferences) % self.room.slots.period]

    def _check_kept(self, slots: np.ndarray, last_read: np.ndarray) -> None:
        """Check that all elements that are stored and read have slots. Raises CompileError.

        slots: of all elements. last_read: the last iteration of the core that reads each element, -1 if none does.
        """
        reader, name, space = self.room.reader, self.array.name, self.array.space
        if (slots == -2).any():
            n, e = (int(x) for x in np.argwhere(slots == -2)[0])
            raise CompileError(
                self.room.slots.op,
                f"the buffer of @{name} at @{reader.name} has no slot for {space.text(e, n)} "
                "(inference first): it lies outside the buffer",
            )
        lost = (slots < 0) & (last_read >= 0)
        if lost.any():
            _, e = (int(x) for x in np.argwhere(lost)[0])
            raise CompileError(
                self.room.slots.op,
                f"the buffer of @{name} at {reader.title(reader.cores[self.core].tolist())} has no slot for "
                f"{space.text(e)}, which is read there",
            )

    def extend(self, inferences: int) -> None:
        """Extend the walk to this many inferences from reset."""
        self.inferences = inferences
        self.slots = self._slots(self.first, inferences - self.first)
        n = np.arange(inferences - self.first)[:, None]
        array, events = self.array, int(self.room.events[self.core])
        position = self.stored_by - array.starts[self.by_core]
        self.times = position + n * array.counts[self.by_core]
        several = self.shared[np.maximum(self.slots, 0)] & (self.slots >= 0)
        if several.any():
            self._check_read(several)
            by_reads = several & (self.last_read >= 0)
            self.times = np.where(by_reads, self.last_read + n * events, self.times)
        self.before, ties = predecessors(self.slots.reshape(-1), self.times.reshape(-1))
        self.before = self.before.reshape(self.slots.shape)
        self._check_order(ties, several)

    def _check_read(self, several: np.ndarray) -> None:
        """Raise CompileError if several cores store into a slot and some, but not all, of its elements are read."""
        read = np.broadcast_to(self.last_read >= 0, several.shape)
        if self.room.reader.turns > 1 and (several & read).any():
            raise CompileError(
                self.room.slots.op,
                f"the buffers of @{self.array.name} at the copies of @{self.room.reader.name} have slots that several "
                "cores store into: what one copy reads does not order what arrives at another",
            )
        if self.first < 0 and (several & read).any():
            raise CompileError(
                self.room.slots.op,
                f"the buffer of @{self.array.name} at @{self.room.reader.name} has initial values in slots that "
                "several cores store into, in no order",
            )
        used = np.zeros(len(self.shared), bool)
        used[self.slots[several & read]] = True
        unread = several & ~read & used[np.maximum(self.slots, 0)]
        if unread.any():
            n, e = (int(x) for x in np.argwhere(unread)[0])
            same = several & read & (self.slots == self.slots[n, e])
            same &= self.by_core != self.by_core[e]
            same = same if same.any() else several & read & (self.slots == self.slots[n, e])
            m, f = (int(x) for x in np.argwhere(same)[0])
            raise self._clash((n, e), (m, f), "no order")

    def _check_order(self, ties: np.ndarray, several: np.ndarray) -> None:
        count = len(self.elements)
        ties = ties[(self.last_read[ties % count] >= 0).any(axis=1)]
        if len(ties):
            (n, e), (m, f) = (divmod(int(x), count) for x in ties[0])
            raise self._clash((n, e), (m, f), "no order" if several[n, e] else "at once")
        at = np.argwhere(several & (self.last_read >= 0) & (self.before >= 0))
        if not len(at):
            return
        n, e = at.T
        m, f = np.divmod(self.before[n, e], count)
        events = int(self.room.events[self.core])
        crossing = self.first_read[e] + n * events <= self.last_read[f] + m * events
        if crossing.any():
            k = int(np.argmax(crossing))
            raise self._clash((int(m[k]), int(f[k])), (int(n[k]), int(e[k])), "no order")

    def _clash(self, one: tuple[int, int], two: tuple[int, int], how: str) -> CompileError:
        array, space, reader = self.array, self.array.space, self.room.reader
        first, second = (array.stage_of(int(self.stored_by[e])) for _, e in (one, two))
        who = f"@{first.name} stores at once"
        if how == "no order":
            who = f"two cores of @{first.name} store, in no order"
            if first is not second:
                who = f"@{first.name} and @{second.name} store, in no order"
        both = " and ".join(
            space.text(int(self.elements[e]), n + self.first) for n, e in sorted((one, two))
        )
        return CompileError(
            self.room.slots.op,
            f"the buffer of @{array.name} at @{reader.name} has one slot for {both} "
            f"(inference first), which {who}",
        )

    def rows(self) -> np.ndarray:
        """Return the needs of the writers, counted from the beginning of each inference from reset.

        Shape (inferences, iterations).
        """
        events = int(self.room.events[self.core])
        n = np.arange(self.first, self.inferences)[:, None]
        needs = room_needs(
            self.slots, self.times, self.last_read, events, self.first, self._own(n, events)
        )
        needs = np.where(needs > NOTHING, needs - n * events, NOTHING)
        kept = self.slots >= 0
        self._check_past(np.where(kept, needs, NOTHING) >= events)
        rows = np.full((len(needs), len(self.array.core_of)), NOTHING)
        row, e = np.nonzero(kept)
        np.maximum.at(rows, (row, self.stored_by[e]), needs[kept])
        return rows[-self.first :]

    def _own(self, n: np.ndarray, events: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the last argument of `room_needs`; None if the reader stores nothing.

        n: the inferences of the walk, as a column. events: iterations of this core in an inference.
        """
        array, reader = self.array, self.room.reader
        if reader.name not in array.first:
            return None
        own = self.by_core == array.first_core[reader.name] + self.core
        position = self.stored_by - array.starts[self.by_core]
        before = self.room.reads.last_but_one(self.core)[self.elements]
        return np.where(own, position + n * events, NOTHING), before

    def _check_past(self, later: np.ndarray) -> None:
        """Raise CompileError if an element waits for a read of an inference after its own. later: those that do."""
        if not later.any():
            return
        row, e = (int(x) for x in np.argwhere(later)[0])
        m, f = divmod(int(self.before[row, e]), len(self.elements))
        space, reader = self.array.space, self.room.reader
        one, two = (
            space.text(int(self.elements[x]), inference + self.first)
            for inference, x in ((m, f), (row, e))
        )
        raise CompileError(
            self.room.slots.op,
            f"the buffer of @{self.array.name} at @{reader.name} has one slot for {one} and {two} (inference "
            "first), and a later inference than the second reads the first: the buffer must hold more inferences",
        )

    def overwritten(self, iteration: int, inference: int) -> list[tuple[int, int]]:
        row, count = inference - self.first, len(self.elements)
        stored = np.flatnonzero((self.stored_by == iteration) & (self.slots[row] >= 0))
        before, older = self.before.reshape(-1), self.before[row, stored]
        found: list[tuple[int, int]] = []
        while (older := older[older >= 0]).size:
            found += [
                (int(b) // count + self.first, int(self.elements[int(b) % count])) for b in older
            ]
            older = before[older]
        return found
