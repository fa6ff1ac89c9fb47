"""Reproductions of figures that are published of networks on chips, besides PIMCOMP's mappings (published.py).

Each names its source. What cannot be looked up is left out: the bandwidth per channel of ResNet-32 on 5 Parallel Prism
(arXiv:1906.03474), and the speed-ups of CLSA-CIM by network; its abstract has the largest one only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from published import compiled
from published_runs import on_preset, overlapping_layers, step_of_lstm
from zoo import build

from cmir.analysis.balance import ReplicationChoice, balance
from cmir.cost.firing import Firing, FiringStep, Matrix
from cmir.cost.program_cost import firing_cost
from cmir.cost.tiling import Tiling
from cmir.documentation.datasheets import PUBLISHED, TOLERANCE, datasheet
from cmir.hardware.description import Hardware
from cmir.hardware.sections import Crossbar


@dataclass(frozen=True)
class Reproduction:
    """A published figure and how it is computed here.

    ours: computes the figure. least: the published figure is a lower bound. because: explanation of a difference of
    more than 5 %. slow: computing it takes more than some seconds.
    """

    what: str
    published: float
    where: str
    ours: Callable[[], float]
    unit: str = ""
    least: bool = False
    because: str = ""
    slow: bool = False

    def holds(self, ours: float) -> bool:
        """Return True if the figure is as published."""
        if self.least:
            return ours > self.published
        return abs(ours / self.published - 1) <= TOLERANCE


def convolution_elements(name: str) -> float:
    """The processing elements of 256×256 that one copy of each convolution of a network takes."""
    elements = Crossbar(rows=256, columns=256)
    layers = [layer for layer in compiled(build(name)) if layer.iterations > 1]
    return sum(Tiling.of(layer.matrix, elements).crossbars for layer in layers)


def copies_of_first_layer(name: str) -> float:
    """The copies of the first layer with which it is done as soon as the last, a fully connected layer."""
    layers = compiled(build(name))
    return layers[0].iterations / layers[-1].iterations


def from_sheet(preset: str, figure: str) -> float:
    """A figure of a preset's data sheet."""
    return next(row.ours for row in datasheet(Hardware.load(preset)) if row.figure == figure)


def layer_of_hermes() -> float:
    """Microseconds of a window of 3×3 and 256 channels: products on nine crossbars, their sums, and an activation."""
    steps = (
        FiringStep("load", 2304),
        FiringStep("product", 256, after=(0,)),
        FiringStep("vector", 256, after=(1,)),
        FiringStep("store", 256, after=(2,)),
    )
    return (
        1e-3
        * firing_cost(
            Firing(steps, (Matrix(256, 2304),)), Hardware.load("hermes").replace(core__crossbars=9)
        ).latency
    )


def images_per_second(name: str, preset: str) -> float:
    """The rate at which products alone let a chip take images, with copies of layers on all of its crossbars."""
    hardware = Hardware.load(preset)
    crossbar, core, clock = hardware.crossbar, hardware.core, hardware.system.clock_hz
    assert core.count and core.crossbars and clock
    layers = [
        (Tiling.of(layer.matrix, crossbar), layer.iterations) for layer in compiled(build(name))
    ]
    choices = [
        [
            ReplicationChoice(
                copies,
                copies * tiling.crossbars,
                ceil(windows / copies) * tiling.interval(crossbar),
            )
            for copies in range(1, windows + 1)
            if copies == 1 or ceil(windows / copies) < ceil(windows / (copies - 1))
        ]
        for tiling, windows in layers
    ]
    chosen = balance(choices, core.count * core.crossbars)
    return clock / max(choice.interval for choice in chosen)


