"""Stages spread_stage over cores: the old iterations and locations, point by point."""

from __future__ import annotations

import islpy as isl
import pytest
from enumeration import Point, pairs, points
from networks import Builder, compile_network
from xdsl.dialects.builtin import VectorType
from xdsl.ir import SSAValue

from cmir.dialects.polyhedral import MapAttr, PipelineOp, StageOp
from cmir.isl import read_map, read_set
from cmir.passes.spreading import (
    DimensionPart,
    LaneMixingError,
    crossbar_product,
    part_size,
    parts_with,
    spread_stage,
)
from cmir.support.diagnostics import CompileError


def pipeline() -> PipelineOp:
    """A convolution of 2 channels to 4, its rectified sum with the input's first channels, and a maximum."""
    net = Builder(4, 4, 3)
    conv = net.conv("x", 4, pads=1)
    return compile_network(net.model(net.pool(net.relu(net.add(conv, "x"))))).pipeline


def stage_of(kind: str) -> StageOp:
    (stage,) = [s for name, s in pipeline().stages.items() if name.startswith(kind)]
    return stage


def accesses(stage: StageOp) -> list[dict[Point, Point]]:
    """The locations of each iteration and lane, by access."""
    maps = [access for op in stage.reads() for _, access in op.arrays_and_maps()]
    maps += [op.map for op in stage.writes()]
    return [locations(access) for access in maps]


def locations(access: MapAttr) -> dict[Point, Point]:
    found = pairs(access.relation.flatten_domain())
    assert len(dict(found)) == len(found), "a lane has several locations"
    return dict(found)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_iterations_are_dealt(count: int) -> None:
    """Each core has the iterations that the constraint gives it, with the accesses that these had."""
    stage = stage_of("conv")
    iterations, before = points(stage.domain.points), accesses(stage)
    spread_stage(stage, "p", f"{{core}} = h mod {count}", count)
    stage.verify()
    assert stage.core_dims == 1
    assert sorted(points(stage.domain.points)) == sorted((i[0] % count, *i) for i in iterations)
    for old, new in zip(before, accesses(stage), strict=True):
        assert new == {(i[0] % count, *i): location for i, location in old.items()}


def test_spread_twice() -> None:
    """The second coordinate comes after the first."""
    stage = stage_of("conv")
    iterations = points(stage.domain.points)
    spread_stage(stage, "p", "{core} = h mod 2", 2)
    spread_stage(stage, "p", "{core} = w mod 3", 3)
    stage.verify()
    expected = sorted((i[0] % 2, i[1] % 3, *i) for i in iterations)
    assert stage.core_dims == 2 and sorted(points(stage.domain.points)) == expected


def test_schedule_stays_on_each_core() -> None:
    """The time of an iteration comes after its core."""
    stage = stage_of("conv")
    stage.schedule = MapAttr.of(read_map("{ conv1[h, w] -> [w, -h] }"))
    iterations = points(stage.domain.points)
    spread_stage(stage, "p", "{core} = h mod 2", 2)
    stage.verify()
    assert dict(pairs(stage.order)) == {(h % 2, h, w): (h % 2, w, -h) for h, w in iterations}


def write_of(stage: StageOp) -> SSAValue:
    (write,) = stage.writes()
    return write.value


@pytest.mark.parametrize("size", [1, 2, 3])
def test_lanes_in_parts(size: int) -> None:
    """Core c has lanes size·c … of every access that has parts; the last core has what is left."""
    stage = stage_of("conv")
    product = crossbar_product(stage)
    assert product is not None
    matrix, mxv = product
    channels, count = 4, -(-4 // size)
    part = DimensionPart(0, size)
    seeds: dict[SSAValue, DimensionPart] = {mxv.result: part, matrix.result: part}
    parts = parts_with(seeds, [matrix, mxv])
    assert write_of(stage) in parts
    iterations, before = points(stage.domain.points), accesses(stage)
    of_access = [parts.get(op.result) for op in stage.reads() for _ in op.arrays]
    of_access += [parts.get(op.value) for op in stage.writes()]
    assert None in of_access, "the window is read as a whole"

    spread_stage(stage, "p", "", count, parts)
    stage.verify()
    core_of_all = {(c, *i) for c in range(count) for i in iterations}
    assert set(points(stage.domain.points)) == core_of_all
    rank = len(iterations[0])
    for old, new, part in zip(before, accesses(stage), of_access, strict=True):
        expected: dict[Point, Point] = {}
        for point, location in old.items():
            for c in range(count):
                lane = list(point[rank:])
                if part is not None:
                    lane[part.dim] -= size * c
                    if not 0 <= lane[part.dim] < size:
                        continue
                expected[c, *point[:rank], *lane] = location
        assert new == expected
    assert isinstance(write_of(stage).type, VectorType)
    assert size in write_of(stage).type.get_shape()  # pyright: ignore[reportAttributeAccessIssue]
    rows = [{cell[0] for cell, _ in cells_of(stage, c)} for c in range(count)]
    assert rows == [set(range(min(size, channels - size * c))) for c in range(count)]


def cells_of(stage: StageOp, core: int) -> list[tuple[Point, Point]]:
    """The cells that a core has of the stage's matrix, each with its weight."""
    product = crossbar_product(stage)
    assert product is not None
    cells = product[0].cells.relation
    of_core = cells.intersect_params(read_set(f"[p0] -> {{ : p0 = {core} }}"))
    return pairs(of_core.project_out(isl.dim_type.param, 0, 1))


def test_lanes_that_a_product_mixes() -> None:
    """A product takes all lanes of its vector, so these have no parts."""
    product = crossbar_product(stage_of("conv"))
    assert product is not None
    _, mxv = product
    with pytest.raises(LaneMixingError, match=f"{mxv.name} mixes lanes"):
        parts_with({mxv.vector: DimensionPart(0, 1)})


def test_one_product_or_none() -> None:
    assert crossbar_product(stage_of("max_pool")) is None
    stage = stage_of("conv")
    product = crossbar_product(stage)
    assert product is not None
    block = stage.body.block
    block.insert_op_after(product[1].clone(), product[1])
    with pytest.raises(CompileError, match="several crossbar products: give each a stage"):
        crossbar_product(stage)


@pytest.mark.parametrize(("count", "extent", "size"), [(1, 5, 5), (2, 5, 3), (3, 5, 2), (5, 5, 1)])
def test_parts_of(count: int, extent: int, size: int) -> None:
    assert part_size(count, extent) == size


def test_no_part_is_empty() -> None:
    """Four parts of five elements would be of two elements, which three parts hold."""
    with pytest.raises(AssertionError, match="without anything"):
        part_size(4, 5)
