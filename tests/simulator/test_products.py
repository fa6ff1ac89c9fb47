"""Networks under models of crossbars: equal bits however they run, exact limits, and timing that does not change."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import Builder, Compiled, compile_network
from simulator.test_ways import MACHINE, ways
from tolerance import assert_close

from cmir.crossbars.choice import model_of
from cmir.crossbars.model import CrossbarModel
from cmir.crossbars.random import Columns
from cmir.hardware.crossbar_models import ModelSettings, Pcm, Quantised, Reram
from cmir.hardware.sections import Crossbar
from cmir.simulator.products import Copies
from cmir.simulator.simulator import Simulator

INFERENCES = 7
CROSSBAR = Crossbar(rows=16, columns=8, input_bits=6, adc_bits=6)
MODELS = [Quantised(output_noise=0.05), Pcm(at=3600.0, output_noise=0.05), Reram(at=86400.0)]
NOISELESS = [
    Quantised(),
    Pcm(programming_scale=0, drift_scale=0, read_scale=0),
    Reram(noise_scale=0),
]
MAPPINGS = [
    "",
    f"{ways('conv1', 3)},{ways('conv2', 4)}",
    "polyhedral-replicate{stage=conv1 copies=3 by=turns},polyhedral-replicate{stage=conv2 copies=2}",
    "polyhedral-assign-storage{sizes=live}",
]


def compiled(passes: str = "") -> Compiled:
    """A block with a depthwise convolution and a dense layer; padding makes inputs of one sign, then of both."""
    net = Builder(2, 5, 5)
    first = net.relu(net.conv("x", 4, pads=1))
    second = net.conv(first, 4, pads=1, groups=4)
    output = net.gemm(net.flatten(net.add(second, first)), 3)
    return compile_network(net.model(output), passes=passes, hardware=MACHINE)


def under(network: Compiled, given: ModelSettings, samples: list[Any]) -> Simulator:
    """The network on crossbars of a model, calibrated on all samples."""
    crossbar = replace(CROSSBAR, model=given)
    ranges = network.simulator.calibrated(crossbar, samples, None)
    return network.simulator.with_crossbars(model_of(crossbar, ranges))


def outputs(
    simulator: Simulator, samples: list[Any], chunk: int | None = None, lanes: int = 1
) -> list[np.ndarray]:
    report = simulator.run(samples, chunk, lanes=lanes)
    return [next(iter(found.values())) for found in report.outputs]


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("passes", MAPPINGS)
def test_equal_bits_for_any_chunk_lanes_and_number_of_inferences(
    passes: str, model: ModelSettings
) -> None:
    network = compiled(passes)
    samples = network.samples(INFERENCES)
    simulator = under(network, model, samples)
    whole = outputs(simulator, samples)
    exact = outputs(network.simulator, samples)
    assert not any(np.array_equal(a, b) for a, b in zip(whole, exact, strict=True))
    for chunk in (1, 7):
        assert np.array_equal(outputs(simulator, samples, chunk), whole)
    for lanes in (2, 3, 64):
        assert np.array_equal(outputs(simulator, samples, lanes=lanes), whole)
    for count in (1, 3):
        assert np.array_equal(outputs(simulator, samples[:count]), whole[:count])
    afresh = under(network, model, samples)
    assert np.array_equal(outputs(afresh, samples), whole)


@pytest.mark.parametrize("model", NOISELESS, ids=str)
@pytest.mark.parametrize("passes", MAPPINGS)
def test_without_noise_and_converters_results_are_exact(passes: str, model: ModelSettings) -> None:
    network = compiled(passes)
    samples = network.samples(3)
    crossbar = replace(CROSSBAR, input_bits=None, adc_bits=None, model=model)
    found = outputs(network.simulator.with_crossbars(model_of(crossbar)), samples)
    for sample, output in zip(samples, found, strict=True):
        assert_close(output, network.reference(sample)[0])


def test_idle_lanes_count_nowhere() -> None:
    """Conversions are those of the samples, whatever lanes there are besides."""
    network = compiled(MAPPINGS[1])
    samples = network.samples(5)
    crossbar = replace(CROSSBAR, model=MODELS[1])
    ranges = network.simulator.calibrated(crossbar, samples, None)
    counts: list[dict[str, int]] = []
    for lanes in (1, 3, 64):
        model = model_of(crossbar, ranges)
        assert model is not None
        outputs(network.simulator.with_crossbars(model), samples, lanes=lanes)
        counts.append({name: c.all for name, c in model.conversions.items()})
    assert counts[0] == counts[1] == counts[2]


def test_times_are_those_of_exact_products() -> None:
    network = compiled(MAPPINGS[1])
    samples = network.samples(INFERENCES)
    exact = network.simulator.run(samples)
    report = under(network, MODELS[1], samples).run(samples)
    assert report.cycles == exact.cycles
    for ours, theirs in zip(report.cores, exact.cores, strict=True):
        assert np.array_equal(ours.start, theirs.start)


def test_exact_products_are_those_without_a_model() -> None:
    network = compiled()
    samples = network.samples(2)
    assert np.array_equal(
        outputs(network.simulator.with_crossbars(None), samples),
        outputs(network.simulator, samples),
    )


def test_noise_differs_between_samples_and_seeds() -> None:
    network = compiled()
    (sample,) = network.samples(1)
    first, second = outputs(under(network, MODELS[0], [sample]), [sample, sample])
    assert not np.array_equal(first, second)
    (other,) = outputs(under(network, replace(MODELS[0], seed=1), [sample]), [sample])
    assert not np.array_equal(first, other)


@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 5), st.integers(1, 6))
def test_iterations_alternate_among_copies(
    iterations: int, turns: int, ways: int, samples: int
) -> None:
    """Each core counts the iterations that it runs through all inferences, and uses its sets in turn."""
    turns = min(turns, iterations)
    counts = [0] * turns
    pairs, expected = [], []
    for sample in range(samples):
        for iteration in range(iterations):
            core = iteration % turns
            pairs.append((sample, iteration))
            expected.append(core * ways + counts[core] % ways)
            counts[core] += 1
    columns = Columns(*np.array(pairs).T)
    assert Copies(iterations, turns, ways).of(columns).tolist() == expected


def test_each_copy_is_programmed_once() -> None:
    """The matrices of three ways and of four, whatever the number of runs and chunks."""
    network = compiled(MAPPINGS[1])
    samples = network.samples(2)
    crossbar = replace(CROSSBAR, input_bits=None, adc_bits=None, model=Pcm())
    model = model_of(crossbar)
    assert model is not None
    program, programmed = model.program, list[str]()

    def counting(where: Any, *rest: Any) -> Any:
        programmed.append(f"{where.core} {where.copy}")
        return program(where, *rest)

    CrossbarModel.__setattr__(model, "program", counting)
    simulator = network.simulator.with_crossbars(model)
    outputs(simulator, samples, 1)
    outputs(simulator, samples)
    assert len(programmed) == len(set(programmed))
    counts = Counter(name.split()[0] for name in programmed)
    assert counts == {"conv1": 3, "conv2": 4, "gemm1": 1}
