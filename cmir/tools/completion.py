"""The option `--print-completion` of the tools: what a shell needs to complete their command lines."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

OPTION = "--print-completion"

SHELLS = ("bash", "zsh", "tcsh")

_FILES = ("FILE", "MODEL", "DIR", "FOLDER", "IMAGE", "INPUTS")
"""Words in metavars of arguments that are files."""


def add_completion(parser: argparse.ArgumentParser) -> None:
    """Add `--print-completion`, which needs the package shtab only when it is used."""
    parser.add_argument(
        OPTION,
        action=_PrintCompletion,
        choices=SHELLS,
        help=f'print what a shell needs to complete command lines: eval "$({parser.prog} {OPTION} bash)"',
    )


class _PrintCompletion(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        from cmir.support.extras import missing_package
        from cmir.tools.options import exit_with

        try:
            import shtab  # pyright: ignore[reportMissingImports]
        except ModuleNotFoundError:
            exit_with(parser, missing_package("shtab"))
        for action in parser._actions:
            if _takes_a_file(action):
                action.complete = shtab.FILE  # pyright: ignore[reportAttributeAccessIssue]
        print(shtab.complete(parser, shell=str(values)))
        parser.exit()


def _takes_a_file(action: argparse.Action) -> bool:
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest
    return action.type is Path or any(word in metavar.upper() for word in _FILES)
