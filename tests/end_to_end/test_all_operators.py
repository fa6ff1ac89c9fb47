"""Random networks of all operators: onnxruntime's results whatever the chunk, or a refusal; never anything else."""

from __future__ import annotations

import numpy as np
import pytest
from end_to_end.drawn_networks import SAMPLES, Network, tolerance
from end_to_end.drawn_operators import RECIPES, networks
from hypothesis import event, given, settings
from hypothesis import strategies as st
from networks import Compiled, compile_network

from cmir.accelerator.report import RunReport
from cmir.diagnostics import CompileError
from cmir.frontends.onnx import OnnxError, operators


def compiled(network: Network) -> Compiled | None:
    """The network, compiled; None if it is refused as it should be."""
    try:
        return compile_network(network.model, batch=network.batch)
    except CompileError as error:
        messages = error.messages if isinstance(error, OnnxError) else [error.message]
        assert all(message and "\n" not in message for message in messages)
        event(f"refused: {messages[0]}")
        return None


def check(network: Network, report: RunReport) -> None:
    for outputs, expected in zip(report.outputs, network.outputs, strict=True):
        for result, wanted in zip(outputs.values(), expected, strict=True):
            assert (result.dtype, result.shape) == (wanted.dtype, wanted.shape)
            if wanted.dtype == np.float32:
                assert (np.abs(result - wanted) <= tolerance(wanted)).all()
            else:
                np.testing.assert_array_equal(result, wanted)


def test_every_importer_is_drawn() -> None:
    assert set(operators()) == set(RECIPES)


@settings(max_examples=80)
@given(networks(), st.sampled_from([1, 7]))
def test_random_networks(network: Network, chunk: int) -> None:
    if (model := compiled(network)) is None:
        return
    whole = model.machine.run(network.samples)
    check(network, whole)
    parts = model.machine.run(network.samples, chunk)
    check(network, parts)
    for one, other in zip(whole.cores, parts.cores, strict=True):
        np.testing.assert_array_equal(one.start, other.start)


@pytest.mark.parametrize("operator", sorted(RECIPES))
def test_operator(operator: str) -> None:
    """Networks that end with the operator; one of them at least is not refused."""
    accepted = []

    @settings(max_examples=2)
    @given(networks(2, operator))
    def runs(network: Network) -> None:
        if (model := compiled(network)) is not None:
            check(network, model.machine.run(network.samples))
            accepted.append(network)

    runs()
    assert accepted
