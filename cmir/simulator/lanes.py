"""The number of inferences that run in lock-step, where nobody asks for one.

More lanes save time as long as the work of a chunk is less than what starting its operations takes. They cost memory:
each has buffers of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from xdsl.dialects.builtin import VectorType

from cmir.dialects.core_name import CoreName
from cmir.dialects.element_types import dtype_of
from cmir.elaboration.network import ElaboratedNetwork
from cmir.simulator.layout import Layout
from cmir.simulator.memory import MemoryPlan
from cmir.support.blocks import LANES_AT_ONCE
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.timing.actors import Actor
from cmir.timing.control import ActorState, Control

MOST_LANES = 64

_FEWEST_LANES = 4
"""With fewer, what strided windows read are runs of two or three numbers, which costs more than the lanes save."""

MOST_BYTES = 1 << 28
"""Bytes of buffers, outputs and temporary values of all lanes."""

_INFERENCES = 2
"""Number of inferences whose chunks are counted."""


def most_useful_lanes(
    network: ElaboratedNetwork, actors: Mapping[CoreName, Actor], plan: MemoryPlan
) -> int:
    """Return the number of lanes beyond which more would save no time, or take too much memory."""
    loaded = {name: _most_loaded(network, name) for name in actors}
    elements = sum(actor.iterations * loaded[name] for name, actor in actors.items())
    chunks = _Chunks(actors)
    chunks.run_all()
    by_work = LANES_AT_ONCE * chunks.count // (_INFERENCES * elements)
    by_work = by_work if by_work >= _FEWEST_LANES else 1
    by_memory = MOST_BYTES // _bytes_of_inference(network, plan)
    return max(1, min(MOST_LANES, by_work, by_memory))


def lanes_for(most: int, count: int | None, sequences: int | None) -> int:
    """Return the number of lanes of a stream, at most `most`.

    count: number of inferences, None if unknown. sequences: their number in a network with state, which a lane holds as
    a whole; None without state. The last group has almost as many inferences as the others.
    """
    whole = count if sequences is None else sequences
    if whole is None:
        return most
    rounds = -(-whole // most)
    return -(-whole // rounds)


def check_lanes(lanes: int, sequences: int | None) -> None:
    """Raise CompileError if there are more lanes than sequences. sequences: see `lanes_for`."""
    if sequences is not None and lanes > sequences:
        there = count_of(sequences, "sequence")
        message = (
            f"{lanes} lanes are too many for {there}: with state, a lane holds whole sequences"
        )
        raise CompileError(None, message)


def sequences_of(network: ElaboratedNetwork, first: Sequence[int] | None) -> int | None:
    """Return the number of sequences in a stream; None for a network without state. first: see `Simulator.run`."""
    if all(array.initial is None for array in network.arrays.values()):
        return None
    return 1 if first is None else len(set(first))


class _Chunks(Control[None]):
    """Counts the chunks of a few inferences."""

    def __init__(self, actors: Mapping[CoreName, Actor]):
        self.count = 0
        super().__init__(actors, dict.fromkeys(actors), None)

    def exists(self, inference: int) -> bool:
        return inference < _INFERENCES

    def advance(self, state: ActorState[None], inference: int, first: int, last: int) -> None:
        self.count += 1


def _most_loaded(network: ElaboratedNetwork, core: CoreName) -> int:
    """Return the elements of the largest load of an iteration."""
    loads = network.cores[core].loads.values()
    return max((prod(load.lanes) for load in loads), default=1)


def _bytes_of_inference(network: ElaboratedNetwork, plan: MemoryPlan) -> int:
    """Return the bytes that an inference takes by itself: buffers, outputs, and the values of an iteration."""
    arrays = network.arrays
    buffers = [
        _bytes_of_layout(layout)
        for layout in plan.layouts.values()
        if arrays[layout.buffer.array].source is None
    ]
    outputs = [prod(arrays[n].shape) * dtype_of(arrays[n].type).itemsize for n in network.outputs]
    values = [
        sum(
            prod(result.type.get_shape()) * dtype_of(result.type.element_type).itemsize
            for op in program.body
            for result in op.results
            if isinstance(result.type, VectorType)
        )
        for program in network.programs.values()
    ]
    return sum(buffers) + sum(outputs) + max(values, default=0)


def _bytes_of_layout(layout: Layout) -> int:
    return prod(layout.shape) * layout.buffer.dtype.itemsize
