"""Small random networks at the cmcore level, of every structure that the compiler makes, drawn from a seed.

Most are convolutional, come from ONNX and keep their source, as scans do, some with state across inferences. The others
are made of relations, at the polyhedral level: iterations that form no box, elements that nobody writes, reads that
depend on the place or reach into earlier inferences.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from networks import Builder, Impossible
from proof.drawn_state import draw_pipeline
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from cmir.context import CmirContext, make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.polyhedral import PipelineOp, StageOp
from cmir.extensions import installed_universe
from cmir.frontends.onnx import import_onnx
from cmir.isl import IslError
from cmir.pipelines.text import parse_passes
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module

TO_CMCORE = "polyhedral-derive-dependences,polyhedral-generate-loops,convert-polyhedral-to-cmcore"


KINDS = {"convolutions": 0.5, "relations": 0.15, "state": 0.2, "scan": 0.15}
"""Kinds of networks, with their frequencies."""


@dataclass
class Case:
    """A compiled network.

    passes: what was done at the polyhedral level. structures: what is in it, for counts. source: the function that it
    was compiled from, folded, if there is one at the nn level.
    """

    network: NetworkOp
    parameters: Parameters
    passes: list[str]
    structures: set[str]
    source: FuncOp | None


@dataclass
class _Draft:
    """A network at the polyhedral level."""

    module: ModuleOp
    context: CmirContext
    structures: set[str] = field(default_factory=set)
    source: FuncOp | None = None


def draw_case(rng: random.Random, kind: str | None = None) -> Case:
    """A random network. Raises CompileError where the compiler refuses what was drawn.

    kind: one of `KINDS`, or any of them.
    """
    with collect_diagnostics():
        kinds = [*KINDS] if kind is None else [kind]
        draft = _DRAWN[rng.choices(kinds, [KINDS[k] for k in kinds])[0]](rng)
        parameters = Parameters((draft.context.parameters or Parameters()).copy())
        passes = _change(rng, draft)
        _run(TO_CMCORE, draft)
        draft.module.verify()
    (network,) = draft.module.body.block.ops
    assert isinstance(network, NetworkOp)
    network.detach()
    structures = draft.structures or {"chain"}
    return Case(network, parameters, passes, structures, draft.source)


def _run(passes: str, draft: _Draft) -> None:
    for item in parse_passes(passes, "case", installed_universe().all_passes):
        item.apply(draft.context, draft.module)


def _change(rng: random.Random, draft: _Draft) -> list[str]:
    """Run random passes; those that refuse what does not fit change nothing."""
    done: list[str] = []
    for passes, structure in _changes(rng, draft):
        try:
            _run(passes, draft)
        except (CompileError, IslError):
            continue
        done.append(passes)
        draft.structures.add(structure)
    return done


def _changes(rng: random.Random, draft: _Draft) -> Iterator[tuple[str, str]]:
    """Passes at the polyhedral level, and what each makes of a network. The GCU's stages are not spread."""
    if rng.random() < 0.25:
        yield "polyhedral-stream-inputs", "streamed input"
    if rng.random() < 0.2:
        yield "polyhedral-stream-outputs", "streamed output"
    for name, stage in _stages(draft):
        if rng.random() < 0.3:
            yield _schedule(rng, name, len(stage.body.block.args))
    yield from _changes_of_cores(rng, draft)
    match rng.choice(["full", "live", "live", "lossless", "rows"]):
        case "rows":
            yield f"polyhedral-assign-storage{{rows={rng.randint(1, 5)}}}", "rings"
        case "full":
            pass
        case sizes:
            yield f"polyhedral-assign-storage{{sizes={sizes}}}", "rings"


def _changes_of_cores(rng: random.Random, draft: _Draft) -> Iterator[tuple[str, str]]:
    """Passes that spread stages over cores, divide their iterations into turns, or merge two into one core."""
    for name in _some(rng, draft, 0.35):
        outputs, inputs = rng.randint(1, 3), rng.randint(1, 2)
        if outputs * inputs > 1:
            options = f"stage={name} outputs={outputs} inputs={inputs}"
            yield f"polyhedral-split-matrices{{{options}}}", "split"
    for name in _some(rng, draft, 0.3):
        by = rng.choice(["rows", "bands", "columns", "runs"])
        options = f"stage={name} copies={rng.randint(2, 3)} by={by}"
        yield f"polyhedral-replicate{{{options}}}", f"replicated by {by}"
    for name in _some(rng, draft, 0.3):
        options = f"stage={name} copies={rng.randint(2, 5)} by=turns"
        yield f"polyhedral-replicate{{{options}}}", "turns"
    if rng.random() < 0.15:
        names = [name for name, _ in _stages(draft)]
        for one, two in itertools.pairwise(names):
            if rng.random() < 0.5:
                yield f"polyhedral-merge-stages{{stages={one},{two}}}", "merged"
                break


