"""Compiled functions against the points of the relations they come from."""

from __future__ import annotations

import islpy as isl
import numpy as np
from enumeration import pairs
from hypothesis import given
from hypothesis import strategies as st
from isl.strategies import sets

from cmir.isl.evaluate import compile_function

DIMS = ["x", "y", "z"]


def check(function: isl.Map, low: list[int], shape: list[int]) -> None:
    """Evaluate on a box, with coordinates that are broadcast."""
    dims = [f"x{i}" for i in range(len(low))]
    bounds = " and ".join(f"{a} <= {d} < {a + n}" for d, a, n in zip(dims, low, shape, strict=True))
    box = isl.Set(f"{{ [{', '.join(dims)}] : {bounds} }}")
    expected = dict(pairs(function.intersect_domain(box)))
    ranges = [np.arange(a, a + n) for a, n in zip(low, shape, strict=True)]
    compiled = compile_function(function, box)
    outputs, defined = compiled(np.ix_(*ranges))
    where = np.broadcast_to(True if defined is None else defined, shape)
    values = [np.broadcast_to(output, shape) for output in outputs]
    found = {
        tuple(int(r[i]) for r, i in zip(ranges, index, strict=True)): tuple(
            int(value[tuple(index)]) for value in values
        )
        for index in np.argwhere(where)
    }
    assert found == expected
    if compiled.pieces:  # the formulas, read by ISL
        again = isl.Map(str(compiled)).intersect_domain(box.reset_tuple_id())
        assert again.is_equal(function.intersect_domain(box).reset_tuple_id(isl.dim_type.out))
    for output, uses in enumerate(compiled.uses()):
        fixed = [r if d in uses else r[:1] for d, r in enumerate(ranges)]
        (fewer,), _ = compiled.part([output])(np.ix_(*fixed))
        assert (np.broadcast_to(fewer, shape) == values[output])[where].all()


@st.composite
def expressions(draw: st.DrawFn, dims: list[str]) -> str:
    """A quasi-affine expression."""

    def affine() -> str:
        terms = [f"({draw(st.integers(-3, 3))}*{d})" for d in dims]
        return " + ".join([*terms, str(draw(st.integers(-5, 5)))])

    sum = affine()
    for _ in range(draw(st.integers(0, 2))):
        inner = affine()
        if draw(st.booleans()):
            inner = f"floor(({inner})/{draw(st.integers(2, 3))}) + {draw(st.sampled_from(dims))}"
        kind = draw(st.sampled_from(["floor(({0})/{1})", "(({0}) mod {1})"]))
        part = kind.format(inner, draw(st.integers(2, 5)))
        sum = f"{sum} + {draw(st.sampled_from(['', '2 * ', '-']))}{part}".replace("+ -", "- ")
    return sum


@st.composite
def functions(draw: st.DrawFn, dims: list[str]) -> isl.Map:
    """A piecewise quasi-affine function, defined in places."""
    outputs = draw(st.integers(1, 2))

    def piece() -> isl.Map:
        values = ", ".join(draw(expressions(dims)) for _ in range(outputs))
        whole = isl.Map(f"{{ [{', '.join(dims)}] -> [{values}] }}")
        return whole.intersect_domain(draw(sets(dims)))

    result = piece()
    if draw(st.booleans()):
        other = piece()
        result = result.union(other.subtract_domain(result.domain()))
    return result


@given(st.data())
def test_compiled_functions_agree_with_their_points(data: st.DataObject) -> None:
    dims = DIMS[: data.draw(st.integers(1, 3))]
    low = [data.draw(st.integers(-4, 0)) for _ in dims]
    shape = [data.draw(st.integers(1, 6)) for _ in dims]
    check(data.draw(functions(dims)), low, shape)


@given(st.data())
def test_factors(data: st.DataObject) -> None:
    """A function is a product along an input with a factor: c in a set, times the pieces of a function of the rest."""
    dims = DIMS[: data.draw(st.integers(1, 2))]
    rest = data.draw(functions(dims))
    along = data.draw(st.sampled_from(["c", "2 c + 1", "c + x", "floor(c/2)"]))
    within = data.draw(st.sampled_from(["1 = 1", "0 <= c < 3", "c mod 2 = 0", "c <= x"]))
    tied = isl.Map(f"{{ [c, {', '.join(dims)}] -> [{along}] : {within} }}")
    lead = isl.Map(f"{{ [c, {', '.join(dims)}] -> [{', '.join(dims)}] }}")
    relation = lead.apply_range(rest).flat_range_product(tied)
    ranges = [np.arange(-2, 4)] * (1 + len(dims))
    function = compile_function(relation, isl.Set(f"{{ [c, {', '.join(dims)}] }}"))
    factor = function.factor({0})
    if "x" not in along + within and function.pieces:
        assert factor is not None
    if factor is None:
        return
    shape = [len(r) for r in ranges]
    outputs, defined = function(np.ix_(*ranges))
    defined = np.broadcast_to(True if defined is None else defined, shape)
    (value,), here = factor(np.ix_(*ranges))
    here = np.broadcast_to(True if here is None else here, shape)
    assert (np.broadcast_to(value, shape) == outputs[-1])[defined].all()
    for at in np.ndindex(*shape[1:]):
        column = (slice(None), *at)
        assert not defined[column].any() or (defined[column] == here[column]).all()
        for output in outputs[:-1]:
            assert len(set(np.broadcast_to(output, shape)[column][here[column]].tolist())) <= 1


@given(st.data())
def test_of_maxima(data: st.DataObject) -> None:
    """The kind of relation that dependences are: pieces that ISL made."""
    dims = DIMS[: data.draw(st.integers(1, 2))]
    relation = isl.Map.from_domain_and_range(data.draw(sets(dims)), data.draw(sets(["e", "f"])))
    tied = data.draw(st.sampled_from(["e <= x", "2 e <= x <= 2 e + 1", "x + e >= f", "f < 2 x"]))
    tie = isl.Map(f"{{ [{', '.join(dims)}] -> [e, f] : {tied} }}")
    check(relation.intersect(tie).lexmax(), [-5] * len(dims), [12] * len(dims))


def test_nowhere_defined() -> None:
    check(isl.Map("{ [x] -> [y] : false }"), [0], [4])
    check(isl.Map("{ [x] -> [x] : x >= 10 }"), [0], [4])


def test_without_coordinates() -> None:
    function = compile_function(isl.Map("{ [] -> [3, 4] }"), isl.Set("{ [] }"))
    outputs, defined = function([])
    assert [int(output) for output in outputs] == [3, 4]
    assert defined is None


def test_constraints_that_hold_anyway_cost_nothing() -> None:
    function = isl.Map("{ [x, y] -> [x + y] : 0 <= x < 8 and 0 <= y < 8 }")
    _, defined = compile_function(function, isl.Set("{ [x, y] : 0 <= x < 4 and 1 <= y < 5 }"))(
        np.ix_(np.arange(4), np.arange(1, 5))
    )
    assert defined is None
