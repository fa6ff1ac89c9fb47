"""Options that several tools have: each is declared once, and means the same everywhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal, get_args

Storage = Literal["full", "live", "lossless"]
"""How many rows buffers have: see polyhedral-assign-storage. Full leaves the storage as it is in the IR."""

Replication = Literal["columns", "rows", "bands", "runs"]
"""How stages are divided: see polyhedral-replicate."""


def positive(text: str) -> int:
    """A type of arguments: a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive number, got '{text}'")
    return int(text)


def add_model(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Add the model to run. optional: there are other things to do without one."""
    parser.add_argument(
        "model",
        type=Path,
        nargs="?" if optional else None,
        help="ONNX file (.onnx, .onnxtxt) or IR (.mlir)",
    )


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the parameters of IR."""
    parser.add_argument(
        "--weights", metavar="FILE", type=Path, help="parameters of IR (default: beside the IR)"
    )


def add_hardware(parser: argparse.ArgumentParser, help: str, default: str | None = None) -> None:
    """Add the machine to compile for, as `Hardware.load` takes it."""
    parser.add_argument("--hardware", metavar="NAME|FILE", default=default, help=help)


def add_mapping(
    parser: argparse.ArgumentParser, *, storage: str, replicate: str, placement: str
) -> None:
    """Add how a network is mapped to a machine, as `cmir.tools.model.lower` takes it.

    The texts are the help of the options.
    """
    parser.add_argument("--storage", choices=get_args(Storage), help=storage)
    parser.add_argument(
        "--replicate", choices=get_args(Replication), nargs="?", const="columns", help=replicate
    )
    parser.add_argument("--placement-seconds", metavar="S", type=float, default=1.0, help=placement)
