"""Networks that are planned for a budget: they keep to it, and compute what they should."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import pytest
from networks import Builder, reference_outputs
from tolerance import assert_close

import cmir
from cmir.support.diagnostics import CompileError

CHIP: dict[str, Any] = {
    "name": "chip",
    "crossbar": {"rows": 32, "columns": 32, "phase_cycles": 40},
    "core": {
        "count": 12,
        "crossbars": 6,
        "sram_bytes": 2048,
        "vector_lanes": 2,
        "sram_port_bytes": 16,
    },
    "interconnect": {"shape": [3, 4], "hop_cycles": 2, "link_bytes_per_cycle": 8},
}
INFERENCES = 5


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A residual block with a strided skip, a pool and a dense layer."""
    net = Builder(2, 8, 8)
    first = net.relu(net.conv("x", 4, pads=1))
    second = net.relu(net.conv(net.conv(first, 4, pads=1, strides=2), 4, pads=1))
    block = net.relu(net.add(second, net.conv(first, 4, kernel=1, strides=2)))
    output = net.gemm(net.flatten(net.pool(block)), 3)
    path = tmp_path_factory.mktemp("model") / "block.onnx"
    onnx.save(net.model(output), path)
    return path


@pytest.mark.parametrize(
    "budget",
    [
        {"crossbars": 12},
        {"crossbars": 40},
        {"cores": 2, "crossbars": 12},
        {"cores": 3},
        {"cores": 4, "interval": 6000},
        {"interval": 900},
    ],
    ids=str,
)
def test_a_plan_keeps_to_its_budget(model: Path, budget: dict[str, int]) -> None:
    net = cmir.compile(model, CHIP, budget=budget, progress=False)
    assert net.timed.network.core_count <= budget.get("cores", 12)
    run = net.timing(40)
    assert run.figures["crossbars"] <= budget.get("crossbars", 72)
    longest = budget.get("interval")
    assert longest is None or (run.interval is not None and run.interval <= longest)
    samples = np.random.default_rng(3).normal(size=(INFERENCES, 2, 8, 8)).astype(np.float32)
    (found,) = net.run(samples).outputs.values()
    for sample, output in zip(samples, found, strict=True):
        assert_close(output[0], reference_outputs(onnx.load(model), {"x": sample})[0])


ENERGY = {"link_byte": 5.0, "static_watts": 1e-4}


@pytest.mark.parametrize("objective", ["latency", "energy"])
def test_an_objective_is_never_worse_than_the_plan_for_the_interval(
    model: Path, objective: Literal["latency", "energy"]
) -> None:
    chip = {**CHIP, "system": {"clock_hz": 1e9}, "energy": ENERGY}
    plain, net = (
        cmir.compile(model, chip, budget={"crossbars": 40}, objective=each, progress=False)
        for each in ("interval", objective)
    )
    short, long = net.timing(), plain.timing()
    if objective == "latency":
        assert short.latency <= long.latency
    else:
        found, other = (sum(run.figures["energy_joules"].values()) for run in (short, long))
        assert found <= other
    assert net.timing().figures["crossbars"] <= 40
    assert f"{objective} of the plans that were compiled" in str([*map(str, net.remarks)])


def test_energy_that_depends_on_no_plan(model: Path) -> None:
    with pytest.raises(CompileError, match=r"energy\.link_byte"):
        cmir.compile(model, CHIP, objective="energy", progress=False)


TIGHT = {
    "slots of an SRAM port": ({"phase_cycles": 10}, {"sram_bytes": 4096, "sram_port_bytes": 1}),
    "slots of a vector unit": ({"phase_cycles": 4}, {"sram_bytes": 4096, "vector_lanes": 1}),
    "buffers": ({"phase_cycles": 400}, {"sram_bytes": 1024, "sram_port_bytes": 2, "count": 6}),
    "cores, which cannot be shared": ({}, {"fixed_interval": 7, "fixed_latency": 9}),
    "buffers and slots": ({"rows": 16, "columns": 16}, {"sram_bytes": 1024, "sram_port_bytes": 2}),
}
"""What programs of a core have too little of, with fields of the crossbar and of the core that differ."""


@pytest.mark.parametrize("objective", ["interval", "latency"])
@pytest.mark.parametrize("tight", TIGHT)
def test_shared_cores_have_room_for_what_is_planned(
    model: Path, tight: str, objective: Literal["interval", "latency"]
) -> None:
    crossbar, core = TIGHT[tight]
    core = {**CHIP["core"], "count": 9, "crossbars": 16, **core}
    chip = {"name": "tight", "crossbar": {**CHIP["crossbar"], **crossbar}, "core": core}
    net = cmir.compile(model, chip, budget={}, objective=objective, progress=False)
    assert net.timed.network.core_count <= core["count"]
    (told,) = (str(remark) for remark in net.remarks if "in use; " in str(remark))
    bound = re.search(r"\(bound ([\d.]+)\)", told)
    assert bound is None or float(bound[1]) <= net.timing().interval * (1 + 1e-5)
    sample = np.random.default_rng(3).normal(size=(1, 2, 8, 8)).astype(np.float32)
    (found,) = net.run(sample).outputs.values()
    assert_close(found[0, 0], reference_outputs(onnx.load(model), {"x": sample[0]})[0])


def test_cores_of_their_own_where_buffers_do_not_fit_together() -> None:
    """Buffers of shared cores divide stages further than there are cores, so the plan starts over without sharing."""
    net = Builder(3, 12, 12)
    value = "x"
    for _ in range(4):
        value = net.relu(net.conv(value, 6, pads=1))
    model = net.model(net.gemm(net.flatten(net.pool(value)), 5))
    core = {
        "count": 9,
        "crossbars": 16,
        "sram_bytes": 1024,
        "vector_lanes": 1,
        "sram_port_bytes": 4,
    }
    chip = {"crossbar": {"rows": 32, "columns": 16, "phase_cycles": 400}, "core": core}
    compiled = cmir.compile(model, {"name": "small", **chip}, budget={}, progress=False)
    assert compiled.timed.network.core_count <= 9
    assert not any(core.divides for core in compiled.timed.network.op.cores)
    sample = np.random.default_rng(3).normal(size=(1, 3, 12, 12)).astype(np.float32)
    (found,) = compiled.run(sample).outputs.values()
    assert_close(found[0, 0], reference_outputs(model, {"x": sample[0]})[0])
