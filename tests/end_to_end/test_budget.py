"""Networks that are planned for a budget: they keep to it, and compute what they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from networks import Builder, reference_outputs
from tolerance import assert_close

import cmir

CHIP = {
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
