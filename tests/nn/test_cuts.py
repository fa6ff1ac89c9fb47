"""Cuts of views, and digits for the coordinates of what reads through them."""

from __future__ import annotations

from math import prod

import islpy as isl
import numpy as np
import pytest
from enumeration import pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from nn.cases import value
from nn.test_lanes import factors

from cmir.dialects import nn
from cmir.dialects.nn.cuts import count_crossing, cuts_of_pieces, cuts_of_reshape, within_cuts
from cmir.dialects.nn.operation import Shape, shape_of
from cmir.dialects.nn.relations import access_map
from cmir.dialects.nn.views import Views
from cmir.isl.digits import join_digits, radices_of
from cmir.isl.functions import is_affine, simplest


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_digits_make_reshapes_affine(data: st.DataObject) -> None:
    """With sizes that are powers of two, factors always divide each other."""
    base = value(*data.draw(factors(32)))
    x = base
    for _ in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()):
            x = nn.ReshapeOp(x, data.draw(factors(32))).result
        else:
            x = nn.TransposeOp(x, data.draw(st.permutations(range(len(shape_of(x)))))).result
    view, shape = Views().of(x), shape_of(x)
    radices = [radices_of(cuts, size) for cuts, size in zip(view.cuts, shape, strict=True)]
    joined = join_digits(radices).apply_range(view.sources[base])
    assert is_affine(simplest(joined))
    points = dict(pairs(joined))
    digits, found = np.array(sorted(points)), np.array([points[p] for p in sorted(points)])
    steps = np.column_stack([np.ones(len(digits)), digits])
    _, _, rank, _ = np.linalg.lstsq(steps, found, rcond=None)
    fitted = steps @ np.linalg.lstsq(steps, found, rcond=None)[0]
    assert rank and np.allclose(fitted, found)


@given(
    radices=st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3), min_size=1, max_size=3)
)
@settings(max_examples=30, deadline=None)
def test_digits_keep_the_order(radices: list[list[int]]) -> None:
    found = sorted(pairs(join_digits(radices)))
    assert [point for _, point in found] == [*np.ndindex(*(prod(sizes) for sizes in radices))]
    assert [point for point, _ in found] == [*np.ndindex(*(n for sizes in radices for n in sizes))]


@pytest.mark.parametrize(
    ("strides", "size", "radices"),
    [
        (set(), 12, [12]),
        ({4}, 12, [3, 4]),
        ({7, 49, 392}, 3136, [8, 8, 7, 7]),
        ({4, 6}, 12, [2, 6]),  # 4 does not divide 6
        ({5, 12, 24, 1}, 12, [12]),
    ],
)
def test_radices(strides: set[int], size: int, radices: list[int]) -> None:
    assert radices_of(strides, size) == radices


def test_reshape_within_an_axis() -> None:
    """Axes that a reshape divides bring their own cuts along."""
    whole = (frozenset({7}),)
    assert cuts_of_reshape((56,), whole, (4, 14)) == (frozenset(), frozenset({7}))
    assert cuts_of_reshape((4, 14), (frozenset(), frozenset({7})), (56,)) == (frozenset({7, 14}),)
    assert cuts_of_reshape((6, 4), (frozenset(), frozenset()), (24,)) == (frozenset({4}),)
    assert cuts_of_reshape((), (), (1, 1)) == (frozenset(), frozenset())


def test_pieces_keep_cuts() -> None:
    """As in a cyclic shift, which concatenates two slices."""
    cut, none = frozenset({7}), frozenset[int]()
    assert cuts_of_pieces([(none, cut), (none, none)], 2) == (none, cut)
    assert cuts_of_pieces([(cut,)], 3) == (none, none, cut)  # an expand


@pytest.mark.parametrize(
    ("text", "affine"),
    [
        ("{ [i] -> [2i + 1, 3] : 0 <= i < 9 }", True),
        ("{ [i] -> [i] : 0 <= i < 4; [i] -> [9 - i] : 4 <= i < 9 }", True),
        ("{ [i] -> [floor(i / 2)] : 0 <= i < 9 }", False),
        ("{ [i] -> [i mod 3] : 0 <= i < 9 }", False),
        ("{ [i] -> [i] : i mod 2 = 0 and 0 <= i < 9 }", True),
    ],
)
def test_is_affine(text: str, affine: bool) -> None:
    assert is_affine(isl.Map(text)) == affine


@pytest.mark.parametrize(
    ("operand", "result", "joined", "count"),
    [
        ((4, 7, 4, 7), (7, 4, 7, 4), (28, 28), 2),
        ((4, 7, 28), (7, 4, 28), (28, 28), 1),
        ((4, 7), (2, 14), (28,), 0),
        ((4, 7), (28,), (28,), 0),
        ((2, 2, 7), (7, 4), (28,), 1),
    ],
)
def test_crossing(operand: Shape, result: Shape, joined: Shape, count: int) -> None:
    for one, other in ((operand, result), (result, operand)):
        assert count_crossing(one, (frozenset(),) * len(one), other, joined) == count


def test_crossing_of_cuts() -> None:
    """An axis that was merged of 4 and 7 is divided into 7 and 4."""
    assert count_crossing((28,), (frozenset({7}),), (7, 4), (28,)) == 1
    assert count_crossing((28,), (frozenset({7}),), (4, 7), (28,)) == 0


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_within_cuts(data: st.DataObject) -> None:
    """Each iteration reads from one interval between cuts, or each from all that any reads."""
    size, cut = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 6))
    count, window = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    stride, first = data.draw(st.integers(0, 6)), data.draw(st.integers(-2, 2))
    location = [f"{stride}*i + k + {first}", "0"]
    read = access_map({"i": count}, {"k": window}, location, [size, 1]).domain_factor_domain()
    intervals: dict[tuple[int, ...], set[int]] = {}
    for iteration, (element, _) in pairs(read):
        intervals.setdefault(iteration, set()).add(element // cut)
    anywhere = set[int]().union(*intervals.values())
    within = all(len(found) == 1 for found in intervals.values())
    whole = all(found == anywhere for found in intervals.values())
    assert within_cuts(read, (frozenset({cut}), frozenset())) == (within or whole)
