"""Passes that need the description of a machine."""

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
    """A pass for a machine: the one that the option describes, or else the one that the IR carries.

    hardware: a description, or what `Hardware.load` takes; in the text of a pipeline, only the latter. Constructing the
    pass loads it, and raises CompileError if it is wrong.
    """

    hardware: str | Hardware | None = None

    def __post_init__(self) -> None:
        _ = self._given

    @cached_property
    def _given(self) -> Hardware | None:
        """The machine that the option describes."""
        return Hardware.load(self.hardware) if isinstance(self.hardware, str) else self.hardware

    def described_hardware(self, carrier: Carrier) -> Hardware | None:
        """Return the machine to work for on a pipeline or network, or None if nothing describes one.

        Raises CompileError if the description that the IR carries is malformed.
        """
        return hardware_of(carrier) if self._given is None else self._given

    def hardware_for(self, carrier: Carrier) -> Hardware:
        """Return the same, or the preset `ideal` where nothing describes a machine."""
        return self.described_hardware(carrier) or Hardware.load("ideal")

    def spec(self, *, include_default: bool = False) -> ArgSpec:
        """Return the options as text; an object becomes the text of its description, from which it can be loaded."""
        if isinstance(self.hardware, Hardware):
            textual = dataclasses.replace(self, hardware=self.hardware.toml())
            return textual.spec(include_default=include_default)
        return super().spec(include_default=include_default)
