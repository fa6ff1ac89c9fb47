"""Options shared by several tools."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Literal, NoReturn, get_args

from cmir.support.limits import VARIABLE, parse_size

Storage = Literal["full", "live", "lossless"]
"""Sizes of buffers, see polyhedral-assign-storage. `full` keeps the storage of the IR."""

Replication = Literal["columns", "rows", "bands", "runs"]
"""Ways to divide a stage, see polyhedral-replicate."""


_THREADS = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OMP_NUM_THREADS",
)
"""Variables that libraries of linear algebra read when NumPy loads them."""


class CommandParser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit."""
        exit_with(self, message)


def exit_with(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    """Print a message about the command line, which it may quote, and exit."""
    from cmir.support.diagnostics import printable  # late: entry points import this module first

    parser.exit(2, f"{parser.prog}: error: {printable(message)}\n")


def positive(text: str) -> int:
    """Parse an argument that must be a positive integer."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive number, got '{text}'")
    return int(text)


def natural(text: str) -> int:
    """Parse an argument that must be an integer that is not negative."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a number that is not negative, got '{text}'")
    return int(text)


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add the number of threads of linear algebra; see `use_threads`."""
    parser.add_argument(
        "--threads",
        metavar="N",
        type=positive,
        help="threads of linear algebra; with several, floating-point results may differ in their last bits"
        " (default: 1)",
    )


def use_threads(count: int) -> None:
    """Let linear algebra use so many threads; to be called before NumPy is imported."""
    os.environ.update(dict.fromkeys(_THREADS, str(count)))


def add_model(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Add the model to run. optional: True if the tool also works without a model."""
    parser.add_argument(
        "model",
        type=Path,
        nargs="?" if optional else None,
        help="ONNX file (.onnx, .onnxtxt) or IR (.mlir)",
    )


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the option for the file of parameters."""
    parser.add_argument(
        "--weights", metavar="FILE", type=Path, help="parameters of IR (default: beside the IR)"
    )


def add_hardware(parser: argparse.ArgumentParser, help: str, default: str | None = None) -> None:
    """Add the option for the machine to compile for, a text for `Hardware.load`."""
    parser.add_argument("--hardware", metavar="NAME|FILE", default=default, help=help)


def add_mapping(
    parser: argparse.ArgumentParser, *, storage: str, replicate: str, placement: str
) -> None:
    """Add the options that map a network to a machine, see `cmir.tools.model.lower`. The arguments are help texts."""
    parser.add_argument("--storage", choices=get_args(Storage), help=storage)
    parser.add_argument(
        "--replicate", choices=get_args(Replication), nargs="?", const="columns", help=replicate
    )
    parser.add_argument("--placement-seconds", metavar="S", type=float, help=placement)


def add_memory(parser: argparse.ArgumentParser) -> None:
    """Add the limit of memory, which holds for this process and those that it starts."""
    parser.add_argument(
        "--memory",
        metavar="SIZE",
        type=_limit_memory,
        help="refuse what would take more memory than this, such as 8GiB, before any work starts (default: what the"
        " machine has)",
    )


def _limit_memory(text: str) -> int:
    try:
        size = parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    os.environ[VARIABLE] = str(size)
    return size
