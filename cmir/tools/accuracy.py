"""Options of cm-run for labelled data sets and models of crossbars, and what they print."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, printable
from cmir.support.durations import SECONDS, duration_text
from cmir.tools.options import positive
from cmir.tools.pictures import check_plot_file

if TYPE_CHECKING:
    from cmir.crossbars.model import CrossbarModel
    from cmir.hardware.description import Hardware
    from cmir.library.accuracy import Accuracy, Reading
    from cmir.library.network import Network
    from cmir.library.progress import Show
    from cmir.library.run import Run

_TIME = re.compile(r"(\d+(?:\.\d+)?)([smhdy])")


def add_accuracy_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for labelled data sets and for ranges of converters."""
    parser.add_argument(
        "--accuracy",
        metavar="LABELS",
        type=Path,
        help="compare with the labels of a .npy file, and print the share of samples that are right: integers are the"
        " classes of the samples, floats the outputs of a regression. With a model of crossbars in the hardware"
        " description, print the share with exact products, and with programmed crossbars",
    )
    parser.add_argument(
        "--top",
        metavar="K",
        type=positive,
        help="with --accuracy: a sample is right if its class is among the K largest elements (default: 1)",
    )
    parser.add_argument(
        "--accuracy-output",
        metavar="NAME",
        help="with --accuracy: the output that labels are for (default: the only one)",
    )
    parser.add_argument(
        "--at",
        metavar="TIME,TIME,...",
        type=_times,
        help="with --accuracy: times from programming the crossbars to reading them, such as 1s,1h,1d,1y (default:"
        " that of the description)",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=positive,
        help="with --accuracy: program the crossbars N times, and print mean and standard deviation (default: 1)",
    )
    parser.add_argument(
        "--accuracy-plot",
        metavar="FILE",
        type=Path,
        help="with --accuracy: plot the accuracy over time and the error of each matrix with Matplotlib, as .svg, .png"
        " or .pdf",
    )
    parser.add_argument(
        "--ranges",
        metavar="FILE",
        type=Path,
        help="ranges of the converters of a model of crossbars, as safetensors: read the file if it exists; else"
        " calibrate on the first inferences, and write it",
    )


def _times(text: str) -> list[float]:
    """Parse the value of --at, in seconds."""
    times: list[float] = []
    for item in text.split(","):
        if (found := _TIME.fullmatch(item.strip())) is None:
            message = (
                f"times are numbers with a unit (s, m, h, d, y), such as 1s,1h,1d,1y; got '{item}'"
            )
            raise argparse.ArgumentTypeError(message)
        times.append(float(found[1]) * SECONDS[found[2]])
    return times


def check_accuracy_options(options: argparse.Namespace) -> None:
    """Raise CompileError for options that need --accuracy."""
    for name in ("top", "accuracy_output", "accuracy_plot", "at", "seeds"):
        if getattr(options, name) is not None and options.accuracy is None:
            raise CompileError("cm-run", f"--{name.replace('_', '-')} needs --accuracy")
    check_plot_file(options.accuracy_plot, "--accuracy-plot")


def check_accuracy_model(options: argparse.Namespace, hardware: Hardware) -> None:
    """Raise CompileError, before the run, if a plot would have nothing but exact products."""
    from cmir.hardware.crossbar_models import Ideal

    if options.accuracy_plot is not None and isinstance(hardware.crossbar.model, Ideal):
        message = "--accuracy-plot needs a model of crossbars: choose one in the hardware description, [crossbar.model]"
        raise CompileError("cm-run", message)


def read_ranges_of(options: argparse.Namespace, network: Network) -> None:
    """Give the network the ranges in the file of --ranges, if it exists."""
    from cmir.crossbars.ranges import read_ranges

    if options.ranges is not None and options.ranges.exists():
        network.crossbars.ranges = read_ranges(options.ranges)


def write_ranges_of(options: argparse.Namespace, network: Network) -> None:
    """Write the ranges that a run has calibrated to the file of --ranges, unless they are from there."""
    from cmir.crossbars.ranges import write_ranges

    ranges = network.crossbars.ranges
    if options.ranges is not None and not options.ranges.exists():
        if ranges is None:
            message = "there are no ranges to calibrate: the model of crossbars has no converters"
            raise CompileError(options.ranges, message)
        write_ranges(ranges, options.ranges)


def accuracy_asked(options: argparse.Namespace, run: Run, show: Show) -> Accuracy | None:
    """Return the accuracy of a run, if --accuracy asks for it."""
    if options.accuracy is None:
        return None
    from cmir.execution.accuracy import Labels
    from cmir.library.accuracy import accuracy_of

    labels = Labels.read(options.accuracy, options.top or 1)
    at, seeds = options.at or [], options.seeds or 1
    return accuracy_of(run, labels, at, seeds, options.accuracy_output, show)


def plot_accuracy(options: argparse.Namespace, accuracy: Accuracy) -> None:
    """Draw the accuracy, if --accuracy-plot asks for it. Raises OSError if the file cannot be written."""
    if options.accuracy_plot is not None:
        from cmir.report.plot import save_figure

        save_figure(accuracy.plot, options.accuracy_plot)


def print_accuracy(accuracy: Accuracy, matrices: bool) -> None:
    """Print the accuracy with exact products, and at each time. matrices: print the deviation of each, too."""
    print(f"accuracy of {count_of(accuracy.samples, 'sample')}, {accuracy.measure}")
    rows = [("exact products", _score(accuracy, accuracy.exact))]
    for reading in accuracy.readings:
        time = "" if reading.seconds is None else f", {duration_text(reading.seconds)}"
        text = _score(accuracy, reading.mean)
        if len(reading.scores) > 1:
            spread = _score(accuracy, reading.deviation)
            text += f" ± {spread}, {count_of(len(reading.scores), 'seed')}"
        if reading.clipped:
            text += f", {100 * reading.clipped:.3g} % of conversions clipped"
        rows.append((f"{accuracy.model}{time}", text))
    width = max(len(label) for label, _ in rows)
    for label, text in rows:
        print(f"  {label:<{width}}  {text}")
    if matrices and accuracy.readings:
        _print_matrices(accuracy.readings[-1])


def _print_matrices(reading: Reading) -> None:
    """Print the deviation of the products of each matrix."""
    when = "" if reading.seconds is None else f", {duration_text(reading.seconds)}"
    print(f"deviation of products by matrix{when}, first seed")
    names = [printable(found.matrix) for found in reading.matrices]
    width = max(map(len, ("matrix", *names)))
    print(f"  {'matrix':<{width}}  {'slope':>7}  {'error':>8}  {'clipped':>9}")
    for name, found in zip(names, reading.matrices, strict=True):
        shares = f"{100 * found.error:>6.2f} %  {100 * found.clipped:>7.3g} %"
        print(f"  {name:<{width}}  {found.slope:>7.4f}  {shares}")


def print_model(model: CrossbarModel) -> None:
    """Print which model of crossbars outputs are of."""
    print(f"crossbars: {model.settings}, {100 * model.clipped:.3g} % of conversions clipped")


def _score(accuracy: Accuracy, score: float) -> str:
    return f"{100 * score:.2f} %" if accuracy.classes else f"{score:.4g}"
