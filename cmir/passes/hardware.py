"""Base class of passes that depend on the hardware."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

from xdsl.passes import ModulePass
from xdsl.utils.arg_spec import ArgSpec

from cmir.hardware.attribute import Carrier, hardware_of
from cmir.hardware.description import Hardware


@dataclass(frozen=True)
class HardwarePass(ModulePass):
    """A pass that compiles for the machine of its option, or else for the machine that the IR carries.

    hardware: a description, or a text that `Hardware.load` accepts. The constructor loads the text, and raises
    CompileError if that is not a description.
    """

    hardware: str | Hardware | None = None
    """Machine to compile for: the name of a preset, or the path or text of a TOML file; by default, the machine
    that the IR carries."""

    def __post_init__(self) -> None:
        _ = self._given

    @cached_property
    def _given(self) -> Hardware | None:
        """The machine that the option describes."""
        return Hardware.load(self.hardware) if isinstance(self.hardware, str) else self.hardware

    def described_hardware(self, carrier: Carrier) -> Hardware | None:
        """Return the machine to compile a pipeline or network for, or None if there is no description.

        Raises CompileError if the description that the IR carries is malformed.
        """
        return hardware_of(carrier) if self._given is None else self._given

    def hardware_for(self, carrier: Carrier) -> Hardware:
        """Return the machine to compile for, or the preset `ideal` if there is no description."""
        return self.described_hardware(carrier) or Hardware.load("ideal")

    def spec(self, *, include_default: bool = False) -> ArgSpec:
        """Return the options as text. A description becomes the text of a TOML file, which `Hardware.load` accepts."""
        if isinstance(self.hardware, Hardware):
            textual = dataclasses.replace(self, hardware=self.hardware.toml())
            return textual.spec(include_default=include_default)
        return super().spec(include_default=include_default)
