"""Headlines, what binds, and what would help: by hand, and tried again in another way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from timing.measured_interval import measured_interval

from cmir.analysis.advice import HELP, Change, changes_that_help
from cmir.analysis.binding import Binding, binding_of
from cmir.analysis.copies import copies_of
from cmir.analysis.headlines import Headlines
from cmir.analysis.inference_costs import costs_of
from cmir.compilation.model import lower, lower_to_polyhedral, read_model
from cmir.hardware.description import Hardware
from cmir.timing.network import TimedNetwork
from cmir.tools.cm_run import main

FILECHECK = Path(__file__).parents[1] / "filecheck"
TEXTBOOK = FILECHECK / "textbook.mlir"
MACHINE = {
    "name": "machine",
    "core": {"count": 8, "crossbars": 2},
    "crossbar": {"rows": 4, "columns": 5, "phase_cycles": 3},
    "system": {"clock_hz": 1e6},
    "energy": dict.fromkeys(
        (
            "crossbar_product",
            "adc_conversion",
            "vector_element",
            "sram_byte",
            "link_byte",
            "static_watts",
        ),
        100.0,
    ),
    "area": {"crossbar": 0.5, "adc": 0.01, "core": 1, "router": 0.125, "chip": 20},
}
"""Two convolutions with a window of three, of 8 and 6 iterations: one crossbar each, with 3 of 20 cells in use."""


def timed(**fields: object) -> TimedNetwork:
    """Return the network on the machine with other values of fields; None for those to leave out."""
    table = dict(MACHINE)
    for name in [name for name, value in fields.items() if value is None]:
        section, field = name.split("__")
        table[section] = {key: value for key, value in MACHINE[section].items() if key != field}  # pyright: ignore
        del fields[name]
    hardware = Hardware.of(table, None).replace(**fields)
    return TimedNetwork(lower(read_model(TEXTBOOK), hardware=hardware), hardware)


def headlines(network: TimedNetwork, interval: float = 100) -> Headlines:
    return costs_of(network, interval).headlines


def binding(network: TimedNetwork) -> Binding:
    return binding_of(network, costs_of(network, network.interval), network.time(8))


def test_by_hand() -> None:
    network = timed()
    found, costs = headlines(network), costs_of(network, 100)
    macs = (8 + 6) * 3
    assert found.inferences_per_second == pytest.approx(1e6 / 100)
    assert found.macs == macs
    assert found.macs_per_second == pytest.approx(macs * 1e4)
    assert found.tops is not None and found.tops == pytest.approx(2 * macs * 1e4 / 1e12)
    assert found.tops_per_watt == pytest.approx(2 * macs / sum(costs.energy.values()) / 1e12)
    assert found.tops_per_mm2 == pytest.approx(found.tops / sum(costs.area.values()))
    assert found.cells_used == pytest.approx(2 * 3 / (2 * 20))
    assert found.chip_cells_used == pytest.approx(2 * 3 / (8 * 2 * 20))
    assert found.crossbars_busy == pytest.approx((8 + 6) * 3 / 2 / 100)
    assert not found.unknown_without


def test_slices_take_cells_and_do_no_operations() -> None:
    """A weight of three cells, each in a crossbar of its own."""
    found = headlines(timed(crossbar__weight_slices=3, core__crossbars=3))
    assert found.macs == (8 + 6) * 3
    assert found.cells_used == pytest.approx(2 * 3 * 3 / (2 * 3 * 20))


@pytest.mark.parametrize(
    ("field", "unknown"),
    [
        ("system__clock_hz", {"inferences_per_second", "macs_per_second", "tops", "tops_per_mm2"}),
        ("energy__vector_element", {"tops_per_watt"}),
        ("area__router", {"tops_per_mm2"}),
        ("crossbar__rows", {"crossbar_cells_used_share", "chip_cells_used_share"}),
        ("core__count", {"chip_cells_used_share"}),
        ("crossbar__phase_cycles", {"crossbars_busy_share"}),
    ],
)
def test_nothing_unknown_counts_as_zero(field: str, unknown: set[str]) -> None:
    """Without a field, exactly the figures that need it are unknown; TOPS/W and TOPS/mm² become bounds."""
    whole = headlines(timed()).figures()
    value = 0 if field == "crossbar__phase_cycles" else None
    found = headlines(timed(**{field: value})).figures()
    changed = {name for name in found if found[name] is None} & {
        n for n in whole if whole[n] is not None
    }
    at_most = {"tops_per_mm2_at_most", "tops_per_watt_at_most", "tops_per_watt"}
    assert changed - at_most == unknown - at_most
    if field == "energy__vector_element":
        assert found["tops_per_watt"] is None
        assert found["tops_per_watt_at_most"] >= whole["tops_per_watt"]  # pyright: ignore
    if field == "area__router":
        assert found["tops_per_mm2_at_most"] > whole["tops_per_mm2"]  # pyright: ignore


def test_rates_are_those_that_links_allow() -> None:
    """16 bytes at a byte a cycle take longer than 10 cycles."""
    chips = {"topology": "mesh", "shape": [1], "chips": [2], "chip_link_bytes_per_cycle": 1}
    network = timed(interconnect=chips, core__count=2, system__element_bits=16)
    assert headlines(network, 10).inferences_per_second == pytest.approx(1e6 / 16)
    assert headlines(network, 20).inferences_per_second == pytest.approx(1e6 / 20)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("core", "conv1", "crossbar", 24)),
        ({"core__vector_lanes": 1, "core__sram_port_bytes": 1}, ("core", "conv1", "sram", 8 * 12)),
        ({"core__fixed_interval": 5}, ("core", "conv1", "starts", 40)),
        (
            {"interconnect": {"link_bytes_per_cycle": 1}, "crossbar__phase_cycles": 0},
            ("core", "conv1", "link", 8 * 4),
        ),
    ],
)
def test_what_binds(fields: dict[str, object], expected: tuple[object, ...]) -> None:
    found = binding(timed(**fields))
    assert (found.kind, found.name, found.work, found.cycles) == expected
    assert found.share == 1 and found.waits is None


def test_inputs_that_bind(tmp_path: Path) -> None:
    network = timed(system__input_elements_per_cycle=1, crossbar__phase_cycles=0)
    found = binding(network)
    assert (found.kind, found.cycles) == ("port", 10)


def test_waits_that_bind() -> None:
    """Where no core works all of the time, what binds is what the busiest waits for."""
    network = timed(core__fixed_latency=400, core__credit_latency=300)
    hardware = network.hardware
    live = TimedNetwork(lower(read_model(TEXTBOOK), None, "live", hardware), hardware)
    found = binding(live)
    assert found.share < HELP and found.waits in ("data", "room")
    assert not changes_that_help(live, costs_of(live, live.interval), found)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "crossbar.phase_cycles"),
        ({"crossbar__adcs": 1, "crossbar__adc_cycles": 7, "crossbar__columns": 12}, None),
        ({"core__vector_lanes": 64, "core__sram_port_bytes": 1}, "core.sram_port_bytes"),
        ({"core__fixed_interval": 5}, "core.fixed_interval"),
    ],
)
def test_changes_help_and_smaller_ones_do_not(fields: dict[str, object], field: str | None) -> None:
    """Each change is tried again, by another compilation; so is the value next to it, nearer to the description."""
    network = timed(**fields)
    costs, found = costs_of(network, network.interval), binding(network)
    assert costs.interval == measured_interval(network.time(8))
    changes = changes_that_help(network, costs, found)
    if field is not None:
        assert any(f"`{field}`" in change.what for change in changes)
    for change in changes:
        name, new, *_, old = change.what.replace("`", "").split()
        section, key = name.split(".")
        step = 1 if int(new) < int(old) else -1

        def interval(value: int, key: str = f"{section}__{key}") -> float:
            hardware = network.hardware.replace(**{key: value})
            trial = TimedNetwork(lower(read_model(TEXTBOOK), hardware=hardware), hardware)
            steady = measured_interval(trial.time(8))
            return max(steady, *(s.cycles for s in costs_of(trial, steady).streams), 0)

        assert interval(int(new)) == change.interval <= HELP * costs.interval
        assert interval(int(new) + step) > HELP * costs.interval


def test_rates_of_inputs_that_help(tmp_path: Path) -> None:
    """Four elements a pixel, at one a cycle: two a cycle halve the interval."""
    (tmp_path / "net.mlir").write_text(
        """func.func @main(%x: tensor<4x10xf32>) -> tensor<4x10xf32> {
          %y = nn.relu %x : (tensor<4x10xf32>) -> tensor<4x10xf32>
          func.return %y : tensor<4x10xf32>
        }"""
    )
    hardware = Hardware.of({"name": "slow", "system": {"input_elements_per_cycle": 1}}, None)
    network = TimedNetwork(lower(read_model(tmp_path / "net.mlir"), hardware=hardware), hardware)
    costs = costs_of(network, network.interval)
    (change,) = changes_that_help(network, costs, binding(network))
    assert change == Change("`system.input_elements_per_cycle` 2 instead of 1", 20)


def test_copies_of_pipelines_are_those_of_networks() -> None:
    hardware = Hardware.load("puma")
    model = read_model(TEXTBOOK)
    (pipeline,) = lower_to_polyhedral(model, "a test")
    from cmir.passes.polyhedral_replicate import PolyhedralReplicatePass

    PolyhedralReplicatePass(stage="conv1", copies=4).apply(model.context, model.module)
    copies = copies_of(pipeline)
    assert copies == {"conv1": 4, "conv2": 1}
    assert copies_of(lower(model, hardware=hardware).op) == copies


def run(tmp_path: Path, *arguments: str, machine: Hardware | None = None) -> dict[str, object]:
    """Return the JSON of a timed run on a machine."""
    description = tmp_path / "machine.toml"
    description.write_text((machine or Hardware.of(MACHINE, None)).toml())
    table = tmp_path / "figures.json"
    fixed = ["--timing-only", "--quiet", "--hardware", str(description), "--json", str(table)]
    assert main([str(TEXTBOOK), *fixed, *arguments]) == 0
    return json.loads(table.read_text())


def test_json_and_text_have_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = run(tmp_path)
    text = capsys.readouterr().out
    assert table["tops_per_watt"] is not None and table["would_help"]
    assert f"TOPS/W  {table['tops_per_watt']:.4g}" in " ".join(text.split()).replace(
        "TOPS/W", "TOPS/W "
    )
    assert table["binds"]["name"] == "conv1"  # pyright: ignore
    assert "what binds: conv1: products on crossbars, 100 % of the time\n" in text
    for change in table["would_help"]:  # pyright: ignore
        assert change["what"] in text


def test_advice_compiles_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two cores for two stages: copies need more cores, and where there are cores, only the option."""
    plain = Hardware.of(MACHINE, None).replace(core__crossbars=1)
    few = run(tmp_path, "--advise", machine=plain.replace(core__count=2))
    more = [c for c in few["would_help"] if " core" in c["what"]]  # pyright: ignore
    assert [c["what"] for c in more] == ["1 more core with --replicate columns"]
    roomy = run(tmp_path, "--advise", machine=plain)
    assert any(c["what"] == "--replicate columns" for c in roomy["would_help"])  # pyright: ignore
    again = run(tmp_path, "--replicate", machine=plain.replace(core__count=3))
    assert again["interval_cycles"] == more[0]["interval"]
    one_less = run(tmp_path, "--replicate", machine=plain.replace(core__count=2))
    assert one_less["interval_cycles"] == few["interval_cycles"]


