"""Table `crossbar.model` of a description: the model of crossbars that the simulator computes products with.

A package can add models. Its entry point `cmir.crossbars` names a module that registers the fields of the table and
what the model computes when it is loaded::

    @crossbar_model("leaky")
    @dataclass(frozen=True)
    class Leaky(ModelSettings):
        \"\"\"Cells that lose a share of each product.\"\"\"

        leak: float = described(real(0), "share that is lost", default=0.01)

    @computes(Leaky)
    class LeakyCrossbars(CrossbarModel):
        ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from cmir import extensions
from cmir.hardware.fields import (
    Arguments,
    Kind,
    Table,
    arguments,
    choice,
    described,
    fields_given,
    flag,
    integer,
    numbers,
    read_fields,
    real,
)
from cmir.hardware.places import DescriptionText, place_of
from cmir.support.diagnostics import CompileError, Where
from cmir.support.similar import did_you_mean
from cmir.support.unloaded import unloaded_hint


@dataclass(frozen=True)
class ModelSettings(Table):
    """Fields of a model, next to its `name`.

    computed_bits: fields of `crossbar` with bits that the model computes with; None if it does not say.
    """

    name: ClassVar[str]
    computed_bits: ClassVar[tuple[str, ...] | None] = None

    def toml(self) -> dict[str, Any]:
        """Return the table in a file, without fields that have their default values."""
        return {"name": self.name, **fields_given(self)}

    def __str__(self) -> str:
        return self.name


Settings = TypeVar("Settings", bound=type[ModelSettings])

_models: dict[str, type[ModelSettings]] = {}


def crossbar_model(name: str) -> Callable[[Settings], Settings]:
    """Register the decorated class as the fields of a model. Raises ValueError if the name is taken."""

    def register(settings: Settings) -> Settings:
        if name in _models:
            raise ValueError(f"there is a model of crossbars '{name}' already")
        settings.name = name
        _models[name] = settings
        return settings

    return register


def crossbar_models() -> Mapping[str, type[ModelSettings]]:
    """Return the models of cmir and of installed packages, by name."""
    for _ in extensions.load_usable(extensions.CROSSBARS):
        pass  # loading a module registers its models
    return _models


@crossbar_model("ideal")
@dataclass(frozen=True)
class Ideal(ModelSettings):
    """Products are exact, as the IR says."""

    computed_bits: ClassVar[tuple[str, ...] | None] = ()


@dataclass(frozen=True)
class _Converting(ModelSettings):
    """Fields of models whose inputs and outputs pass converters with a range."""

    computed_bits: ClassVar[tuple[str, ...] | None] = ("input_bits", "adc_bits")

    input_range: float | None = described(
        real(),
        "largest magnitude of an input that the DAC has a code for",
        absent="calibrated for each matrix",
    )
    output_range: float | None = described(
        real(),
        "largest output that the ADC has a code for, in products of the largest weight of a tile and `input_range`",
        absent="calibrated for each tile",
    )
    calibration_inputs: int = described(
        integer(1),
        "inferences of a run whose exact products give the calibrated ranges",
        default=16,
    )


@dataclass(frozen=True)
class AnalogSettings(_Converting):
    """Fields of models of analog devices between converters, `cmir.crossbars.analog.Analog`."""

    output_noise: float = described(
        real(0),
        "standard deviation of the noise of each output, as a share of the output range",
        default=0.0,
    )
    seed: int = described(integer(0), "seed of all random numbers", default=0)


@crossbar_model("quantised")
@dataclass(frozen=True)
class Quantised(AnalogSettings):
    """Exact weights between converters of `crossbar.input_bits` and `crossbar.adc_bits`.

    A converter without bits is exact.
    """


@crossbar_model("bit-sliced")
@dataclass(frozen=True)
class BitSliced(ModelSettings):
    """Integers in slices and phases of bits, whose sums the ADC clips at `crossbar.adc_bits`.

    Cells, slices, phases, `active_rows` and `signed_weights` are those of `crossbar`, which must have `weight_bits` and
    `input_bits`. Networks of floats are quantised to as many bits.
    """

    computed_bits: ClassVar[tuple[str, ...] | None] = (
        *("weight_bits", "cell_bits", "input_bits", "dac_bits", "adc_bits"),
    )

    input_range: float | None = described(
        real(),
        "largest magnitude of a float that inputs have a code for",
        absent="calibrated for each matrix",
    )
    calibration_inputs: int = described(
        integer(1),
        "inferences of a run whose exact products give the calibrated ranges",
        default=16,
    )


@crossbar_model("pcm")
@dataclass(frozen=True)
class Pcm(AnalogSettings):
    """Pairs of phase-change cells that are programmed with errors, drift, and are read with noise.

    Sources: [1] S. R. Nandakumar et al., Phase-change memory models for deep learning training and inference, ICECS
    2019; [2] V. Joshi et al., Accurate deep neural network inference using computational phase-change memory, Nature
    Communications 11 (2020). Formulas are those of `PCMLikeNoiseModel` of IBM's aihwkit, which is fitted to [1]; they
    are in [Models of crossbars](crossbar-models.md). Converters are those of `quantised`.
    """

    at: float = described(real(0), "time of reading, after programming", "s", default=0.0)
    g_max: float = described(
        real(), "conductance that the largest weight of a tile is mapped to", "µS", default=25.0
    )
    programming_error: tuple[float, ...] = described(
        numbers(3),
        "standard deviation of programmed conductances at 25 µS: polynomial in the target / `g_max` [1]",
        "µS",
        default=(0.26348, 1.9650, -1.1731),
    )
    drift_mean: tuple[float, ...] = described(
        numbers(4),
        "mean drift exponent a·ln(target / `g_max`) + b within bounds, as [a, b, least, most] [1]",
        default=(-0.0155, 0.0244, 0.049, 0.1),
    )
    drift_spread: tuple[float, ...] = described(
        numbers(4),
        "standard deviation of drift exponents, in the same form [1]",
        default=(-0.0125, -0.0059, 0.008, 0.045),
    )
    drift_start: float = described(
        real(),
        "time from programming to the first reading, where drift begins [1]",
        "s",
        default=20.0,
    )
    read_noise: tuple[float, ...] = described(
        numbers(3),
        "1/f noise relative to the conductance: c·(`g_max` / g)^k, at most m, as [c, k, m] [1]",
        default=(0.0088, 0.65, 0.2),
    )
    read_time: float = described(real(), "time of a read, for 1/f noise [1]", "s", default=250e-9)
    drifting: str = described(
        choice("cells", "differences"),
        "what drifts and is read: both cells of a pair, or their difference as one cell, as in aihwkit",
        default="cells",
    )
    programming_scale: float = described(real(0), "factor of programming errors", default=1.0)
    drift_scale: float = described(real(0), "factor of drift exponents", default=1.0)
    read_scale: float = described(real(0), "factor of the 1/f noise", default=1.0)
    compensation: bool = described(
        flag(),
        "outputs of a tile are scaled by its mean conductance after programming over that at the time of reading [2]",
        default=True,
    )


@crossbar_model("reram")
@dataclass(frozen=True)
class Reram(AnalogSettings):
    """Pairs of resistive cells of NeuRRAM, whose conductances relax after programming.

    Source: W. Wan et al., A compute-in-memory chip based on resistive random-access memory, Nature 608, 504-512 (2022).
    The coefficients are those of `ReRamWan2022NoiseModel` of IBM's aihwkit, whose authors read them from the paper's
    figures for three times. Converters are those of `quantised`.
    """

    at: float = described(
        real(0), "time of reading, after programming: 1, 86400 or 172800", "s", default=1.0
    )
    g_max: float = described(
        real(), "conductance that the largest weight of a tile is mapped to", "µS", default=40.0
    )
    noise_scale: float = described(real(0), "factor of all deviations", default=1.0)


@crossbar_model("aihwkit")
@dataclass(frozen=True)
class Aihwkit(AnalogSettings):
    """Devices of IBM's aihwkit, which must be installed: `pip install 'cmir[aihwkit]'`.

    Its noise models program, drift and read the weights of each tile. Their parameters are those of aihwkit, for
    devices that have been calibrated there. Converters are those of `quantised`.
    """

    at: float = described(real(0), "time of reading, after programming", "s", default=0.0)
    noise_model: str = described(
        choice(
            "PCMLikeNoiseModel",
            "CustomDriftPCMLikeNoiseModel",
            "HermesNoiseModel",
            "ReRamWan2022NoiseModel",
            "ReRamCMONoiseModel",
            "StateIndependentNoiseModel",
        ),
        "class of the noise model in `aihwkit.inference.noise`",
        default="PCMLikeNoiseModel",
    )
    noise_arguments: Arguments | None = described(
        arguments(), "arguments of the noise model", absent="none"
    )
    converter: str | None = described(
        choice(
            "SinglePairConductanceConverter",
            "DualPairConductanceConverter",
            "NPairConductanceConverter",
            "CustomPairConductanceConverter",
            "SingleDeviceConductanceConverter",
        ),
        "class of the converter from weights to conductances in `aihwkit.inference.converter.conductance`",
        absent="that of the noise model",
    )
    converter_arguments: Arguments | None = described(
        arguments(), "arguments of the converter", absent="none"
    )
    compensation: str = described(
        choice("global", "columns", "none"),
        "drift compensation: one factor for a tile (`GlobalDriftCompensation`), or one for each of its outputs "
        "(`PerColumnDriftCompensation`)",
        default="global",
    )


BUILT_IN = dict(_models)
"""The models of cmir, by name."""


class _ModelKind(Kind):
    """Kind of the field that holds the table of a model."""

    def read(
        self, value: Any, path: Sequence[str], where: Where | DescriptionText
    ) -> ModelSettings:
        place, table = place_of(where, *path), ".".join(path)
        if not isinstance(value, Mapping):
            raise CompileError(place, f"`{table}` must be {self.text}, got {value!r}")
        fields = dict(value)
        name = fields.pop("name", None)
        if not isinstance(name, str):
            raise CompileError(place, f"`{table}.name` must be the name of a model, got {name!r}")
        known = crossbar_models() if name not in _models else _models
        if name not in known:
            hint = did_you_mean(name, known) + unloaded_hint()
            message = f"`{table}.name` must be one of {', '.join(known)}, got '{name}'{hint}"
            raise CompileError(place_of(where, *path, "name"), message)
        settings = known[name]
        return settings(**read_fields(settings, path, fields, where))


def model_table() -> Kind:
    """Return the kind of tables of a model; the field holds its settings."""
    return _ModelKind(
        "a table with the `name` of a model", lambda value: isinstance(value, Mapping)
    )
