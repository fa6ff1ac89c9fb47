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
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from math import prod
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from light import NAMES, light_network
from safetensors.numpy import load_file, save_file
from xdsl.dialects.builtin import ArrayAttr, SymbolRefAttr
from xdsl.ir import Operation
from xdsl.universe import Universe

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp, StoreOp
from cmir.dialects.nn import ParameterOp
from cmir.dialects.nn.operation import dtype_of, shape_of
from cmir.dialects.polyhedral import symbol
from cmir.frontends.onnx import import_onnx
from cmir.frontends.onnx.building import identifier
from cmir.hardware.description import Hardware
from cmir.pipelines.text import parse_passes
from cmir.simulator.simulator import Simulator
from cmir.timing.network import TimedNetwork

TOLERANCE = 1e-4
"""The largest difference allowed, as a part of the largest element of a tensor."""
COLUMNS = ("import", "compile", "prepare", "run", "onnxruntime")
SIZES = ("weights", "computed", "peak")
"""All parameters, all tensors computed for a sample, and the peak of memory in excess of the libraries'."""


@contextmanager
def measured(seconds: dict[str, float], what: str) -> Generator[None]:
    """Add the time that the block takes."""
    start = time.perf_counter()
    yield
    seconds[what] = seconds.get(what, 0.0) + time.perf_counter() - start


def run(name: str, all_tensors: bool, passes: bool) -> bool:
    """Compile and run one network, print its row, and say whether it agrees with onnxruntime."""
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        path, inputs, results = (
            Path(directory) / f for f in ("model.onnx", "inputs.npy", "results.safetensors")
        )
        # In a process of its own, so that its memory does not count.
        with get_context("spawn").Pool(1) as other:
            arguments = (name, path, inputs, results, all_tensors)
            seconds["onnxruntime"] = other.apply(_reference, arguments)
        base = _peak()
        with measured(seconds, "import"):
            imported = import_onnx(path)
        (function,) = imported.module.body.block.ops
        weights = sum(array.nbytes for array in imported.parameters.values())
        activations = _activations(function)
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
            timed = TimedNetwork.of(network, Hardware.load("ideal"))
            simulator = Simulator.of(timed, context.parameters)
        with measured(seconds, "run"):
            report = simulator.run([{timed.network.inputs[0]: np.load(inputs)[0]}])
        memory = _peak() - base
        compared, worst = _compare(report.outputs[0], load_file(results))
    times = "".join(f"{seconds[column]:>12.1f}" for column in COLUMNS)
    sizes = "".join(f"{size / 2**20:>13.0f}" for size in (weights, activations, memory))
    print(
        f"{name:<16}{len(timed.network.programs):>7}{times}{sizes}"
        f"{memory / (weights + activations):>7.1f}{compared:>9}{worst:>12.1e}",
        flush=True,
    )
    if passes:
        for item, taken in each.items():
            print(f"  {item:<40}{taken:>8.1f}", flush=True)
    return compared > 0 and worst <= TOLERANCE


def _peak() -> int:
    """The most bytes that the process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 2**10


def _activations(function: Operation) -> int:
    """The bytes of all tensors that are computed for a sample."""
    values = [v for op in function.walk() if not isinstance(op, ParameterOp) for v in op.results]
    return sum(prod(shape_of(value)) * dtype_of(value).itemsize for value in values)


def _reference(name: str, path: Path, inputs: Path, results: Path, all_tensors: bool) -> float:
    """Write the model, a batch for it and what onnxruntime makes of that; return its seconds."""
    seconds: dict[str, float] = {}
    model = light_network(name)
    parameters = {tensor.name for tensor in model.graph.initializer}
    (info,) = (info for info in model.graph.input if info.name not in parameters)
    shape = [dim.dim_value for dim in info.type.tensor_type.shape.dim]
    onnx.save(model, path)
    x = np.random.default_rng(1).standard_normal(shape, np.float32)
    np.save(inputs, x)
    save_file(_expected(model, x, all_tensors, seconds), results)
    return seconds["onnxruntime"]


def _expected(
    model: onnx.ModelProto, x: np.ndarray, all_tensors: bool, seconds: dict[str, float]
) -> dict[str, np.ndarray]:
    """The tensors that onnxruntime computes, by the names that they have in the compiler."""
    if all_tensors:
        names = {output.name for output in model.graph.output}
        tensors = [node.output[0] for node in model.graph.node]
        model.graph.output.extend(onnx.ValueInfoProto(name=t) for t in tensors if t not in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Fused operators compute the same in another order.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    outputs = [output.name for output in model.graph.output]
    nodes = list(model.graph.node)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
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
            compared, worst = compared + 1, float(np.maximum(worst, error))  # NaN if any is
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
        agree = [run(n, arguments.all_tensors, arguments.passes) for n in names]
        return 0 if all(agree) else 1
    header = "".join(f"{column + ' s':>12}" for column in COLUMNS)
    header += "".join(f"{column + ' MiB':>13}" for column in SIZES)
    columns = f"{'network':<16}{'stages':>7}{header}{'ratio':>7}{'tensors':>9}{'error':>12}"
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
