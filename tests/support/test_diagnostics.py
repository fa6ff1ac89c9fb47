"""Locations of diagnostics."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import (
    ArrayAttr,
    CallSiteLoc,
    FileLineColLoc,
    FusedLoc,
    IntAttr,
    NameLoc,
    NoneAttr,
    StringAttr,
    UnknownLoc,
)
from xdsl.ir import Attribute, Operation
from xdsl.utils.exceptions import PassFailedException

from cmir.context import make_context
from cmir.support.diagnostics import (
    CompileError,
    collect_diagnostics,
    emit,
    emit_remark,
    printable,
)
from cmir.support.parsing import parse_module

TEXT = """\
func.func @f(%a: i32,
             %b: i32) -> i32 {
  %c = arith.addi %a, %b : i32
  func.return %c : i32
}
"""


def find(module: Operation, name: str) -> Operation:
    return next(op for op in module.walk() if op.name == name)


def at(line: int, column: int = 1, file: str = "model.onnx") -> FileLineColLoc:
    return FileLineColLoc(StringAttr(file), IntAttr(line), IntAttr(column))


def test_error_is_one_line_at_the_operation():
    add = find(parse_module(TEXT, make_context(), "a.mlir"), "arith.addi")
    error = CompileError(add, "too\n  bad")
    assert str(error) == "a.mlir:3:3: error: too bad"
    assert isinstance(error, PassFailedException)


HOSTILE = "\x1b]0;title\x07\x1b[31mred\x9b2J\u202egpj.exe\u2066\u2028\x7f\udc80"
"""Sequences that set the title, colour and clear a terminal, and reverse the order of its text."""


def test_what_steers_a_terminal_is_escaped():
    escaped = r"\x1b]0;title\x07\x1b[31mred\x9b2J\u202egpj.exe\u2066\u2028\x7f\udc80"
    assert printable(HOSTILE) == escaped
    assert printable("Grüße, 层 🧠") == "Grüße, 层 🧠"
    assert str(CompileError(HOSTILE, HOSTILE)) == f"{escaped}: error: {escaped}"
    named = NameLoc(StringAttr(HOSTILE), UnknownLoc())
    assert str(CompileError(named, "x")) == f"{escaped}: error: x"
    with collect_diagnostics() as found:
        emit("note", None, HOSTILE)
    assert found[0].one_line == escaped


def test_values_point_at_what_defines_them():
    function = find(parse_module(TEXT, make_context(), "a.mlir"), "func.func")
    a, b = function.regions[0].block.args
    add = find(function, "arith.addi")
    assert str(CompileError(a, "x")) == "a.mlir:1:14: error: x"
    assert str(CompileError(b, "x")) == "a.mlir:2:14: error: x"
    assert str(CompileError(add.results[0], "x")) == "a.mlir:3:3: error: x"


def test_an_operation_without_location_borrows_that_of_its_nearest_ancestor():
    function = find(parse_module(TEXT, make_context(), "a.mlir"), "func.func")
    add = find(function, "arith.addi")
    add.location = UnknownLoc()
    assert str(CompileError(add, "x")) == "a.mlir:1:1: error: x"
    function.regions[0].block.args[0].location = UnknownLoc()
    assert str(CompileError(function.regions[0].block.args[0], "x")) == "a.mlir:1:1: error: x"


def test_location_outlives_the_operation():
    module = parse_module(TEXT, make_context(), "a.mlir")
    ret = find(module, "func.return")
    error = CompileError(ret, "x")
    ret.detach()
    ret.location = UnknownLoc()
    assert str(error) == "a.mlir:4:3: error: x"


@pytest.mark.parametrize(
    ("location", "prefix"),
    [
        (NameLoc(StringAttr("conv1"), NoneAttr()), "conv1: "),
        (NameLoc(StringAttr("conv1"), at(3)), "model.onnx:3:1: "),
        (FusedLoc((UnknownLoc(), at(5)), NoneAttr()), "model.onnx:5:1: "),
        (CallSiteLoc(at(7), at(8)), "model.onnx:7:1: "),
        (UnknownLoc(), ""),
        (None, ""),
        ("model.onnx", "model.onnx: "),
    ],
)
def test_kinds_of_location(location: Attribute | str | None, prefix: str):
    assert str(CompileError(location, "x")) == f"{prefix}error: x"


def test_fused_location_holds_an_array():
    assert isinstance(FusedLoc((at(1),), NoneAttr()).locations, ArrayAttr)


def test_remarks_go_to_stderr_or_to_a_collector(capsys: pytest.CaptureFixture[str]):
    emit_remark(at(2, 3), "seen")
    assert capsys.readouterr().err == "model.onnx:2:3: remark: seen\n"
    with collect_diagnostics() as diagnostics:
        emit_remark(at(2, 3), "seen")
        emit("note", None, "and this")
    assert capsys.readouterr().err == ""
    assert [str(d) for d in diagnostics] == ["model.onnx:2:3: remark: seen", "note: and this"]
    assert diagnostics[0].line_in("model.onnx") == 2
    assert diagnostics[0].line_in("other") is None


def test_notes_follow_an_error():
    error = CompileError(at(1), "x").with_note(at(9), "because")
    assert [str(note) for note in error.notes] == ["model.onnx:9:1: note: because"]
