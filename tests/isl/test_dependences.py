"""Release relations against brute force: prefix maxima, data and credits, in any order, in full and ring storage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from fractions import Fraction
from math import floor
from typing import Any
from unittest.mock import patch

import islpy as isl
import pytest
from enumeration import Point, pairs, points
from hypothesis import given
from hypothesis import strategies as st
from isl.strategies import Accesses, accesses, across, own_accesses, sets

from cmir.isl import dependences
from cmir.isl.dependences import (
    full_storage,
    identity_schedule,
    inferences_waited,
    prefix_maximum,
    raw_release,
    raw_release_across,
    war_release,
)
from cmir.isl.inferences import in_own_inference


def in_order(schedule: isl.Map) -> list[Point]:
    """The iterations of a schedule, as they run."""
    return [iteration for iteration, _ in sorted(pairs(schedule), key=lambda pair: pair[1])]


def by_iteration(access: isl.Map) -> dict[Point, list[Point]]:
    found: dict[Point, list[Point]] = defaultdict(list)
    for iteration, location in pairs(access):
        found[iteration].append(location)
    return found


@given(st.data())
def test_prefix_maximum(data: st.DataObject) -> None:
    dims = ["x", "y"][: data.draw(st.integers(1, 2))]
    domain = data.draw(sets(dims))
    needs = isl.Map.from_domain_and_range(data.draw(sets(dims)), data.draw(sets(["e"])))
    needs = needs.intersect(isl.Map(f"{{ [{', '.join(dims)}] -> [e] : (e + x) mod 3 < 2 }}"))
    needed = by_iteration(needs)
    expected = {}
    latest = None
    for time in sorted(points(domain)):
        latest = max([*needed[time], *([latest] if latest is not None else [])], default=None)
        if latest is not None:
            expected[time] = latest
    assert dict(pairs(prefix_maximum(domain, needs))) == expected


def test_textbook_release_is_exact() -> None:
    write = isl.Map("{ CONV1[w] -> b[w] : 0 <= w < 8 }")
    read = isl.Map("{ CONV2[w] -> b[j] : 0 <= w < 6 and w <= j < w + 3 }")
    orders = [identity_schedule(access.domain()) for access in (write, read)]
    release = raw_release(write, read, *orders)
    assert str(release.relation) == "{ b[j] -> CONV2[w = -2 + j] : 2 <= j <= 7 }"
    assert release.initially.is_empty()


def fail(*_: object) -> None:
    raise AssertionError("not to be computed from formulas")


WAYS: list[dict[str, Any]] = [
    {"_FEW": 0},
    {"_FEW": 1000},
    {"within_budget": lambda *_: None, "_raw_formulas": fail, "_war_formulas": fail},
]
"""Maxima by comparing functions, by ISL's `lexmax`, or of points."""

ways = st.sampled_from(WAYS).map(lambda way: patch.multiple(dependences, **way))


@given(accesses(), ways)
def test_raw_release(case: Accesses, way: AbstractContextManager[object]) -> None:
    with way:
        check_release(case)


def check_release(case: Accesses) -> None:
    writers, readers = in_order(case.order_w), in_order(case.order_r)
    written, read = by_iteration(case.write), by_iteration(case.read)
    step = {location: t for t, w in enumerate(writers) for location in written[w]}
    expected: dict[Point, Point] = {}
    initially: list[Point] = []
    latest = -1
    for reader in readers:
        latest = max([latest, *(step[location] for location in read[reader])])
        if latest < 0:
            initially = [reader]
        else:
            expected[min(written[writers[latest]])] = reader
    release = raw_release(case.write, case.read, case.order_w, case.order_r)
    assert dict(pairs(release.relation)) == expected
    assert points(release.initially) == initially


Storage = Callable[[int, Point], Hashable]

SHOWN, LAST = 14, 28
"""The inference whose releases are looked at, late enough for its past to be complete, and
the last one, late enough for all that it releases."""


def brute_force_credits(case: Accesses, storage: Storage) -> tuple[dict[Point, Point], list[Point]]:
    """The releases at the events of inference SHOWN, and the limit before, by playing the stream."""
    writers, readers = in_order(case.order_w), in_order(case.order_r)
    written, read = by_iteration(case.write), by_iteration(case.read)
    last_read = {location: t for t, r in enumerate(readers) for location in read[r]}
    needed_by_slot: dict[Hashable, tuple[int, int]] = {}
    limits: dict[tuple[int, int], Point] = {}
    latest = (-1, -1)
    for n in range(LAST + 1):
        for writer in writers:
            slots = {location: storage(n, location) for location in written[writer]}
            old = [needed_by_slot[slot] for slot in slots.values() if slot in needed_by_slot]
            latest = max([latest, *old])
            limits[latest] = (n - SHOWN, *writer)
            for location, slot in slots.items():
                if location in last_read:
                    need = (n, last_read[location])
                    needed_by_slot[slot] = max(need, needed_by_slot.get(slot, need))
    events = sorted(limits)
    shown = {readers[t]: limits[n, t] for n, t in events if n == SHOWN}
    before = [limits[event] for event in events if event < (SHOWN, 0)]
    return shown, before[-1:] if shown else []


