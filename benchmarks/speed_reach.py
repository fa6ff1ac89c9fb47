"""What speed should reach, and whether measurements do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Figures = Callable[[Json], float]


@dataclass(frozen=True)
class Limit:
    """At most so much. figure: finds it in what was measured; KeyError if it is not there."""

    what: str
    at_most: float
    unit: str
    figure: Figures


def compile_seconds(network: str) -> Figures:
    """All that cm-translate and cm-opt take together, start-up included once."""

    def figure(measured: Json) -> float:
        compiled = measured["networks"][network]["compile"]
        return compiled["total"] + compiled["start-up"]

    return figure


def ratio(network: str, storage: str) -> Figures:
    """Return the time of an inference on the simulator relative to onnxruntime, measured in turn."""

    def figure(measured: Json) -> float:
        run = measured["networks"][network]["engine"][storage]
        return run["one"] / run["onnxruntime"]["one"]

    return figure


def _engine(network: str, storage: str, what: str, scale: float = 1) -> Figures:
    return lambda measured: scale * measured["networks"][network]["engine"][storage][what]


def _growth(measured: Json) -> float:
    seconds = {point["layers"]: point["compile"] for point in measured["curves"]["layers"]}
    return seconds[100] / seconds[50]


CONVOLUTIONS = "chain:2,16,32"
SPLIT_VGG19 = "vgg19@256"

LIMITS = (
    Limit(
        "cm-opt --version",
        1.3,
        "× xdsl-opt --version",
        lambda measured: measured["tools"]["cm-opt"] / measured["tools"]["xdsl-opt"],
    ),
    Limit("ResNet-20, ONNX to cmcore with proof", 3, "s", compile_seconds("resnet20")),
    Limit("ResNet-50, ONNX to cmcore with proof", 15, "s", compile_seconds("resnet50")),
    Limit("ResNet-20, one inference, full", 25, "× onnxruntime", ratio("resnet20", "full")),
    Limit(
        "two 3×3 convolutions, one inference, full",
        5,
        "ms",
        _engine(CONVOLUTIONS, "full", "one", 1000),
    ),
    Limit("ResNet-50, one inference, full", 6, "× onnxruntime", ratio("resnet50", "full")),
    Limit("ResNet-50, one inference, rings", 12, "× onnxruntime", ratio("resnet50", "rings")),
    Limit("MobileNetV2, one inference, full", 12, "× onnxruntime", ratio("mobilenetv2", "full")),
    Limit("VGG-19 on crossbars of 256×256, compile", 30, "s", compile_seconds(SPLIT_VGG19)),
    Limit(
        "VGG-19 on crossbars of 256×256, lines of IR",
        20_000,
        "lines",
        lambda measured: measured["networks"][SPLIT_VGG19]["levels"]["cmcore"]["lines"],
    ),
    Limit("ResNet-50, timing of 100, full", 2, "s", _engine("resnet50", "full", "timing")),
    Limit("ResNet-50, timing of 100, rings", 2, "s", _engine("resnet50", "rings", "timing")),
    Limit("compile time, 100 layers by 50 layers", 2.3, "×", _growth),
)


def judge(measured: Json) -> Iterator[Json]:
    """Each limit with the figure, and whether it holds; both are None where it was not measured."""
    for limit in LIMITS:
        try:
            figure = limit.figure(measured)
        except KeyError:
            figure = None
        yield {
            "what": limit.what,
            "measured": figure,
            "at most": limit.at_most,
            "unit": limit.unit,
            "ok": None if figure is None else figure <= limit.at_most,
        }
