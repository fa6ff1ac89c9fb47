"""cm-run: compile what is left to compile, and execute it on the accelerator model."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cmir.support.diagnostics import CompileError
from cmir.tools.common import FAILURE, positive, run_tool
from cmir.tools.pictures import add_picture_options, check_picture_options, draw_pictures

if TYPE_CHECKING:
    from cmir.elaboration.network import ElaboratedNetwork
    from cmir.hardware.description import Hardware
    from cmir.tools.model import Model
    from cmir.tools.run_data import Sample

_STEADY_INFERENCES = 8
"""Inferences that are timed to find the steady-state interval of a short run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; the result is its exit code."""
    options = _parser().parse_args(arguments)
    return run_tool("cm-run", lambda: _run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cm-run",
        description="Execute a network on the model of a computational-memory accelerator: an ONNX"
        " file, or IR at the nn, polyhedral or cmcore level, which is first lowered by what remains"
        " of the pipeline.",
    )
    parser.add_argument(
        "model", type=Path, nargs="?", help="ONNX file (.onnx, .onnxtxt) or IR (.mlir)"
    )
    parser.add_argument(
        "inputs",
        type=Path,
        nargs="*",
        help="input data: one .npz, or a .npy or ONNX .pb for each input in order; an array with"
        " one more leading dimension than the input is a stream of inferences",
    )
    parser.add_argument(
        "--random", metavar="SEED", type=int, help="use random inputs instead of files"
    )
    parser.add_argument(
        "-n",
        "--inferences",
        metavar="N",
        type=positive,
        help="inferences to run; inputs from files are repeated in turn (default: as many as given)",
    )
    parser.add_argument(
        "--weights", metavar="FILE", type=Path, help="parameters of IR (default: beside the IR)"
    )
    parser.add_argument(
        "--hardware",
        metavar="NAME|FILE",
        help="preset or TOML file that describes the machine (default: what the IR says, or ideal)",
    )
    parser.add_argument(
        "--list-hardware", action="store_true", help="list the presets that describe machines"
    )
    parser.add_argument(
        "--print-hardware",
        metavar="NAME|FILE",
        help="print the description of a machine, a start for one's own",
    )
    parser.add_argument(
        "--storage",
        choices=["full", "live", "lossless"],
        help="room in the buffers: for whole arrays, in the least memory that the network is found to run with, or"
        " to run with at the interval of whole arrays; how close that is to the least possible is told"
        " (default: full, or what the IR says; lossless on a machine whose SRAM is limited)",
    )
    parser.add_argument(
        "--replicate",
        choices=["columns", "rows", "bands", "runs"],
        nargs="?",
        const="columns",
        help="divide stages among the cores that are left, so that the interval is as short as can be:"
        " by runs of columns (default), row by row in turn, by bands of rows, or by runs of iterations",
    )
    parser.add_argument(
        "--placement-seconds",
        metavar="S",
        type=float,
        default=1.0,
        help="the most time to look for places of cores, on a machine that has places (default: 1)",
    )
    parser.add_argument(
        "--timing-only",
        action="store_true",
        help="run no data: cycles, latency and interval as a run would give them, without inputs",
    )
    parser.add_argument(
        "--buffer-curve",
        action="store_true",
        help="run nothing, but print the SRAM bytes and steady-state intervals of buffer sizes from"
        " live ones to lossless ones, and the bytes that such an interval takes at least",
    )
    parser.add_argument(
        "--output-curve", metavar="FILE", type=Path, help="write the buffer curve to a CSV file"
    )
    parser.add_argument(
        "--chunk",
        metavar="N",
        type=positive,
        help="the most iterations a core executes at a time; changes no cycles",
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write the outputs to a .npy or .npz file"
    )
    parser.add_argument(
        "--json",
        metavar="FILE",
        type=Path,
        help="write all figures to a JSON file, with their units",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare with onnxruntime (ONNX), with exact integer arithmetic (ONNX with operators on"
        " integers), or with NumPy at the nn or polyhedral level (IR); fail if they differ",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="prove that control is right in endless streams and that values are those of the nn IR the network"
        " was compiled from; needs no inputs",
    )
    parser.add_argument(
        "--schedules",
        metavar="N",
        type=positive,
        help="run the compiled text N times on a reference machine that goes one event at a time, with"
        " control units from reset and random or adversarial delays; fail at the first wrong element,"
        " deadlock, or output that differs (outputs are computed in the first run)",
    )
    parser.add_argument(
        "--seed", metavar="S", type=int, help="draws the delays of --schedules (default: 0)"
    )
    parser.add_argument(
        "--rtol",
        type=float,
        help="relative tolerance of --check and --schedules (default: 1e-4; 2e-3 for outputs of half precision, 0 for"
        " integers)",
    )
    parser.add_argument(
        "--atol",
        type=float,
        help="tolerance of both relative to an output's largest element (default: 1e-5; 2e-3 for outputs of half"
        " precision, 0 for integers)",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="print the totals, not a line for each program"
    )
    parser.add_argument(
        "--cores",
        action="store_true",
        help="print a line for each core also where several run one program",
    )
    add_picture_options(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.list_hardware:
        return _list_hardware()
    if options.print_hardware is not None:
        return _print_hardware(options.print_hardware)
    _validate(options)
    from cmir.analysis.capacity import check_capacity, check_sram, sram_bytes
    from cmir.analysis.inference_costs import costs_of
    from cmir.checking import compare
    from cmir.hardware.attribute import hardware_of
    from cmir.hardware.description import Hardware
    from cmir.simulator.simulator import Simulator
    from cmir.timing.network import TimedNetwork
    from cmir.tools.cost_summary import figures, print_costs, warn_of_overload, write_json
    from cmir.tools.model import lower, read_model
    from cmir.tools.progress import Progress
    from cmir.tools.proofs import verify_network
    from cmir.tools.reference import input_names, reference_of, remark_on_onnxruntime
    from cmir.tools.run_data import write_samples
    from cmir.tools.summary import print_summary

    chosen = options.hardware or "ideal"
    hardware = Hardware.load(chosen)
    model = read_model(options.model, options.weights)
    if options.buffer_curve:
        return _buffer_curve(options, model, hardware)
    names = input_names(model)
    reference = reference_of(model, names or ()) if options.check else None
    with Progress() as progress:
        network = lower(
            model,
            progress.compiling,
            options.storage,
            chosen,
            options.replicate,
            options.placement_seconds,
            proofs=not options.verify,
        )
        if options.verify:
            print(f"proof: {verify_network(model, network, progress.compiling)}")
            if not (options.inputs or options.random is not None or options.timing_only):
                return 0
        described = options.hardware is not None
        if not described and (meant := hardware_of(network)) is not None:
            hardware, described = meant, True
        check_capacity(network, hardware)
        check_sram(network, hardware)
        timed = TimedNetwork.of(network, hardware)
        samples: list[Sample] = []
        if options.timing_only:
            report = timed.time(options.inferences or _STEADY_INFERENCES, options.chunk)
        else:
            samples = _samples(options, timed.network, names)
            report = Simulator.of(timed, model.parameters).run(
                [dict(zip(timed.network.inputs, s.values(), strict=True)) for s in samples],
                options.chunk,
                progress.executing,
            )
    outputs = _renamed(report.outputs, timed.network.outputs, model.outputs)
    if options.output is not None:
        write_samples(outputs, options.output)
    steady = report if report.inferences > 3 else timed.time(_STEADY_INFERENCES)
    sram, cores = sram_bytes(timed.network, hardware), len(timed.network.positions)
    print_summary(
        report,
        steady.steady_interval,
        hardware.name,
        cores,
        sram,
        None if options.quiet else "cores" if options.cores else "programs",
    )
    if described or options.json is not None:
        costs = costs_of(timed, steady.steady_interval)
        if described:
            print_costs(costs)
            warn_of_overload(costs)
        if options.json is not None:
            table = figures(report, costs, hardware, sram, cores, options.cores)
            write_json(table, options.json)
    draw_pictures(options, timed, report, steady.steady_interval)
    if options.schedules is not None and not _schedules(
        options, model, timed.network, samples, report.outputs
    ):
        return FAILURE
    if reference is None:
        return 0
    name, evaluate = reference
    expected = [evaluate(sample) for sample in samples]
    problems = compare(outputs, expected, options.rtol, options.atol)
    remark_on_onnxruntime(model, samples, expected)
    for problem in problems:
        print(f"cm-run: check failed: {problem}", file=sys.stderr)
    if not problems:
        print(f"check: equal to {name} in all {len(samples)} inferences")
    return FAILURE if problems else 0


def _schedules(
    options: argparse.Namespace,
    model: Model,
    network: ElaboratedNetwork,
    samples: list[Sample],
    outputs: Sequence[Sample],
) -> bool:
    """Run the network on the reference machine, and say whether its outputs are those of the engine."""
    from cmir.checking import compare
    from cmir.tools.progress import Progress
    from cmir.tools.schedules import run_schedules

    with Progress() as progress:
        found = run_schedules(
            network.op,
            model.parameters,
            [dict(zip(network.inputs, s.values(), strict=True)) for s in samples],
            options.schedules,
            options.seed or 0,
            model.path,
            progress.working,
        )
    used = outputs[: len(found)]
    expected = [[sample[name] for name in network.outputs] for sample in used]
    problems = compare(found, expected, options.rtol, options.atol)
    for problem in problems:
        print(f"cm-run: schedules failed: {problem}", file=sys.stderr)
    if not problems:
        print(f"schedules: {options.schedules} random and adversarial, no violation")
    return not problems


def _list_hardware() -> int:
    from cmir.hardware.description import Hardware, presets

    for name in presets():
        print(f"{name:<24} {Hardware.load(name).summary}")
    return 0


def _print_hardware(name: str) -> int:
    from cmir.hardware.description import Hardware

    Hardware.load(name)  # or it is none
    print(Hardware.text(name), end="")
    return 0


def _buffer_curve(options: argparse.Namespace, model: Model, hardware: Hardware) -> int:
    from cmir.analysis.curve import buffer_curve
    from cmir.analysis.sizing import Sizing
    from cmir.tools.model import lower_to_polyhedral
    from cmir.tools.progress import Progress
    from cmir.tools.summary import print_curve, write_curve

    with Progress() as progress:
        pipelines = lower_to_polyhedral(model, "--buffer-curve", progress.compiling)
        if len(pipelines) != 1:
            raise CompileError(model.path, f"expected one network, got {len(pipelines)}")
        points = buffer_curve(Sizing(pipelines[0], hardware))
    print_curve(points)
    if options.output_curve is not None:
        write_curve(points, options.output_curve)
    return 0


def _validate(options: argparse.Namespace) -> None:
    if options.model is None:
        raise CompileError("cm-run", "no model: give an ONNX file or IR")
    check_picture_options(options)
    if options.seed is not None and options.schedules is None:
        raise CompileError("cm-run", "--seed needs --schedules")
    if options.buffer_curve:
        if options.schedules is not None:
            raise CompileError("cm-run", "--buffer-curve runs nothing: it has no schedules")
        if options.verify:
            raise CompileError(
                "cm-run", "--buffer-curve stops before there is anything to --verify"
            )
        if options.inputs or options.random is not None or options.check or options.output:
            raise CompileError("cm-run", "--buffer-curve runs nothing: it takes no inputs")
        if options.json is not None:
            raise CompileError(
                "cm-run", "--buffer-curve runs nothing: it has no figures for --json"
            )
        return
    if options.output_curve is not None:
        raise CompileError("cm-run", "--output-curve needs --buffer-curve")
    if options.timing_only:
        if options.inputs or options.random is not None or options.check or options.output:
            raise CompileError("cm-run", "--timing-only runs no data: it takes no inputs")
        return
    if options.inputs and options.random is not None:
        raise CompileError("cm-run", "input files and --random exclude each other")
    if not options.inputs and options.random is None:
        _check_without_inputs(options)
    if options.output is not None and options.output.suffix not in (".npy", ".npz"):
        raise CompileError(options.output, "outputs are written to .npy or .npz files")


_OF_RUNS = (
    *("check", "schedules", "output", "json", "inferences"),
    *("timeline", "report", "plot", "trace"),
)
"""Options that ask for a run, or for something that only a run gives."""


def _check_without_inputs(options: argparse.Namespace) -> None:
    """Without inputs there is only something to prove, and nothing else may be asked for."""
    wanted = next((name for name in _OF_RUNS if getattr(options, name)), None)
    if not options.verify:
        raise CompileError("cm-run", "no inputs: give files, or --random SEED")
    if wanted is not None:
        message = (
            f"--{wanted} needs a run, and --verify alone has none: give files, or --random SEED"
        )
        raise CompileError("cm-run", message)


def _samples(
    options: argparse.Namespace, network: ElaboratedNetwork, names: list[str] | None
) -> list[Sample]:
    """The inputs of each inference, by the names that users know."""
    from cmir.semantics.elements import dtype_of
    from cmir.tools.run_data import random_samples, read_samples

    shapes = {
        name: network.arrays[array].shape
        for name, array in zip(names or network.inputs, network.inputs, strict=True)
    }
    types = {
        name: dtype_of(network.arrays[array].type)
        for name, array in zip(names or network.inputs, network.inputs, strict=True)
    }
    if options.random is not None:
        return random_samples(shapes, options.random, options.inferences or 1, types)
    samples = read_samples(options.inputs, shapes, types)
    if not samples:
        raise CompileError(options.inputs[0], "there is no inference in the inputs")
    return list(itertools.islice(itertools.cycle(samples), options.inferences or len(samples)))


def _renamed(
    outputs: list[Sample], arrays: Sequence[str], names: Sequence[str] | None
) -> list[Sample]:
    return [
        {name: sample[array] for name, array in zip(names or arrays, arrays, strict=True)}
        for sample in outputs
    ]


if __name__ == "__main__":
    sys.exit(main())
