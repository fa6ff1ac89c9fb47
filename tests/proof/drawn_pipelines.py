"""Small pipelines that hypothesis draws: paths that meet again, at different rates, in and out of order."""

from __future__ import annotations

from hypothesis import strategies as st

from cmir.context import make_context
from cmir.dialects.polyhedral import PipelineOp
from cmir.support.parsing import parse_module


@st.composite
def pipeline_texts(draw: st.DrawFn, most: int = 6) -> str:
    """A line of stages; each reads windows of arrays written before, and writes one or several rows at once.

    most: the rows of an array.
    """
    heights: list[int] = []
    holes: list[int | None] = []  # a row of each array that no one writes or reads
    arrays: list[str] = []
    stages: list[str] = []
    unread: set[int] = set()
    count = draw(st.integers(2, 4))
    for k in range(count):
        at_once, iterations = draw(st.sampled_from([1, 1, 1, 2])), draw(st.integers(1, most))
        iterations = max(1, iterations // at_once)
        height, width = at_once * iterations, draw(st.integers(1, 3))
        sources = draw(st.sets(st.integers(0, k - 1), min_size=1)) if k else set()
        if k == count - 1:
            sources = sources | unread
        body = [
            _read(draw, (k, source), iterations, heights[source], holes[source])
            for source in sorted(sources)
        ]
        row = f"{at_once}i + r"
        if draw(st.integers(0, 3)) == 0:  # from the last row to the first
            row = f"{height - 1} - {at_once}i - r"
        domain = f"0 <= i < {iterations}"
        hole = None
        if k < count - 1 and iterations > 2 and draw(st.integers(0, 5)) == 0:
            hole = draw(st.integers(0, height - 1))
        type = f"vector<{at_once}x{width}xf32>"
        body += [
            f"%z = arith.constant dense<0.0> : {type}",
            f'polyhedral.write %z, @x{k} #polyhedral.map<"{{ [S{k}[i] -> lane[r, c]] -> x{k}[{row}, c] : '
            f'{domain}{_without(hole, row)} and 0 <= r < {at_once} and 0 <= c < {width} }}"> : {type}',
        ]
        arrays.append(f"polyhedral.array @x{k} : tensor<{height}x{width}xf32>")
        lines = "\n".join(f"    {line}" for line in body)
        stages.append(
            f'  polyhedral.stage @S{k} (%i) domain #polyhedral.set<"{{ S{k}[i] : {domain} }}"> {{\n{lines}\n  }}'
        )
        heights.append(height)
        holes.append(hole)
        unread = (unread - sources) | {k}
    lines = "\n".join([*(f"  {array}" for array in arrays), *stages])
    return f"polyhedral.pipeline @main () -> (@x{count - 1}) {{\n{lines}\n}}\n"


def _read(
    draw: st.DrawFn, ends: tuple[int, int], iterations: int, height: int, hole: int | None
) -> str:
    """A window of a few rows that moves by some, one way or the other; rows outside the array are padding.

    ends: the numbers of the stage that reads and of the array.
    """
    stage, source = ends
    window = draw(st.integers(1, 3))
    stride = draw(st.integers(0, 2)) * draw(st.sampled_from([1, 1, 1, -1]))
    first = draw(st.integers(-1, height - 1)) if stride <= 0 else draw(st.integers(-1, 2))
    row = f"{stride}i + {first} + r"
    return (
        f'%r{source} = polyhedral.read @x{source} #polyhedral.map<"{{ [S{stage}[i] -> lane[r]] -> '
        f"x{source}[{row}, 0] : 0 <= i < {iterations} and 0 <= r < {window} and 0 <= {row} < {height}"
        f'{_without(hole, row)} }}"> : vector<{window}xf32>'
    )


def _without(hole: int | None, row: str) -> str:
    return "" if hole is None else f" and {row} != {hole}"


def parse(text: str) -> PipelineOp:
    """The pipeline of a text."""
    (pipeline,) = parse_module(text, make_context(), "drawn.mlir").body.block.ops
    assert isinstance(pipeline, PipelineOp)
    return pipeline