def check_credits(case: Accesses, storage: isl.Map, slot: Storage) -> None:
    expected, initially = brute_force_credits(case, slot)
    release = war_release(
        case.write, in_own_inference(case.read), storage, case.order_w, case.order_r
    )
    assert dict(pairs(release.relation)) == expected
    assert points(release.initially) == initially


def brute_force_across(case: Accesses, read: isl.Map) -> tuple[dict[Point, Point], list[Point]]:
    """Like `brute_force_credits`, for data that the reader needs, of its own inference and of earlier ones."""
    writers, readers = in_order(case.order_w), in_order(case.order_r)
    written, reads = by_iteration(case.write), by_iteration(read)
    step = {location: t for t, w in enumerate(writers) for location in written[w]}
    limits: dict[tuple[int, int], Point] = {}
    latest = (-LAST, 0)
    for n in range(LAST + 1):
        for reader in readers:
            latest = max([latest, *((n + m, step[tuple(at)]) for m, *at in reads[reader])])
            limits[latest] = (n - SHOWN, *reader)
    events = sorted(limits)
    shown = {min(written[writers[t]]): limits[n, t] for n, t in events if n == SHOWN}
    before = [limits[event] for event in events if event < (SHOWN, 0)]
    return shown, before[-1:] if shown else []


@given(st.data(), accesses(), ways)
def test_raw_release_across(
    data: st.DataObject, case: Accesses, way: AbstractContextManager[object]
) -> None:
    read = data.draw(across(case))
    expected, initially = brute_force_across(case, read)
    with way:
        release = raw_release_across(case.write, read, case.order_w, case.order_r)
    assert dict(pairs(release.relation)) == expected
    assert points(release.initially) == initially
    assert inferences_waited(release, case.order_r) == 0


def brute_force_credits_across(
    case: Accesses, read: isl.Map, storage: Storage, itself: bool
) -> tuple[dict[Point, Point], list[Point], int]:
    """Like `brute_force_credits`, of reads across inferences, and how many inferences later a write waits for.

    itself: the reader is the writer, and an iteration needs nothing of itself.
    """
    writers, readers = in_order(case.order_w), in_order(case.order_r)
    written, reads = by_iteration(case.write), by_iteration(read)
    read_by: dict[Point, list[tuple[int, int]]] = defaultdict(list)
    for t, reader in enumerate(readers):
        for m, *at in reads[reader]:
            read_by[tuple(at)].append((-m, t))
    needed_by_slot: dict[Hashable, list[tuple[int, int]]] = defaultdict(list)
    limits: dict[tuple[int, int], Point] = {}
    latest, later = (-1, -1), 0
    for n in range(LAST + 1):
        for t, writer in enumerate(writers):
            slots = {location: storage(n, location) for location in written[writer]}
            old = [event for slot in slots.values() for event in needed_by_slot[slot]]
            latest = max([latest, *(event for event in old if not itself or event != (n, t))])
            limits[latest] = (n - SHOWN, *writer)
            later = max(later, latest[0] - n)
            for location, slot in slots.items():
                events = [(n + d, r) for d, r in read_by[location]]
                needed_by_slot[slot] = sorted({*needed_by_slot[slot], *events})[-2:]
    events = sorted(limits)
    shown = {readers[t]: limits[n, t] for n, t in events if n == SHOWN}
    before = [limits[event] for event in events if event < (SHOWN, 0)]
    return shown, before[-1:] if shown else [], later


def check_credits_across(
    case: Accesses, read: isl.Map, storage: isl.Map, slot: Storage, itself: bool
) -> None:
    expected, initially, later = brute_force_credits_across(case, read, slot, itself)
    release = war_release(case.write, read, storage, case.order_w, case.order_r, itself)
    assert dict(pairs(release.relation)) == expected
    assert points(release.initially) == initially
    assert inferences_waited(release, case.order_w) == later


