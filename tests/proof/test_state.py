"""Random pipelines with state: what is derived is proved, runs under all delays, and computes the right values.

The proof is held against enumeration of pairs (brute_force.py), cycles against the naive simulator, and values against
a row-by-row evaluation (drawn_state.py). What is refused is refused for a reason that these confirm.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import event, given, reject, settings
from hypothesis import strategies as st
from networks import run_passes
from proof.drawn_state import WIDTH, Piece, Pipeline, Read, Stage, draw_pipeline, pipeline_of
from proof.mutants import mutants
from proof.test_mutations import refusal, why_wrong
from simulator.naive import simulate
from tolerance import assert_close

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.polyhedral import PipelineOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.description import Hardware
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


def samples(pipeline: Pipeline, inferences: int) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    shape = (pipeline.rows()["x"], WIDTH)
    return [random.integers(-8, 8, shape).astype(np.float32) / 4 for _ in range(inferences)]


def x(window: int = 1) -> Read:
    return Read("x", window, [Piece("0", "h + t", "0 <= h")], 0.5, False)


def carried(array: str, *pieces: Piece, window: int = 1) -> Read:
    return Read(array, window, [*pieces], -0.75, True)


def circle(tokens: int, ring: tuple[str, int]) -> Pipeline:
    """Two cores of six rows; the first one reads what the second one wrote some inferences before, in reverse."""
    a = Stage("s0", "a0", 1, 6, None, [x(), carried("a1", Piece(f"-{tokens}", "5 - h", "0 <= h"))])
    b = Stage("s1", "a1", 1, 6, None, [Read("a0", 1, [Piece("0", "h", "0 <= h")], 1.5, False)])
    return pipeline_of([a, b], {("a1", "s0"): ring})


def own(*reads: Read, rows: int = 4, ring: tuple[str, int] | None = None) -> Pipeline:
    """A core that reads its own results."""
    rings = {} if ring is None else {("a0", "s0"): ring}
    return pipeline_of([Stage("s0", "a0", 1, rows, None, [x(), *reads])], rings)


def reversed_rows(d: int) -> Read:
    return carried("a0", Piece(f"-{d}", "3 - h", "0 <= h"))


RECURRENT = carried("a0", Piece("0", "h - 1", "h >= 1"), Piece("-1", "3", "h <= 0"))
SAME = carried("a0", Piece("-1", "h", "0 <= h"))
MIXED = carried("a1", Piece("t - 1", "3 - h", "0 <= h"), window=2)

CASES = {
    **{f"reversed, {d} back": own(reversed_rows(d)) for d in (1, 2, 3)},
    "reversed in as many slots as are read": own(reversed_rows(2), ring=("rows", 11)),
    "one slot in place": own(SAME, rows=1, ring=("rows", 1)),
    "slots of an inference in place": own(SAME, ring=("inferences", 1)),
    "recurrent": own(RECURRENT),
    "a ring shorter than an inference": own(RECURRENT, ring=("rows", 2)),
    "one row in place": own(RECURRENT, ring=("rows", 1)),
    "recurrent, and the inference before": own(RECURRENT, SAME, ring=("rows", 5)),
    "this inference and the one before in one read": pipeline_of(
        [
            Stage("s0", "a1", 1, 4, "-i", [x()]),
            Stage("s1", "a0", 2, 2, None, [MIXED]),
        ],
        {},
    ),
    "a circle of one token in one slot for each row": circle(1, ("inferences", 1)),
    "a circle of one token": circle(1, ("inferences", 2)),
    "a circle of two tokens": circle(2, ("inferences", 2)),
    "a circle of two tokens in a ring": circle(2, ("rows", 17)),
    "a circle of three tokens": circle(3, ("inferences", 4)),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    pipeline = CASES[name]
    derived, network = lowered(pipeline)
    assert why_wrong(network) is None
    assert refusal(network) is None
    check(pipeline, derived, network)


@pytest.mark.parametrize(
    ("pipeline", "inferences"),
    [
        (own(reversed_rows(1), ring=("inferences", 1)), None),
        (own(reversed_rows(2), ring=("inferences", 1)), 1),
        (own(reversed_rows(3), ring=("inferences", 1)), 2),
        (own(reversed_rows(2), ring=("rows", 8)), None),
        (own(reversed_rows(2), ring=("rows", 7)), 1),
        (circle(2, ("inferences", 1)), 1),
        (circle(3, ("inferences", 1)), 2),
        (circle(1, ("rows", 5)), 1),
    ],
)
def test_overwritten_too_early(pipeline: Pipeline, inferences: int | None) -> None:
    """Derivation says how many inferences later an element would have been read; None if it is not too late."""
    if inferences is None:
        lowered(pipeline)
        return
    with pytest.raises(CompileError, match=rf"is read {inferences} inferences? later"):
        lowered(pipeline)


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
    wrong, message = why_wrong(network), refusal(network)
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
        check_values(run, expected)
    # The same as two sequences, each of which starts from the initial values.
    first = [0] * 3 + [3] * (INFERENCES - 3)
    expected = pipeline.outputs(inputs[:3]) + pipeline.outputs(inputs[3:])
    check_values(simulator.run(feeds, first=first).outputs, expected)
    (schedule,) = machine.schedules(1)
    check_values(machine.run(schedule, feeds, first=first), expected)


def check_values(
    outputs: Sequence[Mapping[str, np.ndarray]], expected: list[dict[str, np.ndarray]]
) -> None:
    for found, wanted in zip(outputs, expected, strict=True):
        for array, values in wanted.items():
            assert_close(found[array], values.astype(np.float32))


@settings(max_examples=15)
@given(st.integers(0, 1 << 30))
def test_symbolic_proof(seed: int) -> None:
    """The proof that takes over where there are too many points says the same of pipelines, and of some mutants."""
    rng = random.Random(seed)
    try:
        _, network = lowered(draw_pipeline(rng))
    except CompileError:
        reject()
    assert (refusal(network, most_points=0) is None) == (refusal(network) is None)
    for mutant in rng.sample([*mutants(network)], 3):
        mutated = mutant.of(network)
        message = refusal(mutated, most_points=0)
        if message is None or "cannot be proved" not in message:
            assert (message is None) == (why_wrong(mutated) is None), (mutant, message)
