"""Needs of a core that writes into a ring of rows, as arrays: the numeric counterpart of write after read.

A ring of R rows keeps row g of the stream in row g mod R, where g = H·n + h for row h of inference n. Elements that
differ in other coordinates never share a slot, so a buffer is a set of columns, each a ring of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

import numpy as np

from cmir.elaboration.automata import ALWAYS, NEVER


def columns_of(table: np.ndarray) -> np.ndarray:
    """Return a table by bank and row as one by column: shape (banks, rows, …) → (columns, rows)."""
    return np.moveaxis(table, 1, -1).reshape(-1, table.shape[1])


def rows_at_once(written: np.ndarray) -> set[int]:
    """Return the distances between rows that one iteration writes in one column; no ring size may divide them.

    written: as in `Ring`.
    """
    ordered = np.sort(written, axis=1)
    if not ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        return set()
    pairs = ((d, written[:, d:], written[:, :-d]) for d in range(1, written.shape[1]))
    return {d for d, later, row in pairs if ((later == row) & (row >= 0)).any()}


def keeps_apart(at_once: Collection[int], size: int) -> bool:
    """Return True if a ring of `size` rows has separate slots for rows at each of these distances."""
    return not any(distance % size == 0 for distance in at_once)


class Ring:
    """Elements of an array that one core writes into a buffer of one reading core.

    written, last_read: for each column and row, shape (columns, H), the iteration that writes the element and the last
    one that reads it, each counted on its own core; −1 for none.
    writes, reads: numbers of iterations of the two cores in one inference. A last read of `reads` or more is one of a
    later inference. itself: the two cores are one, which reads before it writes in an iteration, and may therefore
    overwrite what only that iteration still reads.
    """

    def __init__(
        self,
        written: np.ndarray,
        last_read: np.ndarray,
        writes: int,
        reads: int,
        itself: bool = False,
    ):
        self.written, self.last_read = written, last_read
        self.writes, self.reads = writes, reads
        self.itself = itself
        self._needs: dict[int, np.ndarray] = {}
        self._waits: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    @property
    def rows(self) -> int:
        """Number H of rows of one inference."""
        return self.written.shape[1]

    @property
    def whole(self) -> int:
        """Number of rows with which no write waits for a read of its own inference or of a later one."""
        return self.rows * (1 + max(0, int(self.last_read.max(initial=0)) // self.reads))

    @cached_property
    def in_order(self) -> bool:
        """True if each column is written completely, from its first row to its last.

        A larger ring then never waits longer than a smaller one, unless a core reads what it writes.
        """
        return not self.itself and bool(
            (self.written >= 0).all() and (np.diff(self.written, axis=1) >= 0).all()
        )

    def needs(self, size: int) -> np.ndarray:
        """Return, for each iteration of the writer, the last iteration of the reader that must precede it.

        size: R. Iterations of the reader are counted from the same inference; −NEVER means that none must precede. Each
        write waits for the readers of the previous occupant of its slot, and for all that earlier writes wait for.
        """
        if size not in self._needs:
            self._needs[size] = self._needs_uncached(size)
        return self._needs[size]

    def waits(self, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the iterations of the writer with `needs`, and the inference and iteration that each needs."""
        if size not in self._waits:
            needs = self.needs(size)
            waits = np.flatnonzero(needs > ALWAYS)
            self._waits[size] = waits, *np.divmod(needs[waits], self.reads)
        return self._waits[size]

    def _needs_uncached(self, size: int) -> np.ndarray:
        iteration, needed = self._by_row(size) if self.in_order else self._by_time(size)
        needs = np.full(self.writes, -NEVER, np.int64)
        if self.itself:
            needed = np.where(needed == iteration, -NEVER, needed)
        np.maximum.at(needs, iteration, needed)
        needs = np.maximum.accumulate(needs)
        return np.maximum(needs, needs[-1] - self.reads)

    def _by_row(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the needs for rows written in order: the previous occupant of a slot lies R rows before."""
        earlier, row = np.divmod(np.arange(self.rows) - size, self.rows)
        old = self.last_read[:, row]
        needed = np.where(old < 0, -NEVER, old + earlier * self.reads)
        return self.written.reshape(-1), needed.reshape(-1)

    def _by_time(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the needs, with the previous occupant of each slot found by sorting its elements by write time."""
        column, row, iteration = self._stores
        slot = column * size + row % size
        by_slot = np.argsort(slot, kind="stable")
        same = np.flatnonzero(np.diff(slot[by_slot]) == 0)
        before = np.full(len(slot), -1)
        before[by_slot[same + 1]] = by_slot[same]
        last = np.full(len(self.written) * size, -1)
        last[slot] = np.arange(len(slot))
        needed = np.where(before >= 0, self._read_at(before), -NEVER)
        inferences = 0
        while (
            missing := np.flatnonzero(before < 0)
        ).size:  # ends at the latest when an element finds itself in its slot
            inferences += 1
            shared = (row[missing] + inferences * self.rows) % size
            before[missing] = last[column[missing] * size + shared]
            needed[missing] = self._read_at(before[missing]) - inferences * self.reads
            needed[missing[before[missing] < 0]] = -NEVER
        return iteration, np.maximum(needed, -NEVER)

    @cached_property
    def _stores(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Columns, rows and iterations of all stores, in the order of the iterations."""
        column, row = np.nonzero(self.written >= 0)
        iteration = self.written[column, row]
        order = np.argsort(iteration, kind="stable")
        return column[order], row[order], iteration[order]

    def _read_at(self, stores: np.ndarray) -> np.ndarray:
        """Return the last iteration that reads what these stores wrote, −NEVER if none does."""
        column, row, _ = self._stores
        read = self.last_read[column[stores], row[stores]]
        return np.where(read < 0, -NEVER, read)

    def can_run(self, size: int, data: np.ndarray) -> bool:
        """Return True if the two cores alone do not deadlock with R = `size`.

        A write must not wait for a read of a later inference either, which ends no stream. data: for each iteration of
        the reader, the last iteration of the writer that must precede it.
        """
        needs = self.needs(size)
        if needs[-1] >= self.reads:
            return False
        waits = np.flatnonzero(needs >= 0)  # waits within the same inference
        return bool((data[needs[waits]] < waits).all())

    def needs_of(self, iteration: int, most: int) -> np.ndarray:
        """Return `needs` of one iteration of the writer for rings of 1 to `most` rows."""
        if not self.in_order:
            return np.array([self.needs(size)[iteration] for size in range(1, most + 1)])
        top = (self.written <= iteration).sum(axis=1) - 1  # last row of each column written so far
        earlier, row = np.divmod(top[:, None] - np.arange(1, most + 1), self.rows)
        read = np.where(self.last_read < 0, -NEVER, self.last_read)
        so_far = np.maximum.accumulate(read, axis=1)
        this = np.take_along_axis(so_far, row, axis=1)
        last = np.maximum(this, so_far[:, -1:] - self.reads) + earlier * self.reads
        return np.maximum(last, -NEVER).max(axis=0)
