"""Cyclic garbage is collected as before once a computation is over."""

import gc
from collections.abc import Iterator

import pytest

from cmir.support.garbage import rare_collection


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    """Restore the thresholds of the collector."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_thresholds_are_restored() -> None:
    gc.set_threshold(700, 9, 8)
    with rare_collection():
        assert gc.get_threshold() == (400_000, 9, 8)
    assert gc.get_threshold() == (700, 9, 8)


def test_thresholds_are_restored_after_an_error() -> None:
    gc.set_threshold(700, 9, 8)
    with pytest.raises(ValueError, match="an error"), rare_collection():
        raise ValueError("an error")
    assert gc.get_threshold() == (700, 9, 8)


@pytest.mark.parametrize("allocations", [0, 500_000])
def test_what_the_user_has_chosen_stays(allocations: int) -> None:
    gc.set_threshold(allocations, 10, 10)
    with rare_collection():
        assert gc.get_threshold()[0] == allocations
    assert gc.get_threshold()[0] == allocations