def test_advice_on_ways(tmp_path: Path) -> None:
    """Cores that have crossbars left can use them."""
    machine = Hardware.of(MACHINE, None).replace(core__count=2, core__crossbars=2)
    plain = run(tmp_path, "--advise", machine=machine)
    (change,) = (c for c in plain["would_help"] if c["what"] == "--replicate ways")  # pyright: ignore
    again = run(tmp_path, "--replicate", "ways", machine=machine)
    assert again["interval_cycles"] == change["interval"] < plain["interval_cycles"]
    assert not any("ways" in c["what"] for c in again["would_help"])  # pyright: ignore


def test_advice_on_buffers(tmp_path: Path) -> None:
    slow = Hardware.of(MACHINE, None).replace(core__fixed_latency=40, core__credit_latency=30)
    live = run(tmp_path, "--advise", "--storage", "live", machine=slow)
    assert live["binds"]["waits"] == "room"  # pyright: ignore
    (change,) = live["would_help"]  # pyright: ignore
    assert change["what"].startswith("--storage ")
    again = run(tmp_path, *change["what"].split(), machine=slow)
    assert again["interval_cycles"] == change["interval"]


READ_LATE = """
func.func @main(%x: tensor<2x16xf32>) -> tensor<2x20xf32> {
  %w = nn.parameter dense<0.5> : tensor<2x2x1xf32>
  %a = nn.conv %x, %w : (tensor<2x16xf32>, tensor<2x2x1xf32>) -> tensor<2x16xf32>
  %m = nn.reduce_max %a {axes = [1], keepdims} : (tensor<2x16xf32>) -> tensor<2x1xf32>
  %b = nn.sub %a, %m : (tensor<2x16xf32>, tensor<2x1xf32>) -> tensor<2x16xf32>
  %n = nn.reduce_max %b {axes = [1], keepdims} : (tensor<2x16xf32>) -> tensor<2x1xf32>
  %c = nn.sub %a, %n : (tensor<2x16xf32>, tensor<2x1xf32>) -> tensor<2x16xf32>
  %y = nn.conv %c, %w {pads = [2, 2]} : (tensor<2x16xf32>, tensor<2x2x1xf32>) -> tensor<2x20xf32>
  func.return %y : tensor<2x20xf32>
}
"""
"""A stage reads a value of the first one late, after others have read all of it twice. The last one is busiest."""


def test_advice_on_buffers_of_other_cores(tmp_path: Path) -> None:
    """The busiest core waits for data, which is late because its writer waits for room."""
    model = tmp_path / "late.mlir"
    model.write_text(READ_LATE)
    found = {}
    for options in ((), ("--storage", "lossless")):
        table = tmp_path / "table.json"
        assert main([str(model), "--random", "0", "--json", str(table), "--advise", *options]) == 0
        found[options] = json.loads(table.read_text())
    whole, rings = found.values()
    assert whole["binds"]["waits"] == "data"
    (change,) = whole["would_help"]
    assert change == {"what": "--storage lossless", "interval": rings["interval_cycles"]}
