"""Per-word valid bits and counts for the buffers that automata guard: the scheme that control units are compared with.

PUMA keeps a valid bit and a count for each word of its shared memory (A. Ankit et al., "PUMA: A Programmable
Ultra-efficient Memristor-based Accelerator for Machine Learning Inference", ASPLOS 2019). A write waits until the word
is invalid, makes it valid and sets the count to the reads that will follow. A read waits until the word is valid, and
decrements the count; the last read makes the word invalid.

A word is as large as possible here: the slots of a buffer that the same stores write. Slots that some store writes
without the others are different words, as one bit could not say which of them is valid. Only words that are read count,
and an iteration reads a word once, however many of its lanes do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import lcm, prod

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.elaboration.network import ElaboratedNetwork
from cmir.elaboration.program import Buffer, Core
from cmir.support.blocks import blocks
from cmir.support.numerics import ravel


@dataclass(frozen=True)
class WordStates:
    """Valid bits and counts of a buffer. core: which one reads from it. reads: the most reads of a word."""

    core: CoreName
    array: str
    words: int
    reads: int

    @property
    def count_bits(self) -> int:
        """Bits of a count, which holds the reads after the next one."""
        return (self.reads - 1).bit_length()

    @property
    def bits(self) -> int:
        """Flip-flops: a valid bit and a count for each word."""
        return self.words * (1 + self.count_bits)


def word_states(network: ElaboratedNetwork) -> Iterator[WordStates]:
    """Yield the valid bits and counts of each buffer that cores write and read."""
    writers = _Writers(network)
    for core in network.single_cores.values():
        for value, buffer in core.buffers.items():
            writer = writers.of(buffer.array)
            read, counts = _reads(network, core, value, writer)
            if len(read):
                words = _words(network, buffer, writer, np.isin(writer, read))
                yield WordStates(core.name, buffer.array, words, int(counts.max()))


class _Writers:
    """The iteration, of all programs together, that stores each element of an array, flat; −1 for none."""

    def __init__(self, network: ElaboratedNetwork):
        self.network = network
        self.known: dict[str, np.ndarray] = {}

    def of(self, array: str) -> np.ndarray:
        if array not in self.known:
            found = np.full(prod(self.network.arrays[array].shape), -1, np.int64)
            before = 0
            for program in self.network.programs.values():
                if any(store.array == array for store in program.stores.values()):
                    own = program.writer_of(array).reshape(-1)
                    found = np.where(own >= 0, own + before, found)
                before += len(program.points)
            self.known[array] = found
        return self.known[array]


def _reads(
    network: ElaboratedNetwork, core: Core, value: object, writer: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the writers of elements that a core reads from a buffer, and how many of its iterations read from each.

    Iterations are counted from the inference that writes the element, as later ones may read it, too.
    """
    span = 1 + int(writer.max(initial=0))
    found: list[np.ndarray] = []
    for load in core.loads.values():
        for source, access in load.sources:
            if source is not value:
                continue
            shape = network.arrays[core.buffers[source].array].shape
            for start, stop in blocks(0, core.iterations, prod(access.lanes)):
                locations, defined = access.locations(start, stop)
                size = (stop - start, *access.lanes)
                iteration = np.arange(start, stop).reshape(-1, *(1 for _ in access.lanes))
                if load.across:
                    back, *locations = locations
                    iteration = iteration - back * core.iterations
                element = np.broadcast_to(ravel(locations, shape), size).reshape(-1)
                iteration = np.broadcast_to(iteration, size).reshape(-1)
                if defined is not None:
                    kept = np.broadcast_to(defined, size).reshape(-1)
                    element, iteration = element[kept], iteration[kept]
                by = writer[element]
                found.append(np.unique((iteration * span + by)[by >= 0]))
    pairs = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
    return np.unique(pairs % span, return_counts=True)


def _words(network: ElaboratedNetwork, buffer: Buffer, writer: np.ndarray, read: np.ndarray) -> int:
    """Return the number of words of a buffer. writer: of each element. read: which elements matter."""
    if buffer.storage is None:
        return len(np.unique(writer[read]))
    elements = np.flatnonzero(read)
    location = [*map(np.asarray, np.unravel_index(elements, network.arrays[buffer.array].shape))]
    span = 1 + int(writer.max())
    pairs: list[np.ndarray] = []
    first: np.ndarray | None = None
    # Slots repeat after some inferences: at the latest after as many as make all extents of a ring even.
    for inference in range(lcm(*buffer.shape)):
        slots, defined = buffer.slot(inference, location)
        flat = np.broadcast_to(ravel(slots, buffer.shape), elements.shape)
        flat = np.where(True if defined is None else defined, flat, -1)
        if first is None:
            first = flat
        elif (flat == first).all():
            break
        stored = flat >= 0
        pairs.append(
            flat[stored] * span + writer[elements[stored]] + inference * span * buffer.slots
        )
    return _classes(np.unique(np.concatenate(pairs)), span, buffer.slots)


def _classes(pairs: np.ndarray, span: int, slots: int) -> int:
    """Return the number of sets of stores that slots have. pairs: (inference·slots + slot)·span + store, each once."""
    place, store = np.divmod(pairs, span)
    inference, slot = np.divmod(place, slots)
    order = np.lexsort((store, inference, slot))
    keys = (inference * span + store)[order]
    edges = np.flatnonzero(np.diff(slot[order])) + 1
    return len({keys.tobytes() for keys in np.split(keys, edges)})
