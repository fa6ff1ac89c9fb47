"""cm-run: lower a network to cmcore and execute it on the simulated accelerator."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cmir.support.diagnostics import CompileError, printable
from cmir.support.status import without_status
from cmir.tools.accuracy import (
    accuracy_asked,
    check_accuracy_model,
    plot_accuracy,
    print_accuracy,
    print_model,
    read_ranges_of,
    write_ranges_of,
)
from cmir.tools.common import FAILURE, NOT_PROVED, run_tool
from cmir.tools.options import join_objective, state_of, use_threads
from cmir.tools.pictures import draw_pictures
from cmir.tools.run_options import check_options, run_parser

if TYPE_CHECKING:
    from cmir.compilation.changes import Compilation
    from cmir.compilation.model import Model
    from cmir.execution.judging import Tolerances
    from cmir.execution.references import Reference
    from cmir.execution.streams import Sample
    from cmir.hardware.description import Hardware
    from cmir.library.accuracy import Accuracy
    from cmir.library.compiling import Proof
    from cmir.library.network import Network
    from cmir.library.progress import Show
    from cmir.library.run import Run
    from cmir.rtl.control_cost import ControlCost
    from cmir.timing.network import TimedNetwork
    from cmir.timing.report import RunReport

_STEADY_INFERENCES = 8
"""Number of inferences timed to find what binds a short run."""

_LEAST_SIMULATED, _MOST_SIMULATED = 4, 16
"""Bounds of the number of inferences that control units are simulated for: fewer would not reach the steady state."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code."""
    parser = run_parser()
    options = parser.parse_intermixed_args(arguments)
    join_objective(parser, options)
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
    read = [
        *model.files,
        options.hardware,
        *options.inputs,
        options.check_against,
        options.accuracy,
    ]
    check_outputs(read, _output_files(options))
    check_accuracy_model(options, hardware)
    with limited(model.module):
        if options.buffer_curve:
            return _buffer_curve(options, model, hardware)
        return _run_model(options, model, hardware, described is not None)


def _run_model(
    options: argparse.Namespace, model: Model, hardware: Hardware, described: bool
) -> int:
    """Compile and run. described: True if there is a hardware description; prints costs."""
    from cmir.execution.judging import Tolerances
    from cmir.execution.references import reference_of
    from cmir.library.compiling import compile_model
    from cmir.semantics.precision import narrowest_float
    from cmir.support.progress import Progress

    reference = None
    if options.check:
        checks = options.check_against, options.check_with
        reference = reference_of(model, *checks, state_of(options))
    tolerances = Tolerances(options.rtol, options.atol, narrowest_float(model.module))
    compilation = None
    if options.advise:
        from cmir.compilation.changes import Compilation

        compilation = Compilation.of(model, hardware, options.storage, options.replicate)
    proof = _proof_of(options, model)
    with Progress() as progress:
        network = compile_model(
            model,
            hardware,
            storage=options.storage,
            replicate=options.replicate,
            placement_seconds=options.placement_seconds,
            show=progress.working,
            proof=proof,
        )
        proved = proof is None or _print_verdict(proof)
        runs = options.inputs or options.random is not None or options.timing_only
        if options.verify and not runs:
            return 0 if proved else NOT_PROVED
        progress.working("timing")
        read_ranges_of(options, network)
        samples, run = _execute(options, network, progress.working)
        accuracy = accuracy_asked(options, run, progress.working)
        control = _control_cost(network, progress.working) if options.control_cost else None
    write_ranges_of(options, network)
    _show(options, run.timed, run.record, described, compilation, accuracy, control)
    if run.model is not None:
        print_model(run.model)
    if accuracy is not None:
        print_accuracy(accuracy, matrices=not options.quiet)
        plot_accuracy(options, accuracy)
    right = _simulate_circuits(options, network, run.inferences)
    if right and options.schedules is not None:
        right = _schedules(options, model, network, samples, run, tolerances)
    if right and reference is not None:
        right = _check(options, reference, network, samples, run, tolerances)
    if not right:
        return FAILURE
    return 0 if proved else NOT_PROVED


