"""Sequences of inferences in one stream: state begins anew in each."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Operation

from cmir.execution.references import has_state
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError


def sequence_starts(
    lengths: Sequence[int] | None, count: int | None, network: Operation
) -> list[int] | None:
    """Return, for each inference of a stream, the number of the first inference of its sequence.

    lengths: of the sequences, in order; None for one sequence, for which the result is None. count: number of
    inferences, None if it is unknown. Raises CompileError if the stream has another length, or if the network has no
    state.
    """
    if lengths is None:
        return None
    if not has_state(network):
        raise CompileError(None, "sequences need a network with state; it has none")
    if count not in (None, sum(lengths)):
        message = (
            f"the sequences have {count_of(sum(lengths), 'inference')}, and the inputs {count}"
        )
        raise CompileError(None, message)
    starts: list[int] = []
    for length in lengths:
        starts += [len(starts)] * length
    return starts
