"""The parser that records locations."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import FileLineColLoc, UnknownLoc
from xdsl.ir import Attribute
from xdsl.utils.exceptions import ParseError

from cmir.context import CmirContext, make_context
from cmir.support.parsing import LocatingParser, parse_module

TEXT = """\
// A comment, and forms of block arguments.
func.func @f(%a: i32) -> i32 {
  cf.br ^next(%a : i32)
^next(%p: i32,
      %q: i32 loc("model.onnx":7:1)):
  %r = "scf.if"(%c) ({
    scf.yield %p : i32
  }, {
    scf.yield %q : i32
  }) : (i1) -> i32
  %c = arith.constant true loc(unknown)
  func.return %r : i32
}
""".replace("cf.br ^next(%a : i32)", "cf.br ^next(%a, %a : i32, i32)")


def place(location: Attribute) -> tuple[str, int, int]:
    assert isinstance(location, FileLineColLoc)
    return location.filename.data, location.line.data, location.column.data


def test_every_operation_and_block_argument_is_located():
    module = parse_module(TEXT, make_context(), "a.mlir")
    places = {op.name: place(op.location) for op in module.walk() if op.name != "scf.yield"}
    assert places == {
        "builtin.module": ("a.mlir", 2, 1),
        "func.func": ("a.mlir", 2, 1),
        "cf.br": ("a.mlir", 3, 3),
        "scf.if": ("a.mlir", 6, 3),
        "arith.constant": ("a.mlir", 11, 3),
        "func.return": ("a.mlir", 12, 3),
    }
    blocks = [block for op in module.walk() for region in op.regions for block in region.blocks]
    arguments = {a.name_hint: place(a.location) for block in blocks for a in block.args}
    assert arguments == {
        "a": ("a.mlir", 2, 14),
        "p": ("a.mlir", 4, 7),
        "q": ("model.onnx", 7, 1),
    }


def test_lines_count_from_the_start_of_the_file():
    parser = LocatingParser(make_context(), "\nfunc.func @f() { func.return }", "a.mlir", 10)
    (function,) = parser.parse_module().ops
    assert place(function.location) == ("a.mlir", 12, 1)


def test_without_operations_the_module_is_empty():
    module = parse_module("// nothing\n", make_context())
    assert not module.ops
    assert not isinstance(module.location, UnknownLoc)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("func.func @f() {\n  nonsense.op\n}", 2, 3, "operation 'nonsense.op' is not registered"),
        ("\n%a = nonsense.op", 2, 6, "operation 'nonsense.op' is not registered"),
        (
            "func.func @f() {\n  func.return %x : i32\n}",
            2,
            15,
            "value '%x' is used but not defined",
        ),
        ("func.func @f() {\n", 2, 1, "expected an operation, a block or '}'"),
        ("%c = arith.constant 300 : i8", 1, 1, "300"),
    ],
)
def test_errors_point_at_the_mistake(text: str, line: int, column: int, message: str):
    with pytest.raises(ParseError) as caught:
        parse_module(text, make_context(), "a.mlir")
    location = caught.value.span.get_location()
    assert (location.line, location.col) == (line, column)
    assert message in caught.value.msg


def test_a_cloned_context_shares_no_parameters():
    ctx = make_context()
    assert ctx.parameters is None
    assert isinstance(ctx.clone(), CmirContext)
    assert set(ctx.clone().registered_dialect_names) == set(ctx.registered_dialect_names)
