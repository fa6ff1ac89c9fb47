"""Crossbars, copies and the balance of pipelines, against mappings that the authors of PIMCOMP publish.

    python benchmarks/published.py                   all networks, and other publications (published_chips.py)
    python benchmarks/published.py resnet18          some networks
    python benchmarks/published.py --compile …       also what the compiler does on this chip, in cycles
    python benchmarks/published.py --slow            also other publications that take long to reproduce

PIMCOMP (Sun et al., "PIMCOMP: A Universal Compilation Framework for Crossbar-based PIM DNN Accelerators", DAC 2023;
"PIMCOMP: An End-to-End DNN Compiler for Processing-In-Memory Accelerators", TCAD 2024) maps networks to chips of 12×12
cores of 64 crossbars of 128×128. Its repository, github.com/sunxt99/PIMCOMP-NN, has a whole mapping in
output/MappingResult.txt, of another network in three of its commits: 0755f93 of ResNet-18, 9f1e3ed of GoogLeNet,
9f2f697 of SqueezeNet 1.1. published_pimcomp.csv has of each layer the sums over that file, and its matrix from
models/JSON of the same commit; `node` is its number there. Layers are in the order in which the compiler has them.

Which of PIMCOMP's methods made them is not said; `balance` (backend/WeightReplication.cpp), the default, gives the
layer with the most windows left one copy more, again and again, until copies take half of the crossbars.

The same is computed here from the networks of zoo.py, on crossbars of the preset `pimcomp-evaluator`: matrices,
iterations and crossbars are those of the compiler's stages, and copies are chosen by what chooses them in
polyhedral-replicate, for as many crossbars as the published mapping takes. This is a mapping in PIMCOMP's terms, where
copies share cores at will. With --compile, the last two columns have the cycles of an inference that the busiest core
of each layer takes, with 4000 for a product (MVMUL_latency of PIMCOMP's evaluator): those of PIMCOMP's mapping, and
those of the network that the compiler makes for the chip, with copies on cores and ways in their crossbars.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import islpy as isl
import onnx
from xdsl.dialects.builtin import ModuleOp
from xdsl.universe import Universe
from zoo import build

import cmir
from cmir.analysis.balance import ReplicationChoice, balance
from cmir.analysis.copies import nodes_of
from cmir.context import CmirContext, make_context
from cmir.cost.firing import Firing, Matrix
from cmir.cost.tiling import Tiling
from cmir.dialects.polyhedral import PipelineOp, StageOp
from cmir.frontends.onnx import import_onnx
from cmir.hardware.description import Hardware
from cmir.isl.cores import count_points
from cmir.library.run import Run
from cmir.pipelines.text import parse_passes
from cmir.support.origins import node_of

TABLE = Path(__file__).with_name("published_pimcomp.csv")
CHIP_NAME = "pimcomp-evaluator"
CROSSBAR = Hardware.load(CHIP_NAME).crossbar
CHIP = 12 * 12 * 64
"""The crossbars of the chip."""


@dataclass(frozen=True)
class Mapped:
    """A layer, and how it is mapped.

    outputs, inputs: of its matrix. windows: vectors that it is multiplied with in an inference. crossbars: of one copy.
    windows_of_a_copy: of the copy that has the most. node: of the model, if it is known.
    """

    name: str
    outputs: int
    inputs: int
    windows: int
    crossbars: int
    copies: int
    windows_of_a_copy: int
    node: str | None = None

    @property
    def cycles(self) -> int:
        """The cycles of an inference that products take on one copy."""
        return self.windows_of_a_copy * CROSSBAR.phases * CROSSBAR.phase_cycles


@dataclass(frozen=True)
class Layer:
    """A layer as the compiler has it: its matrix, how many iterations it has, in how many rows, and its node."""

    name: str
    matrix: Matrix
    iterations: int
    rows: int
    node: str | None = None

    @property
    def crossbars(self) -> int:
        """The crossbars that one copy of it takes."""
        return Tiling.of(self.matrix, CROSSBAR).crossbars

    def mapped(self, choice: ReplicationChoice) -> Mapped:
        """The layer with so many copies. Copies of a block-diagonal matrix have no published counterpart."""
        assert self.matrix.blocks == 1, "a published network has no grouped convolution"
        sizes = self.matrix.outputs, self.matrix.inputs, self.iterations
        copies = self.crossbars, choice.copies, choice.interval
        return Mapped(self.name, *sizes, *copies, self.node)


def published() -> dict[str, list[Mapped]]:
    """The published mappings, by network."""
    networks: dict[str, list[Mapped]] = {}
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            network, name = row.pop("network"), f"node {row.pop('node')}"
            sizes = {key: int(value) for key, value in row.items()}
            networks.setdefault(network, []).append(Mapped(name, **sizes, node=None))
    return networks


def polyhedral(model: onnx.ModelProto) -> tuple[CmirContext, ModuleOp]:
    """The stages that the compiler makes of a network, with its parameters in the context."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        onnx.save(model, path)
        imported = import_onnx(path)
    context, module = make_context(), imported.module
    context.parameters = imported.parameters
    for item in parse_passes("nn-to-polyhedral", "benchmark", Universe.get_multiverse().all_passes):
        item.apply(context, module)
    return context, module


