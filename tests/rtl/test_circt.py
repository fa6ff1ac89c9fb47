"""CIRCT reads the control circuits as xDSL prints them, and its Verilog simulates like ours."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import pytest
from networks import Builder, compile_network
from rtl.programs import needs_icarus
from xdsl.dialects.builtin import ModuleOp
from xdsl.printer import Printer

from cmir.rtl.chip import ControlLogic
from cmir.rtl.circt_export import circt_verilog
from cmir.rtl.simulators import run_simulator
from cmir.rtl.testbench import TOP, Bench
from cmir.rtl.verilog import export_verilog
from cmir.support.diagnostics import CompileError
from cmir.timing.network import TimedNetwork

needs_circt = pytest.mark.skipif(find_spec("circt") is None, reason="there is no CIRCT: make circt")


@pytest.fixture(scope="module")
def timed() -> TimedNetwork:
    net = Builder(1, 6, 6)
    y = net.gemm(net.flatten(net.pool(net.relu(net.conv("x", 2, pads=1)))), 3)
    passes = "polyhedral-stream-inputs,polyhedral-assign-storage{sizes=lossless}"
    return compile_network(net.model(y), passes=passes).timed


@pytest.fixture
def circuits(timed: TimedNetwork) -> ModuleOp:
    return ModuleOp(list(ControlLogic.of(timed).modules()))


@needs_circt
@needs_icarus
@pytest.mark.parametrize("export", [circt_verilog, export_verilog])
def test_both_exports_simulate_alike(
    timed: TimedNetwork, circuits: ModuleOp, export: Callable[[ModuleOp], str], tmp_path: Path
) -> None:
    bench = Bench.of(ControlLogic.of(timed), timed, 4, "chip.starts")
    (tmp_path / "chip.sv").write_text(export(circuits))
    (tmp_path / "chip_tb.sv").write_text(bench.text())
    (tmp_path / "chip.starts").write_text(bench.starts_text())
    said = run_simulator("icarus", tmp_path, ["chip.sv", "chip_tb.sv"], TOP)
    assert said.split() == ["PASS", str(bench.count)]


@needs_circt
def test_what_circt_refuses_is_an_error() -> None:
    net = Builder(1, 6, 6)
    logic = ControlLogic.of(compile_network(net.model(net.conv(net.conv("x", 1), 1))).timed)
    *_, chip = logic.modules()
    with pytest.raises(CompileError, match=r"CIRCT refuses the circuit: .*conv1_control"):
        circt_verilog(ModuleOp([chip]))


def test_without_circt(circuits: ModuleOp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "circt", None)
    with pytest.raises(CompileError, match="there is no CIRCT to export with: install the extra"):
        circt_verilog(circuits)


def refusal(text: str) -> str | None:
    """What CIRCT says against a text; None if it reads it."""
    circt = pytest.importorskip("circt")
    ir = pytest.importorskip("circt.ir")
    with ir.Context() as context:
        circt.register_dialects(context)
        try:
            ir.Module.parse(text)
        except ir.MLIRError as error:
            return str(error)
    return None


def with_attributes(text: str) -> str:
    """Properties of modules and constants as attributes, which stand after a region."""
    lines: list[str] = []
    module = ""
    for line in text.splitlines():
        if found := re.fullmatch(r'(\s*"hw.module"\(\)) <(\{.*\})> \(\{', line):
            line, module = f"{found[1]} ({{", found[2]
        elif line.strip() == "}) : () -> ()" and module:
            line, module = line.replace("})", f"}}) {module}"), ""
        lines.append(re.sub(r'("hw.constant"\(\)) <(\{.*?\})>', r"\1 \2", line))
    return "\n".join(lines)


def with_locations(text: str) -> str:
    """Arguments of blocks without locations, like the ports in the types of modules."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.strip().startswith("^bb0"):
            lines[number] = re.sub(r"(%\w+: [!.\w]+)", r"\1 loc(unknown)", line)
    return "\n".join(lines)


def with_parameters(text: str) -> str:
    """Instances with an empty list of parameters."""
    return text.replace("{instanceName", "{parameters = [], instanceName")


@needs_circt
def test_the_generic_form_is_refused_for_three_reasons(circuits: ModuleOp) -> None:
    """If this fails, another version of CIRCT or xDSL has come closer: say so in cmir/rtl/circt_export.py."""
    stream = StringIO()
    Printer(stream, print_generic_format=True).print_op(circuits)
    text = stream.getvalue()
    assert "this operation does not support properties" in (refusal(text) or "")
    text = with_attributes(text)
    assert "block argument locations should match signature" in (refusal(text) or "")
    text = with_locations(text)
    assert "'hw.instance' op requires attribute 'parameters'" in (refusal(text) or "")
    assert refusal(with_parameters(text)) is None
