"""Transformations of the order in which a stage runs its iterations.

A schedule maps iterations to times, which are integer tuples compared lexicographically. A change maps times to times.
The new schedule is the composition

    T′ = T then change

so changes can be chained. Every change that is injective on the times of a schedule yields a schedule.
"""

from __future__ import annotations

from collections.abc import Sequence

import islpy as isl

from cmir.isl.text import read_map


def interchange(permutation: Sequence[int]) -> isl.Map:
    """Return `{ [t0, t1, …] -> [t_p0, t_p1, …] }`: dimension p0 becomes the outermost, then p1 and so on."""
    times = _times(len(permutation))
    return _change(times, [times[p] for p in permutation])


def tile(sizes: Sequence[int]) -> isl.Map:
    """Return `{ [t0, t1] -> [⌊t0 / s0⌋, ⌊t1 / s1⌋, t0, t1] }`: rectangular tiles, each in the original order.

    A dimension of size 0 is not tiled: `[0, 8]` gives strips of 8 in the second dimension. Tiles are aligned to
    multiples of their sizes.
    """
    times = _times(len(sizes))
    tiles = [f"floor({t} / {size})" for t, size in zip(times, sizes, strict=True) if size]
    return _change(times, tiles + times)


def reverse(order: isl.Map, dims: Sequence[int]) -> isl.Map:
    """Return `{ [t] -> [min + max - t] }` in dimensions `dims` of the times of `order`, which keep their bounds."""
    within = order.range()
    times = _times(order.dim(isl.dim_type.out))
    new = [
        f"{within.dim_min_val(d).to_python() + within.dim_max_val(d).to_python()} - {t}"
        if d in dims
        else t
        for d, t in enumerate(times)
    ]
    return _change(times, new)


def reschedule(order: isl.Map, change: isl.Map) -> isl.Map:
    """Return the schedule T′ = T then change, whose times have no tuple name."""
    return order.apply_range(change).reset_tuple_id(isl.dim_type.out).coalesce()


def schedule_problem(domain: isl.Set, schedule: isl.Map) -> str | None:
    """Return the reason why `schedule` does not order the iterations of `domain`, or None."""
    order = schedule.intersect_domain(domain)
    if not (missing := domain.subtract(order.domain())).is_empty():
        return f"gives no time to iteration {_point(missing)}"
    if not order.is_single_valued():
        two = order.subtract(order.lexmin()).domain()
        return f"gives iteration {_point(two)} two times"
    if not order.is_injective():
        runs = order.reverse()
        late = runs.subtract(runs.lexmin())
        time = late.domain().sample_point()
        same = runs.intersect_domain(isl.Set.from_point(time)).range()
        one, other = same.lexmin(), same.subtract(same.lexmin()).lexmin()
        return f"gives iterations {_point(one)} and {_point(other)} the same time"
    return None


def _times(count: int) -> list[str]:
    return [f"t{d}" for d in range(count)]


def _change(times: Sequence[str], new: Sequence[str]) -> isl.Map:
    return read_map(f"{{ [{', '.join(times)}] -> [{', '.join(new)}] }}")


def _point(points: isl.Set) -> str:
    """Return the lexicographically first point as text, such as `conv[0, 8]`."""
    return str(points.lexmin().sample_point()).strip("{ }")