def compiled(model: onnx.ModelProto) -> list[Layer]:
    """The layers of a network that are on crossbars, from the stages that the compiler makes of it."""
    _, module = polyhedral(model)
    (pipeline,) = module.body.block.ops
    assert isinstance(pipeline, PipelineOp)
    layers = (_layer(stage) for stage in pipeline.stages.values())
    return [layer for layer in layers if layer is not None]


def _layer(stage: StageOp) -> Layer | None:
    matrices = Firing.of(stage).matrices
    if not matrices:
        return None
    (matrix,) = matrices
    points = stage.domain.points
    inner = points.dim(isl.dim_type.set) - 1
    rows = 1 if inner < 0 else count_points(points.project_out(isl.dim_type.set, 1, inner))
    return Layer(stage.sym_name.data, matrix, count_points(points), rows, node_of(stage))


def on_chip(model: onnx.ModelProto) -> tuple[dict[str | None, int], Run]:
    """The cycles of the busiest core of each node in the compiled network, with copies and ways; and its timing."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        onnx.save(model, path)
        net = cmir.compile(
            path,
            CHIP_NAME,
            replicate="columns-ways",
            storage="lossless",
            placement_seconds=0,
            progress=False,
        )
        run = net.timing(8)
    cycles: dict[str | None, int] = {}
    nodes = nodes_of(net.timed.network.op)
    for core in run.record.cores:
        node = nodes.get(core.name.program)
        cycles[node] = max(cycles.get(node, 0), ceil(core.pace.cycles(core.iterations)))
    return cycles, run


def mapped(
    layers: Sequence[Layer], available: int, deal: Callable[[Layer], int] = lambda _: 1
) -> list[Mapped]:
    """The mapping with the shortest interval for so many crossbars, and of these one with the fewest.

    deal: how many windows of a layer are dealt out to its copies at a time.
    """
    chosen = balance([_choices(layer, deal(layer)) for layer in layers], available)
    return [layer.mapped(choice) for layer, choice in zip(layers, chosen, strict=True)]


def _choices(layer: Layer, deal: int) -> list[ReplicationChoice]:
    choices: list[ReplicationChoice] = []
    each, deals = layer.crossbars, layer.iterations // deal
    for copies in range(1, deals + 1):
        interval = ceil(deals / copies) * deal
        if not choices or interval < choices[-1].interval:
            choices.append(ReplicationChoice(copies, copies * each, interval))
    return choices


def total(mapping: Sequence[Mapped]) -> int:
    """The crossbars of all copies."""
    return sum(layer.crossbars * layer.copies for layer in mapping)


def interval(mapping: Sequence[Mapped]) -> int:
    """Between two inferences, in windows: what the slowest layer has."""
    return max(layer.windows_of_a_copy for layer in mapping)


def compare(name: str, theirs: Sequence[Mapped], compiling: bool = False) -> bool:
    """Print one network, and say whether its layers are those of the published mapping. compiling: compile it, too."""
    layers = compiled(build(name))
    found = [(layer.matrix, layer.iterations) for layer in layers]
    if found != [(Matrix(t.outputs, t.inputs), t.windows) for t in theirs]:
        print(f"{name}: its matrices are not those of the published mapping", file=sys.stderr)
        return False
    ours = mapped(layers, total(theirs))
    by_rows = mapped(layers, total(theirs), lambda layer: layer.iterations // layer.rows)
    print(f"\n{name}: {len(theirs)} layers on crossbars of {CROSSBAR.rows}x{CROSSBAR.columns}")
    groups = "".join(
        f"{what:^26}" for what in ("crossbars of a copy", "copies", "windows of a copy")
    )
    print(f"{'':<36}{groups}")
    head = "".join(f"{'PIMCOMP':>9}{'cmir':>8}{'diff.':>9}" for _ in range(3))
    cycles, run = on_chip(build(name)) if compiling else ({}, None)
    head += f"{'cycles':>12}{'compiled':>10}" if compiling else ""
    print(f"{'layer':<8}{'':<9}{'matrix':>12}{'windows':>9}{head}")
    for their, our in zip(theirs, ours, strict=True):
        shape = f"{our.outputs}x{our.inputs}"
        pairs = (
            (their.crossbars, our.crossbars),
            (their.copies, our.copies),
            (their.windows_of_a_copy, our.windows_of_a_copy),
        )
        columns = "".join(f"{t:>9}{o:>8}{_difference(t, o):>9}" for t, o in pairs)
        if compiling:
            columns += f"{their.cycles:>12}{cycles[our.node]:>10}"
        print(f"{our.name:<8}{their.name:<9}{shape:>12}{our.windows:>9}{columns}")
    for what, measure in (
        ("crossbars, one copy of each layer", lambda m: sum(layer.crossbars for layer in m)),
        ("crossbars, all copies", total),
        ("windows between two inferences", interval),
    ):
        print(f"{what:<36}PIMCOMP {measure(theirs):>6}   cmir {measure(ours):>6}", end="   ")
        print(f"{_difference(measure(theirs), measure(ours))}")
    if run is not None:
        print(
            f"{'cycles between two inferences':<36}PIMCOMP {max(t.cycles for t in theirs):>6}   "
            f"compiled {run.interval:g}, on {run.figures['crossbars']} crossbars of {run.figures['cores']} cores; "
            f"latency {run.latency}"
        )
    for sentence in _explained(theirs, ours, by_rows):
        print(f"- {sentence}")
    return True


def _difference(published: int, ours: int) -> str:
    return "=" if published == ours else f"{100 * (ours - published) / published:+.1f} %"


def _explained(
    theirs: Sequence[Mapped], ours: Sequence[Mapped], by_rows: Sequence[Mapped]
) -> list[str]:
    """A sentence for each difference that there is."""
    sentences: list[str] = []
    both = list(zip(theirs, ours, strict=True))
    if all(t.crossbars == o.crossbars for t, o in both):
        sentences.append(
            "Crossbars of a copy are the same in every layer: both unroll a window to a column of the matrix, and cut "
            "the matrix along a grid."
        )
    slowest, fastest = interval(theirs), interval(ours)
    idle = sum(t.crossbars * max(0, t.copies - ceil(t.windows / slowest)) for t in theirs)
    if idle:
        rule = (
            "it ends as `balance` does, where copies take half of the chip, wherever that is"
            if _ends_at_half(theirs)
            else "it does not end where `balance` does, and what made it is not said"
        )
        sentences.append(
            f"{idle} crossbars of PIMCOMP's mapping hold copies that its {slowest} windows between inferences have no "
            f"use for: {rule}. Here copies are the fewest that have the shortest interval."
        )
    if fastest < slowest:
        late = [t for t in theirs if t.windows_of_a_copy > fastest]
        more = sum(t.crossbars * (ceil(t.windows / fastest) - t.copies) for t in late)
        names = ", ".join(layer.name for layer in late)
        sentences.append(
            f"The interval here is shorter because what is slower than that in PIMCOMP's ({names}) needs only {more} "
            "more of the crossbars that other layers have no use for."
        )
    if interval(by_rows) > fastest:
        sentences.append(
            "Both divide a layer's windows evenly, which is by=runs of polyhedral-replicate. With by=rows, which deals "
            f"out whole rows of the result, it is {interval(by_rows)} windows, on {total(by_rows)} crossbars."
        )
    return sentences


def _ends_at_half(mapping: Sequence[Mapped]) -> bool:
    """Whether copies, besides the first of each layer, end to be made as soon as they take half of the chip.

    Half of what fully connected layers leave; they have one window, and no copies.
    """
    free = CHIP - sum(layer.crossbars for layer in mapping if layer.windows == 1)
    copies = sum(layer.crossbars * (layer.copies - 1) for layer in mapping)
    largest = max(layer.crossbars for layer in mapping if layer.windows > 1)
    return 0 <= copies - (free - free // 2) < largest


def main() -> int:
    networks = published()
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("networks", nargs="*", metavar="network", help=", ".join(networks))
    parser.add_argument("--compile", action="store_true", help="compile the networks for the chip")
    parser.add_argument("--slow", action="store_true", help="reproduce what takes long, too")
    arguments = parser.parse_args()
    names = arguments.networks or list(networks)
    if unknown := set(names) - set(networks):
        parser.error(f"there is nothing published of {', '.join(unknown)}")
    agree = [compare(name, networks[name], arguments.compile) for name in names]
    if not arguments.networks:
        from published_chips import REPRODUCTIONS, print_reproductions

        agree.append(print_reproductions(REPRODUCTIONS, arguments.slow))
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main())
