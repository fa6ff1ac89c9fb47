"""Devices of IBM's aihwkit (https://github.com/IBM/aihwkit): its noise models program, drift and read the weights.

aihwkit draws from the global generator of PyTorch. Each use seeds the generator with the key of the tile and the
purpose, and restores it, so that weights depend on the seed, the tile and the time of reading alone.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from cmir.crossbars.analog import Analog
from cmir.crossbars.model import Where, computes
from cmir.crossbars.random import Key
from cmir.crossbars.ranges import Ranges
from cmir.crossbars.tiles import Tile
from cmir.hardware.crossbar_models import Aihwkit
from cmir.hardware.fields import Arguments
from cmir.hardware.sections import Crossbar
from cmir.support.diagnostics import CompileError
from cmir.support.extras import missing_package

_NOISE = "aihwkit.inference.noise"
_MODULES = {
    "PCMLikeNoiseModel": f"{_NOISE}.pcm",
    "CustomDriftPCMLikeNoiseModel": f"{_NOISE}.pcm",
    "HermesNoiseModel": f"{_NOISE}.hermes",
    "ReRamWan2022NoiseModel": f"{_NOISE}.reram",
    "ReRamCMONoiseModel": f"{_NOISE}.reram",
    "StateIndependentNoiseModel": f"{_NOISE}.custom",
}
"""Modules of the noise models."""

_CONVERTERS = "aihwkit.inference.converter.conductance"
_COMPENSATIONS = "aihwkit.inference.compensation.drift"
_COMPENSATION = {"global": "GlobalDriftCompensation", "columns": "PerColumnDriftCompensation"}


@computes(Aihwkit)
class AihwkitCrossbars(Analog):
    """Devices that a noise model of aihwkit programs and reads."""

    settings: Aihwkit

    def __init__(self, settings: Aihwkit, crossbar: Crossbar, ranges: Ranges | None = None):
        super().__init__(settings, crossbar, ranges)
        with _refusals():
            self._noise, self._compensation = _noise_model(settings), _compensation(settings)
        self._torch = _module("torch")

    def devices(
        self, where: Where, tile: Tile, weights: np.ndarray
    ) -> tuple[np.ndarray, float | np.ndarray]:
        at = float(self.settings.at)
        largest = float(np.abs(weights).max(initial=0)) or 1.0
        target = self._torch.from_numpy((weights / largest).astype(np.float32))
        with _refusals():
            with self._seeded(self.key(where, tile, "programming")):
                programmed, parameters = self._noise.apply_programming_noise(target)
            with self._seeded(self.key(where, tile, "read", at)):
                read = self._noise.apply_drift_noise(programmed, parameters, at)
            gain = self._gain(programmed, read)
        return np.asarray(read, np.float64) * largest, gain

    def _gain(self, programmed: Any, read: Any) -> float | np.ndarray:
        """Return the factor of outputs that aihwkit finds from readings of all columns, with exact converters."""
        if (compensation := self._compensation) is None:
            return 1.0
        gain = compensation.apply(read.T, compensation.readout(programmed.T))
        return np.asarray(gain, np.float64).reshape(-1, 1)

    @contextmanager
    def _seeded(self, key: Key) -> Generator[None]:
        """Seed the generator of PyTorch for the `with` block, and restore it."""
        with self._torch.random.fork_rng(devices=[]):
            self._torch.manual_seed(key[0] | key[1] << 32)
            yield


def _noise_model(settings: Aihwkit) -> Any:
    name = settings.noise_model
    given = _values(settings.noise_arguments)
    if settings.converter is None and settings.converter_arguments is not None:
        message = "`crossbar.model.converter_arguments` needs `crossbar.model.converter`"
        raise CompileError(None, message)
    if settings.converter is not None:
        converter = getattr(_module(_CONVERTERS), settings.converter)
        given["g_converter"] = converter(**_values(settings.converter_arguments))
    return getattr(_module(_MODULES[name]), name)(**given)


def _compensation(settings: Aihwkit) -> Any:
    if (name := _COMPENSATION.get(settings.compensation)) is None:
        return None
    return getattr(_module(_COMPENSATIONS), name)()


def _values(arguments: Arguments | None) -> dict[str, Any]:
    return {} if arguments is None else arguments.toml()


def _module(name: str) -> Any:
    """Import a module of an optional package."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        message = missing_package(error.name or name)
        raise CompileError(None, f"the model of crossbars `aihwkit`: {message}") from error


@contextmanager
def _refusals() -> Generator[None]:
    """Raise what aihwkit raises inside the `with` block as a CompileError: it checks arguments in many ways."""
    try:
        yield
    except CompileError:
        raise
    except Exception as error:
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        raise CompileError(
            None, f"aihwkit refuses the fields of `crossbar.model`: {cause}"
        ) from error
