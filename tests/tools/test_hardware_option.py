"""`--hardware` and `hardware=`: any path a file can have, read once, and what the IR carries in its place."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cmir.dialects.cmcore import NetworkOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.description import Hardware
from cmir.support.diagnostics import printable
from cmir.tools.cm_opt import main as cm_opt
from cmir.tools.cm_run import main as cm_run
from cmir.tools.cm_sweep import main as cm_sweep

TEXTBOOK = str(Path(__file__).parents[1] / "filecheck" / "textbook.mlir")

# Each section makes a pass of its own that needs the description: all of them get it.
MACHINE = """
[crossbar]
rows = 64
columns = 64
[core]
count = 8
crossbars = 1
sram_bytes = 4096
[interconnect]
topology = "mesh"
shape = [3, 3]
hop_cycles = 1
"""

AWKWARD = ['a"b.toml', "back\\slash\\n.toml", "it's {a, b=c} (d) [e] 😀\nf.toml", "true", "8"]


@pytest.fixture(params=AWKWARD)
def file(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a description in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path(request.param).write_text(MACHINE, encoding="utf-8")
    return request.param


def quoted(text: str) -> str:
    """A text as a user writes it in a pipeline, when the shell has taken its own quotes away."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_cm_run(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [TEXTBOOK, "--timing-only", f"--hardware={file}", "--replicate"]
    assert cm_run([*arguments, "--placement-seconds", "0"]) == 0
    assert f"8 inferences on 7 cores of '{printable(file)}'" in capsys.readouterr().out


def test_cm_run_prints_what_it_read(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cm_run([f"--print-hardware={file}"]) == 0
    assert capsys.readouterr().out == MACHINE


def test_cm_sweep(file: str, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    arguments = [TEXTBOOK, f"--hardware={file}", "--set", "core.count=4,8", "-o", str(rows)]
    assert cm_sweep([*arguments, "--placement-seconds", "0", "--jobs", "1"]) == 0
    with rows.open(newline="", encoding="utf-8") as stream:
        assert [row["status"] for row in csv.DictReader(stream)] == ["ok", "ok"]


def test_cm_opt(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is dumped does the same as what was given."""
    option, output = f"hardware={quoted(file)}", tmp_path / "out.mlir"
    passes = (
        f"nn-to-polyhedral,polyhedral-split-matrices{{{option}}},polyhedral-split-buffers{{{option}}},"
        f"polyhedral-replicate{{{option} by=rows}},polyhedral-assign-storage{{{option}}},polyhedral-to-cmcore,"
        f"cmcore-place-cores{{{option} strategy=greedy}},cmcore-set-hardware{{{option}}}"
    )
    assert cm_opt([TEXTBOOK, "-p", passes, "-o", str(output), "--dump-pass-pipeline"]) == 0
    text = output.read_text(encoding="utf-8")
    dumped = capsys.readouterr().err.splitlines()[0]
    assert cm_opt([TEXTBOOK, "--pass-pipeline", dumped, "-o", str(output)]) == 0
    assert output.read_text(encoding="utf-8") == text
    assert cm_run([str(output), "--timing-only", "--quiet"]) == 0
    assert f"cores of '{printable(file)}'" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [
        ["--random", "0", "--check"],
        ["--random", "0", "--verify"],
        ["--timing-only", "--hardware", "hermes", "--replicate"],
        ["--random", "0", "--hardware", "slow.toml", "--storage", "lossless"],
    ],
    ids=" ".join,
)
def test_everything_is_done_once(
    options: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """cm-run loads the description once, and elaborates the network once, for its proofs and for the run."""
    monkeypatch.chdir(tmp_path)
    Path("slow.toml").write_text(MACHINE.replace("hop_cycles = 1", "hop_cycles = 9"))
    loaded: list[str] = []
    elaborated: list[NetworkOp] = []
    load, elaborate = Hardware.load, ElaboratedNetwork.__init__

    def counted_load(name_or_path: str) -> Hardware:
        loaded.append(name_or_path)
        return load(name_or_path)

    def counted_elaborate(self: ElaboratedNetwork, network: NetworkOp) -> None:
        elaborated.append(network)
        elaborate(self, network)

    monkeypatch.setattr(Hardware, "load", staticmethod(counted_load))
    monkeypatch.setattr(ElaboratedNetwork, "__init__", counted_elaborate)
    assert cm_run([TEXTBOOK, *options]) == 0
    assert loaded == [
        options[options.index("--hardware") + 1] if "--hardware" in options else "ideal"
    ]
    assert len(elaborated) == 1
    assert "steady-state interval" in capsys.readouterr().out


def test_a_remark_on_what_the_ir_carries_comes_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, machine = tmp_path / "net.mlir", tmp_path / "slow.toml"
    machine.write_text("[interconnect]\nhop_cycles = 3\n")
    passes = f"nn-to-cmcore,cmcore-set-hardware{{hardware={quoted(str(machine))}}}"
    assert cm_opt([TEXTBOOK, "-p", passes, "-o", str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("interconnect = {", "network = {"), encoding="utf-8")
    assert cm_run([str(file), "--timing-only", "--quiet"]) == 0
    captured = capsys.readouterr()
    assert f"of '{machine}'" in captured.out
    assert captured.err.count("table `network` is called `interconnect` now") == 1
