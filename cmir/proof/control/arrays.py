"""Writers and readers of the elements of an array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.polyhedral import ArrayOp, symbol
from cmir.proof.control.enumeration import NOTHING
from cmir.proof.control.slots import Slots
from cmir.proof.control.space import AccessMembers, Elements, ElementSpace
from cmir.proof.control.stages import Budget, Stage, StageAccess
from cmir.support.diagnostics import CompileError

_DENSE = 1 << 22
"""Maximum number of entries of a dense table."""


class ArrayUses:
    """An array and the stages that store and read it.

    The iterations of all writers are numbered consecutively, core by core. first: number of the first iteration of each
    stage. starts: number of the first iteration of each core, by the core's number among the cores of all writers.
    writer: the iteration that stores each element, -1 if none does.
    """

    def __init__(self, op: ArrayOp, writers: list[Stage], readers: list[Stage], budget: Budget):
        self.op, self.name, self.budget = op, op.sym_name.data, budget
        self.writers, self.readers = writers, readers
        self.slots = {reader.name: Slots(reader.buffers[self.name], reader) for reader in readers}
        stores = [(stage, access) for stage in writers for access in stage.stores[self.name]]
        loads = [(stage, access) for stage in readers for access in stage.loads[self.name]]
        budget.spend(sum(op.shape))
        self.space = ElementSpace(
            op,
            [
                *(AccessMembers(access, stores=True) for _, access in stores),
                *(AccessMembers(access, stores=False) for _, access in loads),
                *self.slots.values(),
            ],
        )
        budget.spend(self.space.count)
        self.first: dict[str, int] = {}
        self.first_core: dict[str, int] = {}
        counts: list[np.ndarray] = [np.zeros(0, np.int64)]
        for stage in writers:
            self.first[stage.name] = sum(int(c.sum()) for c in counts)
            self.first_core[stage.name] = sum(map(len, counts))
            counts.append(stage.counts)
        self.counts = np.concatenate(counts)
        self.starts = np.concatenate(([0], np.cumsum(self.counts)))
        self.core_of = np.repeat(np.arange(len(self.counts)), self.counts)
        self.writer = np.full(self.space.count + 1, -1)  # and one for lanes without an element
        stored = 0
        for stage, access in stores:
            for start, elements, _ in Elements(access, self.space, True, budget).chunks():
                kept = elements >= 0
                iterations = start + self.first[stage.name] + np.arange(len(elements))
                iterations = np.broadcast_to(iterations[:, None], elements.shape)
                self.writer[elements[kept]] = iterations[kept]
                stored += int(kept.sum())
        if stored != int((self.writer >= 0).sum()):
            raise self._stored_twice()

    def stage_of(self, iteration: int) -> Stage:
        """Return the stage of an iteration of the writers."""
        return next(s for s in reversed(self.writers) if self.first[s.name] <= iteration)

    def _stored_twice(self) -> CompileError:
        """Return the error for an element that two stores store, or one store stores twice."""
        seen: dict[int, Stage] = {}
        for stage in self.writers:
            for access in stage.stores[self.name]:
                for _, elements, _ in Elements(access, self.space, True, self.budget).chunks():
                    found, counts = np.unique(elements[elements >= 0], return_counts=True)
                    again = found[counts > 1].tolist() or [e for e in found.tolist() if e in seen]
                    if again:
                        element, other = self.space.text(again[0]), seen.get(again[0], stage)
                        if other is stage:
                            text = f"@{stage.name} stores {element} more than once"
                        else:
                            text = f"@{stage.name} stores {element}, which another program stores"
                        return CompileError(access.op, text)
                    seen.update(dict.fromkeys(found.tolist(), stage))
        raise AssertionError("an element is stored twice")

    def check_complete(self, network: NetworkOp) -> None:
        """Check that every element of an output of the network is stored. Raises CompileError."""
        missing = self.writer[:-1] < 0
        if self.name in {symbol(ref) for ref in network.outputs} and missing.any():
            element = self.space.text(int(np.argmax(missing)))
            raise CompileError(network, f"output element {element} is stored by no program")


class Reads:
    """The reads of an array by a stage.

    keys: `core · elements + element` for each element that a core reads, ascending. last, first: the iterations that
    read each element last and first, counted from the first iteration of the core in the inference of the element;
    those of later inferences count on. data: for each core of the writers and each iteration of the stage, the last
    iteration of that core from which the iteration reads, counted from the first of that core in the inference of the
    iteration, or NOTHING; shape (cores of the writers, iterations). back: largest number of inferences that a read
    reaches back.
    """

    def __init__(self, array: ArrayUses, stage: Stage, computed: bool):
        """Collect the reads.

        computed: True if programs store the array, False if it exists from the start.
        """
        self.array, self.stage = array, stage
        self.data = np.full((len(array.counts), len(stage.points)), NOTHING)
        self.back = 0
        self._size = len(stage.cores) * array.space.count
        found = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        dense = self._size <= _DENSE
        last = np.full(self._size if dense else 0, -1)
        first = np.full(self._size if dense else 0, np.iinfo(np.int64).max)
        for access in stage.loads[array.name]:
            for start, elements, inferences in self._chunks(access):
                if computed:
                    self._data(access.op, start, elements, inferences)
                keys, at = self._positions(start, elements, inferences)
                if dense:
                    np.maximum.at(last, keys, at)
                    np.minimum.at(first, keys, at)
                else:
                    found.append((keys, at))
        if dense:
            self.keys = np.flatnonzero(last >= 0)
            self.last, self.first = last[self.keys], first[self.keys]
        else:
            self.keys, self.last, self.first = _extremes(found)
        self.core, self.element = np.divmod(self.keys, array.space.count)

    def _chunks(self, access: StageAccess) -> Iterator[tuple[int, np.ndarray, np.ndarray | None]]:
        return Elements(access, self.array.space, False, self.array.budget).chunks()

    def _positions(
        self, start: int, elements: np.ndarray, inferences: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the keys of the elements that iterations read, and the iterations, counted like `last`."""
        core = self.stage.core_of[start : start + len(elements)]
        at = start + np.arange(len(elements)) - self.stage.starts[core]
        kept = elements >= 0
        keys = elements + (core * self.array.space.count)[:, None]
        at = at[:, None]
        if inferences is not None:
            at = at - inferences * self.stage.counts[core][:, None]
        at = np.broadcast_to(at, elements.shape)
        return (keys.reshape(-1), at.reshape(-1)) if kept.all() else (keys[kept], at[kept])

    def last_but_one(self, core: int) -> np.ndarray:
        """Return the iteration before the last one that reads each element on a core; -1 if there is none."""
        last, found = (np.full(self.array.space.count, -1) for _ in range(2))
        elements, reads, _ = self.on_core(core)
        last[elements] = reads
        for access in self.stage.loads[self.array.name]:
            for start, elements, inferences in self._chunks(access):
                keys, at = self._positions(start, elements, inferences)
                of, element = np.divmod(keys, self.array.space.count)
                here = (of == core) & (at < last[element])
                np.maximum.at(found, element[here], at[here])
        return found

    def _data(
        self, op: object, start: int, elements: np.ndarray, inferences: np.ndarray | None
    ) -> None:
        array = self.array
        stored_by = array.writer[elements]  # element -1 has the last entry
        missing = (stored_by < 0) & (elements >= 0)
        if missing.any():
            i, lane = (int(x) for x in np.argwhere(missing)[0])
            raise CompileError(
                self.stage.op,
                f"iteration {self.stage.text(start + i)} of @{self.stage.name} reads "
                f"{array.space.text(int(elements[i, lane]))}, which no program stores",
            )
        rows = self.data[:, start : start + len(elements)]
        if len(array.counts) == 1 and inferences is None:
            event = stored_by.max(axis=1, initial=-1)
            np.maximum(rows[0], event, out=rows[0], where=event >= 0)
            return
        i, lane = np.nonzero(stored_by >= 0)
        event = stored_by[i, lane]
        core = array.core_of[event]
        event = event - array.starts[core]
        if inferences is not None:
            self.back = max(self.back, -int(inferences[i, lane].min(initial=0)))
            event = event + inferences[i, lane] * array.counts[core]
        np.maximum.at(rows, (core, i), event)

    def elements_of(self, iteration: int) -> list[tuple[int, int]]:
        """Return the elements that an iteration reads, each with its inference relative to the iteration's own."""
        found: set[tuple[int, int]] = set()
        for access in self.stage.loads[self.array.name]:
            elements = Elements(access, self.array.space, False, self.array.budget)
            for _, read, inferences in elements.chunks(iteration, iteration + 1):
                ahead = np.zeros_like(read) if inferences is None else inferences
                kept = read >= 0
                found.update(zip(read[kept].tolist(), ahead[kept].tolist(), strict=True))
        return sorted(found)

    def on_core(self, core: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (elements, last reads, first reads) of one core."""
        run = slice(*np.searchsorted(self.core, (core, core + 1)))
        return self.element[run], self.last[run], self.first[run]


def _extremes(
    found: Sequence[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct keys, with the largest and the smallest value of each."""
    keys, inverse = np.unique(np.concatenate([k for k, _ in found]), return_inverse=True)
    at = np.concatenate([a for _, a in found])
    last = np.full(len(keys), -1)
    first = np.full(len(keys), np.iinfo(np.int64).max)
    np.maximum.at(last, inverse.reshape(-1), at)
    np.minimum.at(first, inverse.reshape(-1), at)
    return keys, last, first
