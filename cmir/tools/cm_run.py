"""cm-run: lower a network to cmcore and execute it on the simulated accelerator."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cmir.support.diagnostics import CompileError, printable
from cmir.tools.common import FAILURE, run_tool
from cmir.tools.options import state_of, use_threads
from cmir.tools.pictures import draw_pictures
from cmir.tools.run_options import check_options, run_parser

if TYPE_CHECKING:
    from cmir.compilation.model import Model
    from cmir.dialects.cmcore import NetworkOp
    from cmir.dialects.nn.operation import Shape
    from cmir.elaboration.network import ElaboratedNetwork
    from cmir.execution.streams import Sample
    from cmir.hardware.description import Hardware
    from cmir.support.progress import Progress
    from cmir.timing.network import TimedNetwork
    from cmir.timing.report import RunReport

_STEADY_INFERENCES = 8
"""Number of inferences timed to find the steady-state interval of a short run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code."""
    options = run_parser().parse_args(arguments)
    if options.threads is not None:
        use_threads(options.threads)
    return run_tool("cm-run", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.list_hardware:
        return _list_hardware()
    if options.print_hardware is not None:
        return _print_hardware(options.print_hardware)
    check_options(options)
    from cmir.compilation.model import ONNX_SUFFIXES, read_model
    from cmir.hardware.description import Hardware
    from cmir.isl.budget import limited
    from cmir.tools.files import check_outputs

    given = None if options.hardware is None else Hardware.load(options.hardware)
    of_model = options.check_against is None or options.model.suffix in ONNX_SUFFIXES
    state = state_of(options) if of_model else None  # otherwise, --state is that of the reference
    model = read_model(options.model, options.weights, dict(options.shape), options.samples, state)
    described = given or model.hardware
    hardware = described or Hardware.load("ideal")
    read = [*model.files, options.hardware, *options.inputs, options.check_against]
    check_outputs(read, _output_files(options))
    with limited(model.module):
        if options.buffer_curve:
            return _buffer_curve(options, model, hardware)
        return _run_model(options, model, hardware, described is not None)


def _run_model(
    options: argparse.Namespace, model: Model, hardware: Hardware, described: bool
) -> int:
    """Compile and run. described: True if there is a hardware description; prints costs."""
    from cmir.execution.references import input_names, reference_of
    from cmir.execution.streams import write_samples
    from cmir.semantics.precision import narrowest_float
    from cmir.support.progress import Progress

    names = input_names(model)
    reference = None
    if options.check:
        checks = options.check_against, options.check_with
        reference = reference_of(model, *checks, state_of(options))
    narrowest = narrowest_float(model.module)
    with Progress() as progress:
        timed = _compile(options, model, hardware, progress)
        if timed is None:
            return 0
        samples, report = _execute(options, model, timed, names, progress)
    outputs = _named(report.outputs, timed.network.outputs, model.outputs)
    if options.output is not None:
        write_samples(outputs, options.output)
    _show(options, timed, report, described)
    if options.schedules is not None and not _schedules(
        options, model, timed.network, samples, report.outputs, narrowest
    ):
        return FAILURE
    if reference is not None:
        from cmir.execution.judging import Tolerances, check
        from cmir.execution.sequences import sequence_starts

        tolerances = Tolerances(options.rtol, options.atol, narrowest)
        first = sequence_starts(options.sequence_lengths, len(samples), timed.network.op)
        if not check(reference, [[*s.values()] for s in samples], outputs, tolerances, first):
            return FAILURE
    return 0


def _output_files(options: argparse.Namespace) -> list[Path | None]:
    page = options.report and options.report / "index.html"
    return [
        *(options.output, options.json, options.output_curve),
        *(page, options.plot, options.trace),
    ]


def _compile(
    options: argparse.Namespace, model: Model, hardware: Hardware, progress: Progress
) -> TimedNetwork | None:
    """Lower the model for the machine, and run the proofs of --verify. Return None if nothing else is requested."""
    from cmir.analysis.capacity import check_capacity, check_sram
    from cmir.compilation.model import lower
    from cmir.compilation.proofs import verify_network
    from cmir.timing.network import TimedNetwork

    def verify(network: NetworkOp) -> ElaboratedNetwork:
        verdict, elaborated = verify_network(model, network, progress.compiling)
        print(f"proof: {verdict}")
        return elaborated

    network = lower(
        model,
        progress.compiling,
        options.storage,
        hardware,
        options.replicate,
        options.placement_seconds,
        verify if options.verify else None,
    )
    runs = options.inputs or options.random is not None or options.timing_only
    if options.verify and not runs:
        return None
    check_capacity(network.op, hardware)
    check_sram(network.op, hardware)
    progress.working("timing")
    return TimedNetwork(network, hardware)


def _execute(
    options: argparse.Namespace,
    model: Model,
    timed: TimedNetwork,
    names: list[str] | None,
    progress: Progress,
) -> tuple[list[Sample], RunReport]:
    """Run or time the network. Return the inputs of each inference, if there are any, and the report."""
    from cmir.analysis.workload import check_inferences
    from cmir.execution.sequences import sequence_starts
    from cmir.simulator.simulator import Simulator

    count = options.inferences or (_STEADY_INFERENCES if options.timing_only else 1)
    check_inferences(timed.network.op, count, data=not options.timing_only)
    if options.timing_only:
        return [], timed.time(count, options.chunk)
    samples = _samples(options, model, timed.network, names)
    report = Simulator.of(timed, model.parameters).run(
        _arrays(timed.network, samples),
        options.chunk,
        progress.executing,
        sequence_starts(options.sequence_lengths, len(samples), timed.network.op),
    )
    return samples, report


def _show(
    options: argparse.Namespace, timed: TimedNetwork, report: RunReport, described: bool
) -> None:
    """Print, write and draw the figures of a run. described: True if there is a hardware description; prints costs."""
    from cmir.analysis.capacity import sram_bytes
    from cmir.analysis.inference_costs import costs_of
    from cmir.report.cost_summary import print_costs, run_figures, warn_of_overload, write_json
    from cmir.report.summary import print_summary

    steady = report if report.inferences > 3 else timed.time(_STEADY_INFERENCES)
    hardware, interval = timed.hardware, steady.steady_interval
    sram, cores = sram_bytes(timed.network, hardware), len(timed.network.positions)
    lines = None if options.quiet else "cores" if options.cores else "programs"
    print_summary(report, interval, hardware.name, cores, sram, lines)
    if described or options.json is not None:
        costs = costs_of(timed, interval)
        if described:
            print_costs(costs)
            warn_of_overload(costs)
        if options.json is not None:
            table = run_figures(report, costs, hardware, sram, cores, options.cores)
            write_json(table, options.json)
    draw_pictures(options, timed, report, interval)


def _schedules(
    options: argparse.Namespace,
    model: Model,
    network: ElaboratedNetwork,
    samples: list[Sample],
    outputs: Sequence[Sample],
    narrowest: str | None,
) -> bool:
    """Run the network on the reference machine. Return True if its outputs equal those of the simulator."""
    from cmir.checking import compare
    from cmir.execution.schedules import run_schedules
    from cmir.support.progress import Progress

    with Progress() as progress:
        found = run_schedules(
            network.op,
            model.parameters,
            _arrays(network, samples),
            options.schedules,
            options.seed or 0,
            model.path,
            progress.working,
        )
    used = outputs[: len(found)]
    expected = [[sample[name] for name in network.outputs] for sample in used]
    problems = compare(found, expected, options.rtol, options.atol, narrowest)
    for problem in problems:
        print(f"cm-run: schedules failed: {printable(problem)}", file=sys.stderr)
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

    Hardware.load(name)  # raises if it is not a description
    print(Hardware.text(name), end="")
    return 0


def _buffer_curve(options: argparse.Namespace, model: Model, hardware: Hardware) -> int:
    from cmir.analysis.curve import buffer_curve
    from cmir.analysis.sizing import Sizing
    from cmir.compilation.model import lower_to_polyhedral
    from cmir.report.summary import print_curve, write_curve
    from cmir.support.progress import Progress

    with Progress() as progress:
        pipelines = lower_to_polyhedral(model, "--buffer-curve", progress.compiling)
        if len(pipelines) != 1:
            raise CompileError(model.path, f"expected one network, got {len(pipelines)}")
        if not pipelines[0].stages:
            raise CompileError(pipelines[0], "the network has no program to run")
        points = buffer_curve(Sizing(pipelines[0], hardware))
    print_curve(points)
    if options.output_curve is not None:
        write_curve(points, options.output_curve)
    return 0


def _samples(
    options: argparse.Namespace,
    model: Model,
    network: ElaboratedNetwork,
    names: list[str] | None,
) -> list[Sample]:
    """Return the inputs of each inference, by their names and in their shapes in the model."""
    from cmir.analysis.index_ranges import index_ranges
    from cmir.dialects.element_types import dtype_of
    from cmir.execution.streams import random_samples, read_samples

    shapes = model.inputs or {
        name: network.arrays[array].shape
        for name, array in zip(names or network.inputs, network.inputs, strict=True)
    }
    types = {
        name: dtype_of(network.arrays[array].type)
        for name, array in zip(names or network.inputs, network.inputs, strict=True)
    }
    if options.random is not None:
        known = index_ranges(network.op)
        ranges = {
            name: known[array]
            for name, array in zip(shapes, network.inputs, strict=True)
            if array in known
        }
        return random_samples(shapes, options.random, options.inferences or 1, types, ranges)
    samples = read_samples(options.inputs, shapes, types)
    if not samples:
        raise CompileError(options.inputs[0], "there is no inference in the inputs")
    return list(itertools.islice(itertools.cycle(samples), options.inferences or len(samples)))


def _arrays(network: ElaboratedNetwork, samples: Sequence[Sample]) -> list[Sample]:
    """Return inputs by the names and in the shapes of the network's arrays."""
    shapes = {array: network.arrays[array].shape for array in network.inputs}
    return [
        {
            array: value.reshape(shape)
            for (array, shape), value in zip(shapes.items(), sample.values(), strict=True)
        }
        for sample in samples
    ]


def _named(
    outputs: list[Sample], arrays: Sequence[str], shapes: Mapping[str, Shape] | None
) -> list[Sample]:
    """Return outputs by their names and in their shapes in the model; those of arrays without a model."""
    if shapes is None:
        return outputs
    return [
        {
            name: sample[array].reshape(shape)
            for (name, shape), array in zip(shapes.items(), arrays, strict=True)
        }
        for sample in outputs
    ]


if __name__ == "__main__":
    from cmir.tools.entry import enter

    sys.exit(enter("cm-run"))
