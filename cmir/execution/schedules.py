"""cm-run --schedules: a compiled network on the reference machine, under random and adversarial delays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import ModuleOp

from cmir.context import make_context
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, Where
from cmir.support.parsing import parse_module
from cmir.support.printing import ir_text

if TYPE_CHECKING:
    import numpy as np

    from cmir.dialects.cmcore import NetworkOp
    from cmir.execution.streams import Sample

INFERENCES = 4
"""Minimum number of inferences of a schedule: faults in a ring buffer show after it has wrapped around."""

MOST_INFERENCES = 8
"""Maximum number of inferences: a longer stream shows no more, and slots are computed for each inference."""


def run_schedules(
    network: NetworkOp,
    parameters: Mapping[str, np.ndarray],
    samples: Sequence[Sample],
    count: int,
    seed: int,
    where: Where,
    progress: Callable[[str], None],
) -> list[dict[str, np.ndarray]]:
    """Run schedules on the printed text of a network, the first with values, the others on tags only.

    samples: an array for each input of each inference; empty for tags only. They are used cyclically, or only the first
    ones if there are many. Returns the outputs for the samples used. Raises CompileError at the first schedule with a
    fault.
    """
    from cmir.reference import Finding, ReferenceMachine
    from cmir.semantics.body import function_of_iteration

    inferences = min(max(INFERENCES, len(samples)), MOST_INFERENCES)
    inputs = [*islice(cycle(samples), inferences)] if samples else None
    about = "before any schedule"
    outputs: list[dict[str, np.ndarray]] = []
    try:
        machine = ReferenceMachine(_parsed(network), inferences, parameters, function_of_iteration)
        for k, schedule in enumerate(machine.schedules(count, seed)):
            about = f"schedule {k} ({schedule.name})"

            def show(done: int, total: int, about: str = about) -> None:
                progress(
                    f"{about} of {count}: {100 * done // total} % of {count_of(total, 'iteration')}"
                )

            found = machine.run(schedule, inputs if k == 0 else None, show)
            outputs = outputs or found
    except Finding as finding:
        raise CompileError(where, f"{about}: {finding}") from finding
    return outputs[: len(samples)]


def _parsed(network: NetworkOp) -> NetworkOp:
    """Print a network and parse the text."""
    from cmir.dialects.cmcore import NetworkOp

    (copy,) = parse_module(ir_text(network), make_context()).body.block.ops
    assert isinstance(copy, NetworkOp)
    assert isinstance(copy.parent_op(), ModuleOp)
    return copy
