"""Bits of a description that results are computed with, and those that count in costs alone."""

from __future__ import annotations

from typing import NamedTuple

from cmir.hardware.crossbar_models import Ideal
from cmir.hardware.description import Hardware

_OF_CROSSBAR = ("weight_bits", "cell_bits", "input_bits", "dac_bits", "adc_bits")


class Bits(NamedTuple):
    """Fields with bits that a description has: those that the simulator computes with, and those of the costs alone."""

    computed: list[str]
    costed: list[str]


def bits_of(hardware: Hardware) -> Bits | None:
    """Return the bits of a description; None if its model of crossbars does not say which ones it uses."""
    crossbar = hardware.crossbar
    computed = crossbar.model.computed_bits
    if computed is None:
        return None
    bits = Bits([], [])
    for name in _OF_CROSSBAR:
        if getattr(crossbar, name) is not None:
            (bits.computed if name in computed else bits.costed).append(f"crossbar.{name}")
    if hardware.system.element_bits is not None:
        bits.costed.append("system.element_bits")
    return bits


def computed_bits_text(hardware: Hardware) -> str | None:
    """Return the line about the bits of a description; None if there are none, or if it is not known how they count."""
    bits = bits_of(hardware)
    if bits is None or not any(bits):
        return None
    none = "none, products are exact" if isinstance(hardware.crossbar.model, Ideal) else "none"
    text = f"bits computed: {', '.join(bits.computed) or none}"
    return f"{text}; in costs alone: {', '.join(bits.costed)}" if bits.costed else text
