"""polyhedral-set-hardware: the machine that a pipeline is to be compiled for."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.context import Context

from cmir.dialects.polyhedral import PipelineOp
from cmir.hardware.attribute import set_hardware
from cmir.hardware.description import Hardware
from cmir.passes.base import PipelinePass
from cmir.passes.hardware import HardwarePass


@dataclass(frozen=True)
class PolyhedralSetHardwarePass(HardwarePass, PipelinePass):
    """Attach the description of a machine to pipelines, for the passes that map them to it.

    `hardware` is the name of a preset or the path of a TOML file. Passes with that option take the attached description
    where the option is not given, and convert-polyhedral-to-cmcore hands it on to the network. Refuses nothing: passes
    that follow may make a pipeline fit.
    """

    name = "polyhedral-set-hardware"

    hardware: str | Hardware = field()

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        set_hardware(pipeline, self.hardware_for(pipeline))