def _from_sheets() -> Iterator[Reproduction]:
    for what, preset, figure in (
        ("ISAAC: latency of a layer of 32 × 256", "isaac", "layer latency"),
        ("PUMA: latency of a product", "puma", "product latency"),
        ("PUMA: energy of a product", "puma", "product energy"),
    ):
        (known,) = (p for p in PUBLISHED[preset] if p.figure == figure)

        def ours(preset: str = preset, figure: str = figure) -> float:
            return from_sheet(preset, figure)

        unit = " ns" if "latency" in figure else " nJ"
        yield Reproduction(what, known.value, known.where, ours, unit, because=known.because)


CLSA = "arXiv:2401.07671 (DATE 2024), benchmark table"

REPRODUCTIONS = (
    Reproduction(
        "CLSA-CIM: elements of VGG-16",
        233,
        CLSA,
        lambda: convolution_elements("vgg16"),
    ),
    Reproduction(
        "CLSA-CIM: elements of VGG-19",
        314,
        CLSA,
        lambda: convolution_elements("vgg19"),
        slow=True,
    ),
    Reproduction(
        "CLSA-CIM: elements of ResNet-50",
        390,
        CLSA,
        lambda: convolution_elements("resnet50"),
        slow=True,
    ),
    Reproduction(
        "CLSA-CIM: speed-up of Tiny YOLOv3, 32 more elements",
        29.2,
        "arXiv:2401.07671 (DATE 2024), abstract: up to 29.2 times, for a network and elements that it does not name",
        lambda: overlapping_layers("tinyyolov3", 32),
        slow=True,
    ),
    Reproduction(
        "ISAAC: copies of VGG's first layer that keep the last busy",
        50000,
        "ISCA 2016, section VIII-B: more than 50 K times",
        lambda: copies_of_first_layer("vgg16"),
        least=True,
    ),
    *_from_sheets(),
    Reproduction(
        "HERMES: an input of a layer of ResNet-9",
        1.52,
        "Nature Electronics 6 (2023), section VI",
        layer_of_hermes,
        " µs",
        because="four phases are 0.52 µs; the preset has assumptions for digital units and transfers",
    ),
    Reproduction(
        "HERMES: a step of the LSTM for Penn Treebank",
        1.43,
        "Nature Electronics 6 (2023), section VI",
        lambda: step_of_lstm("hermes", 128, 504),
        " µs",
        because="as for ResNet-9; 128 inputs and 504 units are assumed: 1.27 M of the 1.30 M weights",
    ),
    Reproduction(
        "Bruschi et al.: ResNet-18 of 256 × 256 on 512 clusters",
        3303,
        "arXiv:2211.12877, section VI",
        lambda: images_per_second("resnet18:256,64", "aimc-512"),
        " images/s",
        because="here, only products count; the paper simulates memories, RISC-V cores and interconnect",
    ),
    Reproduction(
        "pimsim-nn: ResNet-18 on its example chip",
        40,
        "pimsim-nn, README: 40 samples a second, 25 ms each",
        lambda: images_per_second("resnet18", "pimsim-nn"),
        " images/s",
        because="here, only products count; there, a core executes an instruction at a time (rob_size 1)",
    ),
    Reproduction(
        "pimsim-nn: ResNet-18 on its example chip, compiled",
        25,
        "pimsim-nn, README: 40 samples a second, 25 ms each",
        lambda: 1e-6 * on_preset("resnet18", "pimsim-nn").latency,
        " ms",
        because="its copies of layers are not published; here, all cores have some, and instructions take no time",
        slow=True,
    ),
)


def print_reproductions(items: Sequence[Reproduction], slow: bool) -> bool:
    """Print figures; return True if each is as published or explained. slow: with those that take long."""
    print(f"\n{'other publications':<60}{'published':>11}{'here':>11}")
    good = True
    for item in items:
        if item.slow and not slow:
            continue
        ours = item.ours()
        bound = "> " if item.least else ""
        print(f"{item.what:<60}{bound + f'{item.published:g}':>11}{ours:>11.5g}{item.unit}")
        print(f"      {item.where}" + (f"; {item.because}" if item.because else ""))
        good &= item.holds(ours) or bool(item.because)
    return good