def _proof_of(options: argparse.Namespace, model: Model) -> Proof | None:
    """Return the request for proofs, None without --verify."""
    from cmir.execution.proof_sources import proof_sources
    from cmir.library.compiling import Proof

    if not options.verify:
        return None
    against = options.check_against
    return Proof(proof_sources(model, against, state_of(options)) if against else ())


def _print_verdict(proof: Proof) -> bool:
    """Print the verdict of the proofs. Return True if everything is proved."""
    with without_status():
        print(f"proof: {proof.verdict}", flush=True)
    return bool(proof.verdict)


def _output_files(options: argparse.Namespace) -> list[Path | None]:
    page = options.report and options.report / "index.html"
    return [
        *(options.output, options.json, options.output_curve),
        *(page, options.plot, options.trace, options.accuracy_plot),
        *([] if options.ranges is None or options.ranges.exists() else [options.ranges]),
    ]


def _execute(
    options: argparse.Namespace, network: Network, show: Show
) -> tuple[Sequence[Sample], Run]:
    """Run or time the network. Return the inputs of each inference, if there are any, and the run."""
    _ = network.timed  # or it does not fit on the machine
    count = options.inferences or (_STEADY_INFERENCES if options.timing_only else 1)
    if options.timing_only:
        return [], network.timing(count, options.chunk)
    if options.random is not None:
        network.check_inferences(count)
        samples = network.interface.random(options.random, count)
    else:
        samples = network.interface.read(options.inputs, options.inferences)
    lengths, chunk, lanes = options.sequence_lengths, options.chunk, options.lanes
    return samples, network.execute(samples, lengths, chunk, lanes, show, options.output)


def _show(
    options: argparse.Namespace,
    timed: TimedNetwork,
    report: RunReport,
    described: bool,
    compilation: Compilation | None,
    accuracy: Accuracy | None,
    control: ControlCost | None,
) -> None:
    """Print, write and draw the figures of a run.

    described: True if there is a hardware description; prints costs. compilation: for --advise. accuracy: for --json.
    control: for --control-cost.
    """
    from cmir.analysis.advice import changes_that_help
    from cmir.analysis.binding import binding_of
    from cmir.analysis.capacity import sram_bytes
    from cmir.analysis.copies import nodes_of
    from cmir.analysis.inference_costs import costs_of
    from cmir.report.cost_summary import print_costs, run_figures, warn_of_overload, write_json
    from cmir.report.summary import print_binding, print_bits, print_summary
    from cmir.support.progress import Progress

    steady = report if report.inferences > 3 else timed.time(_STEADY_INFERENCES)
    hardware, interval = timed.hardware, timed.interval
    sram, cores = sram_bytes(timed.network, hardware), timed.network.core_count
    lines = None if options.quiet else "cores" if options.cores else "programs"
    described |= options.advise
    nodes = nodes_of(timed.network.op)
    costs = costs_of(timed, interval) if described or options.json is not None else None
    headlines = costs.headlines if costs is not None and described else None
    print_summary(report, interval, hardware.name, cores, sram, lines, headlines, nodes)
    if costs is not None:
        binding = binding_of(timed, costs, steady)
        changes = [*changes_that_help(timed, costs, binding)]
        if compilation is not None:
            with Progress() as progress:
                progress.working("trying changes")
                changes += compilation.changes_that_help(binding, interval)
        if described:
            print_binding(binding, changes, options.advise)
            print_costs(costs, cores)
            print_bits(hardware)
            warn_of_overload(costs)
        if options.json is not None:
            more = options.cores, binding, changes, nodes
            figures = run_figures(report, costs, hardware, sram, cores, *more)
            if accuracy is not None:
                figures["accuracy"] = accuracy.figures()
            if control is not None:
                figures["control"] = control.figures()
            write_json(figures, options.json)
    if control is not None:
        print(control)
    draw_pictures(options, timed, report, control)


