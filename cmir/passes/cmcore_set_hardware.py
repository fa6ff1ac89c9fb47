"""cmcore-set-hardware: attach a hardware description to networks."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.context import Context

from cmir.analysis.capacity import check_capacity
from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.attribute import set_hardware
from cmir.hardware.description import Hardware
from cmir.passes.base import NetworkPass
from cmir.passes.hardware import HardwarePass


@dataclass(frozen=True)
class CmcoreSetHardwarePass(HardwarePass, NetworkPass):
    """Attach a hardware description to networks, for later passes and tools.

    `hardware` is the name of a preset or the path of a TOML file. The pass rejects networks that need more cores, or
    programs that need more crossbars, than the machine has.
    """

    name = "cmcore-set-hardware"

    hardware: str | Hardware = field()
    """Machine to attach: the name of a preset, or the path or text of a TOML file."""

    def apply_to(self, ctx: Context, network: NetworkOp) -> None:
        hardware = self.hardware_for(network)
        check_capacity(network, hardware)
        set_hardware(network, hardware)
