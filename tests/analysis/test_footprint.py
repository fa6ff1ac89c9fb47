"""What stages read and write, as arrays, against the pairs of their relations, one by one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from enumeration import Point, pairs
from hypothesis import given
from hypothesis import strategies as st
from networks import Builder, compile_network

from cmir.analysis.footprint import Footprint, by_row, rows_of_banks
from cmir.dialects.polyhedral import MapAttr, PipelineOp, StageOp, symbol
from cmir.elaboration.automata import NEVER
from cmir.isl.storage import Rows

PASSES = [
    "",
    "polyhedral-replicate{stage=conv1 copies=2}",
    "polyhedral-replicate{stage=conv2 copies=2}",
    "polyhedral-split-matrices{rows=9 columns=1}",
    "polyhedral-stream-inputs",
]


def pipeline(passes: str) -> PipelineOp:
    """Two convolutions, the second with stride 2, what the first gives added to the input, and a maximum.

    Windows along channels normalize the sums, and a third convolution reads these next to others.
    """
    net = Builder(2, 5, 6)
    sums = net.add(net.conv("x", 2, pads=1), "x")
    conv = net.conv(sums, 2, pads=[1, 0, 1, 0], strides=[2, 1])
    both = net.conv(net.concat(net.response_normalization(sums), net.relu(sums)), 1)
    return compile_network(net.model(net.pool(conv), both), passes=passes).pipeline


class Slow:
    """The iterations of a stage in order, core by core, and what each accesses, as Python lists."""

    def __init__(self, stage: StageOp):
        times = sorted((time, iteration) for iteration, time in pairs(stage.order))
        self.cores = sorted({i[: stage.core_dims] for _, i in times})
        self.order = {
            core: [i for _, i in times if i[: stage.core_dims] == core] for core in self.cores
        }
        self.reads = [(name, m) for op in stage.reads() for name, m in op.arrays_and_maps()]
        self.writes = [(symbol(op.array), op.map) for op in stage.writes()]

    def accessed(
        self, accesses: Iterable[tuple[str, MapAttr]], array: str, core: Point
    ) -> list[set[Point]]:
        """The elements of an array that each iteration of a core accesses."""
        of: dict[Point, set[Point]] = {i: set() for i in self.order[core]}
        for name, access in accesses:
            if name == array:
                for iteration, element in pairs(access.relation.domain_factor_domain()):
                    if iteration in of:
                        of[iteration].add(element)
        return list(of.values())


def stages_of(passes: str) -> tuple[PipelineOp, dict[str, tuple[Footprint, Slow]]]:
    found = pipeline(passes)
    return found, {name: (Footprint(s), Slow(s)) for name, s in found.stages.items()}


@pytest.mark.parametrize("passes", PASSES)
def test_iterations(passes: str) -> None:
    for footprint, slow in stages_of(passes)[1].values():
        assert footprint.coordinates == slow.cores
        in_order = [i for core in slow.cores for i in slow.order[core]]
        assert footprint.points.tolist() == [list(i) for i in in_order]
        assert footprint.iterations == len(in_order)
        counts = [len(slow.order[core]) for core in slow.cores]
        assert [footprint.count(k) for k in range(len(counts))] == counts
        owners = [k for k, count in enumerate(counts) for _ in range(count)]
        assert footprint.core_of(np.arange(len(owners))).tolist() == owners


@pytest.mark.parametrize("passes", PASSES)
def test_writers_and_last_reads(passes: str) -> None:
    found, stages = stages_of(passes)
    for footprint, slow in stages.values():
        for name, array in found.arrays.items():
            writer = np.full(array.shape, -1)
            for k, core in enumerate(slow.cores):
                for position, elements in enumerate(slow.accessed(slow.writes, name, core)):
                    for element in elements:
                        writer[element] = footprint.starts[k] + position
                last = np.full(array.shape, -1)
                for position, elements in enumerate(slow.accessed(slow.reads, name, core)):
                    for element in elements:
                        last[element] = position
                np.testing.assert_array_equal(footprint.last_read(array, k), last)
            np.testing.assert_array_equal(footprint.writer(array), writer)


@pytest.mark.parametrize("passes", PASSES)
def test_needs_of_data(passes: str) -> None:
    """Each iteration needs the last write that it or one before it reads, by core of the writer."""
    found, stages = stages_of(passes)
    checked = 0
    for reader, slow in stages.values():
        for source, slow_source in stages.values():
            for name, array in found.arrays.items():
                written: dict[Point, tuple[int, int]] = {}
                for k, core in enumerate(slow_source.cores):
                    for i, elements in enumerate(
                        slow_source.accessed(slow_source.writes, name, core)
                    ):
                        written.update((element, (k, i)) for element in elements)
                expected: dict[tuple[int, int], list[int]] = {}
                for k, core in enumerate(slow.cores):
                    so_far = [-NEVER] * len(slow_source.cores)
                    history: list[list[int]] = []
                    for elements in slow.accessed(slow.reads, name, core):
                        for element in elements & written.keys():
                            owner, position = written[element]
                            so_far[owner] = max(so_far[owner], position)
                        history.append(so_far.copy())
                    for other, latest in enumerate(so_far):
                        if latest >= 0:
                            expected[k, other] = [row[other] for row in history]
                needs = reader.needs_data(array, source, source.writer(array))
                assert {key: value.tolist() for key, value in needs.items()} == expected
                checked += len(expected)
    assert checked >= 2


@st.composite
def rows_to_divide(draw: st.DrawFn) -> Rows:
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    axis = draw(st.integers(0, len(shape) - 1))
    return Rows(
        shape, axis, draw(st.booleans()), draw(st.integers(1, shape[axis])), draw(st.booleans())
    )


@given(rows_to_divide())
def test_tables_by_row(rows: Rows) -> None:
    """Row k of the order of production is row k div B of bank k mod B if dealt, else row k mod H of bank k div H."""
    table = np.arange(np.prod(rows.shape)).reshape(rows.shape)
    assert rows.axis is not None
    found = by_row(table, rows, missing=-7)
    slices = [table.take(k, axis=rows.axis) for k in range(rows.shape[rows.axis])]
    slices = slices[::-1] if rows.descending else slices
    for bank in range(rows.banks):
        for row in range(rows.count):
            k = row * rows.banks + bank if rows.dealt else bank * rows.count + row
            expected = slices[k] if k < len(slices) else np.full_like(slices[0], -7)
            np.testing.assert_array_equal(found[bank, row], expected)
    assert found.shape[:2] == (rows.banks, rows.count)


def test_table_without_rows() -> None:
    table = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(by_row(table, Rows((2, 3), None)), table[None, None])


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        ([0, 0, 0, 0], Rows((4, 2), 0)),
        ([0, 1, 0, 1], Rows((4, 2), 0, banks=2)),
        ([0, 0, 1, 1], Rows((4, 2), 0, banks=2, dealt=False)),
        ([5, 3, 9, 5], Rows((4, 2), 0, banks=3)),
        ([0, 1, 1, 0], Rows((4, 2), None)),
    ],
)
def test_banks(owners: list[int], expected: Rows) -> None:
    """Rows that cores write in turn, or in runs, are in as many banks; any other pattern has no rows."""
    cores = np.repeat(np.array(owners)[:, None], 2, axis=1)
    assert rows_of_banks(Rows((4, 2), 0), cores) == expected


def test_banks_of_descending_rows() -> None:
    cores = np.array([[1], [0], [1], [0], [1]])
    rows = Rows((5, 1), 0, descending=True)
    assert rows_of_banks(rows, cores) == Rows((5, 1), 0, descending=True, banks=2)


def test_no_banks_for_parts_of_rows() -> None:
    """Cores that write different columns of all rows share them."""
    rows = Rows((4, 2), 0)
    assert rows_of_banks(rows, np.array([[0, 1]] * 4)) == rows
    assert rows_of_banks(Rows((4, 2), None), np.zeros((4, 2))) == Rows((4, 2), None)
