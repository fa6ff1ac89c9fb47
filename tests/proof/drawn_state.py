"""Small random pipelines with state: circles, stages that read themselves, windows, readers of several inferences.

A pipeline is drawn as data, which gives its text and, row by row, the values that it computes.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

WIDTH = 2
"""Elements of a row."""


@dataclass
class Piece:
    """Lanes t of a row h of a read, `m` inferences away in row `row` of an array, where `where` holds.

    The three are expressions in h and t, in the notation that ISL and Python share.
    """

    m: str
    row: str
    where: str


@dataclass
class Read:
    """A read of rows, which are added up and scaled. across: locations begin with the inference."""

    array: str
    window: int
    pieces: list[Piece]
    scale: float
    across: bool

    def rows(self, h: int, rows: int) -> list[tuple[int, int]]:
        """The inferences, relative to the reader's, and the rows that are read for row h."""
        found: list[tuple[int, int]] = []
        for t in range(self.window):
            for piece in self.pieces:
                m, row, where = (
                    eval(text, {"h": h, "t": t}) for text in (piece.m, piece.row, piece.where)
                )
                if where and 0 <= row < rows:
                    found.append((m, row))
        return found


@dataclass
class Stage:
    """A stage that writes an array, `block` rows in an iteration. order: of its iterations, as a schedule, or none."""

    name: str
    array: str
    block: int
    count: int
    order: str | None
    reads: list[Read] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.block * self.count

    def iterations(self) -> list[int]:
        """The iterations as they run."""
        order = self.order or "i"
        return sorted(range(self.count), key=lambda i: eval(order, {"i": i}))


