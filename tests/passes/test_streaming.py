"""Stages that copy an array: each element once, row by row."""

from __future__ import annotations

from itertools import product

import islpy as isl
import pytest
from enumeration import Point, pairs, points
from networks import Builder, compile_network
from xdsl.dialects.builtin import TensorType, f32

from cmir.dialects.polyhedral import ArrayOp, MapAttr, symbol
from cmir.isl import read_map
from cmir.isl.storage import Rows
from cmir.passes.streaming import access_of, copy_stage, redirect_reads

ROWS = [
    Rows((2, 3), 1),
    Rows((2, 3), 0),
    Rows((2, 3), 1, descending=True),
    Rows((2, 3, 4), 1, descending=True),
    Rows((4,), 0),
    Rows((2, 3), None),
    Rows((), None),
]


def locations(access: MapAttr) -> dict[Point, Point]:
    """The location of each iteration and lane, as one point."""
    found = pairs(access.relation.flatten_domain())
    assert len(dict(found)) == len(found), "a lane has several locations"
    return dict(found)


@pytest.mark.parametrize("rows", ROWS, ids=str)
def test_copy(rows: Rows) -> None:
    stage = copy_stage("copy", "a", ArrayOp("b", TensorType(f32, rows.shape)), rows)
    (read,), (write,) = stage.reads(), stage.writes()
    ((source, read_access),) = read.arrays_and_maps()
    assert (source, symbol(write.array), write.value) == ("a", "b", read.result)
    assert stage.gcu is not None and stage.sym_name.data == "copy"

    expected: dict[Point, Point] = {}
    for location in product(*map(range, rows.shape)):
        row = [x for d, x in enumerate(location) if d == rows.axis]
        lane = [x for d, x in enumerate(location) if d != rows.axis]
        if rows.axis is not None and rows.descending:
            row = [rows.shape[rows.axis] - 1 - row[0]]
        expected[*row, *lane] = location
    assert locations(read_access) == locations(write.map) == expected
    count = 1 if rows.axis is None else rows.shape[rows.axis]
    assert len(points(stage.domain.points)) == count


def test_access_of_another_array() -> None:
    access = access_of(
        read_map("{ [s[i] -> lane[c]] -> a[c, i] : 0 <= i < 3 and 0 <= c < 2 }"), "b"
    )
    assert access.relation.get_tuple_name(isl.dim_type.out) == "b"
    assert locations(access) == {(i, c): (c, i) for i in range(3) for c in range(2)}


def test_redirected_reads() -> None:
    """Reads of one array become reads of another at the same locations; other reads stay what they are."""
    net = Builder(2, 6)
    conv = net.conv("x", 2, pads=1)
    model = net.model(net.add(net.conv(conv, 2, pads=1), conv))
    pipeline = compile_network(model, passes="polyhedral-assign-storage{rows=6}").pipeline
    before = {
        op: [*op.arrays_and_maps()] for stage in pipeline.stages.values() for op in stage.reads()
    }
    old = next(name for reads in before.values() for name, _ in reads if name.startswith("conv"))
    assert any(array == old for array, _ in pipeline.storages)
    others = [key for key in pipeline.storages if key[0] != old]

    redirect_reads(pipeline, old, "new")

    for op, reads in before.items():
        for (array, access), (now, found) in zip(reads, op.arrays_and_maps(), strict=True):
            assert now == ("new" if array == old else array)
            assert locations(found) == locations(access)
            assert found.relation.get_tuple_name(isl.dim_type.out) == now
    assert [*pipeline.storages] == others
