"""Drawings of dependences: their data against accesses point by point, and that they draw it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from enumeration import pairs
from matplotlib.axes import Axes
from matplotlib.patches import ConnectionPatch, Rectangle
from networks import run_passes
from report.runs import residual_block
from xdsl.dialects.builtin import ModuleOp

from cmir.compilation.model import lower_to_dependences, read_model
from cmir.context import make_context
from cmir.dialects.polyhedral import PipelineOp, symbol
from cmir.isl.dependence_kind import DependenceKind
from cmir.library.drawing import dependence_picture
from cmir.report import relation, relation_plot
from cmir.report.relation import DependencePicture, find_dependence, relation_of
from cmir.report.relation_plot import relation_figure, relation_svg
from cmir.support.diagnostics import CompileError

ROOT = Path(__file__).parents[2]
TEXTBOOK = ROOT / "tests" / "filecheck" / "textbook.mlir"
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"


def pipeline_of(kernels: tuple[int, ...], stride: int, passes: str = "") -> PipelineOp:
    pipeline = residual_block(kernels, stride, "full").compiled.pipeline.clone()
    module = ModuleOp([pipeline])
    derive = "polyhedral-derive-dependences"
    run_passes(module, f"{passes},{derive}" if passes else derive, make_context())
    return pipeline


def textbook() -> DependencePicture:
    pipeline = lower_to_dependences(read_model(TEXTBOOK))
    return relation_of(pipeline, find_dependence(pipeline, []))


@pytest.mark.parametrize(
    ("kernels", "stride", "passes"),
    [
        ((3, 3), 1, ""),
        ((3, 1), 2, ""),
        ((5,), 1, "polyhedral-schedule{stage=conv1 reverse=0}"),
        ((3,), 1, "polyhedral-schedule{stage=conv2 interchange=1,0}"),
    ],
)
def test_point_by_point(kernels: tuple[int, ...], stride: int, passes: str) -> None:
    pipeline = pipeline_of(kernels, stride, passes)
    found = [op for op in pipeline.dependences if op.kind is DependenceKind.RAW]
    assert found
    for op in found:
        drawn = relation_of(pipeline, op)
        writer, reader = (pipeline.stages[symbol(ref)] for ref in (op.source, op.target))
        in_order = [
            [point for point, _ in sorted(pairs(stage.order), key=lambda pair: pair[1])]
            for stage in (writer, reader)
        ]
        assert [tuple(p) for p in drawn.writer.points.tolist()] == in_order[0]
        assert [tuple(p) for p in drawn.reader.points.tolist()] == in_order[1]
        time = {point: k for k, point in enumerate(in_order[0])}
        array = symbol(op.array)
        written = {x: time[i] for i, x in pairs(writer.write_relations()[array])}
        needs = dict.fromkeys(in_order[1], 0)
        for iteration, location in pairs(reader.read_relations()[array]):
            needs[iteration] = max(needs[iteration], written[location] + 1)
        limits = np.maximum.accumulate([needs[iteration] for iteration in in_order[1]])
        expected = [int((limits <= done).sum()) for done in range(len(in_order[0]) + 1)]
        assert drawn.released.tolist() == expected
        assert drawn.release_time.tolist() == limits.tolist()
        # The channels, all of which are written and read at once, are not shown.
        shown = {x[1:]: by for x, by in written.items()}
        places = [tuple(p) for p in drawn.array.points.tolist()]
        assert dict(zip(places, drawn.written.tolist(), strict=True)) == shown
        for number, elements in drawn.reads.items():
            read = {
                x[1:] for i, x in pairs(reader.read_relations()[array]) if i == in_order[1][number]
            }
            assert {places[element] for element in elements} == read


def test_textbook() -> None:
    drawn = textbook()
    assert drawn.released.tolist() == [0, 0, 0, 1, 2, 3, 4, 5, 6]
    figure = relation_figure(drawn)
    *spaces, stairs = figure.axes
    assert len(spaces) == 3
    xs, ys = stairs.lines[0].get_data()
    assert np.array_equal(xs, range(9)) and np.array_equal(ys, drawn.released)
    # Lines from each write to its element, and from each of three elements to the iterations that read it.
    joins = [artist for artist in figure.get_children() if isinstance(artist, ConnectionPatch)]
    assert len(joins) == 8 + 6 * 3 + 3 + 1
    outlines = [[p for p in axes.patches if isinstance(p, Rectangle)] for axes in spaces]
    assert [len(found) for found in outlines] == [1, 3, 1]


@pytest.mark.parametrize(
    ("name", "model", "wanted"),
    [("textbook", TEXTBOOK, []), ("digits", DIGITS, ["conv2", "max_pool1"])],
)
def test_images_of_the_documentation(
    name: str, model: Path, wanted: list[str], request: pytest.FixtureRequest
) -> None:
    file = ROOT / "docs" / "images" / f"relation-{name}.svg"
    if request.config.getoption("--update-golden"):
        file.write_text(
            relation_svg(dependence_picture(read_model(model), wanted)), encoding="utf-8"
        )
    text = file.read_text(encoding="utf-8")
    assert all(f">{word}<" in text for word in ("0", "when it runs", "what releases it"))


def test_same_svg() -> None:
    texts = [relation_svg(textbook()) for _ in range(2)]
    assert texts[0] == texts[1] and texts[0].startswith("<?xml")


def test_planes() -> None:
    pipeline = pipeline_of((3,), 1)
    drawn = relation_of(pipeline, find_dependence(pipeline, ["conv1", "conv2"]))
    spaces = relation_figure(drawn).axes[:3]
    for axes, space in zip(spaces, (drawn.writer, drawn.array, drawn.reader), strict=True):
        (image,) = axes.images
        shown = np.ma.masked_array(image.get_array())
        assert shown.size == len(space.points) == 42
    assert [len(axes.patches) for axes in spaces] == [1, 9, 1]


def test_dimensions_say_which_of_the_writer_they_are() -> None:
    pipeline = pipeline_of((3,), 1)
    drawn = relation_of(pipeline, find_dependence(pipeline, ["conv1", "conv2"]))
    array = relation_figure(drawn).axes[1]
    assert (array.get_ylabel(), array.get_xlabel()) == ("i1 = h", "i2 = w")
    later = replace(drawn, array=replace(drawn.array, points=drawn.array.points + np.array([2, 0])))
    assert relation_figure(later).axes[1].get_ylabel() == "i1 = h + 2"


def test_a_staircase_of_many_steps_is_zoomed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The zoom shows the same steps around the marked one."""
    pipeline = pipeline_of((3,), 1)
    drawn = relation_of(pipeline, find_dependence(pipeline, ["conv1", "conv2"]))
    few = relation_figure(drawn).axes[3]
    assert len(few.child_axes) == 1  # the strip of colours
    monkeypatch.setattr(relation_plot, "MOST_STEPS", 1)
    monkeypatch.setattr(relation_plot, "ZOOMED", 8)
    zoom = relation_figure(drawn).axes[3].child_axes[0]
    assert isinstance(zoom, Axes)
    steps = np.asarray(zoom.lines[0].get_xydata())
    at = int(drawn.release_time[drawn.marked])
    assert steps.tolist() == [[x, drawn.released[x]] for x in range(at - 4, at + 5)]
    assert np.asarray(zoom.lines[1].get_xydata()).tolist() == [[at, drawn.marked + 1]]


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = pipeline_of((3,), 1)
    with pytest.raises(CompileError, match="there is no dependence conv2:conv1;"):
        find_dependence(pipeline, ["conv2", "conv1"])
    dependence = find_dependence(pipeline, ["conv1", "conv2"])
    with monkeypatch.context() as patch:
        patch.setattr(relation, "MOST_POINTS", 41)
        with pytest.raises(CompileError, match="@conv0 has 42 points; at most 41 can be drawn"):
            relation_of(pipeline, dependence)
    spread = pipeline_of((3,), 1, "polyhedral-replicate{stage=conv2 copies=2}")
    with pytest.raises(CompileError, match="@conv2 is spread over cores"):
        relation_of(spread, find_dependence(spread, ["conv1", "conv2"]))
