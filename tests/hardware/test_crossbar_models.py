"""The table `crossbar.model` of a description: read, written, and refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from cmir.hardware import crossbar_models
from cmir.hardware.crossbar_models import BUILT_IN, Ideal, ModelSettings, Pcm, crossbar_model
from cmir.hardware.description import Hardware
from cmir.hardware.fields import described, descriptions, real
from cmir.support.diagnostics import CompileError

PCM = """
name = "chip"

[crossbar]
rows = 64
adc_bits = 9

[crossbar.model]
name = "pcm"
at = 3600
drift_mean = [-0.02, 0.02, 0.05, 0.2]
compensation = false

[core]
count = 4
"""


def test_a_table_is_read() -> None:
    crossbar = Hardware.load(PCM).crossbar
    assert crossbar.model == Pcm(at=3600, drift_mean=(-0.02, 0.02, 0.05, 0.2), compensation=False)
    assert crossbar.adc_bits == 9


def test_no_table_means_exact_products() -> None:
    assert Hardware.load("[crossbar]\nrows = 2\n").crossbar.model == Ideal()


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_model_is_written_as_it_is_read(name: str) -> None:
    hardware = Hardware.load(f'name = "x"\n[crossbar.model]\nname = "{name}"\n')
    assert Hardware.load(hardware.toml()) == hardware
    assert str(hardware.crossbar.model) == name


def test_fields_are_written_as_they_are_read() -> None:
    hardware = Hardware.load(PCM)
    assert Hardware.load(hardware.toml()) == hardware
    assert hardware.toml().index("adc_bits") < hardware.toml().index("[crossbar.model]")


def test_fields_are_replaced() -> None:
    hardware = Hardware.load(PCM).replace(crossbar__model__at=1, crossbar__rows=None)
    assert isinstance(hardware.crossbar.model, Pcm)
    assert hardware.crossbar.model.at == 1 and hardware.crossbar.model.drift_scale == 1
    assert hardware.crossbar.rows is None
    assert isinstance(hardware.replace(crossbar__model=None).crossbar.model, Ideal)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('name = "pmc"', "must be one of ideal, .*, got 'pmc'; did you mean 'pcm'?"),
        ("at = 1", "`crossbar.model.name` must be the name of a model, got None"),
        ('name = "ideal"\nat = 1', "unknown field `crossbar.model.at`"),
        ('name = "pcm"\nseeds = 1', "unknown field `crossbar.model.seeds`; did you mean"),
        (
            'name = "pcm"\ndrift_mean = [1, 2]',
            "`crossbar.model.drift_mean` must be a list of 4 numbers",
        ),
        ('name = "pcm"\ndrift_mean = [1, 2, 3, nan]', "must be a list of 4 numbers"),
        (
            'name = "quantised"\ninput_range = 0',
            "`crossbar.model.input_range` must be a number > 0",
        ),
    ],
)
def test_refused(table: str, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        Hardware.load(f"[crossbar.model]\n{table}\n")


def test_errors_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "chip.toml"
    path.write_text('[crossbar]\nrows = 4\n\n[crossbar.model]\nname = "pcm"\nseed = -1\n')
    with pytest.raises(CompileError) as error:
        Hardware.load(str(path))
    assert str(error.value) == (
        f"{path}:6:1: error: `crossbar.model.seed` must be an integer >= 0, got -1"
    )


def test_a_package_adds_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossbar_models, "_models", dict(BUILT_IN))

    @crossbar_model("leaky")
    @dataclass(frozen=True)
    class Leaky(ModelSettings):
        leak: float = described(real(0), "share that is lost", default=0.5)

    assert [*descriptions(Leaky)] == ["leak"]
    hardware = Hardware.load('[crossbar.model]\nname = "leaky"\nleak = 0.25\n')
    assert hardware.crossbar.model == Leaky(leak=0.25)
    with pytest.raises(ValueError, match="there is a model of crossbars 'leaky' already"):
        crossbar_model("leaky")(Leaky)


def test_defaults_are_of_the_kind_of_their_field() -> None:
    for settings in BUILT_IN.values():
        for name, field in descriptions(settings).items():
            value = getattr(settings(), name)
            assert value is None or field.kind.accepts(
                [*value] if isinstance(value, tuple) else value
            )
