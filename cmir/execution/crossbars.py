"""A network on the crossbars of its machine, and the calibration of their converters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cmir.crossbars.choice import model_of
from cmir.crossbars.comparison import Compared
from cmir.crossbars.model import CrossbarModel
from cmir.crossbars.ranges import Ranges
from cmir.hardware.crossbar_models import Ideal, ModelSettings
from cmir.hardware.fields import descriptions
from cmir.hardware.sections import Crossbar
from cmir.simulator.simulator import Inputs, Simulator
from cmir.support.diagnostics import CompileError


class ModelledCrossbars:
    """The crossbars of a network, under the model of its machine.

    ranges: of the converters, once they are calibrated or given.
    """

    def __init__(self, simulator: Simulator, crossbar: Crossbar):
        self._simulator, self._crossbar = simulator, crossbar
        self.ranges: Ranges | None = None

    def calibrate(self, inputs: Callable[[int], Inputs], first: Sequence[int] | None) -> None:
        """Calibrate the ranges, if the model needs any that are not known, on the first inferences of a stream.

        inputs: returns so many of them, or all if there are fewer.
        """
        model = model_of(self._crossbar)
        if model is None or self.ranges is not None or not (count := model.calibration):
            return
        some = None if first is None else first[:count]
        self.ranges = self._simulator.calibrated(self._crossbar, inputs(count), some)

    def programmed(
        self, fields: Mapping[str, Any] | None = None, compare: bool = False
    ) -> tuple[Simulator, CrossbarModel | None]:
        """Return a simulator on crossbars of the model, and the model; None for exact products.

        fields: values for fields of `crossbar.model`. compare: the model is `Compared` with exact products.
        """
        settings = with_fields(self._crossbar.model, fields or {})
        model = model_of(replace(self._crossbar, model=settings), self.ranges)
        model = Compared(model) if compare and model is not None else model
        return self._simulator.with_crossbars(model), model


def with_fields(settings: ModelSettings, fields: Mapping[str, Any]) -> ModelSettings:
    """Return the settings of a model with other values. Raises CompileError if it does not have a field."""
    for name in fields:
        if name not in descriptions(settings):
            hint = "; choose a model of crossbars in the hardware description"
            message = f"the model `{settings}` has no field `{name}`"
            raise CompileError(None, message + (hint if isinstance(settings, Ideal) else ""))
    return replace(settings, **fields)
