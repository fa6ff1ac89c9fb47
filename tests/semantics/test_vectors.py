"""Operations of `vector` over iterations, against loops over single iterations and lanes."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin
from xdsl.dialects.test import Test
from xdsl.dialects.vector import Vector
from xdsl.ir import Operation
from xdsl.parser import Parser

from cmir.semantics.body import function_of

ITERATIONS = 3


def operation(text: str, *types: str) -> Operation:
    """Parse an operation whose operands %0, %1, … have these types."""
    context = Context()
    for dialect in (Builtin, Vector, Test):
        context.load_dialect(dialect)
    names = ", ".join(f"%{i}" for i in range(len(types)))
    given = f'{names} = "test.op"() : () -> ({", ".join(types)})'
    module = Parser(context, f"{given}\n%r = {text}").parse_module()
    module.verify()
    *_, last = module.body.block.ops
    return last


def run(op: Operation, *operands: np.ndarray) -> np.ndarray:
    return function_of(op)(*operands)


def ints(*shape: int, dtype: str = "int8", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(dtype)


def wrapped(number: int) -> int:
    """A number as 8 bits hold it."""
    return (number + 128) % 256 - 128


REDUCTIONS: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: wrapped(a + b),
    "mul": lambda a, b: wrapped(a * b),
    "maxsi": max,
    "minsi": min,
    "maxui": lambda a, b: max(a, b, key=lambda x: x % 256),
    "minui": lambda a, b: min(a, b, key=lambda x: x % 256),
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
}


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_reductions_of_integers(kind: str) -> None:
    x = ints(ITERATIONS, 5)
    op = operation(f"vector.reduction <{kind}>, %0 : vector<5xi8> into i8", "vector<5xi8>")
    expected = [reduce(REDUCTIONS[kind], row) for row in x.tolist()]
    result = run(op, x)
    assert result.dtype == np.int8 and result.tolist() == expected


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize(("rows", "accumulators"), [(3, 3), (3, 1), (1, 3)])
def test_reductions_with_an_accumulator(kind: str, rows: int, accumulators: int) -> None:
    """Either may be the same for all iterations."""
    x, acc = ints(rows, 5), ints(accumulators, seed=1)
    types = "vector<5xi8>", "i8"
    op = operation(f"vector.reduction <{kind}>, %0, %1 : vector<5xi8> into i8", *types)
    expected = [
        reduce(REDUCTIONS[kind], x[i % rows].tolist(), int(acc[i % accumulators])) for i in range(3)
    ]
    assert run(op, x, acc).tolist() == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("maximumf", [3.0, np.nan]),
        ("minimumf", [-2.0, np.nan]),
        ("maxnumf", [3.0, 3.0]),
        ("minnumf", [-2.0, -2.0]),
    ],
)
def test_not_a_number(kind: str, expected: list[float]) -> None:
    """`maximumf` gives NaN if a lane is NaN; `maxnumf` leaves such lanes out."""
    x = np.array([[3, -2, 0], [3, -2, np.nan]], np.float32)
    op = operation(f"vector.reduction <{kind}>, %0 : vector<3xf32> into f32", "vector<3xf32>")
    np.testing.assert_array_equal(run(op, x), np.array(expected, np.float32))


def test_sums_have_the_precision_of_the_lanes() -> None:
    x = np.full((1, 4), 30000, np.float16)
    op = operation("vector.reduction <add>, %0 : vector<4xf16> into f16", "vector<4xf16>")
    with np.errstate(over="ignore"):
        assert run(op, x).tolist() == [np.inf]


@pytest.mark.parametrize(
    ("source", "shape"),
    [("i8", ()), ("vector<4xi8>", (4,)), ("vector<3x1xi8>", (3, 1)), ("vector<1xi8>", (1,))],
)
def test_broadcast(source: str, shape: tuple[int, ...]) -> None:
    x = ints(ITERATIONS, *shape)
    op = operation(f"vector.broadcast %0 : {source} to vector<2x3x4xi8>", source)
    expected = np.stack([np.broadcast_to(row, (2, 3, 4)) for row in x])
    np.testing.assert_array_equal(run(op, x), expected)


@given(st.data())
def test_extract_and_insert(data: st.DataObject) -> None:
    """Positions are constants, or the same for all iterations, or one for each."""
    shape = (3, 4, 2)
    draw = data.draw
    static = [
        draw(st.none() | st.integers(0, size - 1)) for size in shape[: draw(st.integers(1, 3))]
    ]
    dynamic = [
        np.array(draw(st.lists(st.integers(0, size - 1), min_size=n, max_size=n)))
        for size, at in zip(shape, static, strict=False)
        if at is None
        for n in [draw(st.sampled_from([1, ITERATIONS]))]
    ]
    names = iter(f"%{2 + i}" for i in range(len(dynamic)))
    position = ", ".join(next(names) if at is None else str(at) for at in static)
    rest = shape[len(static) :]
    inner = f"vector<{'x'.join(map(str, rest))}xi8>" if rest else "i8"
    types = "vector<3x4x2xi8>", inner, *["index"] * len(dynamic)
    x, value = ints(draw(st.sampled_from([1, ITERATIONS])), *shape), ints(ITERATIONS, *rest, seed=1)

    def at(i: int) -> tuple[int, ...]:
        values = iter(dynamic)
        return tuple(int((v := next(values))[i % len(v)]) if p is None else p for p in static)

    op = operation(f"vector.extract %0[{position}] : {inner} from vector<3x4x2xi8>", *types)
    result = run(op, x, *dynamic)
    for i in range(ITERATIONS):
        np.testing.assert_array_equal(result[i % len(result)], x[i % len(x)][at(i)])

    op = operation(f"vector.insert %1, %0[{position}] : {inner} into vector<3x4x2xi8>", *types)
    before = x.copy()
    result = run(op, value, x, *dynamic)
    for i in range(ITERATIONS):
        expected = x[i % len(x)].copy()
        expected[at(i)] = value[i]
        np.testing.assert_array_equal(result[i], expected)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(("first", "second"), [(3, 3), (1, 3), (3, 1)])
def test_shuffle(first: int, second: int) -> None:
    a, b, mask = ints(first, 2, 2), ints(second, 3, 2, seed=1), [4, 0, 3, 1, 4]
    op = operation(
        f"vector.shuffle %0, %1 {mask} : vector<2x2xi8>, vector<3x2xi8>",
        "vector<2x2xi8>",
        "vector<3x2xi8>",
    )
    expected = [[[*a[i % first], *b[i % second]][k] for k in mask] for i in range(3)]
    np.testing.assert_array_equal(run(op, a, b), np.array(expected))


def test_shuffle_of_rank_zero() -> None:
    op = operation(
        "vector.shuffle %0, %1 [1, 0, 1] : vector<i8>, vector<i8>", "vector<i8>", "vector<i8>"
    )
    result = run(op, np.array([1, 2], np.int8), np.array([3, 4], np.int8))
    assert result.tolist() == [[3, 1, 3], [4, 2, 4]]


def test_masks_of_sizes_that_depend_on_the_iteration() -> None:
    op = operation("vector.create_mask %0, %1 : vector<2x3xi1>", "index", "index")
    rows, columns = np.array([0, 1, 5]), np.array([2])
    expected = [[[r < row and c < 2 for c in range(3)] for r in range(2)] for row in rows.tolist()]
    assert run(op, rows, columns).tolist() == expected


def test_bitcast_of_lanes_that_are_not_contiguous() -> None:
    x = ints(2, 8, 3, dtype="int8").transpose(0, 2, 1)
    op = operation("vector.bitcast %0 : vector<3x8xi8> to vector<3x2xi32>", "vector<3x8xi8>")
    expected = [
        [
            [int.from_bytes(row[k : k + 4].tobytes(), "little", signed=True) for k in (0, 4)]
            for row in i
        ]
        for i in x
    ]
    assert run(op, x).tolist() == expected


def test_fused_multiply_and_add() -> None:
    a, b, c = (np.random.default_rng(seed).standard_normal((2, 3), np.float32) for seed in range(3))
    op = operation("vector.fma %0, %1, %2 : vector<3xf32>", *["vector<3xf32>"] * 3)
    np.testing.assert_allclose(run(op, a, b, c), a.astype(float) * b + c, rtol=1e-6)
