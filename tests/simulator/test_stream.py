"""Which inference is in which lane of which group, against a direct enumeration; and inputs that are iterated over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmir.simulator.stream import IDLE, Stream
from cmir.support.diagnostics import CompileError

Sample = dict[str, np.ndarray]
SHAPES = {"x": (2,)}


def samples(count: int) -> Iterator[Sample]:
    return ({"x": np.array([n, -n])} for n in range(count))


def groups_of(stream: Stream) -> list[list[int]]:
    """The inferences of each group; checks the content of each lane that has one."""
    found: list[list[int]] = []
    while stream.has(len(found)):
        group = len(found)
        numbers, content = stream.numbers(group).tolist(), stream.content("x", group)
        assert content.shape == (2, len(numbers))
        for lane, number in enumerate(numbers):
            if number != IDLE:
                assert content[:, lane].tolist() == [number, -number]
        stream.forget(group)
        found.append(numbers)
    return found


@given(st.integers(1, 20), st.integers(1, 9), st.booleans())
def test_inferences_follow_each_other_lane_by_lane(count: int, lanes: int, listed: bool) -> None:
    given = samples(count)
    stream = Stream([*given] if listed else given, SHAPES, lanes)
    assert (stream.known, stream.groups) == (
        (count, -(-count // lanes)) if listed else (None, None)
    )
    found = groups_of(stream)
    assert [n for group in found for n in group if n != IDLE] == [*range(count)]
    assert all(len(group) == lanes for group in found)
    assert IDLE not in [n for group in found[:-1] for n in group]
    assert (stream.known, stream.groups) == (count, len(found))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=9), st.integers(1, 4), st.booleans())
def test_a_lane_holds_whole_sequences(lengths: list[int], lanes: int, listed: bool) -> None:
    starts = [sum(lengths[:s]) for s in range(len(lengths))]
    first = [start for start, length in zip(starts, lengths, strict=True) for _ in range(length)]
    given = samples(len(first))
    stream = Stream([*given] if listed else given, SHAPES, lanes, first)
    expected: list[list[int]] = []
    begins: list[int] = []
    for one in range(0, len(lengths), lanes):
        begin = len(expected)
        of_round = [*zip(starts, lengths, strict=True)][one : one + lanes]
        for step in range(max(length for _, length in of_round)):
            group = [start + step if step < length else IDLE for start, length in of_round]
            expected.append(group + [IDLE] * (lanes - len(group)))
            begins.append(begin)
    assert stream.groups == len(expected)
    assert groups_of(stream) == expected
    assert [stream.first(group) for group in range(len(expected))] == begins


def test_idle_lanes_repeat_what_they_had() -> None:
    """So that they compute nothing that cannot be computed."""
    stream = Stream(samples(5), SHAPES, 3)
    assert stream.has(1)
    assert stream.content("x", 1)[0].tolist() == [3, 4, 2]
    alone = Stream(samples(1), SHAPES, 3)
    assert alone.content("x", 0)[0].tolist() == [0, 0, 0]


def test_an_iterable_is_taken_group_by_group() -> None:
    taken: list[int] = []

    def source() -> Iterator[Sample]:
        for n, sample in enumerate(samples(7)):
            taken.append(n)
            yield sample

    stream = Stream(source(), SHAPES, 2)
    assert not taken
    assert stream.has(0) and taken == [0, 1]
    assert stream.has(1) and taken == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"x": np.zeros(3)}, r"input 'x' of inference 2 has shape \[3\], expected \[2\]"),
        ({"y": np.zeros(2)}, "inference 2 has no value for input 'x'"),
    ],
)
def test_inputs_that_do_not_match(wrong: Sample, message: str) -> None:
    given: Sequence[Sample] = [*samples(2), wrong]
    stream = Stream(given, SHAPES, 2)
    assert stream.has(0)
    with pytest.raises(CompileError, match=message):
        stream.has(1)


@pytest.mark.parametrize("listed", [False, True])
def test_sequences_that_are_not_as_long_as_the_inputs(listed: bool) -> None:
    short, long = ([*samples(count)] if listed else samples(count) for count in (3, 5))
    with pytest.raises(CompileError, match="no inference 3: the inputs have 3 inferences"):
        Stream(short, SHAPES, 1, [0, 0, 0, 0]).has(3)
    with pytest.raises(CompileError, match="sequences have 4 inferences, and the inputs more"):
        Stream(long, SHAPES, 1, [0, 0, 0, 0]).has(4)


@given(st.integers(1, 7), st.integers(1, 4), st.data())
def test_columns(count: int, lanes: int, data: st.DataObject) -> None:
    """A column of a block is an iteration of an inference; the lane is its innermost coordinate."""
    stream = Stream(samples(count), SHAPES, lanes)
    group = 0
    while stream.has(group):
        start = data.draw(st.integers(0, 3))
        stop = start + data.draw(st.integers(1, 3))
        columns = stream.columns(group, start, stop)
        expected = [
            (number, i) for i in range(start, stop) for number in stream.numbers(group).tolist()
        ]
        assert [*zip(columns.sample, columns.iteration, strict=True)] == expected
        group += 1
