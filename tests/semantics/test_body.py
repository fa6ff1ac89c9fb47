"""Operations of iteration bodies on arrays, against plain Python on single elements.

The reference machine has its own functions for them, which must give the same on each iteration.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.arith import Arith
from xdsl.dialects.builtin import Builtin
from xdsl.dialects.math import Math
from xdsl.dialects.test import Test
from xdsl.dialects.vector import Vector
from xdsl.ir import Operation, SSAValue
from xdsl.parser import Parser

from cmir.dialects.element_types import dtype_of
from cmir.reference.arithmetic import reference_function
from cmir.semantics.body import evaluate_operation
from cmir.support.diagnostics import CompileError

LANES = 64


def run(text: str, *operands: np.ndarray) -> np.ndarray:
    """The value of the last operation of `text`, in which %a, %b, %c are the operands, given with their types."""
    context = Context()
    for dialect in (Builtin, Arith, Math, Vector, Test):
        context.load_dialect(dialect)
    module = Parser(context, text).parse_module()
    module.verify()
    values: dict[SSAValue, np.ndarray] = {}
    result = np.zeros(0)
    for op in module.body.block.ops:
        if op.name == "test.op":
            values.update(zip(op.results, operands, strict=True))
        else:
            operands = tuple(values[operand] for operand in op.operands)
            result = evaluate_operation(op, *operands)
            values[op.results[0]] = result
            assert result.dtype == dtype_of(op.results[0].type)
            _compare_with_reference(op, operands, result)
    return result


def _compare_with_reference(
    op: Operation, operands: tuple[np.ndarray, ...], result: np.ndarray
) -> None:
    """What the reference machine computes, iteration by iteration."""
    tolerance = 1e-3 if result.dtype == np.float16 else 1e-6
    with np.errstate(all="ignore"):
        for i, expected in enumerate(result):
            got = reference_function(op)(*(x[i % len(x)] for x in operands))
            assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
            np.testing.assert_allclose(got, expected, rtol=tolerance)


def elementwise(op: str, type: str, arity: int) -> str:
    """A vector operation and its operands."""
    vector, names = f"vector<{LANES}x{type}>", ["%a", "%b", "%c"][:arity]
    operands = f'{", ".join(names)} = "test.op"() : () -> ({", ".join([vector] * arity)})'
    return f"{operands}\n%r = {op} {', '.join(names)} : {vector}"


def integers(width: int, count: int, seed: int = 0) -> list[np.ndarray]:
    """Random integers of all sizes, with the extremes."""
    random = np.random.default_rng(seed)
    low, high = -(2 ** (width - 1)), 2 ** (width - 1) - 1
    found = []
    for _ in range(count):
        numbers = random.integers(low, high, (2, LANES), endpoint=True)
        numbers[1] >>= random.integers(0, width - 1, LANES)
        numbers[0, :4] = low, high, 0, -1
        found.append(numbers.astype(f"int{width}"))
    return found


def wrapped(number: int, width: int) -> int:
    return (number + 2 ** (width - 1)) % 2**width - 2 ** (width - 1)


def truncated(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


SIGNED: dict[str, Callable[[int, int], int]] = {
    "addi": lambda a, b: a + b,
    "subi": lambda a, b: a - b,
    "muli": lambda a, b: a * b,
    "divsi": truncated,
    "floordivsi": lambda a, b: a // b,
    "ceildivsi": lambda a, b: -(-a // b),
    "remsi": lambda a, b: a - b * truncated(a, b),
    "maxsi": max,
    "minsi": min,
    "andi": lambda a, b: a & b,
    "ori": lambda a, b: a | b,
    "xori": lambda a, b: a ^ b,
    "cmpi slt,": lambda a, b: a < b,
    "cmpi sge,": lambda a, b: a >= b,
    "cmpi eq,": lambda a, b: a == b,
    "cmpi ne,": lambda a, b: a != b,
}
UNSIGNED: dict[str, Callable[[int, int], int]] = {
    "divui": lambda a, b: a // b,
    "ceildivui": lambda a, b: -(-a // b),
    "remui": lambda a, b: a % b,
    "maxui": max,
    "minui": min,
    "cmpi ult,": lambda a, b: a < b,
    "cmpi ule,": lambda a, b: a <= b,
    "cmpi ugt,": lambda a, b: a > b,
    "cmpi uge,": lambda a, b: a >= b,
}


@pytest.mark.parametrize("width", [8, 32, 64])
@pytest.mark.parametrize("name", [*SIGNED, *UNSIGNED])
def test_integers(name: str, width: int) -> None:
    a, b = integers(width, 2, seed=len(name))
    lowest = -(2 ** (width - 1))
    b[(b == 0) | ((a == lowest) & (b == -1))] = 3  # undefined
    got = run(elementwise(f"arith.{name}", f"i{width}", 2), a, b)
    for x, y, z in zip(a.flat, b.flat, got.flat, strict=True):
        x, y = int(x), int(y)
        if name in SIGNED:
            expected = SIGNED[name](x, y)
        else:
            expected = UNSIGNED[name](x % 2**width, y % 2**width)
        assert z == (expected if name.startswith("cmpi") else wrapped(expected, width)), (x, y)


@pytest.mark.parametrize("width", [8, 32, 64])
@pytest.mark.parametrize("name", ["shli", "shrsi", "shrui"])
def test_shifts(name: str, width: int) -> None:
    a, _ = integers(width, 2)
    b = np.random.default_rng(1).integers(0, width, a.shape).astype(a.dtype)
    got = run(elementwise(f"arith.{name}", f"i{width}", 2), a, b)
    for x, y, z in zip(a.flat, b.flat, got.flat, strict=True):
        x, y = int(x), int(y)
        shifted = {"shli": x << y, "shrsi": x >> y, "shrui": (x % 2**width) >> y}[name]
        assert z == wrapped(shifted, width)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("addi", [0, 1, 1, 0]),
        ("subi", [0, 1, 1, 0]),
        ("muli", [0, 0, 0, 1]),
        ("maxui", [0, 1, 1, 1]),
        ("maxsi", [0, 0, 0, 1]),
        ("minsi", [0, 1, 1, 1]),
        ("cmpi slt,", [0, 0, 1, 0]),
    ],
)
def test_one_bit(name: str, expected: list[int]) -> None:
    """Signed, the true of `i1` is -1."""
    a, b = np.array([[0, 0, 1, 1] * 16], bool), np.array([[0, 1, 0, 1] * 16], bool)
    got = run(elementwise(f"arith.{name}", "i1", 2), a, b)
    assert got[0, :4].astype(int).tolist() == expected


@pytest.mark.parametrize(
    ("op", "type", "result", "number", "expected"),
    [
        ("arith.extsi", "i8", "i32", -3, -3),
        ("arith.extui", "i8", "i32", -3, 253),
        ("arith.extsi", "i1", "i8", True, -1),
        ("arith.extui", "i1", "i8", True, 1),
        ("arith.trunci", "i32", "i8", 300, 44),
        ("arith.trunci", "i32", "i1", 2, False),
        ("arith.sitofp", "i8", "f32", -3, -3.0),
        ("arith.uitofp", "i8", "f32", -3, 253.0),
        ("arith.uitofp", "i1", "f32", True, 1.0),
        ("arith.fptosi", "f32", "i32", -2.75, -2),
        ("arith.fptoui", "f32", "i8", 250.75, -6),
        ("arith.extf", "f32", "f64", 0.5, 0.5),
        ("arith.truncf", "f64", "f32", 0.1, np.float32(0.1)),
        ("arith.index_cast", "i32", "index", -7, -7),
        ("arith.bitcast", "f32", "i32", 1.0, 0x3F800000),
    ],
)
def test_conversions(op: str, type: str, result: str, number: float, expected: float) -> None:
    """Of scalars: those of xDSL take no vectors."""
    kinds = {"f": "float", "i": "int"}
    dtype = {"i1": "bool", "index": "int64"}.get(type, kinds[type[0]] + type[1:])
    text = f'%a = "test.op"() : () -> {type}\n%r = {op} %a : {type} to {result}'
    assert (run(text, np.full(5, number, dtype)) == np.full(5, expected)).all()


FLOATS: dict[str, tuple[int, Callable[..., float]]] = {
    "arith.addf": (2, lambda a, b: a + b),
    "arith.subf": (2, lambda a, b: a - b),
    "arith.mulf": (2, lambda a, b: a * b),
    "arith.divf": (2, lambda a, b: a / b),
    "arith.negf": (1, lambda a: -a),
    "arith.maximumf": (2, max),
    "arith.minimumf": (2, min),
    "arith.maxnumf": (2, max),
    "arith.minnumf": (2, min),
    "vector.fma": (3, lambda a, b, c: a * b + c),
    "math.fma": (3, lambda a, b, c: a * b + c),
    "math.absf": (1, math.fabs),
    "math.ceil": (1, math.ceil),
    "math.floor": (1, math.floor),
    "math.trunc": (1, lambda a: math.trunc(a)),
    "math.round": (1, lambda a: math.copysign(math.floor(abs(a) + 0.5), a)),
    "math.roundeven": (1, round),
    "math.copysign": (2, math.copysign),
    "math.sqrt": (1, lambda a: math.sqrt(a) if a >= 0 else math.nan),
    "math.rsqrt": (1, lambda a: 1 / math.sqrt(a) if a >= 0 else math.nan),
    "math.cbrt": (1, lambda a: math.copysign(abs(a) ** (1 / 3), a)),
    "math.powf": (2, lambda a, b: a**b if a >= 0 or b == int(b) else math.nan),
    "math.exp": (1, math.exp),
    "math.exp2": (1, lambda a: 2**a),
    "math.expm1": (1, math.expm1),
    "math.log": (1, lambda a: math.log(a) if a > 0 else math.nan),
    "math.log2": (1, lambda a: math.log2(a) if a > 0 else math.nan),
    "math.log10": (1, lambda a: math.log10(a) if a > 0 else math.nan),
    "math.log1p": (1, lambda a: math.log1p(a) if a > -1 else math.nan),
    "math.erf": (1, math.erf),
    "math.sin": (1, math.sin),
    "math.cos": (1, math.cos),
    "math.tan": (1, math.tan),
    "math.asin": (1, lambda a: math.asin(a) if abs(a) <= 1 else math.nan),
    "math.acos": (1, lambda a: math.acos(a) if abs(a) <= 1 else math.nan),
    "math.atan": (1, math.atan),
    "math.atan2": (2, math.atan2),
    "math.sinh": (1, math.sinh),
    "math.cosh": (1, math.cosh),
    "math.tanh": (1, math.tanh),
    "math.asinh": (1, math.asinh),
    "math.acosh": (1, lambda a: math.acosh(a) if a >= 1 else math.nan),
    "math.atanh": (1, lambda a: math.atanh(a) if abs(a) < 1 else math.nan),
}


@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("name", FLOATS)
def test_floats(name: str, width: int) -> None:
    arity, function = FLOATS[name]
    random = np.random.default_rng(0)
    scale = np.resize([0.4, 3.0], LANES)
    operands = [
        (random.normal(size=(3, LANES)) * scale).astype(f"f{width // 8}") for _ in range(arity)
    ]
    operands[0][0, :2] = 0.5, -2.5
    got = run(elementwise(name, f"f{width}", arity), *operands)
    expected = [
        function(*map(float, numbers)) for numbers in zip(*(o.flat for o in operands), strict=True)
    ]
    tolerance = 1e-5 if width == 32 else 1e-12  # of each element: one operation adds up nothing
    np.testing.assert_allclose(got.reshape(-1), expected, rtol=tolerance, atol=tolerance)


def test_powers_keep_their_precision() -> None:
    text = f'%a, %b = "test.op"() : () -> (vector<{LANES}xf32>, vector<{LANES}xi32>)\n'
    text += f"%r = math.fpowi %a, %b : vector<{LANES}xf32>, vector<{LANES}xi32>"
    a, b = np.full((1, LANES), 1.5, np.float32), np.arange(LANES, dtype=np.int32)[None] - 8
    # The relative error of each element: powers are products.
    np.testing.assert_allclose(
        run(text, a, b)[0], [1.5 ** (n - 8) for n in range(LANES)], rtol=1e-6
    )


ORDERED: dict[str, Callable[[float, float], bool]] = {
    "eq": lambda a, b: a == b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "ne": lambda a, b: a != b,
}


@pytest.mark.parametrize(
    "name", ["false", "true", "ord", "uno", *(o + n for o in "ou" for n in ORDERED)]
)
def test_comparisons_with_nan(name: str) -> None:
    a = np.resize(np.array([1, 2, 2, np.nan, 1, np.nan], np.float32), (1, LANES))
    b = np.resize(np.array([2, 1, 2, 1, np.nan, np.nan], np.float32), (1, LANES))
    got = run(elementwise(f"arith.cmpf {name},", "f32", 2), a, b)
    for x, y, z in zip(a.flat, b.flat, got.flat, strict=True):
        if name in ("true", "false"):
            assert z == (name == "true")
        elif math.isnan(x) or math.isnan(y):
            assert z == name.startswith("u")
        else:
            relations = {**ORDERED, "rd": lambda a, b: True, "no": lambda a, b: False}
            assert z == relations[name[1:]](float(x), float(y))


X = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(5, 3, 4)).astype(np.float32)
ROW = np.array([2, 0, 1, 1, 2])
SCALAR = np.arange(5, dtype=np.float32)
EACH = np.arange(5)
TWICE = np.stack([SCALAR] * 2, axis=1)
X_Y = np.stack([np.broadcast_to(Y[:1, 1], (5, 4)), X[:, 0]], axis=1)
LARGEST = np.maximum(X[:, 0].max(1), SCALAR)
CHOSEN = np.where((ROW == 1)[:, None], X[:, 0], X[:, 1])


M = "vector<3x4xf32>"
V = "vector<4xf32>"


@pytest.mark.parametrize(
    ("types", "text", "operands", "expected"),
    [
        (M, f"vector.extract %a[1, 2] : f32 from {M}", [X], X[:, 1, 2]),
        (M, f"vector.extract %a[2] : {V} from {M}", [X], X[:, 2]),
        (f"{M}, index", f"vector.extract %a[%b, 3] : f32 from {M}", [X, ROW], X[EACH, ROW, 3]),
        (f"{M}, index", f"vector.extract %a[%b] : {V} from {M}", [X[:1], ROW], X[0][ROW]),
        (f"{M}, {M}", f"vector.shuffle %a, %b [4, 0] : {M}, {M}", [X, Y[:1]], X_Y),
        ("vector<f32>", "vector.shuffle %a, %a [0, 1] : vector<f32>, vector<f32>", [SCALAR], TWICE),
        ("f32", "vector.broadcast %a : f32 to vector<1x2xf32>", [SCALAR], TWICE[:, None]),
        (V, f"vector.reduction <add>, %a : {V} into f32", [X[:, 0]], X[:, 0].sum(1)),
        (
            f"{V}, f32",
            f"vector.reduction <maximumf>, %a, %b : {V} into f32",
            [X[:, 0], SCALAR],
            LARGEST,
        ),
        ("index", "vector.create_mask %a : vector<3xi1>", [ROW], np.arange(3) < ROW[:, None]),
        (M, f"vector.bitcast %a : {M} to vector<3x4xi32>", [X], X.view(np.int32)),
        (f"i1, {V}, {V}", f"arith.select %a, %b, %c : {V}", [ROW == 1, X[:, 0], X[:, 1]], CHOSEN),
    ],
)
def test_vectors(types: str, text: str, operands: list[np.ndarray], expected: np.ndarray) -> None:
    names = ", ".join(["%a", "%b", "%c"][: len(operands)])
    got = run(f'{names} = "test.op"() : () -> ({types})\n%r = {text}', *operands)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("position", ["1", "%c"])
def test_insert(position: str) -> None:
    expected = X.copy()
    rows = ROW if position == "%c" else np.ones(5, int)
    expected[EACH, rows] = Y[:, 0]
    text = '%a, %b, %c = "test.op"() : () -> (vector<4xf32>, vector<3x4xf32>, index)\n'
    text += f"%r = vector.insert %a, %b[{position}] : vector<4xf32> into vector<3x4xf32>"
    np.testing.assert_array_equal(run(text, Y[:, 0], X, ROW), expected)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("add", 8),
        ("mul", 120),
        ("maxsi", 7),
        ("minsi", -9),
        ("maxui", -9),
        ("minui", 1),
        ("and", 3 & -9 & 7 & 1),
        ("or", 3 | -9 | 7 | 1),
        ("xor", 3 ^ -9 ^ 7 ^ 1),
    ],
)
def test_reductions_of_integers(kind: str, expected: int) -> None:
    text = '%a = "test.op"() : () -> vector<4xi8>\n'
    text += f"%r = vector.reduction <{kind}>, %a : vector<4xi8> into i8"
    numbers = np.array([3, -9, 7, 1], np.int8)
    if kind in ("add", "mul"):
        expected = wrapped(2 if kind == "add" else 3 * -9 * 7, 8)
    assert run(text, numbers[None]) == [expected]


@pytest.mark.parametrize(
    ("constant", "expected"),
    [
        ("dense<[1, -2]> : vector<2xi8>", [[1, -2]]),
        ("true", [True]),
        ("-1 : i8", [-1]),
        ("0.5 : f32", [0.5]),
        ("1.00390625 : bf16", [1.0]),
        ("dense<1.01171875> : vector<2xbf16>", [[1.015625, 1.015625]]),
        ("dense<2.0> : vector<2xf32>", [[2.0, 2.0]]),
    ],
)
def test_weights(constant: str, expected: list[object]) -> None:
    assert run(f"%r = arith.constant {constant}").tolist() == expected


def test_what_cannot_be_executed() -> None:
    wide = '%a = "test.op"() : () -> f32\n%r = arith.extf %a : f32 to f80'
    with pytest.raises(CompileError, match="elements of type f80 cannot be executed"):
        run(wide, np.zeros(1, np.float32))
    with pytest.raises(CompileError, match="elements of type i12 cannot be executed"):
        run("%r = arith.constant 1 : i12")
    text = '%a, %b = "test.op"() : () -> (i8, i8)\n%r, %s = arith.mulsi_extended %a, %b : i8'
    with pytest.raises(CompileError, match=r"arith\.mulsi_extended cannot be executed"):
        run(text, np.zeros(1, np.int8), np.zeros(1, np.int8))
