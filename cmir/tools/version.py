"""The option `--version` of the tools."""

from __future__ import annotations

import argparse

from cmir import __version__


def add_version(parser: argparse.ArgumentParser) -> None:
    """Add `--version`, which prints the version of cmir."""
    parser.add_argument(
        "--version",
        action="version",
        version=f"{parser.prog} {__version__}",
        help="print the version",
    )