def _control_cost(network: Network, show: Show) -> ControlCost:
    """Return the cost of control logic, as far as it is known here."""
    from cmir.rtl.synthesis import synthesizable
    from cmir.support.diagnostics import emit_remark

    if not synthesizable():
        emit_remark("cm-run", "gates and LUTs of control units are not counted: install yosys")
    return network.control_cost(progress=show)


def _simulate_circuits(options: argparse.Namespace, network: Network, inferences: int) -> bool:
    """Simulate the control units as circuits, if asked for. Return True if all starts are right."""
    if options.rtl is None:
        return True
    from cmir.support.progress import Progress

    with Progress() as progress:
        progress.working("simulating control units")
        count = min(max(inferences, _LEAST_SIMULATED), _MOST_SIMULATED)
        verdict = network.simulate_control(count, None if options.rtl == "auto" else options.rtl)
    if not verdict:
        print(f"cm-run: {printable(str(verdict))}", file=sys.stderr)
    else:
        print(verdict)
    return bool(verdict)


def _schedules(
    options: argparse.Namespace,
    model: Model,
    network: Network,
    samples: Sequence[Sample],
    run: Run,
    tolerances: Tolerances,
) -> bool:
    """Run the network on the reference machine. Return True if its outputs equal those of the simulator."""
    from cmir.checking import compare
    from cmir.execution.schedules import run_schedules
    from cmir.support.progress import Progress

    op = network.timed.network.op
    with Progress() as progress:
        found = run_schedules(
            op,
            model.parameters,
            network.interface.arrays(samples),
            options.schedules,
            options.seed or 0,
            model.path,
            progress.working,
        )
    expected = [[*sample.values()] for sample in run.exact_samples[: len(found)]]
    outputs = network.interface.named(found)
    rtol, atol, narrowest = tolerances.rtol, tolerances.atol, tolerances.narrowest
    problems = compare(outputs, expected, rtol, atol, narrowest)
    for problem in problems:
        print(f"cm-run: schedules failed: {printable(problem)}", file=sys.stderr)
    if not problems:
        print(f"schedules: {options.schedules} random and adversarial, no violation")
    return not problems


def _check(
    options: argparse.Namespace,
    reference: Reference,
    network: Network,
    samples: Sequence[Sample],
    run: Run,
    tolerances: Tolerances,
) -> bool:
    """Compare the outputs of a run with a reference. Return True if they are right."""
    from cmir.execution.accuracy import Deviation
    from cmir.execution.sequences import sequence_starts

    first = sequence_starts(options.sequence_lengths, len(samples), network.timed.network.op)
    outputs = run.exact_samples
    verdict = network.judge(reference, samples, outputs, tolerances, first, run.lanes)
    for line in verdict.wrong:
        print(f"cm-run: check failed: {printable(line)}", file=sys.stderr)
    if verdict:
        print(f"check: {verdict}" + (", with exact products" if run.model is not None else ""))
    if run.model is not None:
        for name, deviation in Deviation.of(run.samples, run.exact_samples).items():
            print(f"deviation of {printable(name)}, {run.model.settings}: {deviation}")
    return bool(verdict)


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
    """Print the trade-off of the network that a run with these options would execute."""
    from cmir.analysis.curve import buffer_curve
    from cmir.analysis.sizing import Sizing
    from cmir.compilation.model import lower_to_mapped, places_of_mapped
    from cmir.report.summary import print_curve, write_curve
    from cmir.support.progress import Progress

    with Progress() as progress:

        def show(name: str) -> None:
            progress.working(f"compiling: {name}")

        pipeline = lower_to_mapped(model, hardware, options.replicate, "--buffer-curve", show)
        if not pipeline.stages:
            raise CompileError(pipeline, "the network has no program to run")
        sizing = Sizing(pipeline, hardware)
        places = places_of_mapped(model, hardware, options.placement_seconds, show)
        if places is not None:
            sizing = sizing.placed(places)
        points = buffer_curve(sizing)
    print_curve(points)
    if options.output_curve is not None:
        write_curve(points, options.output_curve)
    return 0


if __name__ == "__main__":
    from cmir.tools.entry import enter

    sys.exit(enter("cm-run"))
