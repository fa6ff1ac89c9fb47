"""The operators of examples/custom, written in IR alone, in several orders; and their guide."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from networks import run_passes
from tolerance import assert_close

from cmir.compilation.model import lower, read_model
from cmir.dialects.polyhedral import PipelineOp
from cmir.hardware.description import Hardware
from cmir.semantics.pipeline import evaluate_pipeline
from cmir.simulator.simulator import Simulator
from cmir.timing.network import TimedNetwork

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "custom"


def reverse(x: np.ndarray) -> np.ndarray:
    padded = np.concatenate((np.zeros(3, x.dtype), x))
    before = np.stack([padded[2 - k : 102 - k] for k in range(3)]).sum(0)
    return (x - before / 3)[::-1]


def diagonal_stencil(x: np.ndarray) -> np.ndarray:
    for _ in range(2):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), constant_values=-1)
        x = np.tanh((padded[:, :-2, :-2] + padded[:, 2:, 2:]) / 4 + x / 2)
    return x


def transposing_reader(x: np.ndarray) -> np.ndarray:
    turned = (x - x.mean(axis=1, keepdims=True)).T
    block = np.add.outer(np.arange(16) // 4, -(np.arange(12) // 4))
    return np.where(block == 0, turned, turned / 2)


FORMULAS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    function.__name__: function for function in (reverse, diagonal_stencil, transposing_reader)
}
ORDERS = {
    "as written": "",
    "reversed": "polyhedral-schedule{reverse=0}",
    "transposed": "polyhedral-schedule{interchange=1,0}",
    "tiled": "polyhedral-schedule{tile=3,2}",
}


def test_every_example_has_a_formula() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.mlir")} == set(FORMULAS)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        (name, order)
        for name in FORMULAS
        for order in ORDERS
        if name != "reverse"
        or order not in ("transposed", "tiled")  # its stages have one dimension
    ],
)
def test_examples(name: str, order: str) -> None:
    model = read_model(EXAMPLES / f"{name}.mlir")
    original = model.module.clone().body.block.first_op
    assert isinstance(original, PipelineOp)
    run_passes(model.module, ORDERS[order], model.context)
    timed = TimedNetwork(lower(model), Hardware.load("ideal"))
    random = np.random.default_rng(0)
    samples = [
        random.standard_normal(timed.network.arrays["x"].shape, np.float32) for _ in range(3)
    ]
    report = Simulator.of(timed).run([{"x": sample} for sample in samples])
    for sample, outputs in zip(samples, report.outputs, strict=True):
        expected = FORMULAS[name](sample)
        assert_close(outputs["y"], expected)
        (reference,) = evaluate_pipeline(original, [sample])
        assert_close(outputs["y"], reference)


def test_an_order_that_suits_the_writer_is_faster() -> None:
    """As the transposing reader's comments and the guide say."""

    def interval(passes: str) -> float:
        model = read_model(EXAMPLES / "transposing_reader.mlir")
        run_passes(model.module, passes, model.context)
        return TimedNetwork(lower(model), Hardware.load("ideal")).interval

    assert interval("") == 20
    assert interval("polyhedral-schedule{stage=transpose interchange=1,0}") == 12


def test_the_guide_quotes_the_examples() -> None:
    sources = "".join(path.read_text() for path in sorted(EXAMPLES.glob("*.mlir")))
    known = {" ".join(line.split()) for line in sources.splitlines()}
    guide = (ROOT / "docs" / "custom-operators.md").read_text()
    quoted = re.findall(r"```mlir\n(.*?)```", guide, re.DOTALL)
    assert quoted
    for line in "".join(quoted).splitlines():
        assert " ".join(line.split()) in known, f"not in examples/custom: {line}"