@dataclass
class Pipeline:
    """Stages, and rings: the slots, in rows, of an array's buffer at a reader; by inferences or by rows.

    held: the inferences before the first in which each array has values. initial: these values.
    """

    stages: list[Stage]
    rings: dict[tuple[str, str], tuple[str, int]]
    held: dict[str, int]
    initial: dict[str, np.ndarray]

    def rows(self) -> dict[str, int]:
        return {"x": self.stages[0].rows, **{s.array: s.rows for s in self.stages}}

    def slot(self, array: str, reader: str, n: int, row: int) -> tuple[int, ...] | None:
        """The slot of a row; None where there is no ring."""
        if (ring := self.rings.get((array, reader))) is None:
            return None
        kind, size = ring
        return (n % size, row) if kind == "inferences" else ((self.rows()[array] * n + row) % size,)

    def text(self) -> str:
        rows = self.rows()
        lines = [f"polyhedral.array @x : tensor<{rows['x']}x{WIDTH}xf32>"]
        for stage in self.stages:
            name, type = stage.array, f"{stage.rows}x{WIDTH}xf32"
            initial = ""
            if held := self.held[name]:
                values = self.initial[name].tolist()
                lines.append(
                    f"polyhedral.array @{name}_0 parameter dense<{values}> : tensor<{held}x{type}>"
                )
                initial = f" initial @{name}_0"
            lines.append(f"polyhedral.array @{name} : tensor<{type}>{initial}")
        for (array, reader), (kind, size) in self.rings.items():
            slot, shape = f"({rows[array]}*n + h) mod {size}, c", f"{size}x{WIDTH}"
            if kind == "inferences":
                slot, shape = f"n mod {size}, h, c", f"{size}x{rows[array]}x{WIDTH}"
            lines.append(
                f'polyhedral.storage @{array} at @{reader} #polyhedral.map<"{{ {array}[n, h, c] -> '
                f'slot[{slot}] }}"> : memref<{shape}xf32>'
            )
        for stage in self.stages:
            lines += self._stage(stage)
        inside = "\n".join(f"  {line}" for line in lines)
        outputs = ", ".join(f"@{stage.array}" for stage in self.stages)
        return f"polyhedral.pipeline @main (@x) -> ({outputs}) {{\n{inside}\n}}\n"

    def _stage(self, stage: Stage) -> list[str]:
        name, block = stage.name, stage.block
        type = f"vector<{block}x{WIDTH}xf32>"
        own = f"0 <= i < {stage.count} and 0 <= r < {block} and 0 <= c < {WIDTH}"
        schedule = ""
        if stage.order is not None:
            schedule = f' schedule #polyhedral.map<"{{ {name}[i] -> [{stage.order}] }}">'
        domain = f'#polyhedral.set<"{{ {name}[i] : 0 <= i < {stage.count} }}">'
        lines = [f"polyhedral.stage @{name} (%i) domain {domain}{schedule} {{"]
        for k, read in enumerate(stage.reads):
            window = f"vector<{block}x{read.window}x{WIDTH}xf32>"
            pieces = []
            for piece in read.pieces:
                m, row, where = (
                    text.replace("h", f"({block}*i + r)")
                    for text in (piece.m, piece.row, piece.where)
                )
                location = f"{m}, {row}, c" if read.across else f"{row}, c"
                pieces.append(
                    f"[{name}[i] -> lane[r, t, c]] -> {read.array}[{location}] : {own} and "
                    f"0 <= t < {read.window} and {where} and 0 <= {row} < {self.rows()[read.array]}"
                )
            across = " across" if read.across else ""
            lines += [
                f'  %r{k} = polyhedral.read @{read.array} #polyhedral.map<"{{ {"; ".join(pieces)} }}">{across} : '
                f"{window}",
                f"  %s{k} = cmcore.reduce add %r{k} along [1] : {window} -> {type}",
                f"  %f{k} = arith.constant dense<{read.scale}> : {type}",
                f"  %p{k} = arith.mulf %s{k}, %f{k} : {type}",
            ]
        total = "%p0"
        for k in range(1, len(stage.reads)):
            lines.append(f"  %t{k} = arith.addf {total}, %p{k} : {type}")
            total = f"%t{k}"
        write = f"{{ [{name}[i] -> lane[r, c]] -> {stage.array}[{block}*i + r, c] : {own} }}"
        return [
            *lines,
            f'  polyhedral.write {total}, @{stage.array} #polyhedral.map<"{write}"> : {type}',
            "}",
        ]

    def outputs(self, inputs: Sequence[np.ndarray]) -> list[dict[str, np.ndarray]]:
        """The arrays of each inference, each row computed from the rows that it reads, in whatever order."""
        rows, stages = self.rows(), {stage.array: stage for stage in self.stages}

        @cache
        def row(array: str, n: int, h: int) -> np.ndarray:
            if array == "x":
                return inputs[n][h].astype(np.float64)
            if n < 0:
                return self.initial[array][n, h].astype(np.float64)
            found = np.zeros(WIDTH)
            for read in stages[array].reads:
                for m, at in read.rows(h, rows[read.array]):
                    found = found + read.scale * row(read.array, n + m, at)
            return found

        return [
            {array: np.array([row(array, n, h) for h in range(rows[array])]) for array in stages}
            for n in range(len(inputs))
        ]

    def overwritten(self, inferences: int = 12) -> tuple[str, str] | None:
        """An array and a reader in whose buffer an element is overwritten before a later inference reads it."""
        rows, writers = self.rows(), {stage.array: stage for stage in self.stages}
        for array, reader in self.rings:
            (stage,) = (s for s in self.stages if s.name == reader)
            reads: dict[int, set[int]] = defaultdict(set)  # by row: inferences later
            for read in stage.reads:
                for h in range(stage.rows):
                    for m, row in read.rows(h, rows[array]) if read.array == array else ():
                        reads[row].add(-m)
            writer, occupant = writers[array], dict[tuple[int, ...] | None, tuple[int, int]]()
            for n in range(inferences):
                for i in writer.iterations():
                    for row in range(writer.block * i, writer.block * (i + 1)):
                        slot = self.slot(array, reader, n, row)
                        if slot in occupant:
                            before, old = occupant[slot]
                            if reads[old] and before + max(reads[old]) > n:
                                return array, reader
                        occupant[slot] = n, row
        return None


