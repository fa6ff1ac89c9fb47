"""The options that all tools have: `--version` and `--print-completion`."""

from __future__ import annotations

import argparse

from cmir import __version__
from cmir.tools.completion import add_completion


def add_version(parser: argparse.ArgumentParser) -> None:
    """Add `--version`, which prints the version of cmir, and `--print-completion`."""
    parser.add_argument(
        "--version",
        action="version",
        version=f"{parser.prog} {__version__}",
        help="print the version",
    )
    add_completion(parser)
