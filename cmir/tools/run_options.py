"""Options of cm-run, and the combinations that it accepts."""

from __future__ import annotations

import argparse
from pathlib import Path

from cmir.rtl.simulators import SIMULATORS, check_installed
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.tools.accuracy import add_accuracy_options, check_accuracy_options
from cmir.tools.options import (
    CommandParser,
    add_hardware,
    add_import,
    add_mapping,
    add_memory,
    add_model,
    add_threads,
    add_weights,
    natural,
    positive,
)
from cmir.tools.pictures import add_picture_options, check_picture_options
from cmir.tools.version import add_version


def run_parser() -> argparse.ArgumentParser:
    """Return the parser of cm-run's command line."""
    parser = CommandParser(
        prog="cm-run",
        description="Execute a network on the model of a computational-memory accelerator: an ONNX"
        " file, or IR at the nn, polyhedral or cmcore level, which is first lowered by what remains"
        " of the pipeline.",
    )
    add_version(parser)
    _add_data(parser)
    _add_machine(parser)
    _add_work(parser)
    _add_checks(parser)
    _add_circuits(parser)
    add_accuracy_options(parser)
    add_memory(parser)
    parser.add_argument(
        "--quiet", action="store_true", help="print the totals, not a line for each program"
    )
    parser.add_argument(
        "--cores",
        action="store_true",
        help="print a line for each core also where several run one program",
    )
    add_threads(parser)
    add_picture_options(parser)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    """Add the options for the network and its inputs."""
    add_model(parser, optional=True)
    parser.add_argument(
        "inputs",
        type=Path,
        nargs="*",
        help="input data: one .npz, or a .npy, an ONNX .pb or a folder of images for each input in order; an array with"
        " one more leading dimension than the input is a stream of inferences, and the batch dimension of an input"
        " may be missing if it is 1. Floats are rounded to the type of the input. bf16 is read from float32 and written"
        " as float32; integers of 2 or 4 bits are read and written as int8. PNG and JPEG files in a folder are"
        " inferences in the order of their names. Each has the size and the channels of the input, which come first or"
        " last as its shape says; pixels are divided by 255 if it has floats (extra cmir[images])",
    )
    parser.add_argument(
        "--random", metavar="SEED", type=natural, help="use random inputs instead of files"
    )
    parser.add_argument(
        "-n",
        "--inferences",
        metavar="N",
        type=positive,
        help="inferences to run; inputs from files are repeated in turn (default: as many as given)",
    )
    parser.add_argument(
        "--sequence-lengths",
        metavar="N,N,...",
        type=_lengths,
        help="divide the inferences into sequences of these lengths; in the first inference of each, state has its"
        " initial value (default: one sequence)",
    )
    add_weights(parser)
    add_import(parser)


def _add_machine(parser: argparse.ArgumentParser) -> None:
    """Add the options for the machine, and for the mapping of the network to it."""
    add_hardware(
        parser,
        "preset or TOML file that describes the machine (default: what the IR says, or ideal)",
    )
    parser.add_argument(
        "--list-hardware", action="store_true", help="list the presets that describe machines"
    )
    parser.add_argument(
        "--print-hardware",
        metavar="NAME|FILE",
        help="print the description of a machine, a start for one's own",
    )
    add_mapping(
        parser,
        storage="room in the buffers: for whole arrays, in the least memory that the network is found to run with, or"
        " to run with at the interval of unlimited memory; how close that is to the least possible is told"
        " (default: full, or what the IR says; lossless on a machine whose SRAM is limited). `scheduled` keeps the"
        " interval with a little more memory that is found at once (default with --budget)",
        replicate="divide stages among the cores that are left, so that the interval is as short as can be:"
        " by runs of columns (default), row by row in turn, by bands of rows, by runs of iterations, or iteration by"
        " iteration in turn; `ways` are copies of matrices in the crossbars that their cores have left, which take"
        " turns; `columns-ways` does both",
        budget="choose the copies and the ways of all stages together: for the shortest interval within so many"
        " cores=N,crossbars=N (default: all), or for interval=CYCLES with the fewest crossbars",
        objective="what the plan of --budget (default: all of the machine) makes as small as it can: the time between"
        " inferences (default), or the latency or the energy of one, for which several plans are compiled and"
        " compared",
        placement="look for places of cores for so long, on a machine that has places; results then depend on the"
        " computer (default: a fixed amount of work, about a second)",
    )


