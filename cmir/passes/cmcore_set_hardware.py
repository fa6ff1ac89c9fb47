"""cmcore-set-hardware: which machine a network is for."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context

from cmir.analysis.capacity import check_capacity
from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.attribute import set_hardware
from cmir.hardware.description import Hardware
from cmir.passes.base import NetworkPass


@dataclass(frozen=True)
class CmcoreSetHardwarePass(NetworkPass):
    """Attach the description of a machine to networks, for whoever works on them later.

    `hardware` is the name of a preset or the path of a TOML file. Refuses networks that need more cores, or programs
    that need more crossbars, than the machine has.
    """

    name = "cmcore-set-hardware"

    hardware: str

    def apply_to(self, ctx: Context, network: NetworkOp) -> None:
        hardware = Hardware.load(self.hardware)
        check_capacity(network, hardware)
        set_hardware(network, hardware)