def ring(shape: tuple[int, ...], kind: str, size: int) -> tuple[isl.Map, Storage]:
    """A ring of rows, or one of whole inferences."""
    height, *rest = shape
    dims = ["w"][: len(rest)]
    location, rows = ", ".join(["n", "h", *dims]), ", ".join(["r", *dims])
    if kind == "rows":
        storage = isl.Map(f"{{ b[{location}] -> slot[{rows}] : r = ({height}n + h) mod {size} }}")
        return storage, lambda n, at: ((height * n + at[0]) % size, *at[1:])
    storage = isl.Map(
        f"{{ b[{location}] -> slot[r, {', '.join(['h', *dims])}] : r = n mod {size} }}"
    )
    return storage, lambda n, at: (n % size, *at)


rings = st.one_of(
    st.tuples(st.just("rows"), st.integers(1, 12)),
    st.tuples(st.just("inferences"), st.integers(1, 4)),
)
formulas = st.sampled_from(WAYS[:2]).map(lambda way: patch.multiple(dependences, **way))


@given(st.data(), accesses(), rings, formulas)
def test_war_release_across(
    data: st.DataObject,
    case: Accesses,
    kind: tuple[str, int],
    way: AbstractContextManager[object],
) -> None:
    read = data.draw(across(case))
    with way:
        check_credits_across(case, read, *ring(case.shape, *kind), itself=False)


@given(st.data(), own_accesses(), rings, formulas)
def test_war_release_of_a_stage_from_itself(
    data: st.DataObject,
    case: Accesses,
    kind: tuple[str, int],
    way: AbstractContextManager[object],
) -> None:
    """An iteration may overwrite what it reads itself."""
    read = data.draw(across(case))
    with way:
        check_credits_across(case, read, *ring(case.shape, *kind), itself=True)


def test_needs_with_a_part_that_has_rational_points_only() -> None:
    """ISL's maximum of a coordinate of the last need is one that no need has."""
    order = isl.Map("{ W[i] -> [o, -i] : 0 <= i <= 3 and -1 - i <= 2o <= -i }")
    written = isl.Map("{ W[i] -> b[h = i] : 0 <= i <= 3 }")
    case = Accesses((4,), written, isl.Map("{ W[i] -> b[h = i - 1] : 0 < i <= 3 }"), order, order)
    read = isl.Map(
        "{ W[i] -> b[m = -1, 4 - i] : 0 < i <= 2; W[i] -> b[m = 0, -1 + i] : i mod 2 = 0 and 0 < i <= 3; "
        "W[i = 3] -> b[m = -2, 1] }"
    )
    with patch.multiple(dependences, _FEW=0):
        check_credits_across(case, read, *ring(case.shape, "rows", 6), itself=True)


@given(accesses(), ways)
def test_war_release_with_full_storage(case: Accesses, way: AbstractContextManager[object]) -> None:
    dims = ", ".join(f"d{i}" for i in range(len(case.shape)))
    inside = " and ".join(f"0 <= d{i} < {size}" for i, size in enumerate(case.shape))
    array = isl.Set(f"{{ b[{dims}] : {inside} }}")
    with way:
        check_credits(case, full_storage(array), lambda _, location: location)


@given(accesses(), st.integers(1, 12), ways)
def test_war_release_with_a_ring_of_rows(
    case: Accesses, rows: int, way: AbstractContextManager[object]
) -> None:
    height, *rest = case.shape
    dims = ["w"][: len(rest)]
    location, slot = ", ".join(["n", "h", *dims]), ", ".join(["r", *dims])
    storage = isl.Map(f"{{ b[{location}] -> slot[{slot}] : r = ({height}n + h) mod {rows} }}")
    with way:
        check_credits(case, storage, lambda n, at: ((height * n + at[0]) % rows, *at[1:]))


@pytest.mark.parametrize("writer", [None, (5, 7), (3, 4)])
@pytest.mark.parametrize("reader", [(3, 4), (4, 5)])
def test_tiles_that_do_not_fit(writer: tuple[int, int] | None, reader: tuple[int, int]) -> None:
    """Convolutions in tiles that fit neither each other nor the image."""
    inside = "0 <= h < 11 and 0 <= w < 13"
    write = isl.Map(f"{{ W[h, w] -> b[h, w] : {inside} }}")
    read = isl.Map(
        f"{{ R[h, w] -> b[y, x] : {inside} and 0 <= y < 11 and 0 <= x < 13 and "
        "h - 1 <= y <= h + 1 and w - 1 <= x <= w + 1 }"
    )
    orders = [
        isl.Map(f"{{ {access.get_tuple_name(isl.dim_type.in_)}[h, w] -> [{times}] : {inside} }}")
        for access, tile in ((write, writer), (read, reader))
        for times in ["h, w" if tile is None else f"floor(h/{tile[0]}), floor(w/{tile[1]}), h, w"]
    ]
    case = Accesses((11, 13), write, read, *orders)
    check_release(case)
    check_credits(case, full_storage(write.range()), lambda _, location: location)


