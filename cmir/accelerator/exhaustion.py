"""Control logic of many cores against what they need, iteration by iteration.

`cmir.isl.control` compares an automaton with a relation symbolically. Stages that are spread over cores have an
automaton for every pair of cores, all given by one relation with the cores' coordinates as parameters, and a symbolic
comparison of such families is slow. Domains are finite, so here every iteration of one inference is looked at, on every
pair of cores, with arrays; that the other inferences are like it is for the caller to know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import islpy as isl
import numpy as np

from cmir.accelerator.automata import ALWAYS, NEVER, Automaton
from cmir.accelerator.program import Program
from cmir.isl.cores import core_parameters, with_parameters
from cmir.isl.evaluate import compile_function

Point = tuple[int, ...]


@dataclass(frozen=True)
class Fault:
    """An iteration that waits for the wrong event.

    unsafe: it may run before `event`, which it needs. late: it waits for `event` and needs nothing of it.
    dead: it is never released; there is no event then, but `event` is one that the neighbour has.
    ahead: the inference of the event, counted from that of the iteration.
    """

    kind: Literal["unsafe", "late", "dead"]
    iteration: Point
    event: Point
    ahead: int


def find_fault(
    program: Program, source: Program, automata: Iterable[Automaton], needs: isl.Map
) -> Fault | None:
    """The first iteration that is controlled wrongly on account of one neighbour and array; None if there is none.

    automata: those of the program's cores on the neighbour's; cores without one do not wait. needs: D in inference 0,
    `[p, q] -> { [iteration] -> [n, event iteration] }`, of the program's core p and the neighbour's core q.
    """
    cores, sources = len(program.core_coordinates), len(source.core_coordinates)
    allowed = np.full((sources, len(program.points)), ALWAYS)
    for automaton in automata:
        row = allowed[automaton.source_core]
        run = slice(program.starts[automaton.core], program.starts[automaton.core + 1])
        np.maximum(row[run], automaton.needs, out=row[run])
    needed = _needed(program, source, needs)
    for core in range(cores):
        run = slice(program.starts[core], program.starts[core + 1])
        _accumulate(needed[:, run], np.diff(source.starts)[:, None])
    wrong = allowed != needed
    if not wrong.any():
        return None
    theirs, mine = (int(x) for x in np.argwhere(wrong)[0])
    has, wants = int(allowed[theirs, mine]), int(needed[theirs, mine])
    kind = "dead" if has >= NEVER else "unsafe" if has < wants else "late"
    begin = int(source.starts[theirs])
    count = int(source.starts[theirs + 1]) - begin
    ahead, position = divmod({"dead": 0, "unsafe": wants, "late": has}[kind], count)
    return Fault(
        kind,
        tuple(program.points[mine].tolist()),
        tuple(source.points[begin + position].tolist()),
        ahead,
    )


def _accumulate(needed: np.ndarray, count: np.ndarray) -> None:
    """What an iteration or one before it in the stream needs, in place. count: iterations of the neighbour."""
    np.maximum.accumulate(needed, axis=1, out=needed)
    last = needed[:, -1:]  # of the inference before, and so one inference earlier
    np.maximum(needed, np.where(last == ALWAYS, ALWAYS, last - count), out=needed)


def _needed(program: Program, source: Program, needs: isl.Map) -> np.ndarray:
    """What each iteration itself needs of each core of the neighbour, shape (cores, iterations).

    Events are iterations counted from the first of the same inference there.
    """
    dims = program.core_coordinates.shape[1], source.core_coordinates.shape[1]
    names = core_parameters(dims[0]) + core_parameters(dims[1], "q")
    flat = with_parameters(needs, names).reset_tuple_id(isl.dim_type.in_)
    flat = flat.move_dims(isl.dim_type.in_, 0, isl.dim_type.param, 0, len(names))
    own = np.concatenate((program.points[:, : dims[0]], program.points), axis=1).T
    lows = [*own[: dims[0]].min(axis=1), *source.core_coordinates.min(axis=0)]
    highs = [*own[: dims[0]].max(axis=1), *source.core_coordinates.max(axis=0)]
    lows += own[dims[0] :].min(axis=1).tolist()
    highs += own[dims[0] :].max(axis=1).tolist()
    box = isl.Set.universe(flat.domain().get_space())
    for dim, (low, high) in enumerate(zip(lows, highs, strict=True)):
        box = box.lower_bound_val(isl.dim_type.set, dim, int(low))
        box = box.upper_bound_val(isl.dim_type.set, dim, int(high))
    function = compile_function(flat, box)
    shape = (len(source.core_coordinates), len(program.points))
    (ahead, *event), defined = function(
        [*own[: dims[0]], *source.core_coordinates.T[:, :, None], *own[dims[0] :]]
    )
    defined = np.broadcast_to(np.asarray(True) if defined is None else defined, shape)
    points = np.empty((int(defined.sum()), len(event)), np.int64)
    for dim, x in enumerate(event):
        points[:, dim] = np.broadcast_to(x, shape)[defined]
    needed = np.full(shape, ALWAYS)
    core = np.broadcast_to(np.arange(shape[0])[:, None], shape)[defined]
    position = source.index.find(points) - source.starts[core]
    inference = np.broadcast_to(ahead, shape)[defined]
    needed[defined] = inference * np.diff(source.starts)[core] + position
    return needed