def _add_work(parser: argparse.ArgumentParser) -> None:
    """Add the options for the kind of run, and for result files."""
    parser.add_argument(
        "--timing-only",
        action="store_true",
        help="run no data: cycles, latency and interval as a run would give them, without inputs",
    )
    parser.add_argument(
        "--advise",
        action="store_true",
        help="compile again, to try what would shorten the interval: more cores, copies of stages, other buffers",
    )
    parser.add_argument(
        "--buffer-curve",
        action="store_true",
        help="run nothing, but map the network to the machine and print the SRAM bytes and steady-state intervals of"
        " buffer sizes from live ones to lossless ones, and the bytes that such an interval takes at least",
    )
    parser.add_argument(
        "--output-curve", metavar="FILE", type=Path, help="write the buffer curve to a CSV file"
    )
    parser.add_argument(
        "--lanes",
        metavar="N",
        type=positive,
        help="the inferences that are executed in lock-step, or with state the sequences; changes no cycles (default:"
        " as many as save time, within bounds of memory)",
    )
    parser.add_argument(
        "--chunk",
        metavar="N",
        type=positive,
        help="the most iterations a core executes at a time, with one lane by default; changes no cycles",
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
        "--control-cost",
        action="store_true",
        help="print the flip-flops, gates and LUTs of the control units as circuits, and what a valid bit and a count"
        " for each word of the same buffers would take, and add them to --json and --report; gates and LUTs are counted"
        " with Yosys",
    )


def _add_circuits(parser: argparse.ArgumentParser) -> None:
    """Add the options for control units as circuits."""
    parser.add_argument(
        "--rtl",
        nargs="?",
        const="auto",
        choices=("auto", *SIMULATORS),
        metavar="SIMULATOR",
        help="simulate the control units as circuits, cycle by cycle, and compare each start of the run's inferences, 4"
        " at least and 16 at most, with the timing model; with icarus or verilator, by default the faster of those that"
        " are installed",
    )


def _add_checks(parser: argparse.ArgumentParser) -> None:
    """Add the options for comparisons and proofs."""
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare with onnxruntime (ONNX), with exact integer arithmetic (ONNX with operators on"
        " integers), or with NumPy at the nn or polyhedral level (IR, and ONNX that onnxruntime"
        " refuses); where they differ, evaluate the network in float64, and fail if the results"
        " differ from that, too",
    )
    parser.add_argument(
        "--check-with",
        choices=("onnxruntime", "numpy"),
        help="compare an ONNX model with this reference alone: onnxruntime, or NumPy on what is"
        " imported; implies --check",
    )
    parser.add_argument(
        "--check-against",
        metavar="FILE",
        type=Path,
        help="compare with another file: the ONNX model, or the IR at the nn or polyhedral level,"
        " that the IR was compiled from; implies --check. With --verify, values are proved to be those of that file,"
        " and are compared only if there are inputs",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="prove that control is right in endless streams and that values are those of the nn IR the network"
        " was compiled from; needs no inputs. The exit code is 1 if a proof fails, and 3 if control is proved and"
        " values are not: their source is unknown, see --check-against, or has operators that the proof does not cover",
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
        "--seed", metavar="S", type=natural, help="draws the delays of --schedules (default: 0)"
    )
    parser.add_argument(
        "--rtol",
        type=float,
        help="relative tolerance of --check and --schedules (default: 1e-4, 2e-3, 1.6e-2 or 1e-11 if the least"
        " precise floats of the network are f32, f16, bf16 or f64; 0 for integers)",
    )
    parser.add_argument(
        "--atol",
        type=float,
        help="tolerance of both relative to an output's largest element (default: 1e-5, 2e-3 or 1e-12, as for"
        " --rtol)",
    )


def _lengths(text: str) -> list[int]:
    """Parse the value of --sequence-lengths."""
    return [positive(length) for length in text.split(",")]


