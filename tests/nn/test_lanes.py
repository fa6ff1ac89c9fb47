"""Free axes and whole axes, against enumeration of the relations that they are computed from."""

from __future__ import annotations

from collections import defaultdict
from math import prod

import pytest
from enumeration import Point, pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from nn.cases import sizes, value
from xdsl.ir import SSAValue

from cmir.dialects import nn
from cmir.dialects.nn.interface import iterations_of, write_of
from cmir.dialects.nn.lanes import choose_lanes
from cmir.dialects.nn.operation import Shape, shape_of
from cmir.dialects.nn.relations import access_map, element_names
from cmir.dialects.nn.views import Views
from cmir.isl.axes import Axes, free_axes, whole_axes


def other_coordinates(point: Point, axis: int) -> Point:
    return point[:axis] + point[axis + 1 :]


@st.composite
def axes_of(draw: st.DrawFn, shape: Shape) -> Axes:
    return frozenset(draw(st.sets(st.integers(0, len(shape) - 1)))) if shape else frozenset()


@st.composite
def factors(draw: st.DrawFn, count: int) -> list[int]:
    """A shape with this number of elements."""
    shape: list[int] = [1] * draw(st.integers(0, 1))
    while count > 1:
        divisors = [n for n in range(count, 1, -1) if count % n == 0]
        shape.append(draw(st.sampled_from(divisors)))
        count //= shape[-1]
    return shape or [1]


@st.composite
def layouts(draw: st.DrawFn, x: SSAValue) -> SSAValue:
    """A value seen through one to three layout operators."""
    for _ in range(draw(st.integers(1, 3))):
        shape = shape_of(x)
        match draw(st.sampled_from(["reshape", "transpose", "slice", "pad", "gather", "concat"])):
            case "reshape":
                op = nn.ReshapeOp(x, draw(factors(prod(shape))))
            case "transpose":
                op = nn.TransposeOp(x, draw(st.permutations(range(len(shape)))))
            case "slice":
                steps = draw(
                    st.lists(st.sampled_from([1, 2, -1]), min_size=len(shape), max_size=len(shape))
                )
                starts = [
                    0 if step > 0 else size - 1 for step, size in zip(steps, shape, strict=True)
                ]
                ends = [size if step > 0 else -1 for step, size in zip(steps, shape, strict=True)]
                op = nn.SliceOp(x, starts, ends, steps)
            case "pad":
                op = nn.PadOp(x, draw(sizes(2 * len(shape), 0, 1)))
            case "gather":
                axis = draw(st.integers(0, len(shape) - 1))
                op = nn.GatherOp(
                    x, axis, draw(st.lists(st.integers(0, shape[axis] - 1), min_size=1, max_size=4))
                )
            case _:
                op = nn.ConcatOp([x, value(*shape)], draw(st.integers(0, len(shape) - 1)))
        x = op.result
    return x


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_free_axes(data: st.DataObject) -> None:
    """An axis is free if all elements of each line along it come from one iteration."""
    shape = tuple(data.draw(sizes(data.draw(st.integers(1, 3)), 1, 4)))
    written, x = data.draw(axes_of(shape)), value(*shape)
    read = data.draw(layouts(x))
    view = Views().of(read).sources.get(x)
    if view is None:
        return
    writer = write_of(shape, written).relation.domain_factor_domain().reverse()
    iteration = view.apply_range(writer)
    for axis in range(len(shape_of(read))):
        line: dict[Point, set[Point]] = defaultdict(set)
        for element, source in pairs(iteration):
            line[other_coordinates(element, axis)].add(source)
        assert (axis in free_axes(iteration)) == all(len(found) == 1 for found in line.values())


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_free_axes_of_reductions(data: st.DataObject) -> None:
    """An axis is free if all elements of each line along it depend on the same iterations."""
    shape = tuple(data.draw(sizes(data.draw(st.integers(1, 3)), 1, 4)))
    written, reduced = data.draw(axes_of(shape)), sorted(data.draw(axes_of(shape)))
    if not reduced:
        return
    op = nn.ReduceSumOp(value(*shape), reduced, keepdims=data.draw(st.booleans()))
    writer = write_of(shape, written).relation.domain_factor_domain().reverse()
    iterations = op.element_relation(0).apply_range(writer)
    needed: dict[Point, set[Point]] = defaultdict(set)
    for element, iteration in pairs(iterations):
        needed[element].add(iteration)
    for axis in range(len(op.result_shape)):
        lines: dict[Point, list[set[Point]]] = defaultdict(list)
        for element, found in needed.items():
            lines[other_coordinates(element, axis)].append(found)
        same = all(found == line[0] for line in lines.values() for found in line)
        assert (axis in free_axes(iterations)) == same


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_whole_axes(data: st.DataObject) -> None:
    """An axis is whole if each iteration that reads one element of a line reads all that are read at all."""
    rank = data.draw(st.integers(1, 3))
    shape = tuple(data.draw(sizes(rank, 1, 4)))
    locations: list[str] = []
    windows: dict[str, int] = {}
    iterations: dict[str, int] = {}
    for axis, size in enumerate(shape):
        windows[f"k{axis}"] = data.draw(st.integers(1, size + 1))
        if data.draw(st.booleans()):
            iterations[f"i{axis}"] = data.draw(st.integers(1, size))
            stride, pad = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 1))
            locations.append(f"{stride}*i{axis} + k{axis} - {pad}")
        else:
            locations.append(f"k{axis}")
    read = access_map(iterations, windows, locations, shape).domain_factor_domain()
    taken: dict[Point, set[Point]] = defaultdict(set)
    for iteration, element in pairs(read):
        taken[iteration].add(element)
    anywhere = set[Point]().union(*taken.values())
    for axis, size in enumerate(shape):
        whole = all(
            line in elements
            for elements in taken.values()
            for element in elements
            for k in range(size)
            if (line := (*element[:axis], k, *element[axis + 1 :])) in anywhere
        )
        assert (axis in whole_axes(read)) == whole


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_every_element_is_written_once(data: st.DataObject) -> None:
    shape = tuple(data.draw(sizes(data.draw(st.integers(0, 4)), 1, 3)))
    lanes = data.draw(axes_of(shape))
    write = write_of(shape, lanes)
    written = [element for _, element in pairs(write.relation)]
    assert len(written) == len(set(written)) == prod(shape)
    assert prod(write.lanes) * prod(iterations_of(shape, lanes).values()) == prod(shape)


@pytest.mark.parametrize(
    ("shape", "free", "smallest", "expected"),
    [
        ((1, 17, 64), [{0, 2}, {0, 1, 2}], {1}, {0, 2}),  # those that all leave free
        # None but that of one element: the fewest iterations.
        ((1, 17, 64), [{0, 1}, {0, 2}], {1}, {0, 2}),
        ((1, 17, 64), [], {1}, {0, 1}),  # no operand says
        ((4, 5), [set(), set()], {0}, {0}),  # no operand leaves any
        ((4, 5), [set(), set()], set(), set()),
        ((4, 5), [{1}, set()], {0}, {1}),
        ((), [set()], set(), set()),
        ((1, 1), [], set(), {0, 1}),
    ],
)
def test_choice(shape: Shape, free: list[set[int]], smallest: set[int], expected: set[int]) -> None:
    assert choose_lanes(shape, [frozenset(axes) for axes in free], frozenset(smallest)) == expected


def test_names_of_iterations_are_those_of_elements() -> None:
    assert list(iterations_of((2, 3, 4), {1})) == [element_names(3)[0], element_names(3)[2]]
