"""Bits of presets: those that a model of crossbars computes with, and those that count in costs alone."""

from __future__ import annotations

import pytest

from cmir.hardware.description import Hardware
from cmir.report.computed_bits import computed_bits_text

SLICED = "crossbar.weight_bits, crossbar.cell_bits, crossbar.input_bits, crossbar.dac_bits, crossbar.adc_bits"
EXACT = "bits computed: none, products are exact; in costs alone: "


@pytest.mark.parametrize(
    ("preset", "model", "text"),
    [
        ("ideal", "ideal", None),
        ("hermes", "ideal", f"{EXACT}crossbar.input_bits, crossbar.adc_bits, system.element_bits"),
        ("isaac", "ideal", f"{EXACT}{SLICED}, system.element_bits"),
        ("puma", "bit-sliced", f"bits computed: {SLICED}; in costs alone: system.element_bits"),
        (
            "isaac",
            "pcm",
            "bits computed: crossbar.input_bits, crossbar.adc_bits; in costs alone: crossbar.weight_bits,"
            " crossbar.cell_bits, crossbar.dac_bits, system.element_bits",
        ),
    ],
)
def test_bits(preset: str, model: str, text: str | None) -> None:
    hardware = Hardware.load(preset).replace(crossbar__model__name=model)
    assert computed_bits_text(hardware) == text
