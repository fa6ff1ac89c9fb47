"""Random pipelines in which several stages write parts of one array, at the polyhedral level."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cmir.context import make_context

Box = tuple[range, ...]
"""The indices of a part along each dimension."""


@dataclass(frozen=True)
class Pipeline:
    """`text` has input @x and output @out; stages named w0, w1, … write 2x into @b, stage @r reads it.

    passes: that divide stages among cores. boxes: what each writer writes.
    """

    text: str
    passes: str
    boxes: list[Box]

    def parse(self) -> ModuleOp:
        return Parser(make_context(), self.text).parse_module()


@st.composite
def several_writers(draw: st.DrawFn) -> Pipeline:
    shape = tuple(draw(st.integers(1, 6)) for _ in range(3))
    boxes = draw(partitions(tuple(map(range, shape))))
    type = "x".join(map(str, shape))
    stages, passes = [], []
    for k, box in enumerate(boxes):
        order = draw(st.permutations(range(3)))[: draw(st.integers(0, 3))]
        descends = [draw(st.booleans()) for _ in order]
        stages.append(_writer(f"w{k}", box, order, descends, late=draw(st.booleans())))
        if order and len(box[order[0]]) > 1 and draw(st.integers(0, 3)) == 0:
            how = draw(st.sampled_from(["rows", "bands"]))
            passes.append(f"polyhedral-replicate{{stage=w{k} copies=2 by={how}}}")
    order = draw(st.permutations(range(3)))[: draw(st.integers(0, 3))]
    window = draw(st.integers(0, 1))
    counts = [shape[d] for d in order]
    stages.append(_reader(shape, order, window))
    if order and counts[0] > 1 and draw(st.integers(0, 3)) == 0:
        passes.append("polyhedral-replicate{stage=r copies=2 by=bands}")
    text = f"""
polyhedral.pipeline @main (@x) -> (@out) {{
  polyhedral.array @x : tensor<{type}xf32>
  polyhedral.array @y : tensor<{type}xf32>
  polyhedral.array @b : tensor<{type}xf32>
  polyhedral.array @out : tensor<{"".join(f"{n}x" for n in counts)}f32>
{_copy(shape)}{"".join(stages)}}}
"""
    return Pipeline(text, ",".join(passes), boxes)


@st.composite
def partitions(draw: st.DrawFn, box: Box, depth: int = 2) -> list[Box]:
    """A box, cut in two along a dimension, or dealt out to two; these again."""
    long = [d for d, part in enumerate(box) if len(part) > 1]
    if not depth or not long or (depth == 1 and draw(st.booleans())):
        return [box]
    d = draw(st.sampled_from(long))
    part = box[d]
    if draw(st.integers(0, 4)):
        at = draw(st.integers(1, len(part) - 1))
        halves = (part[:at], part[at:])
    else:
        halves = (part[::2], part[1::2])
    return [
        cut
        for half in halves
        for cut in draw(partitions((*box[:d], half, *box[d + 1 :]), depth - 1))
    ]


def _copy(shape: tuple[int, ...]) -> str:
    """Stage @late copies @x to @y column by column, so that who reads @y starts late."""
    location = [f"i{d}" for d in range(3)]
    bounds = [f"0 <= i{d} < {size}" for d, size in enumerate(shape)]
    return _doubling("late", [2, 0, 1], bounds, ("x", "y"), location, "vector<f32>")


def _writer(name: str, box: Box, order: list[int], descends: list[bool], late: bool) -> str:
    """A stage that runs through some dimensions of a box in this order, and writes the others at once."""
    location, bounds = [], []
    for d, part in enumerate(box):
        x = f"i{d}" if d in order else f"l{d}"
        bounds.append(f"0 <= {x} < {len(part)}")
        down = d in order and descends[order.index(d)]
        location.append(
            f"{part.start} + {part.step}*({len(part) - 1 if down else 0} {'-+'[not down]} {x})"
        )
    type = f"vector<{''.join(f'{len(box[d])}x' for d in range(3) if d not in order)}f32>"
    return _doubling(name, order, bounds, ("y" if late else "x", "b"), location, type)


def _doubling(
    name: str,
    order: list[int],
    bounds: list[str],
    arrays: tuple[str, str],
    location: list[str],
    type: str,
) -> str:
    """A stage that writes twice what it reads.

    order: the dimensions of its iterations; the others are lanes. bounds: of all dimensions.
    """
    lanes = ", ".join(f"l{d}" for d in range(3) if d not in order)
    point, within = _iteration(name, order), " and ".join(bounds)
    read, write = (
        f"@{array} {_map(f'[{point} -> lane[{lanes}]] -> {array}{_list(location)} : {within}')}"
        for array in arrays
    )
    body = f"""    %x = polyhedral.read {read} : {type}
    %y = arith.addf %x, %x : {type}
    polyhedral.write %y, {write} : {type}
"""
    return _stage(name, order, [bounds[d] for d in order], body)


def _reader(shape: tuple[int, ...], order: list[int], window: int) -> str:
    """A stage that adds up windows around its iterations.

    They reach `window` to both sides in the dimensions that it runs through, and are all of the others.
    """
    sizes = [2 * window + 1 if d in order else shape[d] for d in range(3)]
    location = [f"i{d} + l{d} - {window}" if d in order else f"l{d}" for d in range(3)]
    inside = [f"0 <= i{d} < {shape[d]}" for d in order]
    lanes = [f"0 <= l{d} < {size}" for d, size in enumerate(sizes)]
    in_array = [f"0 <= {x} < {size}" for x, size in zip(location, shape, strict=True)]
    type = f"vector<{'x'.join(map(str, sizes))}xf32>"
    point = _iteration("r", order)
    read = f"[{point} -> lane[l0, l1, l2]] -> b{_list(location)} : "
    read += " and ".join([*inside, *lanes, *in_array])
    write = f"[{point} -> lane[]] -> out{_list([f'i{d}' for d in order])}"
    write += "".join(f" : {' and '.join(inside)}" for _ in inside[:1])
    body = f"""    %x = polyhedral.read @b {_map(read)} : {type}
    %y = cmcore.reduce add %x along [0, 1, 2] : {type} -> vector<f32>
    polyhedral.write %y, @out {_map(write)} : vector<f32>
"""
    return _stage("r", order, inside, body)


def _stage(name: str, order: list[int], bounds: list[str], body: str) -> str:
    arguments = ", ".join(f"%i{d}" for d in order)
    domain = f"{_iteration(name, order)} : {' and '.join(bounds) or '1 = 1'}"
    return f"""  polyhedral.stage @{name} ({arguments}) domain #polyhedral.set<"{{ {domain} }}"> {{
{body}  }}
"""


def _iteration(name: str, order: list[int]) -> str:
    return f"{name}{_list([f'i{d}' for d in order])}"


def _list(items: list[str]) -> str:
    return f"[{', '.join(items)}]"


def _map(relation: str) -> str:
    return f'#polyhedral.map<"{{ {relation} }}">'
