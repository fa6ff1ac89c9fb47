"""How long it takes to compile ResNet-20 and to execute it on the engine, with onnxruntime as yardstick.

    python benchmarks/resnet20.py [MODEL.onnx] [--runs N]

Times are the best of N runs on whatever this machine has; to reach: compiled in 5 s, one inference in 0.5 s.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table
from xdsl.dialects.builtin import ModuleOp
from xdsl.universe import Universe

from cmir.accelerator.engine import Machine
from cmir.accelerator.hardware import Hardware
from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.frontends.onnx import Imported, import_onnx
from cmir.tools.pass_pipeline import parse_passes

MODEL = Path(__file__).parents[2] / "shared" / "models" / "resnet20-cifar10.onnx"
T = TypeVar("T")

COMPILE_SECONDS, INFERENCE_SECONDS = 5.0, 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure compilation and execution.")
    parser.add_argument("model", nargs="?", type=Path, default=MODEL)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    if not arguments.model.is_file():
        parser.exit(1, f"{arguments.model} is not there; give the path of an ONNX model\n")
    measure(arguments.model, arguments.runs)


def measure(path: Path, runs: int) -> None:
    passes: dict[str, float] = {}
    start = perf_counter()
    machine = compile_model(path, {})
    first = perf_counter() - start
    again = best(runs, lambda: compile_model(path, passes))  # relations are parsed once a process
    random = np.random.default_rng(0)
    sample = {
        name: random.standard_normal(machine.arrays[name].shape, np.float32)
        for name in machine.inputs
    }
    report = machine.run([sample])
    one = best(runs, lambda: machine.run([sample]))
    ten = best(runs, lambda: machine.run([sample] * 10)) / 10
    timing = best(runs, lambda: machine.time(1))
    expected, yardstick = onnxruntime_result(path, sample, runs)
    (result,) = report.outputs[0].values()
    error = float(np.abs(result.reshape(-1) - expected.reshape(-1)).max())

    table = Table(title=f"{path.name}, {os.cpu_count()} CPUs, best of {runs}")
    table.add_column("what")
    table.add_column("seconds", justify="right")
    table.add_column("to reach", justify="right")
    for name, value in passes.items():
        table.add_row(f"  {name}", f"{value:.3f}")
    table.add_row("compile and prepare, first", *against(first, COMPILE_SECONDS))
    table.add_row("compile and prepare, again", f"{again:.3f}")
    table.add_row("one inference on the engine", *against(one, INFERENCE_SECONDS))
    table.add_row("an inference in a stream of ten", f"{ten:.3f}")
    table.add_row("timing alone", f"{timing:.4f}")
    table.add_row("onnxruntime, one inference", f"{yardstick:.4f}")
    console = Console()
    console.print(table)
    console.print(
        f"{report.cycles} cycles on {len(report.cores)} cores; "
        f"largest difference from onnxruntime {error:.1e}"
    )


def compile_model(path: Path, passes: dict[str, float]) -> Machine:
    """Compile down to a machine that is ready to run; `passes` gets the least seconds of each step."""

    def step(name: str, work: Callable[[], T]) -> T:
        start = perf_counter()
        result = work()
        passes[name] = min(passes.get(name, np.inf), perf_counter() - start)
        return result

    imported: Imported = step("import", lambda: import_onnx(path))
    context = make_context()
    context.parameters = imported.parameters
    module: ModuleOp = imported.module
    for item in parse_passes("nn-to-cmcore", "benchmark", Universe.get_multiverse().all_passes):
        step(item.name, lambda item=item: item.apply(context, module))
        module.verify()
    (network,) = module.body.block.ops
    assert isinstance(network, NetworkOp)
    return step("prepare", lambda: Machine(network, Hardware.load("ideal"), context.parameters))


def best(runs: int, work: Callable[[], object]) -> float:
    """The least seconds of several runs."""
    seconds: list[float] = []
    for _ in range(runs):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return min(seconds)


def against(seconds: float, reach: float) -> tuple[str, str]:
    mark = "[green]reached[/]" if seconds < reach else "[red]missed[/]"
    return f"{seconds:.3f}", f"{reach} {mark}"


def onnxruntime_result(
    path: Path, sample: dict[str, np.ndarray], runs: int
) -> tuple[np.ndarray, float]:
    """What onnxruntime computes, and its seconds for one inference."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options)
    names = [entry.name for entry in session.get_inputs()]
    feed = {name: value[None] for name, value in zip(names, sample.values(), strict=True)}
    (expected, *_) = session.run(None, feed)
    return np.asarray(expected), best(runs, lambda: session.run(None, feed))


if __name__ == "__main__":
    main()
