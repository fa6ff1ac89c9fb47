"""Random pipelines with state: what is derived is proved, runs under all delays, and computes the right values.

The proof is held against enumeration of pairs (brute_force.py), cycles against the naive simulator, and values against
a row-by-row evaluation (drawn_state.py). What is refused is refused for a reason that these confirm.
"""

from __future__ import annotations

import random

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st
from networks import run_passes
from proof.brute_force import Enumeration, Wrong
from proof.drawn_state import WIDTH, Pipeline, draw_pipeline
from simulator.naive import simulate
from tolerance import assert_close
from xdsl.dialects.builtin import ModuleOp

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.polyhedral import PipelineOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.description import Hardware
from cmir.passes.cmcore_verify_control import CmcoreVerifyControlPass
from cmir.reference import ReferenceMachine
from cmir.simulator.simulator import Simulator
from cmir.support.diagnostics import CompileError
from cmir.support.parsing import parse_module
from cmir.timing.network import TimedNetwork

INFERENCES = 7
SCHEDULES = 6


def lowered(pipeline: Pipeline) -> tuple[PipelineOp, NetworkOp]:
    """The pipeline with its dependences and storage, and the network. Raises CompileError."""
    context = make_context()
    module = parse_module(pipeline.text(), context)
    run_passes(module, "polyhedral-derive-dependences", context)
    (op,) = module.body.block.ops
    assert isinstance(op, PipelineOp)
    derived = op.clone()
    run_passes(module, "polyhedral-generate-loops,convert-polyhedral-to-cmcore", context)
    (network,) = module.body.block.ops
    assert isinstance(network, NetworkOp)
    network.detach()
    return derived, network


def proved(network: NetworkOp) -> str | None:
    """What the proof says of a network; None if nothing is wrong."""
    module = ModuleOp([network])
    try:
        CmcoreVerifyControlPass().apply(make_context(), module)
    except CompileError as error:
        return error.message
    finally:
        network.detach()
    return None


def enumerated(network: NetworkOp) -> str | None:
    try:
        Enumeration(network).check()
    except Wrong as wrong:
        return str(wrong)
    return None


def samples(pipeline: Pipeline, inferences: int) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    shape = (pipeline.rows()["x"], WIDTH)
    return [random.integers(-8, 8, shape).astype(np.float32) / 4 for _ in range(inferences)]


@settings(max_examples=60)
@given(st.integers(0, 1 << 30))
def test_pipelines_with_state(seed: int) -> None:
    pipeline = draw_pipeline(random.Random(seed))
    try:
        derived, network = lowered(pipeline)
    except CompileError as error:
        confirm(pipeline, error.message)
        return
    assert pipeline.overwritten() is None
    wrong, message = enumerated(network), proved(network)
    if wrong is not None:
        event("deadlock")
        assert wrong.startswith("deadlock"), wrong
        assert message is not None and message.startswith("deadlock"), message
        return
    event("accepted")
    assert message is None, message
    check(pipeline, derived, network)


def confirm(pipeline: Pipeline, message: str) -> None:
    """Check that the compiler is right to refuse a pipeline."""
    if "must hold more inferences" in message:
        event("overwritten")
        assert pipeline.overwritten() is not None
        return
    event("reads its own results too early")
    assert "before the stage itself writes it" in message, message


def check(pipeline: Pipeline, derived: PipelineOp, network: NetworkOp) -> None:
    """Check values of the reference machine and of the simulator, and the simulator's cycles."""
    inputs = samples(pipeline, INFERENCES)
    feeds, expected = [{"x": x} for x in inputs], pipeline.outputs(inputs)
    machine = ReferenceMachine(network, INFERENCES)
    runs = [machine.run(schedule, feeds) for schedule in machine.schedules(SCHEDULES)]
    timed = TimedNetwork(ElaboratedNetwork(network), Hardware.load("ideal"))
    simulator, cycles = Simulator.of(timed), simulate(derived, INFERENCES)
    for chunk in (1, 3, None):
        report = simulator.run(feeds, chunk)
        runs.append(report.outputs)
        for core in report.cores:
            starts = np.array(core.start).reshape(INFERENCES, -1)
            assert starts.tolist() == cycles[str(core.name)].tolist(), core.name
    for run in runs:
        for found, wanted in zip(run, expected, strict=True):
            for array, values in wanted.items():
                assert_close(found[array], values.astype(np.float32))
