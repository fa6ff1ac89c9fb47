"""Token counters are as wide as the events that can be ahead: by brute force, one start at a time."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from proof.networks_to_prove import NETWORKS
from proof.random_cases import draw_case
from rtl.programs import timed_on

from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.core_name import CoreName
from cmir.rtl.bounds import most_tokens, signed_width, unsigned_width
from cmir.rtl.waits import UnitWait, unit_waits
from cmir.support.diagnostics import CompileError

INFERENCES = 12


def started(source: list[UnitWait], unit: CoreName, starts: int, iterations: int) -> int:
    """How many iterations a source can start if the unit has started so many and all others are as fast as can be."""
    count = 0
    while count < INFERENCES * iterations:
        inference, iteration = divmod(count, iterations)
        for wait in source:
            if wait.source != unit:
                continue
            if wait.needs[iteration] + inference * wait.period >= starts:
                return count
        count += 1
    return count


def check_bounds(network: NetworkOp) -> None:
    timed = timed_on(network)
    waits, cores = unit_waits(timed), timed.network.single_cores
    for unit, own in waits.items():
        for wait in own:
            bound = most_tokens(unit, wait, waits)
            assert bound is not None
            most = wait.reset
            total = len(wait.needs) * INFERENCES // 2
            for starts in range(total):
                inference, iteration = divmod(starts, len(wait.needs))
                need = int(wait.needs[iteration]) + inference * wait.period
                source = starts
                if wait.source != unit:
                    each = cores[wait.source].iterations
                    source = started(waits[wait.source], unit, starts, each)
                most = max(most, source - need - 1)
            assert most == bound, (unit, wait.source, wait.array)


@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_bounds_of_networks_of_every_kind(make: Callable[[], NetworkOp]) -> None:
    check_bounds(make())


def test_bounds_of_random_networks() -> None:
    for seed in range(25):
        try:
            case = draw_case(random.Random(f"bounds {seed}"))
        except CompileError:
            continue
        check_bounds(case.network)


def test_words_lead_from_each_need_to_the_next() -> None:
    for make in NETWORKS:
        for own in unit_waits(timed_on(make())).values():
            for wait in own:
                assert wait.consumed.min() >= 0
                need = -wait.reset - 1
                for inference in range(3):
                    for iteration, taken in enumerate(wait.consumed.tolist()):
                        assert need == wait.needs[iteration] + inference * wait.period
                        need += taken


@pytest.mark.parametrize(
    ("low", "high", "bits"), [(-1, 0, 1), (-2, 1, 2), (0, 1, 2), (-5, 3, 4), (0, 0, 1)]
)
def test_signed_widths(low: int, high: int, bits: int) -> None:
    assert signed_width(low, high) == bits


@pytest.mark.parametrize(("high", "bits"), [(0, 1), (1, 1), (2, 2), (7, 3), (8, 4)])
def test_unsigned_widths(high: int, bits: int) -> None:
    assert unsigned_width(high) == bits
