"""Release relations computed from the points of accesses, for formulas that exceed ISL's budget.

`cmir.isl.dependences` defines these relations and computes them from formulas. For maxima over nested floors, such as
those of two consecutive rescalings, ISL returns hundreds of pieces, and the next maximum takes minutes. There are few
points, however: here, last accesses and their prefix maxima are array operations, and the release relation is written
with the formulas recognized from its points (`cmir.isl.nests`).
"""

from __future__ import annotations

import islpy as isl
import numpy as np

from cmir.isl.lattice import lattice_pairs
from cmir.isl.memo import kept_by_text
from cmir.isl.nests import Nest, nest_of, pieces
from cmir.isl.text import IslError, read_map, read_set

_MOST_INFERENCES = 64
"""Limit of the number of inferences after which every slot must be written again for credits to be enumerated."""

_NEVER = np.iinfo(np.int64).min // 2

Limits = tuple[isl.Map, isl.Set]
"""A release relation and the limit at reset, both unnamed: the fields of `cmir.isl.dependences.Release`."""


@kept_by_text
def raw_release_of_points(needs: isl.Map, arrival: isl.Map, order_r: isl.Map) -> Limits:
    """Return the limits of read after write. Raises IslError if there are too many points.

    needs: reader time -> times of the writes that it reads.
    arrival: location -> time, for the first location of each write.
    """
    readers, reader_times = _by_time(order_r)
    locations, writer_times = _by_time(arrival)
    reads, writes = lattice_pairs(needs)
    latest = np.full(len(readers), -1)
    np.maximum.at(latest, _ranks(reader_times, reads), _ranks(writer_times, writes))
    latest = np.maximum.accumulate(latest)
    last = np.flatnonzero(np.append(latest[1:] != latest[:-1], True))
    free = last[latest[last] < 0]
    last = last[latest[last] >= 0]
    events = latest[last]
    table = np.hstack([locations[events], readers[last]])
    nest = nest_of(writer_times[events], table)
    return _relation(nest, locations.shape[1], readers.shape[1]), _last_point(readers[free])


@kept_by_text
def war_release_of_points(
    write: isl.Map,
    read: isl.Map,
    storage: isl.Map,
    order_w: isl.Map,
    order_r: isl.Map,
) -> Limits:
    """Return the limits of write after read. Raises IslError if there are too many points.

    write, read: iteration -> location. storage: `{ b[n, location] -> slot }`.
    """
    readers, reader_times = _by_time(order_r)
    writers, writer_times = _by_time(order_w)
    widths = readers.shape[1], 1 + writers.shape[1]
    written = order_w.reverse().apply_range(write)
    readers_of = read.reverse().apply_range(order_r)
    latest = np.full(len(writers), _NEVER)
    unmet = written.range()
    for back in range(_MOST_INFERENCES):
        shared = _sharing(storage, back)
        if back:
            occupants = written.apply_range(shared)
        else:
            older = isl.Map.lex_gt(written.domain().get_space()).apply_range(written)
            occupants = written.apply_range(shared).intersect(older)
        overwrites, reads = lattice_pairs(occupants.apply_range(readers_of))
        events = _ranks(reader_times, reads) - back * len(readers)
        np.maximum.at(latest, _ranks(writer_times, overwrites), events)
        if back:
            unmet = unmet.intersect(_in_inference(storage, 0).domain())
            unmet = unmet.subtract(shared.intersect_range(written.range()).domain())
            if unmet.is_empty():
                break
    else:
        raise IslError(
            f'slots are not written again within {_MOST_INFERENCES} inferences: "{storage}"'
        )
    if latest.max(initial=_NEVER) == _NEVER:
        return _relation((), *widths), _last_point(np.zeros((0, widths[1])))
    latest = np.maximum.accumulate(np.maximum(latest, latest.max() - len(readers)))
    last = np.flatnonzero(np.append(latest[1:], latest[0] + len(readers)) != latest)
    ahead, event = -(latest[last] // len(readers)), latest[last] % len(readers)
    order = np.argsort(event)
    event, limits = event[order], np.column_stack([ahead, writers[last]])[order]
    nest = nest_of(reader_times[event], np.hstack([readers[event], limits]))
    before = limits[-1:] - np.eye(1, limits.shape[1], dtype=np.int64)
    return _relation(nest, *widths), _last_point(before)


def _in_inference(storage: isl.Map, number: int) -> isl.Map:
    """Return the storage of one inference, `{ [location] -> slot }`."""
    fixed = storage.fix_val(isl.dim_type.in_, 0, isl.Val(number))
    return fixed.project_out(isl.dim_type.in_, 0, 1)


def _sharing(storage: isl.Map, back: int) -> isl.Map:
    """Return location -> the locations that shared its slot `back` inferences before."""
    before = _in_inference(storage, -back).reverse()
    return _in_inference(storage, 0).apply_range(before)


def _by_time(order: isl.Map) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a schedule and their times, in the order of the times."""
    times, points = lattice_pairs(order.reverse())
    return points, times


def _ranks(times: np.ndarray, some: np.ndarray) -> np.ndarray:
    """Return the position of each of `some` in `times`, which are sorted."""
    if not times.shape[1]:
        return np.zeros(len(some), np.int64)
    every = np.concatenate([times, some])
    low = every.min(axis=0)
    weights = np.append(np.cumprod((every.max(axis=0) - low + 1)[:0:-1])[::-1], 1)
    return np.searchsorted((times - low) @ weights, (some - low) @ weights)


def _relation(nest: Nest, inputs: int, outputs: int) -> isl.Map:
    """Return the points that a nest visits as a relation from the first coordinates to the others."""
    dims = [*(f"i{d}" for d in range(inputs)), *(f"o{d}" for d in range(outputs))]
    pair = f"[{', '.join(dims[:inputs])}] -> [{', '.join(dims[inputs:])}]"
    found = isl.Map.empty(read_map(f"{{ {pair} }}").get_space())
    for loops, visit in pieces(nest):
        where = [f"0 <= j{loop.counter} < {loop.trips}" for loop in loops]
        where += [f"{name} = {value}" for name, value in zip(dims, visit.point, strict=True)]
        inside = " and ".join(where) or "1 = 1"
        if counters := ", ".join(f"j{loop.counter}" for loop in loops):
            inside = f"exists ({counters} : {inside})"
        found = found.union(read_map(f"{{ {pair} : {inside} }}"))
    return found


def _last_point(points: np.ndarray) -> isl.Set:
    """Return the last of the points as a set, which is empty if there are none."""
    space = read_set(f"{{ [{', '.join(f'o{d}' for d in range(points.shape[1]))}] }}")
    if not len(points):
        return isl.Set.empty(space.get_space())
    for d, value in enumerate(points[-1].tolist()):
        space = space.fix_val(isl.dim_type.set, d, isl.Val(value))
    return space
