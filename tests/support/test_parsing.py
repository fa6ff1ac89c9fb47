"""The parser that records locations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    FileLineColLoc,
    TensorType,
    UnknownLoc,
    f16,
    f32,
    f64,
)
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


@pytest.mark.parametrize(("element", "width"), [("f16", 16), ("f32", 32), ("f64", 64)])
@given(st.data())
def test_floats_are_read_as_they_are_printed(element: str, width: int, data: st.DataObject):
    """Also those that xDSL prints as the bits of the number: 1234567, infinities, NaN."""
    floats = st.floats(width=width) | st.integers(-(2**11), 2**11).map(float)  # pyright: ignore[reportArgumentType]
    if width > 16:
        floats |= st.integers(-(2**24), 2**24).map(float)
    numbers = data.draw(st.lists(floats, min_size=1, max_size=3))
    type = TensorType({"f16": f16, "f32": f32, "f64": f64}[element], [len(numbers)])
    dense = DenseIntOrFPElementsAttr.from_list(type, numbers)
    text = f'"test.op"() {{numbers = {dense}}} : () -> ()'
    (op,) = LocatingParser(unregistered(), text).parse_module().ops
    read = op.attributes["numbers"]
    assert isinstance(read, DenseIntOrFPElementsAttr)
    np.testing.assert_array_equal(read.get_values(), numbers)


def unregistered() -> CmirContext:
    ctx = make_context()
    ctx.allow_unregistered = True
    return ctx


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("dense<0x1FFFFFFFF> : tensor<2xf32>", "0x1FFFFFFFF has more bits than f32"),
        ("dense<[-0x1, 0x1]> : tensor<2xf32>", "Expected non-negative integer"),
        ("dense<1.0e300> : tensor<f32>", "a number is outside the range of its type"),
        (f"dense<{10**400}> : tensor<f64>", "a number is outside the range of its type"),
        (f"{2**64} : i64", "18446744073709551616"),
        (f"{10**400} : f64", "a number is outside the range of its type"),
        # xDSL 0.75 refuses this one itself.
        ("0x1FFFFFFFF : f32", "outside the range of its type|out of range for type"),
        ("array<f32: 1.0e39>", "a number is outside the range of its type"),
    ],
)
def test_numbers_outside_the_range_of_their_type(attribute: str, message: str):
    with pytest.raises(ParseError) as caught:
        LocatingParser(unregistered(), f'"test.op"() {{n = {attribute}}} : () -> ()').parse_module()
    assert any(text in caught.value.msg for text in message.split("|"))


@pytest.mark.parametrize("text", ['"' + "x" * 100_000, 'func.func @f() { "' + r"\n a" * 10_000])
def test_a_string_without_an_end_is_refused_at_once(text: str):
    with pytest.raises(ParseError, match="before closing string literal"):
        parse_module(text, make_context())


def test_a_cloned_context_shares_no_parameters():
    ctx = make_context()
    assert ctx.parameters is None
    assert isinstance(ctx.clone(), CmirContext)
    assert set(ctx.clone().registered_dialect_names) == set(ctx.registered_dialect_names)
