"""Bits of a description that results are computed with, and those that count in costs alone."""

from __future__ import annotations

from cmir.hardware.crossbar_models import Ideal
from cmir.hardware.description import Hardware

_OF_CROSSBAR = ("weight_bits", "cell_bits", "input_bits", "dac_bits", "adc_bits")


def computed_bits_text(hardware: Hardware) -> str | None:
    """Return which bits of a description the simulator computes with, and which count in costs alone.

    None if there are no bits, or if a model of crossbars does not say which ones it uses.
    """
    crossbar = hardware.crossbar
    computed = crossbar.model.computed_bits
    given = [name for name in _OF_CROSSBAR if getattr(crossbar, name) is not None]
    if computed is None:
        return None
    used = [f"crossbar.{name}" for name in given if name in computed]
    costed = [f"crossbar.{name}" for name in given if name not in computed]
    if hardware.system.element_bits is not None:
        costed.append("system.element_bits")
    if not used and not costed:
        return None
    none = "none, products are exact" if isinstance(crossbar.model, Ideal) else "none"
    text = f"bits computed: {', '.join(used) or none}"
    return f"{text}; in costs alone: {', '.join(costed)}" if costed else text
