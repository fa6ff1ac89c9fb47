"""Random networks of vectors with state, and networks of nn text at both levels, with streams for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from cmir.context import CmirContext, make_context
from cmir.dialects.nn import evaluate_stream as evaluate_function_stream
from cmir.dialects.polyhedral import PipelineOp
from cmir.passes.convert_nn_to_polyhedral import ConvertNnToPolyhedralPass
from cmir.passes.nn_outline_stages import NnOutlineStagesPass
from cmir.semantics.pipeline import evaluate_stream
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module

Arrays = list[np.ndarray]


@dataclass
class Lowered:
    """A network at both levels, with parameters for each."""

    function: FuncOp
    pipeline: PipelineOp
    given: Parameters
    parameters: Parameters

    def at_nn(self, stream: Sequence[Arrays], first: Sequence[int] | None = None) -> list[Arrays]:
        return [
            [*outputs]
            for outputs in evaluate_function_stream(self.function, stream, self.given, first)
        ]

    def at_polyhedral(
        self, stream: Sequence[Arrays], first: Sequence[int] | None = None
    ) -> list[Arrays]:
        return list(evaluate_stream(self.pipeline, stream, self.parameters, first))

    def copies(self) -> int:
        return sum(name.startswith("copy") for name in self.pipeline.stages)


def lower(text: str, parameters: dict[str, np.ndarray] | None = None) -> Lowered:
    context = make_context()
    module = parse_module(text, context, "test.mlir")
    module.verify()
    function = module.clone().body.block.first_op
    assert isinstance(function, FuncOp)
    given = Parameters(parameters)
    context.parameters = given.copy()
    pipeline = _lower(context, module)
    return Lowered(function, pipeline, given, context.parameters)


def _lower(context: CmirContext, module: ModuleOp) -> PipelineOp:
    for item in (NnOutlineStagesPass(), ConvertNnToPolyhedralPass()):
        item.apply(context, module)
        module.verify()
    pipeline = module.body.block.first_op
    assert isinstance(pipeline, PipelineOp)
    return pipeline


def assert_equal(found: Sequence[Arrays], expected: Sequence[Sequence[np.ndarray]]) -> None:
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def stream(*shapes: Sequence[int], count: int = 7, seed: int = 0) -> list[Arrays]:
    random = np.random.default_rng(seed)
    return [[random.standard_normal(s).astype(np.float32) for s in shapes] for _ in range(count)]


STARTS = [None, [0, 0, 0, 3, 3, 5, 5], [0, 1, 2, 3, 4, 5, 6]]
"""The first inferences of the sequences of each inference: one sequence, lengths 3, 2, 2, and every inference alone."""


def begins(n: int, first: Sequence[int] | None) -> bool:
    return n == (0 if first is None else first[n])


@dataclass
class Drawing:
    """A random network of vectors in the making."""

    data: st.DataObject
    lines: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def pick(self, sizes: Sequence[int] | None = None) -> str:
        return self.data.draw(
            st.sampled_from([n for n, k in self.sizes.items() if sizes is None or k in sizes])
        )

    def add(self, text: str, size: int, *operands: str) -> str:
        name = f"%v{len(self.lines)}"
        types = ", ".join(f"tensor<{self.sizes[o]}xf32>" for o in operands)
        self.lines.append(f"  {name} = {text} : ({types}) -> tensor<{size}xf32>")
        self.sizes[name] = size
        return name

    def piece(self, x: str, size: int) -> str:
        """A run of elements, perhaps in reverse."""
        begin = self.data.draw(st.integers(0, self.sizes[x] - size))
        text = f"starts = [{begin}], ends = [{begin + size}]"
        if self.data.draw(st.booleans()):
            text = f"starts = [{begin + size - 1}], ends = [{begin - 1}], steps = [-1]"
        return self.add(f"nn.slice {x} {{{text}}}", size, x)

    def turn(self, x: str) -> None:
        """The elements as a matrix, transposed."""
        size = self.sizes[x]
        rows = self.data.draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
        shapes = [f"{size}", f"{rows}x{size // rows}", f"{size // rows}x{rows}", f"{size}"]
        texts = [f"reshape {{shape = [{rows}, {size // rows}]}}", "transpose {perm = [1, 0]}"]
        texts.append(f"reshape {{shape = [{size}]}}")
        for text, before, after in zip(texts, shapes[:-1], shapes[1:], strict=True):
            kind, _, options = text.partition(" ")
            name = f"%v{len(self.lines)}"
            types = f"(tensor<{before}xf32>) -> tensor<{after}xf32>"
            self.lines.append(f"  {name} = nn.{kind} {x} {options} : {types}")
            x = name
        self.sizes[x] = size

    def operator(self) -> None:
        a = self.pick()
        match self.data.draw(st.sampled_from(["relu", "tanh", "add", "piece", "join", "turn"])):
            case "relu" | "tanh" as kind:
                self.add(f"nn.{kind} {a}", self.sizes[a], a)
            case "add":
                b = self.pick([self.sizes[a]])
                self.add(f"nn.add {a}, {b}", self.sizes[a], a, b)
            case "turn":
                self.turn(a)
            case "piece":
                self.piece(a, self.data.draw(st.integers(1, self.sizes[a])))
            case _:
                self.join([a, self.pick()])

    def join(self, parts: Sequence[str]) -> str:
        if len(parts) == 1:
            return parts[0]
        size = sum(self.sizes[part] for part in parts)
        return self.add(f"nn.concat {', '.join(parts)} {{axis = 0}}", size, *parts)

    def of_size(self, size: int) -> str:
        """Any value of a size: pieces of others."""
        parts = list[str]()
        while left := size - sum(self.sizes[part] for part in parts):
            x = self.pick()
            wanted = self.data.draw(st.integers(1, min(left, self.sizes[x])))
            parts.append(self.piece(x, wanted))
        return self.join(parts)


def draw_network(data: st.DataObject) -> tuple[str, dict[str, np.ndarray], int]:
    """The text of a network, the initial values that it names, and the size of its input."""
    drawing = Drawing(data)
    size = data.draw(st.integers(1, 3))
    states = {f"%s{i}": data.draw(st.integers(1, 5)) for i in range(data.draw(st.integers(1, 3)))}
    drawing.sizes = {"%x": size, **states}
    for _ in range(data.draw(st.integers(0, 5))):
        drawing.operator()
    carried = [drawing.of_size(size) for size in states.values()]
    y = drawing.pick()
    z = drawing.add(f"nn.tanh {y}", drawing.sizes[y], y)
    results = [z, *carried, *([drawing.pick()] if data.draw(st.booleans()) else [])]
    arguments, parameters = [f"%x: tensor<{size}xf32>"], dict[str, np.ndarray]()
    for index, (name, count) in enumerate(states.items()):
        type_ = f"tensor<{count}xf32>"
        values = data.draw(st.lists(st.integers(-4, 4), min_size=count, max_size=count))
        initial = data.draw(st.sampled_from(["0.0", "1.0", str([float(v) for v in values]), ""]))
        if not initial:
            parameters[name[1:]] = np.array(values, np.float32)
        text = f"dense<{initial}> : {type_}" if initial else f'"{name[1:]}"'
        arguments.append(
            f"{name}: {type_} {{nn.carried_from = {index + 1} : index, nn.initial = {text}}}"
        )
    types = ", ".join(f"tensor<{drawing.sizes[r]}xf32>" for r in results)
    text = "\n".join(
        [
            f"func.func @main({', '.join(arguments)}) -> ({types}) {{",
            *drawing.lines,
            f"  func.return {', '.join(results)} : {types}",
            "}",
        ]
    )
    return text, parameters, size
