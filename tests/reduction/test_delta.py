"""Delta debugging: results fail, and no single item can be removed."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from cmir.reduction.delta import minimize

items = st.lists(st.integers(0, 9), min_size=1, max_size=12, unique=True)


@given(items, st.sets(st.sets(st.integers(0, 9)).map(frozenset), max_size=3))
def test_any_of_several_culprits(whole: list[int], culprits: set[frozenset[int]]) -> None:
    """A subset fails if it contains one of the sets; the whole fails in any case."""

    def fails(chosen: Sequence[int]) -> bool:
        return list(chosen) == whole or any(c <= set(chosen) for c in culprits)

    found = minimize(whole, fails)
    assert fails(found)
    assert found == [item for item in whole if item in found]
    assert not any(fails([*found[:i], *found[i + 1 :]]) for i in range(len(found)))


@given(items, st.data())
def test_any_subsets(whole: list[int], data: st.DataObject) -> None:
    """Also if subsets fail without any order."""
    failing = {tuple(whole)} | data.draw(
        st.sets(st.lists(st.sampled_from(whole), unique=True).map(sorted).map(tuple), max_size=30)
    )
    whole = sorted(whole)
    failing.add(tuple(whole))
    found = minimize(whole, lambda chosen: tuple(chosen) in failing)
    assert tuple(found) in failing
    assert not any(tuple(found[:i] + found[i + 1 :]) in failing for i in range(len(found)))