def _some(rng: random.Random, draft: _Draft, often: float) -> list[str]:
    """The names of half of the stages, in a part of all cases."""
    return (
        [name for name, _ in _stages(draft) if rng.random() < 0.5] if rng.random() < often else []
    )


def _stages(draft: _Draft) -> list[tuple[str, StageOp]]:
    (pipeline,) = draft.module.body.block.ops
    assert isinstance(pipeline, PipelineOp)
    return [(name, stage) for name, stage in pipeline.stages.items() if stage.gcu is None]


def _schedule(rng: random.Random, name: str, rank: int) -> tuple[str, str]:
    dims = list(range(rank))
    kind = rng.choice(["reversed", "tiled", "interchanged", "skewed"])
    if kind == "interchanged" and rank > 1:
        rng.shuffle(dims)
        change = f"interchange={','.join(map(str, dims))}"
    elif kind == "skewed" and rank > 1:
        times = [f"t{d}" for d in dims]
        skew = [f"{times[0]} + {rng.randint(1, 2)}{times[1]}", *times[1:]]
        change = f'map="{{ [{", ".join(times)}] -> [{", ".join(skew)}] }}"'
    elif kind == "tiled" and rank > 0:
        change = f"tile={','.join(str(rng.randint(1, 3)) for _ in dims)}"
    else:
        kind = "reversed"
        change = f"reverse={rng.randrange(max(1, rank))}"
    return f"polyhedral-schedule{{stage={name} {change}}}", kind


def _convolutions(rng: random.Random) -> _Draft:
    """Convolutions, pools, additions, concatenations, crops and pads of a small image or row."""
    space = [rng.randint(4, 8)] if rng.random() < 0.5 else [rng.randint(2, 5), rng.randint(2, 4)]
    net = Builder(rng.randint(1, 2), *space, seed=rng.getrandbits(30))
    structures: set[str] = set()
    values = ["x", net.conv("x", rng.randint(1, 3), 3, 1, 1)]
    for _ in range(rng.randint(1, 4)):
        try:
            values.append(_operator(rng, net, values, structures))
        except Impossible:
            continue
    outputs = {values[-1]}
    if rng.random() < 0.2:
        outputs.add(rng.choice(values[1:]))
    with TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        onnx.save(net.model(*sorted(outputs)), path)
        imported = import_onnx(path)
    context = make_context()
    context.parameters = imported.parameters
    draft = _Draft(imported.module, context, structures)
    _run("nn-fold-batch-norm,canonicalize", draft)
    (source,) = imported.module.clone().body.block.ops
    assert isinstance(source, FuncOp)
    source.detach()
    draft.source = source
    _run("nn-outline-stages,convert-nn-to-polyhedral", draft)
    return draft


def _operator(rng: random.Random, net: Builder, values: list[str], structures: set[str]) -> str:
    """One more operator, mostly on the last value. Raises Impossible where it does not fit."""
    x = values[-1] if rng.random() < 0.8 else rng.choice(values)
    alike = [v for v in values if net.shapes[v] == net.shapes[x] and v != x]
    least = min(net.shapes[x][1:])
    match rng.choice(["conv"] * 3 + ["add"] * 2 + ["relu", "pool", "concat", "crop", "pad"]):
        case "conv":
            window = rng.randint(1, 3), rng.choice([1, 1, 2]), rng.randint(0, 1)
            return net.conv(x, rng.randint(1, 3), *window, dilations=rng.choice([1, 1, 2]))
        case "relu":
            return net.relu(x)
        case "pool":
            return net.pool(x, rng.choice(["Max", "Average"]), 2, rng.randint(1, 2))
        case "add" if alike:
            structures.add("reconvergent")
            return net.add(x, rng.choice(alike))
        case "concat" if alike:
            structures.add("concatenation")
            return net.concat(x, rng.choice(alike))
        case "crop" if least > 2:
            structures.add("holes")
            cropped = net.crop(x, rng.randint(0, 1), least - rng.randint(0, 1))
            return net.conv(cropped, 1, 2, rng.randint(1, 2), rng.randint(0, 2))
        case "pad":
            structures.add("holes")
            return net.conv(net.pad(x, rng.randint(0, 2), rng.randint(0, 2)), 1, rng.randint(1, 2))
        case _:
            raise Impossible("nothing fits")


