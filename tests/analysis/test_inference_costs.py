"""What an inference costs, by hand: two convolutions with a window of three, the first of which gives 8 values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cmir.analysis.inference_costs import InferenceCosts, costs_of
from cmir.compilation.model import lower, read_model
from cmir.hardware.description import Hardware
from cmir.timing.network import TimedNetwork
from cmir.tools.cm_run import main

TEXTBOOK = Path(__file__).parents[1] / "filecheck" / "textbook.mlir"

DESCRIPTION = """
name = "two"
[core]
count = 2
crossbars = 1
[interconnect]
topology = "mesh"
shape = [1]
chips = [2]
link_bytes_per_cycle = 64
chip_link_bytes_per_cycle = 1
[system]
clock_hz = 1e9
element_bits = 16
[energy]
crossbar_product = 100
adc_conversion = 2
vector_element = 0.5
sram_byte = 0.25
link_byte = 3
chip_link_byte = 1000
static_watts = 0.1
[area]
crossbar = 0.5
adc = 0.01
core = 1
router = 0.125
chip = 20
"""


def costs(tmp_path: Path, description: str, interval: float = 500) -> InferenceCosts:
    file = tmp_path / "two.toml"
    file.write_text(description)
    hardware = Hardware.load(str(file))
    network = lower(read_model(TEXTBOOK), hardware=hardware)
    return costs_of(TimedNetwork(network, hardware), interval)


def test_by_hand(tmp_path: Path) -> None:
    """8 and 6 iterations, each with a product of one output and a load of three elements of two bytes."""
    found = costs(tmp_path, DESCRIPTION)
    assert found.energy == pytest.approx(
        {
            "crossbar": 14 * 100e-12,
            "adc": 14 * 2e-12,
            "dpu": 0,
            # Loaded, and written: ten elements of the input, eight of what the first computes.
            "sram": (14 * 3 * 2 + (10 + 8) * 2) * 0.25e-12,
            "links": 16 * 1000e-12,
            "static": 0.1 * 500e-9,
        }
    )
    assert not found.energy_missing
    assert found.crossbars == 2
    assert found.byte_hops == 16
    (use,) = found.links
    assert (use.bytes, use.bytes_per_cycle, use.cycles) == (16, 1, 16)
    assert found.utilisation(use) == 16 / 500


def test_area_by_hand(tmp_path: Path) -> None:
    found = costs(tmp_path, DESCRIPTION + "[crossbar]\ncolumns = 4\n")
    assert found.area == pytest.approx(
        {"crossbar": 2 * 0.5, "adc": 2 * 4 * 0.01, "core": 2, "router": 0.25, "chip": 40}
    )
    assert not found.area_missing


def test_on_one_chip_links_are_its_own(tmp_path: Path) -> None:
    found = costs(tmp_path, DESCRIPTION.replace("[1]", "[2]").replace("chips = [2]", ""))
    assert found.energy["links"] == pytest.approx(16 * 3e-12)
    assert found.links[0].bytes_per_cycle == 64


@pytest.mark.parametrize(
    ("left_out", "energy", "area"),
    [
        ("vector_element = 0.5\n", {"dpu": "energy.vector_element"}, {}),
        ("clock_hz = 1e9\n", {"static": "system.clock_hz"}, {}),
        ("chip_link_byte = 1000\n", {}, {}),  # as other links
        ("link_byte = 3\nchip_link_byte = 1000\n", {"links": "energy.chip_link_byte"}, {}),
        ("router = 0.125\n", {}, {"router": "area.router"}),
        ("columns = 4\n", {}, {"adc": "crossbar.adcs"}),
    ],
)
def test_figures_that_are_missing(
    left_out: str, energy: dict[str, str], area: dict[str, str], tmp_path: Path
) -> None:
    description = DESCRIPTION + "[crossbar]\ncolumns = 4\n"
    assert left_out in description
    found = costs(tmp_path, description.replace(left_out, ""))
    assert (found.energy_missing, found.area_missing) == (energy, area)
    assert not found.energy.keys() & energy and not found.area.keys() & area


def test_machine_without_places(tmp_path: Path) -> None:
    """Any two cores are joined."""
    found = costs(tmp_path, 'name = "any"\n')
    assert [(use.bytes, use.bytes_per_cycle) for use in found.links] == [(32, None)]
    assert found.utilisation(found.links[0]) is None
    assert found.energy == {} and found.area == {}


def test_what_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, written = tmp_path / "two.toml", tmp_path / "figures.json"
    file.write_text(DESCRIPTION)
    assert (
        main([str(TEXTBOOK), "--timing-only", "--hardware", str(file), "--json", str(written)]) == 0
    )
    printed, _ = capsys.readouterr()
    table = json.loads(written.read_text())
    assert "energy of an inference: 19.06 nJ\n" in printed  # 1.6 nJ of it static, in 16 cycles
    assert "static" in printed and "in use: 43.25 mm², without adc (crossbar.adcs)" in printed
    assert "busiest link (0) -> (1): 16 bytes an inference" in printed
    assert table["latency_seconds"] == pytest.approx(table["latency_cycles"] * 1e-9)
    assert table["energy_joules"]["crossbar"] == pytest.approx(1.4e-9)
    assert table["area_missing"] == {"adc": "crossbar.adcs"}
    assert table["busiest_link"]["bytes_per_inference"] == 16
    assert [line["name"] for line in table["programs"]] == ["conv1", "conv2"]
    assert table["programs"][0]["iterations"] == 8 * table["inferences"]


def test_link_that_cannot_keep_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Four bytes an iteration and one byte a cycle."""
    file = tmp_path / "narrow.toml"
    file.write_text(
        "[core]\nfixed_interval = 1\nfixed_latency = 1\n[interconnect]\nlink_bytes_per_cycle = 1\n"
    )
    assert main([str(TEXTBOOK), "--timing-only", "--hardware", str(file)]) == 0
    _, warned = capsys.readouterr()
    assert (
        "warning: link (0) -> (1) has 32 bytes to carry in an inference, which take 32 cycles"
        in warned
    )
    assert "an interval of 8" in warned


def test_no_figures_without_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    assert main([str(TEXTBOOK), "--buffer-curve", "--json", str(file)]) == 1
    assert "--buffer-curve runs nothing: it has no figures for --json" in capsys.readouterr().err
    assert not file.exists()


def test_parts_of_other_figures_are_not_missing() -> None:
    """Of figures that are not given, those are named that no other figure includes; rows stand in for crossbars."""
    hardware = Hardware.of(
        {
            "name": "m",
            "energy": {"crossbar_row": 1.0, "includes": ["adc", "static"]},
            "area": {"core": 1.0, "includes": ["crossbar", "adc"]},
        },
        None,
    )
    costs = costs_of(TimedNetwork(lower(read_model(TEXTBOOK), hardware=hardware), hardware), 100)
    assert set(costs.energy_missing) == {"dpu", "sram", "links"}
    assert set(costs.area_missing) == {"router", "chip"}
