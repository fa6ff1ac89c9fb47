"""Compile the digits network, level by level, and run it on the simulated accelerator.

    python examples/digits/demo.py

The IR of each level and the parameters are left in build/digits/.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.description import Hardware
from cmir.simulator.simulator import Simulator
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module
from cmir.timing.network import TimedNetwork
from cmir.timing.report import RunReport
from cmir.tools import cm_opt, cm_translate

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "digits"
BUILD = ROOT / "build" / "digits"
WIDTH = shutil.get_terminal_size((100, 24)).columns
DEPENDENCES = "polyhedral-derive-dependences"
PROGRAMS = "polyhedral-generate-loops,convert-polyhedral-to-cmcore"
SHADES = " .:-=+*#%@"  # of pixels from 0 to 16


def main() -> None:
    BUILD.mkdir(parents=True, exist_ok=True)
    nn, stages = BUILD / "nn.mlir", BUILD / "polyhedral.mlir"
    dependences, cmcore = BUILD / "dependences.mlir", BUILD / "cmcore.mlir"

    headline("nn: operators on one sample, with weights by name")
    run("cm-translate", cm_translate.main, "--import-onnx", EXAMPLE / "digits.onnx", "-o", nn)
    excerpt(nn, "%conv2 =", 3)

    headline("polyhedral: stages, with relations for what each iteration reads and writes")
    run("cm-opt", cm_opt.main, nn, "-p", "nn-to-polyhedral", "-o", stages)
    excerpt(stages, "polyhedral.stage @conv2", 2)
    excerpt(stages, "cmcore.mxv %conv2_weight", 2)

    headline("... and dependences: the last iteration of conv2 that each write of conv1 releases")
    run("cm-opt", cm_opt.main, stages, "-p", DEPENDENCES, "-o", dependences)
    excerpt(dependences, "raw @conv1 -> @conv2", 1)

    headline("cmcore: the same as an automaton on conv2's core, which watches the writes of conv1")
    run("cm-opt", cm_opt.main, dependences, "-p", PROGRAMS, "-o", cmcore)
    excerpt(cmcore, "cmcore.snoop %relu1", 18)

    headline("The simulated accelerator runs the programs")
    with np.load(EXAMPLE / "samples.npz") as samples:
        images, labels = samples["images"], samples["labels"]
    timed, report = execute(cmcore, BUILD / "nn.safetensors", images)
    digits = np.array([outputs["logits"].argmax() for outputs in report.outputs])
    show_images(images, digits, labels)
    show_report(report, timed.interval, digits == labels)


def headline(text: str) -> None:
    print(f"\n=== {text}\n")


def run(name: str, tool: Callable[[Sequence[str]], int], *arguments: Path | str) -> None:
    """Run a command-line tool in this process, and show the command."""
    words = [str(a.relative_to(ROOT)) if isinstance(a, Path) else a for a in arguments]
    print("$", name, *words)
    if code := tool([str(argument) for argument in arguments]):
        sys.exit(code)


def excerpt(path: Path, start: str, count: int) -> None:
    """Print lines of a file, from the first that contains ``start``."""
    lines = path.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if start in line)
    print(f"  {path.name}, line {first + 1} of {len(lines)}:")
    for line in lines[first : first + count]:
        indent = " " * (len(line) - len(line.lstrip()) + 8)
        print(textwrap.fill(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False))


def execute(program: Path, weights: Path, images: np.ndarray) -> tuple[TimedNetwork, RunReport]:
    """Stream the images (N, 8, 8) through the cores."""
    module = parse_module(program.read_text(), make_context(), str(program))
    network = next(op for op in module.walk() if isinstance(op, NetworkOp))
    timed = TimedNetwork.of(network, Hardware.load("ideal"))
    simulator = Simulator.of(timed, Parameters.open(weights))
    samples = [{"image": image[None].astype(np.float32)} for image in images]
    return timed, simulator.run(samples)


def show_images(images: np.ndarray, digits: np.ndarray, labels: np.ndarray) -> None:
    """Draw some images side by side, the last of them one that is not recognised."""
    shown = [*np.flatnonzero(digits == labels)[:4], *np.flatnonzero(digits != labels)[:1]]
    for row in range(8):
        cells = ("".join(2 * SHADES[p * 9 // 16] for p in images[i, row]) for i in shown)
        print("   ".join(cells).rstrip())
    print("   ".join(f"read {digits[i]}, is {labels[i]}".ljust(16) for i in shown).rstrip())


def show_report(report: RunReport, interval: float, correct: np.ndarray) -> None:
    print(f"\naccuracy         {correct.mean():.2%} of {len(correct)} held-out images")
    print(f"cycles           {report.cycles} for the stream of {report.inferences} inferences")
    print(f"latency          {report.inference_latency} cycles for the first inference")
    print(f"interval         {interval:g} cycles from one result to the next")
    print(f"in flight        up to {report.overlap} inferences at a time")
    print("\ncore          iterations   busy   first start")
    for core in report.cores:
        busy = core.busy / report.cycles
        print(f"{core.name:12}{core.iterations:12}{busy:7.1%}{core.start[0, 0]:14}")


if __name__ == "__main__":
    main()