def _relations(rng: random.Random) -> _Draft:
    """Stages over boxes, triangles and lattices that add up windows of one or two earlier arrays."""
    rank = rng.randint(1, 2)
    sizes = [rng.randint(3, 6 if rank == 1 else 4) for _ in range(rank)]
    shape = "x".join(map(str, sizes))
    structures: set[str] = set()
    arrays, stages = [f"  polyhedral.array @a0 : tensor<{shape}xf32>"], []
    inside = [_box(sizes)]  # of each array, the elements that there are
    count = rng.randint(2, 3)
    for k in range(1, count + 1):
        kind = "box" if k == count else rng.choice(["box", "triangle", "triangle", "lattice"])
        if kind != "box":
            structures.add({"triangle": "triangles", "lattice": "holes"}[kind])
        domain = _box(sizes) + _shape(kind, rank)
        reads = [k - 1] + ([rng.randrange(k - 1)] if k > 1 and rng.random() < 0.4 else [])
        if len(reads) > 1:
            structures.add("reconvergent")
        arrays.append(f"  polyhedral.array @a{k} : tensor<{shape}xf32>")
        stages.append(_stage(rng, k, rank, domain, [(source, inside[source]) for source in reads]))
        inside.append(domain)
    lines = [f"polyhedral.pipeline @main (@a0) -> (@a{count}) {{", *arrays, *stages, "}"]
    return _Draft(parse_module("\n".join(lines), make_context()), make_context(), structures)


def _state(rng: random.Random) -> _Draft:
    """Stages that read earlier inferences."""
    module = parse_module(draw_pipeline(rng).text(), make_context())
    return _Draft(module, make_context(), {"state"})


def _scan(rng: random.Random) -> _Draft:
    """A scan over some steps, inside of an inference or with a state that begins where the one before has ended."""
    steps, width = rng.randint(2, 4), rng.randint(2, 3)
    step, whole = f"tensor<{width}xf32>", f"tensor<{steps}x{width}xf32>"
    across = rng.random() < 0.5
    begin = f", %s: {step} {{nn.carried_from = 1 : index, nn.initial = dense<0.5> : {step}}}"
    lines, values = list[str](), ["%h", "%v"]
    for k in range(rng.randint(1, 4)):
        value = rng.choice(values[-2:])
        match rng.choice(["tanh", "relu", "add", "gemm", "softmax"]):
            case "gemm":
                numbers = [[rng.randint(-4, 4) / 4 for _ in range(width)] for _ in range(width)]
                square = f"tensor<{width}x{width}xf32>"
                lines.append(f"%w{k} = nn.parameter dense<{numbers}> : {square}")
                lines.append(f"%x{k} = nn.gemm {value}, %w{k} : ({step}, {square}) -> {step}")
            case "add":
                other = rng.choice(values)
                lines.append(f"%x{k} = nn.add {value}, {other} : ({step}, {step}) -> {step}")
            case "softmax":
                lines.append(f"%x{k} = nn.softmax {value} {{axes = [0]}} : ({step}) -> {step}")
            case name:
                lines.append(f"%x{k} = nn.{name} {value} : ({step}) -> {step}")
        values.append(f"%x{k}")
    lines.append(f"%n = nn.add {values[-1]}, %v : ({step}, {step}) -> {step}")
    lines.append(f"nn.yield %n, {values[-1]} : {step}, {step}")
    text = "\n      ".join(lines)
    module = parse_module(
        f"""
func.func @main(%xs: {whole}{begin if across else ""}) -> ({whole}{f", {step}" if across else ""}) {{
  %r = nn.relu %xs : ({whole}) -> {whole}
  %b = nn.parameter dense<0.25> : {step}
  %h1, %y = nn.scan carried(%h = {"%s" if across else "%b"} : {step}) over(%v = %r : {whole})
      -> ({whole}, {whole}) {{
      {text}
  }}
  %l = nn.slice %h1 {{starts = [{steps - 1}, 0], ends = [{steps}, {width}]}} : ({whole}) -> tensor<1x{width}xf32>
  %e = nn.reshape %l {{shape = [{width}]}} : (tensor<1x{width}xf32>) -> {step}
  func.return %y{", %e" if across else ""} : {whole}{f", {step}" if across else ""}
}}
""",
        make_context(),
    )
    (source,) = module.clone().body.block.ops
    assert isinstance(source, FuncOp)
    source.detach()
    structures = {"scan", "state"} if across else {"scan"}
    draft = _Draft(module, make_context(), structures, source)
    _run("nn-outline-stages,convert-nn-to-polyhedral", draft)
    return draft


