"""Operators that move data, and those that read it in other ways: relations against semantics."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nn.cases import Case, arrays, fitting, parameter, sizes, value
from nn.relations import pairs, run
from tolerance import assert_close

from cmir.dialects import nn
from cmir.dialects.nn.gather import runs


@st.composite
def concatenations(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    axis = draw(st.integers(0, len(shape) - 1))
    shapes = [
        [*shape[:axis], size, *shape[axis + 1 :]]
        for size in draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    ]
    return draw(arrays(nn.ConcatOp([value(*shape) for shape in shapes], axis)))


@st.composite
def gathers(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    axis = draw(st.integers(0, len(shape) - 1))
    indices = st.lists(st.integers(0, shape[axis] - 1), min_size=1, max_size=8)
    return draw(arrays(nn.GatherOp(value(*shape), axis, draw(indices))))


@st.composite
def expansions(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), max_size=4))
    kept = draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
    stretched = [size if keep else 1 for size, keep in zip(shape, kept, strict=True)]
    return draw(arrays(nn.ExpandOp(value(*stretched[draw(st.integers(0, len(shape))) :]), shape)))


def coordinates(rank: int) -> st.SearchStrategy[tuple[list[int], list[int], list[int], list[int]]]:
    """Sizes, factors, offsets and divisors of a resize."""
    offsets = st.lists(st.integers(-6, 6), min_size=rank, max_size=rank)
    return st.tuples(sizes(rank, 1, 7), sizes(rank, 1, 5), offsets, sizes(rank, 1, 5))


@st.composite
def resizes(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    return draw(arrays(nn.ResizeOp(value(*shape), *draw(coordinates(len(shape))))))


@st.composite
def interpolations(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    options = draw(coordinates(len(shape) - 1))
    cubic = draw(st.sampled_from([None, -0.75, -0.5]))
    return draw(arrays(nn.InterpolateOp(value(*shape), *options, cubic=cubic)))


@st.composite
def pads_of_elements(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    margins = draw(sizes(2 * len(shape), 0, 5))
    modes: tuple[Literal["edge", "reflect", "wrap"], ...] = ("edge", "reflect", "wrap")
    mode = draw(st.sampled_from(modes))
    return draw(fitting(lambda: nn.PadOp(value(*shape), margins, mode=mode)))


@st.composite
def transposed_convolutions(draw: st.DrawFn) -> Case:
    rank = draw(st.integers(1, 3))
    groups, inner, outer = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    weight = parameter(groups * inner, outer, *draw(sizes(rank, 1, 3)))
    x = value(groups * inner, *draw(sizes(rank, 1, 4 if rank < 3 else 2)))
    bias = parameter(groups * outer) if draw(st.booleans()) else None
    strides, pads = draw(sizes(rank, 1, 3)), draw(sizes(2 * rank, 0, 2))
    dilations, added = draw(sizes(rank, 1, 2)), draw(sizes(rank, 0, 2))
    return draw(
        fitting(
            lambda: nn.ConvTransposeOp(
                x, weight, bias, strides, pads, dilations, added, groups=groups
            )
        )
    )


LAYOUTS = {
    "concat": concatenations(),
    "gather": gathers(),
    "expand": expansions(),
    "resize": resizes(),
    "pad": pads_of_elements(),
}
ITERATIONS = {"interpolate": interpolations(), "conv_transpose": transposed_convolutions()}


@pytest.mark.parametrize("name", LAYOUTS)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_element_relations_move_the_elements(name: str, data: st.DataObject):
    case: Case = data.draw(LAYOUTS[name])
    assert isinstance(case.op, nn.LayoutOp)
    result = np.full(case.op.result_shape, np.nan, np.float32)
    for index, operand in enumerate(case.operands):
        for element, source in pairs(case.op.element_relation(index)):
            assert min(element, default=0) >= 0 and min(source, default=0) >= 0
            assert np.isnan(result[element])
            result[element] = operand[source]
    expected = case.op.evaluate(*case.operands)
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("name", ITERATIONS)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_accesses_and_body_compute_the_operator(name: str, data: st.DataObject):
    case: Case = data.draw(ITERATIONS[name])
    assert isinstance(case.op, nn.IterationOp)
    expected = case.op.evaluate(*case.operands)
    assert expected.dtype == np.float32
    assert_close(run(case.op, case.operands), expected, terms=1)


@given(st.lists(st.integers(0, 9), max_size=20))
def test_runs_are_the_indices(indices: list[int]):
    spelled = [run.start + run.step * i for run in runs(indices) for i in range(run.count)]
    assert spelled == indices
