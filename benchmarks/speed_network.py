"""Measures one network in a process of its own, for `speed.py`; writes what it found as JSON.

Nothing else has run in the process: no relation has been seen before, and its memory is that of the network.
"""

from __future__ import annotations

import io
import json
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.printer import Printer
from xdsl.universe import Universe

from cmir.context import CmirContext, make_context
from cmir.cost.firing import Firing
from cmir.dialects.cmcore import NetworkOp
from cmir.frontends.onnx import import_onnx
from cmir.hardware.description import Hardware
from cmir.pipelines.text import parse_passes
from cmir.simulator.simulator import Simulator
from cmir.support.diagnostics import collect_diagnostics
from cmir.support.parsing import parse_module
from cmir.timing.network import TimedNetwork
from cmir.timing.steady import time_stream

Json = dict[str, Any]

INFERENCES_TO_TIME = 100
_LEAST, _MOST = 3, 30
"""How many times an execution is measured."""
LEVELS = ("nn", "polyhedral", "cmcore")


class Clock:
    """Seconds of this process: on one thread those of CPU, user and system, where other work does not count."""

    def __init__(self, threads: int):
        self.now = time.process_time if threads == 1 else time.perf_counter

    def of(self, work: Callable[[], object]) -> float:
        start = self.now()
        work()
        return self.now() - start


def compile_network(
    clock: Clock, model: Path, passes: str, texts: Path | None
) -> tuple[ModuleOp, CmirContext, Json]:
    """Compile as cm-opt does, which verifies after each pass.

    texts: a folder for the IR of each level, and of weights; not part of the time.
    """
    found: Json = {"passes": {}, "verify": {}}
    start = clock.now()
    imported = import_onnx(model)
    found["import"] = clock.now() - start
    module, context = imported.module, make_context()
    context.parameters = imported.parameters
    if texts is not None:
        _write(module, texts / "nn.mlir")
    for item in parse_passes(passes, "benchmark", Universe.get_multiverse().all_passes):
        seconds = clock.of(lambda item=item: item.apply(context, module))
        found["passes"][item.name] = seconds
        found["verify"][item.name] = clock.of(module.verify)
        if texts is not None and item.name in _LAST_PASSES:
            _write(module, texts / f"{_LAST_PASSES[item.name]}.mlir")
    found["total"] = sum((found["import"], *found["passes"].values(), *found["verify"].values()))
    return module, context, found


_LAST_PASSES = {
    "convert-nn-to-polyhedral": "polyhedral",
    "convert-polyhedral-to-cmcore": "cmcore",
}


def _write(module: ModuleOp, path: Path) -> None:
    with path.open("w", encoding="utf-8") as stream:
        Printer(stream=stream).print_op(module)


def measure_level(clock: Clock, path: Path) -> Json:
    """Parse, verify and print the IR of a level."""
    text = path.read_text(encoding="utf-8")
    modules: list[ModuleOp] = []
    parse = clock.of(lambda: modules.append(parse_module(text, make_context(), path.name)))
    (module,) = modules
    return {
        "lines": len(text.splitlines()),
        "parse": parse,
        "verify": clock.of(module.verify),
        "print": clock.of(lambda: Printer(stream=io.StringIO()).print_op(module)),
    }


def network_of(module: ModuleOp) -> NetworkOp:
    (network,) = module.body.block.ops
    assert isinstance(network, NetworkOp)
    return network