_DRAWN: dict[str, Callable[[random.Random], _Draft]] = {
    "convolutions": _convolutions,
    "relations": _relations,
    "state": _state,
    "scan": _scan,
}


Constraints = list[str]
"""Conditions on a point, with its coordinates in braces: `0 <= {0} < 4`."""


def _box(sizes: list[int]) -> Constraints:
    return [f"0 <= {{{d}}} < {size}" for d, size in enumerate(sizes)]


def _shape(kind: str, rank: int) -> Constraints:
    match kind:
        case "triangle":
            return ["{1} <= {0}"] if rank == 2 else ["{0} >= 1"]
        case "lattice":
            return ["({0} + {1}) mod 2 = 0"] if rank == 2 else ["{0} mod 2 = 0"]
        case _:
            return []


def _at(constraints: Constraints, point: list[str]) -> str:
    return " and ".join(c.format(*(f"({x})" for x in point)) for c in constraints)


def _stage(
    rng: random.Random,
    k: int,
    rank: int,
    domain: Constraints,
    sources: list[tuple[int, Constraints]],
) -> str:
    """A stage that writes the element of array k at its own point."""
    point = ["i", "j"][:rank]
    iteration, lanes = f"s{k}[{', '.join(point)}]", ["u", "v"][:rank]
    body: list[str] = []
    for number, (source, inside) in enumerate(sources):
        window = [rng.randint(1, 3) for _ in lanes]
        location = [f"{x} + {u} - {rng.randint(0, 1)}" for x, u in zip(point, lanes, strict=True)]
        where = [_at(domain, point), _at(_box(window), lanes), _at(inside, location)]
        access = (
            f"{{ [{iteration} -> lane[c = 0, {', '.join(lanes)}]] -> a{source}[{', '.join(location)}] : "
            f"{' and '.join(where)} }}"
        )
        type = f"vector<1x{'x'.join(map(str, window))}xf32>"
        weights = _nested([1, *window], lambda: f"{rng.uniform(0.5, 1.5):.3f}")
        body += [
            f'    %r{number} = polyhedral.read @a{source} #polyhedral.map<"{access}"> : {type}',
            f"    %w{number} = arith.constant dense<{weights}> : {type}",
            f"    %p{number} = arith.mulf %r{number}, %w{number} : {type}",
            f"    %y{number} = cmcore.reduce add %p{number} along {list(range(1, rank + 1))} : "
            f"{type} -> vector<1xf32>",
        ]
    result = "%y0"
    if len(sources) > 1:
        body.append("    %y = arith.addf %y0, %y1 : vector<1xf32>")
        result = "%y"
    write = f"{{ [{iteration} -> lane[c = 0]] -> a{k}[{', '.join(point)}] : {_at(domain, point)} }}"
    body.append(f'    polyhedral.write {result}, @a{k} #polyhedral.map<"{write}"> : vector<1xf32>')
    arguments, points = (
        ", ".join(f"%{x}" for x in point),
        f"{{ {iteration} : {_at(domain, point)} }}",
    )
    head = f'  polyhedral.stage @s{k} ({arguments}) domain #polyhedral.set<"{points}"> {{'
    return "\n".join([head, *body, "  }"])


def _nested(sizes: list[int], number: Callable[[], str]) -> str:
    if not sizes:
        return number()
    return "[" + ", ".join(_nested(sizes[1:], number) for _ in range(sizes[0])) + "]"
