"""Networks of integers on the crossbars of integer chips: exact with enough bits, and equal bits in any lanes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from end_to_end.test_quantized_networks import quantized
from networks import Compiled, Sample, compile_network

from cmir.crossbars.choice import model_of
from cmir.crossbars.model import CrossbarModel
from cmir.hardware.crossbar_models import BitSliced, ModelSettings, Quantised
from cmir.hardware.description import Hardware
from cmir.hardware.sections import Crossbar

CASES = ["QDQ int8, opset 13", "QDQ uint8 per channel"]
CHIPS = ["hermes", "isaac", "puma"]
INFERENCES = 9


def modelled(
    network: Compiled, crossbar: Crossbar, given: ModelSettings, samples: list[Sample]
) -> CrossbarModel:
    crossbar = replace(crossbar, model=given)
    model = model_of(crossbar, network.simulator.calibrated(crossbar, samples, None))
    assert model is not None
    return model


def outputs(
    network: Compiled,
    model: CrossbarModel | None,
    samples: list[Sample],
    chunk: int | None = None,
    lanes: int = 1,
) -> np.ndarray:
    simulator = network.simulator.with_crossbars(model)
    report = simulator.run(samples, chunk, lanes=lanes)
    return np.stack([next(iter(found.values())) for found in report.outputs])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("signed_weights", ["cells", "column-pairs", "unit-column"])
def test_slices_without_clipping_are_exact(case: str, signed_weights: str) -> None:
    network = compile_network(quantized(case))
    samples = network.samples(2)
    exact = outputs(network, None, samples)
    crossbar = Crossbar(
        rows=128,
        columns=128,
        weight_bits=8,
        cell_bits=2,
        input_bits=8,
        dac_bits=1,
        signed_weights=signed_weights,
    )
    for bits in (None, 10 if signed_weights == "cells" else 9):
        model = modelled(network, replace(crossbar, adc_bits=bits), BitSliced(), samples)
        assert np.array_equal(outputs(network, model, samples), exact)
        assert model.clipped == 0 and sum(c.all for c in model.conversions.values()) > 0


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("chip", CHIPS)
def test_equal_bits_on_integer_chips(case: str, chip: str) -> None:
    """Chips with bits of weights compute in slices, the others between converters."""
    network = compile_network(quantized(case))
    samples = network.samples(INFERENCES)
    crossbar = Hardware.load(chip).crossbar
    given = Quantised() if crossbar.weight_bits is None else BitSliced()
    model = modelled(network, crossbar, given, samples)
    whole = outputs(network, model, samples)
    assert np.array_equal(outputs(network, model, samples[:2], chunk=1), whole[:2])
    for lanes in (4, 7, 64):
        assert np.array_equal(outputs(network, model, samples, lanes=lanes), whole)
    exact = outputs(network, None, samples)
    scale = np.abs(exact).max()
    assert np.abs(whole - exact).mean() < 0.1 * scale
    assert model.clipped == 0 or not np.array_equal(whole, exact)
