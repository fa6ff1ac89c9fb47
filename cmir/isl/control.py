"""Symbolic comparison of what automata allow with what accesses need, from reset.

An automaton is a sequence of steps that repeats for every inference n ≥ 0 of an endless stream. A step may wait for an
event, and then raises the limit of the iterations that may run. Before the first step, no iteration may run. Steps are
taken in order, so a step is taken once its own event and the events of all earlier steps have occurred, and it allows
the iterations up to the highest limit so far. Hence iteration i waits for the event

    allow(i) = M(min { a : L(a) >= i }),   M, L = prefix maxima of events and limits over the steps of inferences n ≥ 0.

It is compared with D'(i), the last event of an inference n ≥ 0 that iteration i, or an earlier one, needs. Control is
safe where allow(i) >= D'(i), tight where allow(i) <= D'(i), and deadlock-free where allow(i) is defined. The comparison
covers all inferences at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import islpy as isl

from cmir.isl.dependences import maximum, minimum, prefix_maximum, stream, stream_times
from cmir.isl.text import read_map


@dataclass(frozen=True)
class AutomatonSteps:
    """Steps of an automaton in one inference.

    events: `{ [step] -> [time of the event] }`, for the steps that wait.
    limits: `{ [step] -> [ahead, time of the limit] }`; the limit lies `ahead` inferences after that of the step.
    """

    events: isl.Map
    limits: isl.Map


@dataclass(frozen=True)
class AutomatonFailures:
    """Failures of automata; the sets and maps are empty if there are none.

    dead: `{ [n, time] }`, iterations that no step ever allows.
    unsafe: `{ [n, time] -> [n', event] }`, iterations that may run before the event they need.
    late: `{ [n, time] -> [n', event] }`, iterations that wait for this event although they need only earlier ones,
        or none.
    """

    dead: isl.Set
    unsafe: isl.Map
    late: isl.Map


def judge(automata: list[AutomatonSteps], needs: isl.Map, times: isl.Set) -> AutomatonFailures:
    """Return the failures of the automata that control a core on account of one neighbour.

    needs: D as a stream relation, `{ [n, time] -> [n', event] }`. times: times of all iterations of one inference.
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
    """Return the times `[n, time]` with n ≥ 0, those from reset on."""
    return times.lower_bound_val(isl.dim_type.set, 0, isl.Val(0))


def _later_than(first: isl.Map, second: isl.Map) -> isl.Map:
    """Return `first` restricted to where both functions are defined and `first` is the later one."""
    earlier = first.apply_range(isl.Map.lex_gt(first.range().get_space()))
    return first.intersect_domain(earlier.intersect(second).domain())


def _allowed(automaton: AutomatonSteps, times: isl.Set) -> tuple[isl.Map, isl.Set]:
    """Return allow, `{ [n, time] -> [n', event] }`, and the times that no step ever allows."""
    steps = from_reset(stream_times(automaton.limits.domain()))
    limit = prefix_maximum(steps, _in_stream(automaton.limits).intersect_domain(steps))
    event = prefix_maximum(steps, stream(automaton.events).intersect_domain(steps))
    reaches = times.lex_le_set(limit.range()).apply_range(limit.reverse())
    step = minimum(reaches)
    return step.apply_range(event), times.subtract(step.domain())


def _in_stream(limits: isl.Map) -> isl.Map:
    """Return `{ [step] -> [ahead, time] }` for every inference: `{ [n, step] -> [n + ahead, time] }`."""
    coordinates = [f"t{i}" for i in range(limits.dim(isl.dim_type.out) - 1)]
    carried = limits.insert_dims(isl.dim_type.in_, 0, 1).insert_dims(isl.dim_type.out, 0, 1)
    carried = carried.equate(isl.dim_type.in_, 0, isl.dim_type.out, 0)
    add = read_map(
        f"{{ [{', '.join(['n', 'ahead', *coordinates])}] -> [{', '.join(['n + ahead', *coordinates])}] }}"
    )
    return carried.apply_range(add)
