"""Elements that input registers keep from one iteration to the next, by hand and against sets."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import Builder, compile_network

from cmir.analysis import input_registers
from cmir.analysis.inference_costs import costs_of
from cmir.analysis.input_registers import kept_bytes, kept_elements
from cmir.compilation.model import lower, read_model
from cmir.dialects.polyhedral import MapAttr
from cmir.hardware.description import Hardware
from cmir.semantics.access import CompiledAccess
from cmir.timing.network import TimedNetwork

TEXTBOOK = Path(__file__).parents[1] / "filecheck" / "textbook.mlir"
MACHINE = Hardware.of(
    {"name": "m", "system": {"clock_hz": 1e9, "element_bits": 16}, "energy": {"sram_byte": 1.0}},
    None,
)


def test_windows_are_read_once() -> None:
    """Windows of three at 8 and 6 places: 2 of 3 elements are kept, but for the first window."""
    model = read_model(TEXTBOOK)
    energy: list[float] = []
    for registers in (False, True):
        hardware = MACHINE.replace(core__input_registers=registers)
        timed = TimedNetwork(lower(model, hardware=hardware), hardware)
        energy.append(costs_of(timed, 100).energy["sram"])
        cores = timed.network.cores
        assert [kept_bytes(cores[name], hardware) for name in timed.network.positions] == [28, 20]
        model = read_model(TEXTBOOK)
    assert energy[0] - energy[1] == pytest.approx((7 * 2 + 5 * 2) * 2 * 1e-12)


def test_only_inputs_of_products_are_kept() -> None:
    """Of a convolution of 3 × 3 in 8 × 8 with a margin; a pooling and a bias read SRAM each time."""
    net = Builder(2, 8, 8)
    convolved = net.conv("x", 4, pads=1)
    compiled = compile_network(net.model(net.pool(net.relu(convolved))))
    cores = compiled.timed.network.cores
    kept = {name.program: kept_bytes(core, MACHINE) // 2 for name, core in cores.items()}
    inner = [min(row + 2, 8) - max(row - 1, 0) for row in range(8)]  # rows of a window in the image
    expected = 0
    for rows in inner:
        columns = [set(range(max(c - 1, 0), min(c + 2, 8))) for c in range(8)]
        expected += sum(2 * rows * len(a & b) for a, b in pairwise(columns))
    for row in range(7):  # the last window of a row, and the first of the next
        rows = set(range(max(row - 1, 0), min(row + 2, 8))) & set(range(row, min(row + 3, 8)))
        expected += 2 * len(rows) * len({6, 7} & {0, 1})
    assert [count for count in kept.values() if count] == [expected]


@given(
    st.lists(st.integers(-2, 3), min_size=3, max_size=3),
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(1, 7),
)
def test_against_sets(factors: list[int], iterations: int, lanes: int, at_once: int) -> None:
    """Any affine access to an array of 10 elements, with lanes that have no location."""
    a, b, c = factors
    relation = MapAttr.get(
        f"{{ [s[i] -> lane[k]] -> x[e] : e = {a}i + {b}k + {c} and 0 <= e < 10 }}"
    )
    access = CompiledAccess.compile(relation, np.arange(iterations)[:, None], (lanes,))
    sets = [
        {e for k in range(lanes) if 0 <= (e := a * i + b * k + c) < 10} for i in range(iterations)
    ]
    expected = sum(len(one & other) for one, other in pairwise(sets))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            input_registers,
            "blocks",
            lambda first, last, _: (
                (start, min(last, start + at_once)) for start in range(first, last, at_once)
            ),
        )
        assert kept_elements(access) == expected


def test_registers_do_not_change_times() -> None:
    hardware = MACHINE.replace(core__input_registers=True, core__sram_port_bytes=1)
    model = read_model(TEXTBOOK)
    network = lower(model, hardware=hardware)
    timed = TimedNetwork(network, hardware)
    without = TimedNetwork(
        network, replace(hardware, core=replace(hardware.core, input_registers=False))
    )
    assert timed.time(4).cycles == without.time(4).cycles
