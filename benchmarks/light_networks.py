"""Well-known networks, from the ONNX package: import, compile, run, and compare with onnxruntime.

The package's models are light: their weights are constants. Here they get random ones that keep activations
in range (He et al. 2015), always the same ones.

    python benchmarks/light_networks.py                          all of them, a row each
    python benchmarks/light_networks.py resnet50 squeezenet      some
    python benchmarks/light_networks.py resnet50 --all-tensors   compare also what is computed on the way
    python benchmarks/light_networks.py resnet50 --passes        the time of each pass too
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from light import NAMES, light_network
from xdsl.dialects.builtin import ArrayAttr, SymbolRefAttr
from xdsl.universe import Universe

from cmir.accelerator.engine import Machine
from cmir.accelerator.hardware import Hardware
from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp, StoreOp
from cmir.dialects.polyhedral import symbol
from cmir.frontends.onnx import import_onnx
from cmir.frontends.onnx.building import identifier
from cmir.tools.pass_pipeline import parse_passes

TOLERANCE = 1e-4
"""The largest difference allowed, as a part of the largest element of a tensor."""
COLUMNS = ("import", "compile", "prepare", "run", "onnxruntime")


@contextmanager
def measured(seconds: dict[str, float], what: str) -> Iterator[None]:
    """Add the time that the block takes."""
    start = time.perf_counter()
    yield
    seconds[what] = seconds.get(what, 0.0) + time.perf_counter() - start


def run(name: str, all_tensors: bool, passes: bool) -> bool:
    """Compile and run one network, print its row, and say whether it agrees with onnxruntime."""
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        onnx.save(light_network(name), path)
        with measured(seconds, "import"):
            imported = import_onnx(path)
        (shape,) = imported.inputs.values()
        x = np.random.default_rng(1).standard_normal(shape, np.float32)
        expected = _expected(path, x, all_tensors, seconds)
    context = make_context()
    context.parameters = imported.parameters
    module = imported.module
    each: dict[str, float] = {}
    for item in parse_passes("nn-to-cmcore", "benchmark", Universe.get_multiverse().all_passes):
        with measured(seconds, "compile"), measured(each, item.name):
            item.apply(context, module)
        module.verify()
    (network,) = module.body.block.ops
    assert isinstance(network, NetworkOp)
    if all_tensors:
        stored = {symbol(op.array): None for op in network.walk() if isinstance(op, StoreOp)}
        outputs = dict.fromkeys([*(symbol(o) for o in network.outputs), *stored])
        network.properties["outputs"] = ArrayAttr(SymbolRefAttr(array) for array in outputs)
    with measured(seconds, "prepare"):
        machine = Machine(network, Hardware.load("ideal"), context.parameters)
    with measured(seconds, "run"):
        report = machine.run([{machine.inputs[0]: x[0]}])
    compared, worst = _compare(report.outputs[0], expected)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    times = "".join(f"{seconds[column]:>12.1f}" for column in COLUMNS)
    stages = len(machine.programs)
    print(f"{name:<16}{stages:>7}{times}{memory:>10.1f}{compared:>9}{worst:>12.1e}", flush=True)
    if passes:
        for item, taken in each.items():
            print(f"  {item:<40}{taken:>8.1f}", flush=True)
    return compared > 0 and worst <= TOLERANCE


def _expected(
    path: Path, x: np.ndarray, all_tensors: bool, seconds: dict[str, float]
) -> dict[str, np.ndarray]:
    """The tensors that onnxruntime computes, by the names that they have in the compiler."""
    model = onnx.load(path)
    if all_tensors:
        names = {output.name for output in model.graph.output}
        tensors = [node.output[0] for node in model.graph.node]
        model.graph.output.extend(onnx.ValueInfoProto(name=t) for t in tensors if t not in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Fused operators compute the same in another order.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    outputs = [output.name for output in model.graph.output]
    onnx.save(model, path)
    nodes = list(model.graph.node)
    session = onnxruntime.InferenceSession(str(path), options)
    with measured(seconds, "onnxruntime"):
        arrays = session.run(outputs, {session.get_inputs()[0].name: x})
    # An operator's result is called as the operator is, or as the tensor if it has no name.
    called = {node.output[0]: node.name or node.output[0] for node in nodes}
    return {identifier(called[o]): np.asarray(a)[0] for o, a in zip(outputs, arrays, strict=True)}


def _compare(
    results: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]
) -> tuple[int, float]:
    """How many tensors both have, and the largest difference in them, relative to their largest element."""
    compared, worst = 0, 0.0
    for name, result in results.items():
        wanted = expected.get(name)
        if wanted is not None and wanted.size == result.size:
            error = np.abs(result.reshape(wanted.shape) - wanted).max() / np.abs(wanted).max()
            compared, worst = compared + 1, max(worst, float(error))
    return compared, worst


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("networks", nargs="*", metavar="network", help=", ".join(NAMES))
    parser.add_argument("--all-tensors", action="store_true", help="compare intermediate tensors")
    parser.add_argument("--passes", action="store_true", help="the time of each pass")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if unknown := set(arguments.networks) - set(NAMES):
        parser.error(f"no such network: {', '.join(unknown)}")
    names = arguments.networks or NAMES
    if arguments.here:
        return 0 if all([run(n, arguments.all_tensors, arguments.passes) for n in names]) else 1
    header = "".join(f"{column + ' s':>12}" for column in COLUMNS)
    columns = f"{'network':<16}{'stages':>7}{header}{'peak GiB':>10}{'tensors':>9}{'error':>12}"
    print(columns, flush=True)
    failed = 0
    for name in names:
        # A process each, so that peak memory is that of one network.
        options = [
            f"--{o.replace('_', '-')}" for o in ("all_tensors", "passes") if getattr(arguments, o)
        ]
        failed |= subprocess.call([sys.executable, __file__, "--here", *options, name])
    return failed


if __name__ == "__main__":
    sys.exit(main())
