"""What an iteration costs: by hand on each preset, against an issue of operations by cycle, and as limits change."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import Builder, compile_network

from cmir.context import make_context
from cmir.cost.firing import Firing, FiringStep, Matrix, firing_of
from cmir.cost.program_cost import Cost, firing_cost, program_cost
from cmir.cost.tiling import Tiling
from cmir.hardware.description import Hardware, presets
from cmir.hardware.sections import CoreSection, Crossbar, Energy, Interconnect
from cmir.support.parsing import parse_module

CONVOLUTION = Firing(
    (
        FiringStep("load", 576),
        FiringStep("load", 64),
        FiringStep("product", 64, after=(0,)),
        FiringStep("vector", 64, after=(1, 2)),
        FiringStep("vector", 64, after=(3,)),
        FiringStep("store", 64, after=(4,)),
    ),
    (Matrix(64, 576),),
)
"""3 × 3 windows of 64 channels to 64 channels, with bias and relu."""

BY_HAND = {
    # Nothing takes any time.
    "ideal": Cost(1, 1, 1),
    # Three crossbars for 576 inputs; their sums, bias and relu take the DPU a cycle each; 64 bytes take 2 on the link.
    "hermes": Cost(4 * 130, 520 + 1 + 1 + 1 + 2, 3, {"crossbar": 3 * 52800}),
    "hermes-1-phase": Cost(133, 133 + 1 + 1 + 1 + 2, 3, {"crossbar": 3 * 13430}),
    # 16 outputs in a crossbar: 5 by 4 of them, and a unit column in each. 1152 bytes of input are 144 cycles; 48 lanes
    # take 6 cycles for sums of 4 * 64, bias and relu 2; 128 bytes take 43 on the link.
    "isaac": Cost(
        16 * 129,
        144 + 16 * 129 + 512 + 6 + 2 + 2 + 43,
        20,
        {
            "crossbar": 20 * 1616,
            "adc": (64 * 8 * 5 + 20) * 16 * 1.5625,
            "sram": (1152 + 128) * 0.86,
        },
    ),
    # Eight crossbars for the cells of a weight. Each access of SRAM takes 2 cycles more, each operation of the DPU one.
    "puma": Cost(
        16 * 128,
        (36 + 2) + 2304 + (8 + 1) + (2 + 1) + (2 + 1) + 32,
        5 * 8,
        {
            "crossbar": 40 * 932,
            "adc": 64 * 8 * 5 * 16 * 2.025,
            "dpu": (4 * 64 + 64 + 64) * 0.27,
            "sram": (1152 + 128) * 0.54,
        },
    ),
    # Phases take as long as all columns. 3 bytes of 1152 a cycle; 32 elements of 256 and 64 in 4 cycles.
    "pimcomp": Cost(
        16 * 162,
        384 + 2592 + 9 + 32 + 8 + 8 + 4,
        5,
        {"crossbar": 5 * 2491, "adc": 128 * 5 * 16 * 22.7},
    ),
    "pimcomp-evaluator": Cost(4000, 47 + 4000 + 86 + 22 + 22 + 6, 5),
    "pimsim-nn": Cost(8 * 642, 9 + 8 * 642 + 32 + 64 + 16 + 16 + 8, 5),
    "neurram": Cost(423, 423 + 1 + 1 + 1 + 2, 5, {"crossbar": 5 * 4109}),
    # 8 outputs in a crossbar: 5 by 8 of them. The DPU is the bottleneck.
    "colonnade": Cost(32 + 8 + 8, 36 + 8 + 15 + 32 + 8 + 8 + 8, 40, {"crossbar": 40 * 1198}),
    "aimc-512": Cost(130, 9 + 130 + 8 + 4 + 4 + 1, 3),
}


@pytest.mark.parametrize("name", presets())
def test_by_hand(name: str) -> None:
    cost, expected = firing_cost(CONVOLUTION, Hardware.load(name)), BY_HAND[name]
    assert (cost.interval, cost.latency) == (expected.interval, expected.latency)
    assert cost.crossbars == expected.crossbars
    assert cost.energy == pytest.approx(dict(expected.energy))


@pytest.mark.parametrize(
    ("name", "throughput", "efficiency"), [("hermes", 16.1, 2.48), ("hermes-1-phase", 63.1, 9.76)]
)
def test_published_throughput(name: str, throughput: float, efficiency: float) -> None:
    """All cores of HERMES at work, as its authors measured it: tera-operations a second, and for a watt."""
    hardware = Hardware.load(name)
    full = Firing((FiringStep("product", 256),), (Matrix(256, 256),))
    cost, operations = firing_cost(full, hardware), 2 * 256 * 256
    clock, cores = hardware.system.clock_hz, hardware.core.count
    assert clock is not None and cores is not None
    tera = 1e-12 * cores * operations / (cost.interval / clock)
    assert round(tera, 1) == throughput
    assert round(operations / cost.energy["crossbar"], 2) == efficiency


def test_firings_of_a_network() -> None:
    """What a program does is read off its body, and is what the stage did that it was made from."""
    net = Builder(3, 8, 8)
    a = net.relu(net.conv("x", 4, pads=1))
    model = compile_network(net.model(net.pool(a)))
    stages, programs = model.pipeline.stages, model.timed.network.programs
    conv, pool = (Firing.of(stage) for stage in stages.values())
    assert conv == Firing(
        (
            FiringStep("load", 27),
            FiringStep("load", 4),
            FiringStep("product", 4, after=(0,)),
            FiringStep("vector", 4, after=(1, 2)),
            FiringStep("vector", 4, after=(3,)),
            FiringStep("store", 4, after=(4,)),
        ),
        (Matrix(4, 27),),
    )
    assert [(step.kind, step.elements) for step in pool.steps] == [
        ("load", 16),
        ("vector", 16),
        ("store", 4),
    ]
    for stage, program in zip(stages.values(), programs.values(), strict=True):
        assert Firing.of(program.op) == Firing.of(stage)
        for name in presets():
            hardware = Hardware.load(name)
            assert program_cost(program.op, hardware) == program_cost(stage, hardware)


def test_scalars_are_work_and_coordinates_are_not() -> None:
    module = parse_module(
        """
        %i, %x, %s = "test.op"() : () -> (index, vector<2x8xf32>, f32)
        %one = arith.constant 1 : index
        %next = arith.addi %i, %one : index
        %y = cmcore.reduce add %x along [1] : vector<2x8xf32> -> vector<2xf32>
        %z = vector.extract %y[0] : f32 from vector<2xf32>
        %r = arith.mulf %z, %s : f32
        """,
        make_context(),
    )
    assert firing_of(module.body.block) == Firing(
        (
            FiringStep("vector", 16),
            FiringStep("vector", 2, after=(0,)),
            FiringStep("vector", 1, after=(1,)),
        )
    )


def test_operations_on_constants_take_no_time() -> None:
    module = parse_module(
        """
        %x = "test.op"() : () -> vector<8xi8>
        %zero = arith.constant dense<3> : vector<8xi8>
        %wide = cmcore.convert %x : vector<8xi8> -> vector<8xi32>
        %number = cmcore.convert %zero : vector<8xi8> -> vector<8xi32>
        %y = arith.subi %wide, %number : vector<8xi32>
        """,
        make_context(),
    )
    assert firing_of(module.body.block) == Firing(
        (FiringStep("vector", 8), FiringStep("vector", 8, after=(0,)))
    )


def test_a_matrix_used_twice_is_busy_twice() -> None:
    hardware = Hardware("machine", crossbar=Crossbar(phase_cycles=10))
    products = (FiringStep("product", 4), FiringStep("product", 4))
    same = firing_cost(Firing(products, (Matrix(4, 4),)), hardware)
    other = (products[0], replace(products[1], matrix=1))
    two = firing_cost(Firing(other, (Matrix(4, 4), Matrix(4, 4))), hardware)
    assert (same.interval, same.latency, same.crossbars) == (20, 20, 1)
    assert (two.interval, two.latency, two.crossbars) == (10, 10, 2)


def test_fixed_times() -> None:
    puma = Hardware.load("puma")
    fixed = replace(puma, core=replace(puma.core, fixed_interval=3, fixed_latency=5))
    cost = firing_cost(CONVOLUTION, fixed)
    assert (cost.interval, cost.latency) == (3, 5)
    assert cost.energy == firing_cost(CONVOLUTION, puma).energy


@st.composite
def firings(draw: st.DrawFn) -> Firing:
    sizes = st.integers(1, 40)
    matrices = draw(
        st.lists(st.builds(Matrix, sizes, sizes, st.integers(1, 6)), min_size=1, max_size=2)
    )
    steps: list[FiringStep] = []
    for number in range(draw(st.integers(1, 8))):
        after = tuple(k for k in range(number) if draw(st.booleans()))
        kind = draw(st.sampled_from(["load", "product", "vector", "store"]))
        matrix = draw(st.integers(0, len(matrices) - 1))
        elements = matrices[matrix].outputs * matrices[matrix].blocks
        elements = elements if kind == "product" else draw(sizes)
        steps.append(FiringStep(kind, elements, draw(st.sampled_from([8, 32])), after, matrix))
    return Firing(tuple(steps), tuple(matrices))


few = st.integers(1, 12)
maybe = st.none() | few


@st.composite
def machines(draw: st.DrawFn) -> Hardware:
    slices = draw(st.integers(1, 4))
    columns = draw(st.none() | st.integers(2 * slices, 12))
    crossbar = Crossbar(
        rows=draw(maybe),
        columns=columns,
        active_rows=draw(maybe),
        weight_slices=slices,
        slicing=draw(st.sampled_from(["crossbars", "columns"])),
        input_phases=draw(few),
        phase_cycles=draw(st.integers(0, 5)),
        pipeline_cycles=draw(st.integers(0, 5)),
        adcs=draw(maybe),
        adc_cycles=draw(st.integers(0, 3)),
        signed_weights=draw(st.sampled_from(["cells", "column-pairs", "unit-column"])),
        convert_all_columns=draw(st.booleans()),
    )
    core = CoreSection(
        sram_ports=draw(few),
        sram_port_bytes=draw(maybe),
        sram_latency=draw(st.integers(0, 5)),
        vector_lanes=draw(maybe),
        vector_latency=draw(st.integers(0, 5)),
        product_issue_cycles=draw(st.integers(0, 5)),
    )
    interconnect = Interconnect(link_bytes_per_cycle=draw(maybe))
    figures = (
        "crossbar_product",
        "crossbar_row",
        "crossbar_column",
        "adc_conversion",
        "vector_element",
        "sram_byte",
    )
    drawn: dict[str, Any] = {name: draw(st.none() | st.integers(0, 5)) for name in figures}
    energy = Energy(**drawn)
    return Hardware(
        "machine", crossbar=crossbar, core=core, interconnect=interconnect, energy=energy
    )


@given(firings(), machines())
def test_costs_of_parts_add_up(firing: Firing, hardware: Hardware) -> None:
    """Each step by itself: the interval is between the largest part and the sum, and energies add up."""
    whole = firing_cost(firing, hardware)
    parts = [
        firing_cost(Firing((replace(step, after=()),), firing.matrices), hardware)
        for step in firing.steps
    ]
    assert max(part.interval for part in parts) <= whole.interval
    assert whole.interval <= sum(part.interval for part in parts)
    assert max(part.latency for part in parts) <= whole.latency
    assert whole.latency <= sum(part.latency for part in parts)
    for name, energy in whole.energy.items():
        assert energy == pytest.approx(sum(part.energy[name] for part in parts))


IMPROVEMENTS = [
    ("core", "sram_ports"),
    ("core", "sram_port_bytes"),
    ("core", "vector_lanes"),
    ("interconnect", "link_bytes_per_cycle"),
    ("crossbar", "active_rows"),
    ("crossbar", "adcs"),
]


@given(firings(), machines(), st.sampled_from(IMPROVEMENTS), few)
def test_more_is_never_slower(
    firing: Firing, hardware: Hardware, what: tuple[str, str], more: int
) -> None:
    """More of a resource, or no limit to it, costs neither cycles nor crossbars."""
    section, field = what
    before = getattr(hardware, section)
    had = getattr(before, field)
    faster = [replace(before, **{field: (had or 12) + more})] if had is not None else []
    if field != "sram_ports":
        faster.append(replace(before, **{field: None}))
    slow = firing_cost(firing, hardware)
    for better in faster:
        fast = firing_cost(firing, replace(hardware, **{section: better}))
        assert fast.interval <= slow.interval and fast.latency <= slow.latency
        assert fast.crossbars == slow.crossbars


@given(firings(), machines())
def test_latency_against_issue_by_cycle(firing: Firing, hardware: Hardware) -> None:
    """One step at a time goes first; each waits until the cycle in which operands and resource are there."""
    crossbar, core = hardware.crossbar, hardware.core
    pj = hardware.energy
    uses: list[list[tuple[str, int, int]]] = []
    for step in firing.steps:
        size = step.elements * step.bits // 8
        lanes, rate = core.vector_lanes, hardware.interconnect.link_bytes_per_cycle
        if step.kind == "load":
            port = core.sram_port_bytes and core.sram_port_bytes * core.sram_ports
            uses.append([("sram", _transfers(size, port), core.sram_latency)])
        elif step.kind == "store":
            uses.append([("link", _transfers(size, rate), 0)])
        elif step.kind == "vector":
            uses.append([("dpu", _transfers(step.elements, lanes), core.vector_latency)])
        else:
            tiling = Tiling.of(firing.matrices[step.matrix], crossbar)
            turn = max(
                crossbar.phase_cycles,
                _transfers(tiling.columns, crossbar.adcs or tiling.columns) * crossbar.adc_cycles,
            )
            turns = crossbar.phases * _transfers(tiling.rows, crossbar.active_rows or tiling.rows)
            uses.append([(f"matrix {step.matrix}", turns * turn, crossbar.pipeline_cycles)])
            if issue := core.product_issue_cycles:  # the last part starts when its own slot does
                uses[-1].insert(0, ("issue", tiling.parts * issue, -issue))
            if tiling.parts > 1:
                additions = (tiling.parts - 1) * step.elements
                uses[-1].append(("dpu", _transfers(additions, lanes), core.vector_latency))
    taken: set[tuple[str, int]] = set()
    last: dict[str, int] = {}
    done: list[int] = []
    for step, parts in zip(firing.steps, uses, strict=True):
        now = max([done[k] for k in step.after], default=0)
        for resource, cycles, extra in parts:
            now = next(
                start
                for start in count(now)
                if start >= last.get(resource, 0)
                and all((resource, start + k) not in taken for k in range(cycles))
            )
            taken |= {(resource, now + k) for k in range(cycles)}
            last[resource] = now + cycles
            now += cycles + extra
        done.append(now)
    cost = firing_cost(firing, hardware)
    assert cost.latency == max([1, *done])
    busy = [sum(r == resource for r, _ in taken) for resource in {r for r, _ in taken}]
    assert cost.interval == max([1, *busy])
    assert set(cost.energy) == {
        name
        for name, figure in (
            ("crossbar", pj.crossbar_product),
            ("crossbar", pj.crossbar_row),
            ("crossbar", pj.crossbar_column),
            ("adc", pj.adc_conversion),
            ("dpu", pj.vector_element),
            ("sram", pj.sram_byte),
        )
        if figure is not None
    }


def _transfers(amount: int, rate: int | None) -> int:
    """How often `rate` must be taken away until nothing of `amount` is left."""
    return 0 if rate is None else len(range(0, amount, rate))


def test_energy_of_rows_and_columns_in_use() -> None:
    """Of a matrix of 64 × 576 on crossbars of 128 × 128: 576 rows and 5 · 64 columns; without a figure of the whole."""
    figures = Energy(crossbar_row=3, crossbar_column=2)
    hardware = Hardware("rows", crossbar=Crossbar(rows=128, columns=128), energy=figures)
    product = Firing((FiringStep("product", 64),), (Matrix(64, 576),))
    assert firing_cost(product, hardware).energy == {"crossbar": 576 * 3 + 5 * 64 * 2}
    whole = replace(hardware, energy=replace(figures, crossbar_product=100))
    assert firing_cost(product, whole).energy == {"crossbar": 5 * 100 + 576 * 3 + 5 * 64 * 2}


def test_products_are_issued_one_after_the_other() -> None:
    """Five parts at 200 cycles, like PIMCOMP's: the last starts after 800, and the next product after 1000."""
    hardware = Hardware.load("pimcomp-evaluator")
    issued = hardware.replace(core__product_issue_cycles=200, crossbar__phase_cycles=900)
    product = Firing((FiringStep("product", 64),), (Matrix(64, 576),))
    cost = firing_cost(product, issued.replace(core__vector_lanes=1000))
    assert (cost.interval, cost.latency) == (1000, 800 + 900 + 1)
    assert cost.busy["issue"] == 1000