@pytest.mark.parametrize("other", ["x", "floor(3*floor(4x/3)/5)"])
def test_rescaling_twice(other: str) -> None:
    """A reader of rows that are rescaled by 5/3 and then by 3/4: some are read twice, and some by nobody."""
    inside = "0 <= h < 15 and 0 <= w < 6"
    write = isl.Map("{ W[h, w] -> b[h, w] : 0 <= h < 12 and 0 <= w < 6 }")
    window = f"{{ R[h, w] -> [y, x] : {inside} and h <= y <= h + 1 and 0 <= y < 15 and x = w }}"
    read = isl.Map(window).apply_range(
        isl.Map(f"{{ [y, x] -> b[floor(3*floor(4y/3)/5), {other}] }}")
    )
    read = read.intersect_range(write.range())
    orders = [
        identity_schedule(write.domain()),
        identity_schedule(isl.Set(f"{{ R[h, w] : {inside} }}")),
    ]
    case = Accesses((12, 6), write, read, *orders)
    check_release(case)
    check_credits(case, full_storage(write.range()), lambda _, location: location)


PAIRS = [("5/3", "3/4"), ("7/5", "5/7"), ("3/2", "5/4"), ("2/3", "5/4"), ("4/3", "5/2")]


@pytest.mark.parametrize("size", [7, 17])
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("half_pixel", [False, True])
def test_two_rescalings(pair: tuple[str, str], size: int, half_pixel: bool) -> None:
    """A window over an image that has been rescaled by two rational factors after each other."""
    first, second = (Fraction(f) for f in pair)
    result = floor(floor(size * first) * second)
    y = rescaled(rescaled("i + k", second, half_pixel), first, half_pixel)
    write = isl.Map(f"{{ W[y] -> b[y] : 0 <= y < {size} }}")
    read = isl.Map(
        f"{{ R[i] -> b[y] : 0 <= i < {result} and 0 <= y < {size} and "
        f"exists (k : -1 <= k <= 1 and 0 <= i + k < {result} and y = {y}) }}"
    )
    reads = isl.Set(f"{{ R[i] : 0 <= i < {result} }}")
    case = Accesses(
        (size,), write, read, identity_schedule(write.domain()), identity_schedule(reads)
    )
    check_release(case)
    check_credits(case, full_storage(write.range()), lambda _, location: location)


def rescaled(place: str, factor: Fraction, half_pixel: bool) -> str:
    """The nearest element, at the place divided by the factor, of the corner or of the middle of a pixel."""
    q, p = factor.numerator, factor.denominator
    if half_pixel:  # ⌊(x + 1/2) / factor⌋
        return f"floor(({2 * p}*({place}) + {p})/{2 * q})"
    return f"floor({p}*({place})/{q})"


@pytest.mark.parametrize("rows", [2, 3, 5, 16])
def test_credits_of_two_convolutions(rows: int) -> None:
    """With channels; the reader is done with a row when the window of the row below has passed it."""
    write = isl.Map("{ W[h, w] -> b[c, h, w] : 0 <= c < 2 and 0 <= h < 4 and 0 <= w < 4 }")
    read = isl.Map(
        "{ R[h, w] -> b[c, y, x] : 0 <= c < 2 and 0 <= h < 4 and 0 <= w < 4 and 0 <= y < 4 and "
        "0 <= x < 4 and h - 1 <= y <= h + 1 and w - 1 <= x <= w + 1 }"
    )
    orders = [identity_schedule(access.domain()) for access in (write, read)]
    storage = isl.Map(f"{{ b[n, c, h, w] -> slot[c, r, w] : r = (4n + h) mod {rows} }}")
    case = Accesses((2, 4, 4), write, read, *orders)
    check_credits(case, storage, lambda n, at: (at[0], (4 * n + at[1]) % rows, at[2]))


def test_a_reader_of_nothing_is_free() -> None:
    write = isl.Map("{ W[i] -> b[i] : 0 <= i < 4 }")
    order_r = identity_schedule(isl.Set("{ R[i] : 0 <= i < 3 }"))
    read = isl.Map("{ R[i] -> b[j] : false }")
    release = raw_release(write, read, identity_schedule(write.domain()), order_r)
    assert release.relation.is_empty()
    assert points(release.initially) == [(2,)]
