"""Arithmetic over the field, compared with Python's integers and fractions; the laws that an interpretation keeps."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import inf, nan
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.arith import CmpfOp
from xdsl.dialects.builtin import f32
from xdsl.utils.test_value import create_ssa_value

from cmir.proof.values import field
from cmir.proof.values.chance import Chance
from cmir.proof.values.field import COLUMNS, HALF, P, reduce, residue_of, simplest_rational
from cmir.proof.values.interpretation import MANY, Interpretation
from cmir.proof.values.parts import ParameterParts, distinct_along_rows
from cmir.proof.values.residues import NoInterpretationError, Residues
from cmir.semantics.body import function_of

residues = st.integers(-HALF, HALF)
WORLD = Interpretation(11)


def balanced(x: int) -> int:
    return (x + HALF) % P - HALF


def of(*numbers: float, dtype: type = np.float32) -> Any:
    return Residues(WORLD, np.array(numbers, np.float64), dtype)


@given(
    st.integers(-(2**51) + 1, 2**51 - 1)
    | st.tuples(st.integers(-(2**31), 2**31), st.integers(-2, 2)).map(
        lambda pair: pair[0] * P + HALF + pair[1]  # next to a half
    )
)
def test_reduce(x: int) -> None:
    assert float(reduce(np.array([float(x)]))[0]) == balanced(x)


SHAPES = [(0,), (3, 1 << 15), (2, 3, 5), ()]
LAYOUTS: list[Any] = [
    lambda x: x,
    lambda x: x.T,
    lambda x: np.asfortranarray(x),
    lambda x: x[::-1] if x.ndim else x,
    lambda x: np.repeat(x, 2, -1)[..., ::2] if x.ndim else x,
    lambda x: np.broadcast_to(x, (2, *x.shape)),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_reduce_whatever_the_layout(shape: tuple[int, ...], layout: Any) -> None:
    numbers = np.random.default_rng(3).integers(-(2**51) + 1, 2**51, shape)
    x = layout(numbers.astype(np.float64))
    expected = (layout(numbers) + HALF) % P - HALF
    np.testing.assert_array_equal(reduce(x.copy(order="K")), expected)
    if x.flags.writeable:
        np.testing.assert_array_equal(reduce(x), expected)


def test_infinities_are_left_where_they_are() -> None:
    x = np.full((2, 1 << 15), float(P + 1))
    x[0, 5], x[1, -1], x[1, 0] = inf, -inf, nan
    expected = np.where(np.isfinite(x), 1, x)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(field.reduce_sums(x.copy()), expected)
        np.testing.assert_array_equal(reduce(x), np.where(np.isfinite(expected), 1, nan))


@pytest.mark.parametrize("columns", [1, 7, COLUMNS, COLUMNS + 1])
def test_sum_of_products(columns: int) -> None:
    a, b = np.full((2, columns, 1), float(HALF)), np.full((columns, 3), float(-HALF))
    a[1] = 1
    expected = [[balanced(-columns * HALF * HALF)] * 3, [balanced(-columns * HALF)] * 3]
    assert field.sum_of_products(a, b, (1,)).tolist() == expected
    every = balanced(3 * int(expected[0][0]) + 3 * int(expected[1][0]))
    assert balanced(int(field.sum_of_products(a, b, (0, 1, 2)))) == every


def test_products_are_exact_up_to_as_many_columns_as_are_added() -> None:
    assert COLUMNS * HALF * HALF < 2**51
    for columns in (1, COLUMNS, COLUMNS + 1, 2 * COLUMNS + 5):
        a, b = np.full((1, columns), float(HALF)), np.full((columns, 1), float(-HALF))
        assert field.residue_product(a, b)[0, 0] == balanced(-columns * HALF * HALF)


@given(st.lists(residues, min_size=1, max_size=7))
def test_product_along(numbers: list[int]) -> None:
    expected = 1
    for number in numbers:
        expected = expected * number % P
    x = np.array(numbers, np.float64)
    assert field.product_along(x, 0) == balanced(expected)


def test_inverses() -> None:
    x = reduce(np.arange(P, dtype=np.float64))
    products = reduce(x * field.inverses())
    assert products[0] == 0 and (products[1:] == 1).all()


@given(st.integers(1, 99), st.integers(1, 999), st.sampled_from([np.float32, np.float64]))
def test_weights_are_the_rationals_that_they_round(a: int, b: int, dtype: type) -> None:
    x = np.array(dtype(a) / dtype(b), dtype)
    assert simplest_rational(float(x), np.dtype(dtype)) == Fraction(a, b)
    assert balanced(int(residue_of(x)) * b) == a


@given(st.floats(width=16, allow_nan=False, allow_infinity=False))
def test_no_simpler_rational_rounds_to_a_constant(x: float) -> None:
    found = simplest_rational(x, np.dtype(np.float16))
    assert np.float16(float(found)) == np.float16(x)
    for denominator in range(1, min(found.denominator, 200)):
        nearest = Fraction(round(Fraction(x) * denominator), denominator)
        assert np.float16(float(nearest)) != np.float16(x)


def test_special_constants() -> None:
    assert residue_of(np.array([True, False])).tolist() == [1, 0]
    assert residue_of(np.array([-1, HALF, -HALF], np.int64)).tolist() == [-1, HALF, -HALF]
    found = residue_of(np.array([inf, -inf, nan, -0.5], np.float32))
    assert found[0] == inf and found[1] == -inf and np.isnan(found[2])
    assert balanced(2 * int(found[3])) == -1


def test_whole_floats_are_themselves_in_every_precision() -> None:
    """A half of 8192 is wide enough for 8191, the least integer that rounds to it."""
    for number in (8192, 65504, -2048):
        for dtype in (np.float16, np.float32, np.float64):
            assert residue_of(np.array(number, dtype)) == number


def test_large_integers_are_none_of_the_small_ones() -> None:
    """So they would be modulo P: a scale of 2¹⁹ would be none, and the least int32 would be −4096."""
    for number in (P, P + 1, 2**31 - 1, -(2**31), 2**40):
        whole = residue_of(np.array(number, np.int64))
        assert abs(whole) <= HALF and whole != balanced(number)
        assert whole == residue_of(np.array(number, np.float64))
        assert whole == -residue_of(np.array(-number, np.int64))
    for number in (P, P + 1, 2**20):
        inverse = residue_of(np.array(1 / number, np.float64))
        assert balanced(int(inverse) * int(residue_of(np.array(number, np.int64)))) == 1


def test_relations_that_differ_for_equal_ones_or_for_nan_differ() -> None:
    a, b = of(*range(1, 9)), of(*range(3, 19, 2))
    results = {
        name: compared(name, a, b) for name in ("olt", "ole", "ult", "ule", "one", "une", "ord")
    }
    for one, other in combinations(results, 2):
        assert (results[one] != results[other]).any(), f"{one} and {other}"
    less: Any = np.less
    differs: Any = np.not_equal
    assert (results["olt"] == less(a, b).values).all()
    assert (results["une"] == differs(a, b).values).all()


def compared(predicate: str, a: Any, b: Any) -> np.ndarray:
    """What an `arith.cmpf` is over the field."""
    operands = create_ssa_value(f32), create_ssa_value(f32)
    return cast(Any, function_of(CmpfOp(*operands, predicate))(a, b)).values


@given(residues, residues, residues)
def test_maxima_and_minima_do_not_depend_on_order(a: int, b: int, c: int) -> None:
    for extreme in (np.maximum, np.minimum):
        one = extreme(extreme(of(a), of(b)), of(c))
        other = extreme(of(c), extreme(of(a), of(b)))
        together = extreme.reduce(of(b, c, a))
        assert one.values == other.values == together.values
    assert (np.maximum(of(a), of(-inf)).values == a) and (np.minimum(of(a), of(inf)).values == a)
    assert np.maximum(of(a), of(inf)).values == inf
    assert np.maximum(of(a, dtype=np.int8), of(-128, dtype=np.int8)).values == a


def test_maxima_are_no_order() -> None:
    """max(a, a) is not a: each operand counts, so one that is missing is never hidden by another."""
    many = WORLD.array("numbers", (1000,))
    both: Any = (Residues(WORLD, many, np.float32), Residues(WORLD, many[::-1], np.float32))
    found = np.maximum(*both)
    assert np.isin(found.values, many).mean() < 0.05


@given(residues, residues)
def test_relations(a: int, b: int) -> None:
    x, y = of(a), of(b)
    assert reduce((x < y).values + (x >= y).values) == 1
    assert (x < y).values == (y > x).values and (x <= y).values == (y >= x).values
    assert (x == y).values == (y == x).values and (x == x).values == 1 and (x < x).values == 0
    assert reduce((x == y).values + (x != y).values) == 1


@given(residues)
def test_choices(a: int) -> None:
    def chosen(condition: float, x: float, y: float) -> float:
        return float(np.where(of(condition, dtype=np.bool_), of(x), of(y)).values[0])

    assert chosen(1, a, 7) == a and chosen(0, 7, a) == a
    assert chosen(1, a, -inf) == a and chosen(0, a, -inf) == -inf
    assert chosen(5, a, a) == a


@pytest.mark.filterwarnings("ignore:invalid value")
def test_masks_absorb_and_vanish() -> None:
    scores = of(3, -inf, 5)
    powers: Any = np.exp(scores - np.maximum.reduce(scores, axis=0, keepdims=True))
    assert powers.values[1] == 0 and (powers.values[[0, 2]] != 0).all()
    without = of(3, 5)
    shorter: Any = np.exp(without - np.maximum.reduce(without, axis=0, keepdims=True))
    assert powers.values[[0, 2]].tolist() == shorter.values.tolist()
    assert np.isnan((of(-inf) * of(3)).values[0])


def test_roundings_move_through_sums_and_are_told_from_none() -> None:
    a, b = of(3, 9), of(4, 1)
    rounded = (a + b).astype(np.float16)
    assert rounded.values.tolist() == (a.astype(np.float16) + b.astype(np.float16)).values.tolist()
    assert (rounded.values != (a + b).values).all()
    assert rounded.astype(np.float32).values.tolist() == rounded.values.tolist()


def test_conversions_to_integers_are_told_apart() -> None:
    x = of(0, 3, 300)
    kinds = [x.convert(np.dtype(t)).values.tolist() for t in (np.int8, np.uint8, np.int32)]
    assert all(kind[0] == 0 for kind in kinds)
    assert len({tuple(kind) for kind in kinds}) == 3


def test_a_function_is_the_same_in_arrays_of_any_size() -> None:
    many = WORLD.array("operands", (MANY,))
    of_two = (lambda x: 1 / x, lambda x: np.maximum(x, 0), lambda x: x < 0)
    functions: tuple[Any, ...] = (np.tanh, np.exp, *of_two)
    for function in functions:
        fresh = [Interpretation(3), Interpretation(3)]
        whole = function(Residues(fresh[0], many, np.float32)).values[:50]
        few = function(Residues(fresh[1], many[:50], np.float32)).values
        assert whole.tolist() == few.tolist()


def test_functions_differ_by_name_and_seed() -> None:
    x = np.arange(50.0)
    found = [Interpretation(seed).unary(name, x).tolist() for seed in (1, 2) for name in ("f", "g")]
    assert len({tuple(values) for values in found}) == 4


def test_values_of_random_functions_are_spread_over_the_field() -> None:
    x = reduce(np.arange(P, dtype=np.float64))
    values = Interpretation(5).unary("f", x)
    assert abs(values).max() <= HALF and (values == np.rint(values)).all()
    counts = np.bincount((values + HALF).astype(np.int64), minlength=P)
    share = np.bincount(np.minimum(counts, 5)) / P  # as balls thrown into as many boxes: Poisson's
    expected = np.exp(-1) / np.array([1, 1, 2, 6, 24])
    assert np.abs(share[:5] - expected).max() < 0.005


def test_residues_do_not_become_numbers() -> None:
    with pytest.raises(NoInterpretationError):
        np.asarray(of(1, 2))
    with pytest.raises(NoInterpretationError):
        np.linalg.norm(of(1, 2))
    with pytest.raises(NoInterpretationError):
        np.add.accumulate(of(1, 2))


def totals(*values: Any) -> list[int]:
    return [value.chance.total for value in values]


def test_chances_add_up() -> None:
    x = of(1, 2)
    tanh: Any = np.tanh
    exp: Any = np.exp
    maximum: Any = np.maximum
    assert totals(x, x * x, tanh(x * x), x.lift(0.5)) == [1, 2, 3, 0]
    assert totals(tanh(x) + x * x, tanh(x) + exp(x), tanh(x) * exp(x)) == [3, 2, 4]
    assert totals(tanh(x) + tanh(2 * x)) == [1 + 3 * 1]  # 4 entries: 3 that one may be one with
    assert totals(tanh(x) * tanh(x)) == [2 + 2 * 3 * 1]  # neither of two may be one with 3 others
    assert totals(maximum(x, 0), maximum(x, x)) == [1 + 1 + 1, 1 + 2 + 1]


def weights(bits: int, *shape: int) -> Any:
    values = WORLD.array(f"weights {bits}", shape)
    return Residues(WORLD, values, np.float32, Chance.of_parameter(bits))


def test_entries_count_unless_they_have_weights_of_their_own() -> None:
    tanh: Any = np.tanh
    x = tanh(Residues(WORLD, WORLD.array("x", (5, 9)), np.float32))
    assert totals(x, np.add.reduce(x, axis=1), x.max(axis=1)) == [2, 1 + 17, 1 + 9 * 2 + 1]
    w = weights(2, 9, 4)
    assert totals(x @ w, x @ weights(2, 9, 4)[[0] * 9]) == [2 + 1, 2 + 17]
    again = tanh(x @ w)
    assert totals(again) == [1 + 3]
    assert totals(again @ weights(4, 4, 4), again @ weights(2, 4, 4)) == [2 + 3, 2 + 7 * 3]
    skipped = again @ weights(4, 4, 4) + again
    assert totals(skipped, skipped + again) == [2 + 3, 2 + 3 * 11]
    assert totals(x * weights(2, 9), np.add.reduce(x * weights(2, 9), axis=0)) == [2 + 1, 2 + 9]


def test_sums_of_entries_that_cancel_are_within_the_bound() -> None:
    """2 has the order 19, so the sums of t(2ᵏ·x) and t(2ᵏ·y) over k < 19 are equal for 19 of all ratios of x and y."""
    x = Residues(WORLD, WORLD.array("one x", (1,)), np.float32)
    powers = np.array([2.0**k for k in range(19)], np.float32)
    tanh: Any = np.tanh
    claimed = np.add.reduce(tanh(x * powers), axis=0).chance.total
    ratios = np.arange(1, P, dtype=np.float64)
    sums = [np.zeros(P - 1), np.zeros(1)]
    for k in range(19):
        for n, start in enumerate((ratios, np.ones(1))):
            sums[n] = reduce(sums[n] + WORLD.unary("tanh float", reduce(start * 2.0**k)))
    collisions = int((sums[0] == sums[1]).sum()) - 1  # not the sum itself
    assert 18 <= collisions <= claimed
    assert claimed < 19 * 3


@pytest.mark.parametrize("entries", [2, 3, 4])
def test_small_fields_keep_the_bound(entries: int) -> None:
    """Sums of entries at random places, in a field of 101 elements: the share of pairs that are one."""
    prime, trials = 101, 40_000
    random = np.random.default_rng(entries)
    tables = random.integers(0, prime, (trials, prime))
    places = random.integers(0, prime, (2, trials, entries))
    sums = [np.take_along_axis(tables, p, axis=1).sum(axis=1) % prime for p in places]
    chance = Chance(1, uses=1).in_table("t").summed(entries)
    assert (sums[0] == sums[1]).mean() <= chance.total / prime


def test_parts_of_parameters() -> None:
    parts = ParameterParts()
    first, second = (parts.of("w", 9, np.array(part)) for part in ([0, 1, 2], [3, 4]))
    assert first & second == 0 and parts.of("w", 9, np.array([0, 1, 2])) == first
    both, other = parts.of("w", 9, np.array([2, 3, 8])), parts.of("v", 9)
    assert both & first and both & second and not other & (both | first | second)
    assert parts.of("w", 9, np.array([7])) & (first | second | both) == 0
    assert parts.of("w", 9, np.array([8])) & both
    assert distinct_along_rows(np.array([[1, 2, 0, 0], [2, 1, 3, 0]]))
    assert not distinct_along_rows(np.array([[1, 2, 3], [4, 5, 4]]))
