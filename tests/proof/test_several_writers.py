"""Arrays that several stages write: rings for their parts, right in values, cycles and interval."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import run_passes
from proof.several_writers import Pipeline, several_writers
from simulator.naive import simulate
from timing.measured_interval import measured_interval
from xdsl.dialects.builtin import ModuleOp

from cmir.analysis.capacity import sram_bytes
from cmir.analysis.size_search import SizeSearch
from cmir.analysis.sizing import Sizing
from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.polyhedral import PipelineOp
from cmir.hardware.description import Hardware
from cmir.semantics.pipeline import evaluate_pipeline
from cmir.simulator.simulator import Simulator
from cmir.timing.network import TimedNetwork

IDEAL = Hardware.load("ideal")


def pipeline_of(module: ModuleOp) -> PipelineOp:
    (pipeline,) = module.body.block.ops
    assert isinstance(pipeline, PipelineOp)
    return pipeline


def machine_of(module: ModuleOp) -> TimedNetwork:
    """The machine for a module at the polyhedral level; its control is proved."""
    module = module.clone()
    run_passes(module, "polyhedral-to-cmcore", make_context())
    (network,) = module.body.block.ops
    assert isinstance(network, NetworkOp)
    return TimedNetwork.of(network, IDEAL)


@settings(max_examples=10)
@given(several_writers(), st.sampled_from(["live", "lossless"]), st.sampled_from([None, 1, 3]))
def test_random_parts(drawn: Pipeline, sizes: str, chunk: int | None) -> None:
    module, context = drawn.parse(), make_context()
    if drawn.passes:
        run_passes(module, drawn.passes, context)
    sizing = Sizing(pipeline_of(module), IDEAL)
    run_passes(module, f"polyhedral-assign-storage{{sizes={sizes}}}", context)
    pipeline = pipeline_of(module)
    assert sizing.given(pipeline) == getattr(SizeSearch(sizing), sizes)().sizes
    rings = machine_of(module)

    random = np.random.default_rng(0)
    shape = pipeline.arrays["x"].shape
    samples = [{"x": random.integers(0, 9, shape).astype(np.float32)} for _ in range(3)]
    report = Simulator.of(rings).run(samples, chunk)
    for outputs, sample in zip(report.outputs, samples, strict=True):
        (expected,) = evaluate_pipeline(pipeline, [sample["x"]])
        np.testing.assert_array_equal(outputs["out"], expected)
    starts = simulate(pipeline, 3)
    for core in report.cores:
        np.testing.assert_array_equal(core.start, starts[str(core.name)])
    if sizes == "lossless":
        assert measured_interval(rings.time(12)) == sizing.interval
    assert sram_bytes(rings.network, IDEAL) == sizing.sram_bytes(sizing.given(pipeline))
