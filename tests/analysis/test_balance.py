"""Copies of stages against all choices that there are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmir.analysis.balance import ReplicationChoice, balance

choices = st.builds(
    ReplicationChoice,
    copies=st.integers(1, 4),
    cores=st.integers(1, 6),
    interval=st.integers(1, 20),
)
stages_to_balance = st.lists(st.lists(choices, min_size=1, max_size=4), min_size=1, max_size=4)


def best(stages: Sequence[Sequence[ReplicationChoice]], cores: int) -> tuple[int, int] | None:
    """Return the shortest interval and the fewest cores that have it, or None if no choice has few enough cores."""
    figures = [
        (max(choice.interval for choice in chosen), sum(choice.cores for choice in chosen))
        for chosen in product(*stages)
    ]
    return min((f for f in figures if f[1] <= cores), default=None)


@settings(deadline=None, max_examples=60)
@given(stages_to_balance, st.integers(1, 20))
def test_shortest_interval_with_the_fewest_cores(
    stages: list[list[ReplicationChoice]], cores: int
) -> None:
    expected = best(stages, cores)
    if expected is None:
        with pytest.raises(ValueError, match=f"^{cores} (core is|cores are) too few$"):
            balance(stages, cores)
        return
    chosen = balance(stages, cores)
    assert all(choice in of_stage for choice, of_stage in zip(chosen, stages, strict=True))
    assert (max(c.interval for c in chosen), sum(c.cores for c in chosen)) == expected


def test_no_core_is_spent_on_a_stage_that_does_not_limit() -> None:
    slow, fast = ReplicationChoice(1, 1, 9), ReplicationChoice(3, 3, 3)
    other, wasteful = ReplicationChoice(1, 1, 3), ReplicationChoice(2, 2, 2)
    assert balance([[slow, fast], [other, wasteful]], 8) == [fast, other]
