"""What automata allow against what accesses need: the proof of control logic (docs/design.md §3).

An automaton is a sequence of steps, repeated for every inference of an endless stream. A step may wait for an event and
raises the limit of the iterations that may run. Steps come one after the other, so a step is taken when the latest
event of it and of all steps before has happened, and what it allows is the highest limit so far. Hence the event that
iteration i waits for is

    allow(i) = M(min { a : L(a) >= i }),   M, L = prefix maxima of events and limits over the steps.

Against it stands D'(i), the last event that i, or an iteration before it, needs. Control is safe where
allow(i) >= D'(i), tight where allow(i) <= D'(i), and live where allow(i) is defined. The stream is unbounded on both
sides and the steps are the same in every inference, so the iterations of inference 0 stand for all if D' is the same
in every inference as well. Where it is not, as storage of an odd kind can have it, no automaton is right in all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import islpy as isl

from cmir.isl.dependences import maximum, minimum, prefix_maximum, stream, stream_times
from cmir.isl.memo import kept_by_text
from cmir.isl.text import read_map


@dataclass(frozen=True)
class Automaton:
    """The steps of an automaton in one inference.

    events: `{ [step] -> [time of the event] }`, for the steps that wait.
    limits: `{ [step] -> [ahead, time of the limit] }`: in the inference that lies `ahead` of the step's.
    """

    events: isl.Map
    limits: isl.Map


@dataclass(frozen=True)
class Verdict:
    """How an automaton fails for iterations of one inference; empty sets and maps where it does not.

    inference: which one; 0, unless it is only in another that it fails. Events are counted from it.
    dead: times of iterations that no step ever allows.
    unsafe: `{ [time] -> [n, event] }`, iterations that may run before the event they need.
    late: likewise, with the event that they wait for though they need only earlier ones, or none.
    """

    dead: isl.Set
    unsafe: isl.Map
    late: isl.Map
    inference: int = 0

    @property
    def holds(self) -> bool:
        return self.dead.is_empty() and self.unsafe.is_empty() and self.late.is_empty()


@kept_by_text
def judge(automata: list[Automaton], needs: isl.Map, times: isl.Set) -> Verdict:
    """Whether the automata on one neighbour are safe, tight and live for all iterations.

    needs: D as a stream relation, `{ [n, time] -> [n', event] }`. times: those of all iterations of an inference.
    """
    needed = prefix_maximum(stream_times(times), needs)
    verdict = _judge_first(automata, _of_first_inference(needed), times)
    if verdict.holds and (other := _another(needed)) is not None:
        needed = counted_from(needed, other)
        verdict = _judge_first(automata, _of_first_inference(needed), times)
        return replace(verdict, inference=other)
    return verdict


def _another(needed: isl.Map) -> int | None:
    """An inference n in which what is needed, `{ [n, time] -> [n', event] }`, is not what it is in inference 0."""
    next_ = counted_from(needed, 1)
    if needed.is_equal(next_):
        return None
    first = _of_first_inference(needed)
    distance = 1
    while True:  # one of them is not the same as the one before, in one direction or the other
        for n in (distance, -distance):
            if not _of_first_inference(counted_from(needed, n)).is_equal(first):
                return n
        distance += 1


def counted_from(relation: isl.Map, n: int) -> isl.Map:
    """`{ [m, time] -> [m', event] }` with inference n as inference 0."""

    def shift(space: isl.Space) -> isl.Map:
        names = [f"t{d}" for d in range(space.dim(isl.dim_type.set))]
        shifted = [f"{names[0]} - {n}", *names[1:]]
        return read_map(f"{{ [{', '.join(names)}] -> [{', '.join(shifted)}] }}")

    space = relation.get_space()
    return relation.apply_domain(shift(space.domain())).apply_range(shift(space.range()))


def _judge_first(automata: list[Automaton], needed: isl.Map, times: isl.Set) -> Verdict:
    """The verdict on inference 0. needed: D' there, `{ [time] -> [n, event] }`."""
    allowed = isl.Map.empty(needed.get_space())
    dead = isl.Set.empty(times.get_space())
    for automaton in automata:
        event, unreleased = _allowed(automaton, times)
        dead = dead.union(unreleased)
        allowed = allowed.union(event)
    if len(automata) > 1:  # an iteration waits for all of them
        allowed = maximum(allowed)
    early = _later_than(needed, allowed)
    uncontrolled = needed.intersect_domain(needed.domain().subtract(allowed.domain()))
    late = _later_than(allowed, needed)
    needless = allowed.intersect_domain(allowed.domain().subtract(needed.domain()))
    missing = uncontrolled.intersect_domain(uncontrolled.domain().subtract(dead))
    return Verdict(dead, early.union(missing), late.union(needless))


def _later_than(first: isl.Map, second: isl.Map) -> isl.Map:
    """`first` where both functions are defined and it is the later one."""
    earlier = first.apply_range(isl.Map.lex_gt(first.range().get_space()))
    return first.intersect_domain(earlier.intersect(second).domain())


def _allowed(automaton: Automaton, times: isl.Set) -> tuple[isl.Map, isl.Set]:
    """allow, `{ [time] -> [n, event] }` for inference 0, and the times for which no step allows anything."""
    steps = stream_times(automaton.limits.domain())
    limit = prefix_maximum(steps, _in_stream(automaton.limits))
    event = prefix_maximum(steps, stream(automaton.events))
    first = _first_inference(times)
    reaches = first.lex_le_set(limit.range()).apply_range(limit.reverse())
    step = minimum(reaches)
    dead = first.subtract(step.domain())
    return (
        _of_first_inference(step.apply_range(event)),
        dead.project_out(isl.dim_type.set, 0, 1),
    )


def _first_inference(times: isl.Set) -> isl.Set:
    return stream_times(times).fix_val(isl.dim_type.set, 0, isl.Val(0))


def _of_first_inference(relation: isl.Map) -> isl.Map:
    """`{ [n, time] -> … }` at n = 0, as `{ [time] -> … }`."""
    fixed = relation.fix_val(isl.dim_type.in_, 0, isl.Val(0))
    return fixed.project_out(isl.dim_type.in_, 0, 1)


def _in_stream(limits: isl.Map) -> isl.Map:
    """`{ [step] -> [ahead, time] }` for every inference: `{ [n, step] -> [n + ahead, time] }`."""
    coordinates = [f"t{i}" for i in range(limits.dim(isl.dim_type.out) - 1)]
    carried = limits.insert_dims(isl.dim_type.in_, 0, 1).insert_dims(isl.dim_type.out, 0, 1)
    carried = carried.equate(isl.dim_type.in_, 0, isl.dim_type.out, 0)
    add = read_map(
        f"{{ [{', '.join(['n', 'ahead', *coordinates])}] -> [{', '.join(['n + ahead', *coordinates])}] }}"
    )
    return carried.apply_range(add)