def crossbars_of(network: NetworkOp, rows: int, columns: int) -> int:
    """How many crossbars of this size the matrices of all cores take."""
    cores: dict[str, int] = {}
    for _, instance in network.instances:
        name = instance.core_name.program
        cores[name] = cores.get(name, 0) + 1
    return sum(
        cores[name] * m.blocks * -(-m.inputs // rows) * -(-m.outputs // columns)
        for name, program in network.programs.items()
        if name in cores
        for m in Firing.of(program).matrices
    )


def measure_runs(
    clock: Clock,
    simulator: Simulator,
    session: Callable[[], object],
    samples: list[Json],
    patience: float,
) -> tuple[Json, Json]:
    """Run inferences on the simulator and by onnxruntime, in turn; return the least seconds of each.

    patience: about how many seconds a figure is measured again and again.
    """
    engine: Json = {"cold": clock.of(lambda: simulator.run(samples))}
    yardstick: Json = {}
    for name, count in (("one", 1), ("eight", 8)):
        stream = samples * count
        mine: list[float] = []
        theirs: list[float] = []
        start = time.perf_counter()
        while len(mine) < _LEAST or (len(mine) < _MOST and time.perf_counter() - start < patience):
            mine.append(clock.of(lambda stream=stream: simulator.run(stream)))
            theirs += (clock.of(lambda n=count: [session() for _ in range(n)]) for _ in range(3))
        engine[name], yardstick[name] = min(mine), min(theirs)
    return engine, yardstick


def onnxruntime_session(model: Path, threads: int, sample: Json) -> Callable[[], object]:
    """A function that runs one inference."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(model), options)
    feed = {
        entry.name: value[None]
        for entry, value in zip(session.get_inputs(), sample.values(), strict=True)
    }
    return lambda: session.run(None, feed)


def measure(request: Json) -> Json:
    """All figures of a network. The request is what `speed.py` writes."""
    clock = Clock(request["threads"])
    start_up = clock.now() if request["threads"] == 1 else 0.0
    model, split = Path(request["model"]), request["split"]
    splitting = f"polyhedral-split-matrices{{rows={split} columns={split}}}," if split else ""
    before, after = f"nn-to-polyhedral,{splitting}", "polyhedral-to-cmcore"
    module, context, compiled = compile_network(
        clock, model, before + after, Path(request["texts"])
    )
    network = network_of(module)
    result: Json = {
        "compile": compiled | {"start-up": start_up},
        "stages": len(network.programs),
        "cores": len(network.cores),
        "crossbars": crossbars_of(network, split, split) if split else None,
        "peak bytes": {"compile": peak_bytes()},
        "engine": {},
    }
    if split:
        return result
    result["engine"]["full"] = measure_engine(clock, request, network, context)
    rings = "polyhedral-assign-storage{sizes=lossless},"
    module, context, compiled = compile_network(clock, model, before + rings + after, None)
    result["storage"] = compiled["passes"]["polyhedral-assign-storage"]
    result["engine"]["rings"] = measure_engine(clock, request, network_of(module), context)
    result["peak bytes"]["run"] = peak_bytes()
    return result


def measure_engine(clock: Clock, request: Json, network: NetworkOp, context: CmirContext) -> Json:
    """Preparing a network, executing it, and timing alone; and the yardstick."""
    hardware = Hardware.load("ideal")
    simulators: list[Simulator] = []

    def prepare_() -> None:
        timed = TimedNetwork.of(network, hardware)
        simulators.append(Simulator.of(timed, context.parameters))

    prepare = clock.of(prepare_)
    (simulator,) = simulators
    actors = simulator.actors
    random = np.random.default_rng(0)
    sample = {
        name: random.standard_normal(simulator.network.arrays[name].shape, np.float32)
        for name in simulator.network.inputs
    }
    session = onnxruntime_session(Path(request["model"]), request["threads"], sample)
    session()
    engine, yardstick = measure_runs(clock, simulator, session, [sample], request["patience"])
    return engine | {
        "prepare": prepare,
        "timing": clock.of(lambda: time_stream(actors, INFERENCES_TO_TIME)),
        "cycles": time_stream(actors, 1).cycles,
        "onnxruntime": yardstick,
    }


def peak_bytes() -> int:
    """The most memory that this process has had. What getrusage says, the parent may have had."""
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return 2**10 * int(found[1])
    return 2**10 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    request = json.load(sys.stdin)
    with collect_diagnostics():  # remarks say nothing about speed
        if request["level"] is not None:
            result = measure_level(Clock(request["threads"]), Path(request["level"]))
        else:
            result = measure(request)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
