"""The comparison of what automata allow with what accesses need, symbolically and from reset.

An automaton is a sequence of steps, repeated for every inference n ≥ 0 of an endless stream. A step may wait for an
event and raises the limit of the iterations that may run; before the first step nothing may. Steps come one after the
other, so a step is taken when the latest event of it and of all steps before has happened, and what it allows is the
highest limit so far. Hence the event that iteration i waits for is

    allow(i) = M(min { a : L(a) >= i }),   M, L = prefix maxima of events and limits over the steps of inferences n ≥ 0.

Against it stands D'(i), the last event of an inference n ≥ 0 that i, or an iteration before it, needs. Control is safe
where allow(i) >= D'(i), tight where allow(i) <= D'(i), and live where allow(i) is defined. All of it is said of all
inferences at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import islpy as isl

from cmir.isl.dependences import maximum, minimum, prefix_maximum, stream, stream_times
from cmir.isl.text import read_map


@dataclass(frozen=True)
class AutomatonSteps:
    """The steps of an automaton in one inference.

    events: `{ [step] -> [time of the event] }`, for the steps that wait.
    limits: `{ [step] -> [ahead, time of the limit] }`: in the inference that lies `ahead` of the step's.
    """

    events: isl.Map
    limits: isl.Map


@dataclass(frozen=True)
class AutomatonFailures:
    """The failures of automata; empty sets and maps if there are none.

    dead: `{ [n, time] }` of iterations that no step ever allows.
    unsafe: `{ [n, time] -> [n', event] }`, iterations that may run before the event they need.
    late: likewise, with the event that they wait for though they need only earlier ones, or none.
    """

    dead: isl.Set
    unsafe: isl.Map
    late: isl.Map


def judge(automata: list[AutomatonSteps], needs: isl.Map, times: isl.Set) -> AutomatonFailures:
    """Return the verdict on the automata on one neighbour.

    needs: D as a stream relation, `{ [n, time] -> [n', event] }`. times: those of all iterations of an inference.
    """
    stream_of = from_reset(stream_times(times))
    needs = needs.intersect_range(from_reset(isl.Set.universe(needs.get_space().range())))
    needed = prefix_maximum(stream_of, needs.intersect_domain(stream_of))
    allowed = isl.Map.empty(needed.get_space())
    dead = isl.Set.empty(stream_of.get_space())
    for automaton in automata:
        event, unreleased = _allowed(automaton, stream_of)
        dead, allowed = dead.union(unreleased), allowed.union(event)
    if len(automata) > 1:  # an iteration waits for all of them
        allowed = maximum(allowed)
    early = _later_than(needed, allowed)
    uncontrolled = needed.intersect_domain(needed.domain().subtract(allowed.domain()))
    late = _later_than(allowed, needed)
    needless = allowed.intersect_domain(allowed.domain().subtract(needed.domain()))
    missing = uncontrolled.intersect_domain(uncontrolled.domain().subtract(dead))
    return AutomatonFailures(dead, early.union(missing), late.union(needless))


def from_reset(times: isl.Set) -> isl.Set:
    """Return the times `[n, time]` with n ≥ 0."""
    return times.lower_bound_val(isl.dim_type.set, 0, isl.Val(0))


def _later_than(first: isl.Map, second: isl.Map) -> isl.Map:
    """`first` where both functions are defined and it is the later one."""
    earlier = first.apply_range(isl.Map.lex_gt(first.range().get_space()))
    return first.intersect_domain(earlier.intersect(second).domain())


def _allowed(automaton: AutomatonSteps, times: isl.Set) -> tuple[isl.Map, isl.Set]:
    """allow, `{ [n, time] -> [n', event] }`, and the times for which no step allows anything."""
    steps = from_reset(stream_times(automaton.limits.domain()))
    limit = prefix_maximum(steps, _in_stream(automaton.limits).intersect_domain(steps))
    event = prefix_maximum(steps, stream(automaton.events).intersect_domain(steps))
    reaches = times.lex_le_set(limit.range()).apply_range(limit.reverse())
    step = minimum(reaches)
    return step.apply_range(event), times.subtract(step.domain())


def _in_stream(limits: isl.Map) -> isl.Map:
    """`{ [step] -> [ahead, time] }` for every inference: `{ [n, step] -> [n + ahead, time] }`."""
    coordinates = [f"t{i}" for i in range(limits.dim(isl.dim_type.out) - 1)]
    carried = limits.insert_dims(isl.dim_type.in_, 0, 1).insert_dims(isl.dim_type.out, 0, 1)
    carried = carried.equate(isl.dim_type.in_, 0, isl.dim_type.out, 0)
    add = read_map(
        f"{{ [{', '.join(['n', 'ahead', *coordinates])}] -> [{', '.join(['n + ahead', *coordinates])}] }}"
    )
    return carried.apply_range(add)
