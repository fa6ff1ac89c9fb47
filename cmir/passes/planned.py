"""The interval that a network is planned for, as an attribute of its pipeline and of the network that becomes of it.

    polyhedral.pipeline @main (@a) -> (@c) attributes {cmir.interval = 140000 : i64} { … }

polyhedral-plan-copies sets it. Sizes of buffers and shares of cores are chosen to keep it.
"""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr, i64

from cmir.hardware.attribute import Carrier
from cmir.support.diagnostics import CompileError

ATTRIBUTE = "cmir.interval"


def set_planned_interval(carrier: Carrier, cycles: int) -> None:
    """Attach the number of cycles between inferences that a network is planned for."""
    carrier.attributes[ATTRIBUTE] = IntegerAttr(cycles, i64)


def planned_interval(carrier: Carrier) -> int | None:
    """Return the cycles between inferences that a network is planned for, or None if there is no plan.

    Raises CompileError if the attribute is malformed.
    """
    given = carrier.attributes.get(ATTRIBUTE)
    if given is None:
        return None
    if not isinstance(given, IntegerAttr) or given.value.data < 1:
        raise CompileError(carrier, f"`{ATTRIBUTE}` must be a positive integer, got {given}")
    return given.value.data
