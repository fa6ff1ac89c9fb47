"""polyhedral-set-hardware: attach a hardware description to pipelines."""

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
    """Attach a hardware description to pipelines, for later passes and tools.

    `hardware` is the name of a preset or the path of a TOML file. Passes without a `hardware` option use the
    attached description, and convert-polyhedral-to-cmcore copies it to the network. The pass accepts pipelines that
    exceed the machine, because later passes can make them fit.
    """

    name = "polyhedral-set-hardware"

    hardware: str | Hardware = field()
    """Machine to attach: the name of a preset, or the path or text of a TOML file."""

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        set_hardware(pipeline, self.hardware_for(pipeline))