def draw_pipeline(rng: random.Random) -> Pipeline:
    """A random pipeline, most of which the compiler accepts."""
    count = rng.choice([1, 1, 2, 2, 3])
    stages: list[Stage] = []
    for k in range(count):
        block = rng.choice([1, 1, 1, 2])
        rows = rng.randint(1, 4 if block == 1 else 2)
        order = "-i" if rng.random() < 0.3 else None
        stages.append(Stage(f"s{k}", f"a{k}", block, rows, order))
    for k, stage in enumerate(stages):
        source = f"a{k - 1}" if k else "x"
        stage.reads.append(_forward(rng, source, stages[k - 1].rows if k else stage.rows))
    for _ in range(rng.randint(1, 3)):
        k, j = rng.randrange(count), rng.randrange(count)
        stages[k].reads.append(_carried(rng, stages[k], stages[j], j < k))
    back = _back(stages)
    rows = {stage.array: stage.rows for stage in stages}
    rings: dict[tuple[str, str], tuple[str, int]] = {}
    for stage in stages:
        for array in dict.fromkeys(read.array for read in stage.reads):
            if array != "x" and rng.random() < 0.5:
                most = back[array, stage.name] + 1
                (block,) = (s.block for s in stages if s.array == array)
                rings[array, stage.name] = (
                    ("inferences", rng.randint(max(1, most - 1), most + 1))
                    if rng.random() < 0.5
                    else ("rows", rng.randint(block, most * rows[array] + 2))
                )
    return pipeline_of(stages, rings, rng.choice([0, 0, 0, 1]), rng.getrandbits(30))


def pipeline_of(
    stages: list[Stage],
    rings: dict[tuple[str, str], tuple[str, int]],
    more: int = 0,
    seed: int = 0,
) -> Pipeline:
    """A pipeline with random initial values, for as many inferences as are read and some more."""
    held: dict[str, int] = defaultdict(int)
    for (array, _), back in _back(stages).items():
        if array != "x" and back:
            held[array] = max(held[array], back + more)
    values = np.random.default_rng(seed)
    initial = {
        stage.array: values.integers(-8, 8, (held[stage.array], stage.rows, WIDTH)) / 4
        for stage in stages
        if held[stage.array]
    }
    return Pipeline(stages, rings, held, initial)


def _back(stages: list[Stage]) -> dict[tuple[str, str], int]:
    """How many inferences each stage reaches back in each array that it reads."""
    rows = {"x": stages[0].rows, **{stage.array: stage.rows for stage in stages}}
    back: dict[tuple[str, str], int] = defaultdict(int)
    for stage in stages:
        for read in stage.reads:
            for h in range(stage.rows):
                for m, _ in read.rows(h, rows[read.array]):
                    key = read.array, stage.name
                    back[key] = max(back[key], -m)
    return back


def _scale(rng: random.Random) -> float:
    return rng.choice([-1, 1]) * rng.choice([0.25, 0.5, 0.75])


def _forward(rng: random.Random, array: str, rows: int) -> Read:
    """A read of the inference itself, of an array that was written before: a window, or all rows."""
    if rng.random() < 0.2:
        return Read(array, rows, [Piece("0", "t", "0 <= h")], _scale(rng), False)
    window = rng.randint(1, 2)
    row = rng.choice(["h + t", f"h + t - {rng.randint(0, 1)}", f"{rows - 1} - h - t"])
    return Read(
        array, window, [Piece("0", row, "0 <= h")], _scale(rng), array != "x" and rng.random() < 0.3
    )


def _carried(rng: random.Random, reader: Stage, writer: Stage, earlier: bool) -> Read:
    """A read of earlier inferences, or of earlier iterations of the reader itself, or of both.

    earlier: the array has been written before in the same inference.
    """
    last, d = writer.rows - 1, rng.randint(1, 3)
    every = "0 <= h"
    kinds = ["same", "reversed", "all", "window", "mixed", "last"]
    if reader is writer and reader.block == 1 and reader.order is None:
        kinds += ["recurrent", "recurrent", "recurrent"]
    match rng.choice(kinds):
        case "same":
            window, pieces = 1, [Piece(f"-{d}", "h", every)]
        case "reversed":
            window, pieces = 1, [Piece(f"-{d}", f"{last} - h", every)]
        case "all":
            window, pieces = writer.rows, [Piece(f"-{d}", "t", every)]
        case "window":  # of inferences; the last one is that of the iteration, where it can be
            window = d
            pieces = [Piece(f"t - {d - earlier}", rng.choice(["h", f"{last} - h"]), every)]
        case "mixed":
            window, other = 1, rng.randint(0 if earlier else 1, 2)
            pieces = [
                Piece(f"-{d}", "h", "h % 2 <= 0"),
                Piece(f"-{other}", f"{last} - h", "h % 2 >= 1"),
            ]
        case "last":
            window, pieces = 1, [Piece(f"-{d}", str(last), "h <= 0")]
        case _:
            window = 1
            pieces = [Piece("0", "h - 1", "h >= 1"), Piece(f"-{d}", str(last), "h <= 0")]
    return Read(writer.array, window, pieces, _scale(rng), True)
