"""The model `aihwkit` with packages that stand in for aihwkit and PyTorch.

`make aihwkit` tests it with the real ones.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cmir.crossbars.choice import model_of
from cmir.crossbars.model import CrossbarModel, Where
from cmir.crossbars.random import Columns
from cmir.crossbars.tiles import matrix_of, tiles_of
from cmir.hardware.description import Hardware
from cmir.support.diagnostics import CompileError

NOISE = "aihwkit.inference.noise.pcm"
CONVERTERS = "aihwkit.inference.converter.conductance"
COMPENSATIONS = "aihwkit.inference.compensation.drift"


class TorchGenerator:
    """The global generator of PyTorch, as far as the model uses it."""

    def __init__(self) -> None:
        self.seeds: list[int] = []
        self.state = np.random.default_rng(99)

    def manual_seed(self, seed: int) -> None:
        self.seeds.append(seed)
        self.state = np.random.default_rng(seed)

    @contextmanager
    def fork_rng(self, devices: list[int]) -> Generator[None]:
        assert devices == []
        kept = self.state
        try:
            yield
        finally:
            self.state = kept


class NoiseModel:
    """Adds a deviate of a hundredth to weights, and one of a thousandth when they are read, after halving each hour."""

    generator: TorchGenerator

    def __init__(self, g_converter: Any = None, scale: float = 1.0, shares: Any = ()):
        assert scale >= 0, "scales are not negative"
        self.g_converter, self.scale, self.shares = g_converter, scale, shares

    def _noise(self, weights: np.ndarray, size: float) -> np.ndarray:
        return self.scale * size * self.generator.state.standard_normal(weights.shape)

    def apply_programming_noise(self, weights: np.ndarray) -> tuple[np.ndarray, list[float]]:
        assert weights.dtype == np.float32 and np.abs(weights).max() == 1
        return weights + self._noise(weights, 1e-2), [0.5]

    def apply_drift_noise(
        self, weights: np.ndarray, parameters: list[float], at: float
    ) -> np.ndarray:
        return parameters[0] ** (at / 3600) * weights + self._noise(weights, 1e-3)


class Global:
    """Compensates the mean magnitude of readings, shape (inputs, outputs)."""

    axis: int | None = None

    def readout(self, readings: np.ndarray) -> np.ndarray:
        return np.abs(readings).mean(axis=self.axis)

    def apply(self, readings: np.ndarray, baseline: np.ndarray) -> np.ndarray:
        return baseline / self.readout(readings)


class Columns0(Global):
    axis = 0


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> TorchGenerator:
    """Install the packages."""
    generator = TorchGenerator()
    monkeypatch.setattr(NoiseModel, "generator", generator, raising=False)
    contents: dict[str, dict[str, Any]] = {
        "torch": {
            "from_numpy": np.asarray,
            "manual_seed": generator.manual_seed,
            "random": SimpleNamespace(fork_rng=generator.fork_rng),
        },
        NOISE: {"PCMLikeNoiseModel": NoiseModel},
        CONVERTERS: {"NPairConductanceConverter": dict},
        COMPENSATIONS: {"GlobalDriftCompensation": Global, "PerColumnDriftCompensation": Columns0},
    }
    for name, members in contents.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    return generator


def model(fields: str = "", crossbar: str = "rows = 16\ncolumns = 8") -> CrossbarModel:
    table = f'[crossbar]\n{crossbar}\n[crossbar.model]\nname = "aihwkit"\n{fields}'
    hardware = Hardware.load(table)
    assert Hardware.load(hardware.toml()) == hardware
    found = model_of(hardware.crossbar)
    assert found is not None
    return found


def cells(found: CrossbarModel, matrix: np.ndarray) -> np.ndarray:
    """The weights that products have, from products with unit vectors."""
    where, size = Where("core"), matrix.shape[1]
    programmed = found.program(where, matrix, tiles_of(matrix_of(matrix), found.crossbar))
    return found.product(where, programmed, np.eye(size), Columns(np.arange(size), np.zeros(size)))


MATRIX = 3 * np.random.default_rng(0).standard_normal((10, 24))
"""On a grid of 2 × 2 tiles."""


@pytest.mark.usefixtures("generator")
def test_weights_have_noise_of_each_tile() -> None:
    found = cells(model(), MATRIX)
    for outputs in (slice(0, 8), slice(8, 10)):
        for inputs in (slice(0, 16), slice(16, 24)):
            tile = MATRIX[outputs, inputs]
            deviation = (found[outputs, inputs] - tile) / np.abs(tile).max()
            assert 0.006 < deviation.std() < 0.016
    assert not np.allclose(found[:2, :2], found[8:, 16:18], rtol=1e-6)
    assert np.array_equal(found, cells(model(), MATRIX))
    assert not np.array_equal(found, cells(model("seed = 1"), MATRIX))


def test_programming_does_not_depend_on_the_time(generator: TorchGenerator) -> None:
    state = generator.state
    for at in (0, 3600):
        cells(model(f'at = {at}\ncompensation = "none"'), MATRIX)
    early, late = generator.seeds[: 2 * 4], generator.seeds[2 * 4 :]
    assert early[::2] == late[::2] and not {*early[1::2]} & {*late[1::2]}
    assert len({*early, *late}) == 3 * 4  # tiles
    assert generator.state is state


@pytest.mark.usefixtures("generator")
@pytest.mark.parametrize(("compensation", "slope"), [("none", 0.25), ("global", 1), ("columns", 1)])
def test_drift_and_its_compensation(compensation: str, slope: float) -> None:
    fields = f'at = 7200\ncompensation = "{compensation}"\n'
    found = cells(model(fields), MATRIX)
    assert (found * MATRIX).sum() / (MATRIX**2).sum() == pytest.approx(slope, rel=0.01)
    no_noise = cells(model(fields + "noise_arguments = { scale = 0 }"), MATRIX)
    assert no_noise == pytest.approx(slope * MATRIX, rel=1e-6)
    if compensation == "columns":
        sums = np.abs(found[:8, :16]).sum(axis=1)
        programmed = cells(model('compensation = "none"'), MATRIX)
        assert sums == pytest.approx(np.abs(programmed[:8, :16]).sum(axis=1), rel=5e-3)


@pytest.mark.usefixtures("generator")
def test_arguments() -> None:
    found: Any = model(
        'converter = "NPairConductanceConverter"\n'
        "converter_arguments = { f_lst = [1, 3] }\n"
        "noise_arguments = { scale = 0.5, shares = { low = [[1, 2], [3, 4]], linear = true } }\n"
    )
    noise = found._noise
    assert noise.g_converter == {"f_lst": [1, 3]} and noise.scale == 0.5
    assert noise.shares == {"low": [[1, 2], [3, 4]], "linear": True}


@pytest.mark.usefixtures("generator")
def test_codes_of_converters() -> None:
    found = model(
        'output_range = 0.2\ninput_range = 1\ncompensation = "none"', "adc_bits = 4\ninput_bits = 4"
    )
    y = cells(found, MATRIX)
    step = 0.2 * np.abs(MATRIX).max() / 7
    codes = y / step
    assert codes == pytest.approx(np.rint(codes), abs=1e-6) and np.rint(codes).max() == 7


@pytest.mark.usefixtures("generator")
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ('noise_model = "Pcm"', "`crossbar.model.noise_model` must be one of PCMLikeNoiseModel, "),
        ("noise_arguments = 3", "`crossbar.model.noise_arguments` must be a table of numbers"),
        ("noise_arguments = { a = [{ b = 1 }] }", "must be a table of numbers, words, lists"),
        ('noise_arguments = { "g max" = 1 }', "must be a table of numbers, words, lists"),
        ("noise_arguments = { a = inf }", "must be a table of numbers, words, lists"),
        ("noise_arguments = { a = { b = [1e13] } }", "must be at most 1e+12"),
        (
            "noise_arguments = { g = 1 }",
            "aihwkit refuses the fields of `crossbar.model`: TypeError",
        ),
        ("noise_arguments = { scale = -1 }", "AssertionError: scales are not negative"),
        ("converter_arguments = { f_lst = [1] }", "needs `crossbar.model.converter`"),
    ],
)
def test_refused(fields: str, message: str) -> None:
    with pytest.raises(CompileError) as error:
        model(fields)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("missing", [NOISE, "torch"])
@pytest.mark.usefixtures("generator")
def test_a_missing_package(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    package = missing.partition(".")[0]
    message = f"the model of crossbars `aihwkit`: the package '{package}' is not installed: pip install 'cmir"
    with pytest.raises(CompileError) as error:
        model()
    assert message in str(error.value)
