"""Families of relations, with the coordinates of cores as parameters, against what they are for each pair of cores."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import islpy as isl
import pytest
from enumeration import pairs, points
from hypothesis import given, settings
from hypothesis import strategies as st
from isl.strategies import Accesses, accesses

from cmir.isl.cores import (
    Who,
    at,
    at_core,
    core_set,
    count_points,
    on_core,
    parameter_values,
    without_core,
)
from cmir.isl.dependences import Release, full_storage, raw_release, war_release
from cmir.isl.inferences import in_own_inference
from cmir.isl.text import read_set


def dealt(access: isl.Map, order: isl.Map, cores: int, by: str) -> tuple[isl.Map, isl.Map, isl.Map]:
    """Iterations dealt out to cores: access and order with the core as a first coordinate, and core -> iteration.

    The core is also the first coordinate of times.
    """
    dims = [f"i{d}" for d in range(order.dim(isl.dim_type.in_))]
    name = order.get_tuple_name(isl.dim_type.in_)
    spread = isl.Map(
        f"{{ {name}[c, {', '.join(dims)}] -> {name}[{', '.join(dims)}] : 0 <= c < {cores} and {by} }}"
    )
    spread = spread.intersect_range(order.domain())
    times = [f"t{d}" for d in range(order.dim(isl.dim_type.out))]
    first = isl.Map(
        f"{{ [{name}[{', '.join(['c', *dims])}] -> [{', '.join(times)}]] -> [{', '.join(['c', *times])}] }}"
    )
    order = spread.apply_range(order).domain_map().reverse().apply_range(first)
    return spread.apply_range(access), order, spread


def of_pairs(
    case: Accesses, writers: int, readers: int, by: str
) -> Iterator[tuple[Accesses, Accesses]]:
    """The families, and the accesses of each pair of cores."""
    write, order_w, _ = dealt(case.write, case.order_w, writers, by.format(n=writers))
    read, order_r, _ = dealt(case.read, case.order_r, readers, by.format(n=readers))
    family = Accesses(case.shape, write, read, order_w, order_r)
    for p, q in product(range(readers), range(writers)):
        mine, theirs = (
            relation.fix_val(isl.dim_type.in_, 0, isl.Val(core))
            for relation, core in ((order_r, p), (order_w, q))
        )
        yield family, Accesses(case.shape, write, read, theirs, mine)


def of_one_core(order: isl.Map, who: Who = "p") -> isl.Map:
    """The order of one core, whose times have one coordinate less."""
    own = without_core(on_core(order, 1, who))
    assert own.dim(isl.dim_type.out) < order.dim(isl.dim_type.out)
    return own


DEALT = st.sampled_from(["c = i0 mod {n}", "c = floor(i0 / 2) mod {n}", "(c = 0 or i0 >= {n})"])


def the_same(found: Release, expected: Release, core: dict[str, int]) -> None:
    relation, initially = at(found.relation, core), at(found.initially, core)
    assert set(pairs(relation)) == set(pairs(expected.relation))
    assert points(initially) == points(expected.initially)


@settings(max_examples=25)
@given(accesses(), st.integers(1, 3), st.integers(1, 3), DEALT)
def test_releases(case: Accesses, writers: int, readers: int, by: str) -> None:
    dims = ", ".join(f"d{i}" for i in range(len(case.shape)))
    inside = " and ".join(f"0 <= d{i} < {size}" for i, size in enumerate(case.shape))
    storage = full_storage(isl.Set(f"{{ b[{dims}] : {inside} }}"))
    families: dict[str, Release] = {}
    for family, one in of_pairs(case, writers, readers, by):
        if one.order_w.is_empty() or one.order_r.is_empty():
            continue
        p = min(point[0] for point in points(one.order_r.domain()))
        q = min(point[0] for point in points(one.order_w.domain()))
        if not families:
            own, theirs = of_one_core(family.order_r), of_one_core(family.order_w, "q")
            families["raw"] = raw_release(family.write, family.read, theirs, own)
            own, theirs = of_one_core(family.order_w), of_one_core(family.order_r, "q")
            read = in_own_inference(family.read)
            families["war"] = war_release(family.write, read, storage, own, theirs)
        raw = raw_release(one.write, one.read, one.order_w, one.order_r)
        the_same(families["raw"], raw, {"p0": p, "q0": q})
        read = in_own_inference(one.read)
        war = war_release(one.write, read, storage, one.order_w, one.order_r)
        if war.relation.is_empty() and not families["war"].relation.is_empty():
            last = max(pairs(one.order_w), key=lambda pair: pair[1])[0]
            war = Release(war.relation, isl.Set(f"{{ W[{', '.join(map(str, (0, *last)))}] }}"))
        the_same(families["war"], war, {"p0": q, "q0": p})


def test_cores_are_values_of_parameters() -> None:
    order = isl.Map("{ S[c, i] -> [i] : 0 <= c < 3 and c <= i < 4 }")
    one = on_core(order, 1)
    assert at_core(one, [2]).is_equal(isl.Map("{ S[2, i] -> [i] : 2 <= i < 4 }"))
    assert parameter_values(one.params()).tolist() == [[0], [1], [2]]
    assert count_points(one.domain()) == 9


@pytest.mark.parametrize(
    ("order", "times"),
    [
        ("S[c, i] -> [c, i]", "S[c, i] -> [i]"),
        ("S[c, i] -> [i, c]", "S[c, i] -> [i]"),
        ("S[c, i] -> [floor(i/2), c, i]", "S[c, i] -> [floor(i/2), i]"),
        ("S[c, i] -> [c + i, i]", "S[c, i] -> [c + i, i]"),
        ("S[c, i] -> [c]", "S[c, i] -> []"),
    ],
)
def test_times_without_the_core(order: str, times: str) -> None:
    inside = "0 <= c < 3 and i = 0" if order.endswith("[c]") else "0 <= c < 3 and 0 <= i < 4"
    own = without_core(on_core(isl.Map(f"{{ {order} : {inside} }}"), 1))
    assert own.is_equal(isl.Map(f"[p0] -> {{ {times} : {inside} and c = p0 }}"))


@given(st.sets(st.tuples(st.integers(0, 3), st.integers(-1, 2)), min_size=1))
def test_sets_of_cores(cores: set[tuple[int, int]]) -> None:
    assert parameter_values(core_set(sorted(cores))).tolist() == [list(c) for c in sorted(cores)]


N = 10**5


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"{{ [i, j] : 0 <= j <= i < {N} }}", N * (N + 1) // 2),
        (f"{{ [i, j] : 0 <= i, j < {N} and (i + j) mod 2 = 0 }}", N * N // 2),
        (f"{{ [i, j, k] : 0 <= j <= i < {N} and 0 <= k < {N} }}", N * N * (N + 1) // 2),
        (
            f"{{ [i, j] : 0 <= i, j < {N}; [i, j] : {N // 2} <= i < {2 * N} and 0 <= j < {N} }}",
            2 * N * N,
        ),
        (f"[p] -> {{ s[i, j] : 0 <= i, j < {N} and 0 <= p < 3 }}", 3 * N * N),
    ],
)
def test_sets_that_are_larger_than_isl_counts(text: str, count: int) -> None:
    assert count_points(read_set(text)) == count