def check_options(options: argparse.Namespace) -> None:
    """Raise CompileError for options that contradict each other, or that need data that the run will not have."""
    if options.model is None:
        raise CompileError("cm-run", "no model: give an ONNX file or IR")
    runs = bool(options.inputs) or options.random is not None
    of_proof = options.verify and not runs  # --check-against then has the source of the proof
    asked = options.check_with or (options.check_against and not of_proof)
    options.check = options.check or bool(asked)
    check_picture_options(options)
    check_accuracy_options(options)
    if options.rtl is not None:
        check_installed(None if options.rtl == "auto" else options.rtl)
    if options.seed is not None and options.schedules is None:
        raise CompileError("cm-run", "--seed needs --schedules")
    if options.buffer_curve:
        _check_buffer_curve(options)
        return
    if options.output_curve is not None:
        raise CompileError("cm-run", "--output-curve needs --buffer-curve")
    if options.timing_only:
        if _runs_data(options):
            raise CompileError("cm-run", "--timing-only runs no data: it takes no inputs")
        return
    if options.inputs and options.random is not None:
        raise CompileError("cm-run", "input files and --random exclude each other")
    if not options.inputs and options.random is None:
        _check_without_inputs(options)
    _check_sequences(options)
    if options.output is not None and options.output.suffix not in (".npy", ".npz"):
        raise CompileError(options.output, "outputs are written to .npy or .npz files")


def _check_sequences(options: argparse.Namespace) -> None:
    """Check the number of inferences of sequences, which is that of random inputs by default."""
    if options.sequence_lengths is None:
        return
    if options.schedules is not None:
        raise CompileError(
            "cm-run", "--schedules runs one sequence: it takes no --sequence-lengths"
        )
    total = sum(options.sequence_lengths)
    if options.random is not None and options.inferences is None:
        options.inferences = total
    if options.inferences not in (None, total):
        message = f"--sequence-lengths has {count_of(total, 'inference')}, and --inferences {options.inferences}"
        raise CompileError("cm-run", message)


def _check_buffer_curve(options: argparse.Namespace) -> None:
    """Nothing runs, so nothing may be asked for that only a run gives."""
    if options.schedules is not None:
        raise CompileError("cm-run", "--buffer-curve runs nothing: it has no schedules")
    if options.verify:
        raise CompileError("cm-run", "--buffer-curve stops before there is anything to --verify")
    if _runs_data(options):
        raise CompileError("cm-run", "--buffer-curve runs nothing: it takes no inputs")
    if options.storage is not None:
        raise CompileError(
            "cm-run", "--buffer-curve tries all sizes of buffers: it takes no --storage"
        )
    if options.json is not None:
        raise CompileError("cm-run", "--buffer-curve runs nothing: it has no figures for --json")
    for wanted in "rtl", "control_cost":
        if getattr(options, wanted):
            name = wanted.replace("_", "-")
            raise CompileError(
                "cm-run", f"--buffer-curve runs nothing: it has no control for --{name}"
            )
    if options.advise:
        raise CompileError("cm-run", "--buffer-curve runs nothing: it has no interval for --advise")


def _runs_data(options: argparse.Namespace) -> bool:
    """Return True if there are inputs, or something is asked of outputs."""
    asked = (
        *(options.random, options.output, options.sequence_lengths, options.lanes),
        *(options.accuracy, options.ranges),
    )
    return bool(options.inputs or options.check or any(option is not None for option in asked))


_OF_RUNS = (
    *("check", "schedules", "output", "json", "inferences", "sequence_lengths", "lanes", "advise"),
    *("timeline", "report", "plot", "trace", "accuracy", "ranges", "rtl", "control_cost"),
)
"""Options that request a run, or results of a run."""


def _check_without_inputs(options: argparse.Namespace) -> None:
    """Check that a run without inputs requests only proofs. Raises CompileError."""
    wanted = next((name for name in _OF_RUNS if getattr(options, name)), None)
    if not options.verify:
        raise CompileError("cm-run", "no inputs: give files, or --random SEED")
    if wanted is not None:
        message = f"--{wanted.replace('_', '-')} needs a run, and --verify alone has none: give files, or --random SEED"
        raise CompileError("cm-run", message)
