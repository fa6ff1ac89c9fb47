"""Descriptions of machines: the presets, what is refused, and the page that documents them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from cmir.documentation.hardware_page import hardware_page
from cmir.hardware.description import Hardware, presets
from cmir.hardware.fields import descriptions
from cmir.hardware.sections import SECTIONS, Interconnect
from cmir.support.diagnostics import CompileError, collect_diagnostics

ROOT = Path(__file__).parents[2]


def load(tmp_path: Path, text: str) -> Hardware:
    path = tmp_path / "machine.toml"
    path.write_text(text)
    return Hardware.load(str(path))


def test_page_is_up_to_date() -> None:
    file = ROOT / "docs" / "hardware.md"
    command = f"python -m cmir.documentation.hardware_page > {file}"
    assert file.read_text(encoding="utf-8") == hardware_page(), command


@pytest.mark.parametrize("name", presets())
def test_presets(name: str) -> None:
    hardware = Hardware.load(name)
    assert hardware.name == name and hardware.summary
    places, count = hardware.interconnect.places, hardware.core.count
    assert places is None or count is None or count <= places


@pytest.mark.parametrize("name", sorted(set(presets()) - {"ideal"}))
def test_figures_of_presets_have_sources(name: str) -> None:
    """A figure has a comment that cites a source, says how it follows, or admits that it is an assumption."""
    text = (ROOT / "cmir" / "hardware" / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    cited = set(re.findall(r"^# \[(\d)\] .*\w", text, re.MULTILINE))
    before = ""
    for line in text.splitlines():
        if re.match(r"\w+ = ", line) and not re.match("name|summary", line):
            comment = line.partition("#")[2] or before
            # `[1]`, `[1, 2]` or `[1, table I]`
            found = re.findall(r"\[(\d(?:, \d)*)(?:, [a-z][^\]]*)?\]", comment)
            sources = set(re.findall(r"\d", "".join(found)))
            assert sources <= cited, line
            assert sources or "assumption" in comment or "see above" in comment, line
        before = line if line.startswith("#") else ""


def test_nothing_given(tmp_path: Path) -> None:
    """Every field may be left out."""
    hardware = load(tmp_path, "")
    assert hardware == Hardware(hardware.name)


def test_every_field_is_read(tmp_path: Path) -> None:
    """A value for every field, as its description says, is found where it belongs."""
    values = {
        "slicing": '"columns"',
        "topology": '"mesh"',
        "shape": "[3, 4]",
        "chips": "[2, 1]",
        "columns": "16",
        "count": "24",
        "signed_weights": '"unit-column"',
        "convert_all_columns": "true",
        "input_registers": "true",
        "includes": '["adc"]',
    }
    left_out = {
        "crossbar.model",
        "crossbar.weight_slices",
        "crossbar.input_phases",
        "interconnect.edges",
    }
    text = ""
    for name, section in SECTIONS.items():
        text += f"[{name}]\n"
        for field in descriptions(section):
            if f"{name}.{field}" not in left_out:
                text += f"{field} = {values.get(field, '7')}\n"
    hardware = load(tmp_path, text)
    for name, table in tomllib.loads(text).items():
        for field, value in table.items():
            got = getattr(getattr(hardware, name), field)
            assert got == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("weight", "cell", "slices"), [("16", "2", 8), ("8", "3", 3), ("4", "4", 1), ("4", "8", 1)]
)
def test_slices_follow_from_bits(tmp_path: Path, weight: str, cell: str, slices: int) -> None:
    crossbar = load(tmp_path, f"[crossbar]\nweight_bits = {weight}\ncell_bits = {cell}\n").crossbar
    assert crossbar.slices == slices
    crossbar = load(tmp_path, f"[crossbar]\ninput_bits = {weight}\ndac_bits = {cell}\n").crossbar
    assert crossbar.phases == slices


def test_former_name_of_a_table(tmp_path: Path) -> None:
    """A description that calls the interconnect `network`, as earlier versions did, is read with a remark."""
    text = '[{}]\ntopology = "mesh"\nshape = [2, 3]\nhop_cycles = 4\n'
    with collect_diagnostics() as told:
        former = load(tmp_path, text.format("network"))
    assert [str(diagnostic) for diagnostic in told] == [
        f"{tmp_path / 'machine.toml'}:1:1: remark: table `network` is called `interconnect` now; "
        "the former name is still read"
    ]
    with collect_diagnostics() as told:
        assert load(tmp_path, text.format("interconnect")) == former
    assert not told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("core = 1", "`core` must be a table"),
        ("[cores]\ncount = 1", "unknown field `cores`; did you mean `core`?"),
        (
            "[network]\n[interconnect]",
            "table `interconnect` is given twice, under a former name, too",
        ),
        ("[core]\nsram = 1", "unknown field `core.sram`"),
        ("name = 1", "`name` must be a string, got 1"),
        ("[core]\nsram_bytes = 0", "`core.sram_bytes` must be an integer >= 1, got 0"),
        ("[core]\nsram_bytes = 1.5", "`core.sram_bytes` must be an integer >= 1, got 1.5"),
        ("[core]\nsram_bytes = true", "`core.sram_bytes` must be an integer >= 1, got True"),
        (
            "[interconnect]\nhop_cycles = -1",
            "`interconnect.hop_cycles` must be an integer >= 0, got -1",
        ),
        (
            f"[crossbar]\npipeline_cycles = {2**63 - 1}",
            f"`crossbar.pipeline_cycles` must be at most 1e+12, got {2**63 - 1}",
        ),
        (
            f"[interconnect]\nshape = [2, {10**12 + 1}]",
            f"`interconnect.shape` must be at most 1e+12, got [2, {10**12 + 1}]",
        ),
        ("[system]\nclock_hz = 1e300", "`system.clock_hz` must be at most 1e+12, got 1e+300"),
        (
            "[system]\nelement_bits = 1025",
            "`system.element_bits` must be an integer from 1 to 1024, got 1025",
        ),
        ("[system]\nclock_hz = 0", "`system.clock_hz` must be a number > 0, got 0"),
        ("[system]\nclock_hz = inf", "`system.clock_hz` must be a number > 0, got inf"),
        ("[energy]\nsram_byte = nan", "`energy.sram_byte` must be a number >= 0, got nan"),
        (
            '[interconnect]\ntopology = "star"',
            "`interconnect.topology` must be one of all-to-all, mesh, torus, ring, edges, got 'star'",
        ),
        ('[interconnect]\ntopology = "mesh"', "a mesh needs `interconnect.shape`"),
        (
            '[interconnect]\ntopology = "edges"',
            "`interconnect.edges` and topology `edges` need each other",
        ),
        (
            "[interconnect]\nshape = [0]",
            "`interconnect.shape` must be a list of integers >= 1, got [0]",
        ),
        (
            "[interconnect]\nshape = []",
            "`interconnect.shape` must be a list of integers >= 1, got []",
        ),
        (
            '[interconnect]\ntopology = "edges"\nedges = [[0, 1]]',
            "`interconnect.edges` must be a list of pairs of places, such as "
            "[[[0, 0], [0, 1]], [[0, 1], [0, 0]]], got [[0, 1]]",
        ),
        (
            '[interconnect]\ntopology = "edges"\nedges = [[[0], [1]], [[1], [0]]]\nshape = [2]',
            "`interconnect.shape` and `interconnect.edges` exclude each other",
        ),
        (
            '[interconnect]\ntopology = "ring"\nshape = [2, 2]',
            "`interconnect.shape` of a ring must be one number, got 2",
        ),
        (
            '[interconnect]\ntopology = "torus"\nshape = [2, 2]\nchips = [2]',
            "`interconnect.chips` is for topology `mesh`, got `torus`",
        ),
        (
            '[interconnect]\ntopology = "mesh"\nshape = [2, 2]\nchips = [2]',
            "`interconnect.chips` must have as many dimensions as `interconnect.shape`, 2, got 1",
        ),
        (
            '[interconnect]\ntopology = "mesh"\nshape = [2, 2]\n[core]\ncount = 5',
            "`core.count` must be <= 4, the places of `interconnect`, got 5",
        ),
        ("[crossbar]\ncell_bits = 2", "`crossbar.cell_bits` needs `crossbar.weight_bits`"),
        ("[crossbar]\ndac_bits = 2", "`crossbar.dac_bits` needs `crossbar.input_bits`"),
        (
            "[crossbar]\nweight_slices = 2\ncell_bits = 2",
            "`crossbar.weight_slices` and `crossbar.cell_bits` exclude each other",
        ),
        (
            "[crossbar]\ninput_phases = 2\ndac_bits = 2",
            "`crossbar.input_phases` and `crossbar.dac_bits` exclude each other",
        ),
        (
            '[crossbar]\nslicing = "columns"\nweight_slices = 8\ncolumns = 7',
            "`crossbar.columns` must be >= 8, the columns of one weight, got 7",
        ),
        (
            '[crossbar]\nsigned_weights = "column-pairs"\ncolumns = 1',
            "`crossbar.columns` must be >= 2, the columns of one weight, got 1",
        ),
        (
            '[crossbar]\nsigned_weights = "columns"',
            "`crossbar.signed_weights` must be one of cells, column-pairs, unit-column, got 'columns'",
        ),
        (
            "[crossbar]\nconvert_all_columns = 1",
            "`crossbar.convert_all_columns` must be true or false, got 1",
        ),
        (
            '[area]\nincludes = ["adc", "adc"]',
            "`area.includes` must be a list of some of crossbar, adc, core, router, chip, each once, "
            "got ['adc', 'adc']",
        ),
        (
            '[energy]\nincludes = ["adcs"]',
            "`energy.includes` must be a list of some of crossbar, adc, dpu, sram, links, static, each "
            "once, got ['adcs']",
        ),
    ],
)
def test_refusals(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CompileError) as refusal:
        load(tmp_path, text)
    assert refusal.value.message == message


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (
            "[core]\n\n  sram_byte = 1",
            ":3:3",
            "unknown field `core.sram_byte`; did you mean `core.sram_bytes`?",
        ),
        (
            "name = 'a'\n[ crosbar ]  # x\nrows = 1",
            ":2:1",
            "unknown field `crosbar`; did you mean `crossbar`?",
        ),
        (
            "core.vector_lane = 2",
            ":1:1",
            "unknown field `core.vector_lane`; did you mean `core.vector_lanes`?",
        ),
        (
            "[core]\n[crossbar]\n'rows' = 0",
            ":3:1",
            "`crossbar.rows` must be an integer >= 1, got 0",
        ),
        ("[energy]\nrows = 1\n", ":2:1", "unknown field `energy.rows`"),
        ("rows = 1\n[crossbar]\n", ":1:1", "unknown field `rows`; did you mean `crossbar.rows`?"),
        ("core = {count = 0}", "", "`core.count` must be an integer >= 1, got 0"),
    ],
)
def test_places_and_similar_names(tmp_path: Path, text: str, place: str, message: str) -> None:
    """Errors point at the line; where a field is not on a line of its own, at the file."""
    with pytest.raises(CompileError) as refusal:
        load(tmp_path, text)
    assert str(refusal.value) == f"{tmp_path / 'machine.toml'}{place}: error: {message}"


def test_not_toml(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="not valid TOML"):
        load(tmp_path, "[core")


@pytest.mark.parametrize("name", presets())
def test_toml_is_read_back(name: str) -> None:
    machine = Hardware.load(name)
    assert Hardware.of(tomllib.loads(machine.toml()), name) == machine


def test_toml_of_links_and_words() -> None:
    there_and_back = (((0,), (1,)), ((1,), (0,)))
    machine = Hardware(
        'a "name"', interconnect=Interconnect(edges=there_and_back, topology="edges")
    )
    assert Hardware.of(tomllib.loads(machine.toml()), None) == machine
