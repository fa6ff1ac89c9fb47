"""Command lines of mlir-opt: passes as flags, and the names of options in both tools."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple


class PassFlag(NamedTuple):
    """A pass given as a flag: the flag as it stands, and the pass with its options as in a pipeline."""

    flag: str
    text: str


_ALIASES = {
    "--mlir-timing": "--time-passes",
    "--mlir-pass-pipeline-crash-reproducer": "--crash-reproducer",
}
_PREFIX = "--mlir-"

_WITH_OPTIONAL_VALUE = {"--verify-diagnostics": "all"}
"""Options whose value may be left out, which argparse would take from the next argument; the value then."""


def split_pass_flags(
    arguments: Sequence[str], passes: Container[str], options: Container[str]
) -> tuple[list[PassFlag], list[str]]:
    """Return the passes among command-line arguments, in order, and the other arguments.

    `--a`, `--a=options`, `--a{options}`, each also with one dash, is pass `a`. The others get the names that cm-opt's
    own options have: `--mlir-x` becomes `--x`.

    passes: names of passes and pipelines. options: the flags of other options, which come first.
    """
    flags: list[PassFlag] = []
    others: list[str] = []
    for index, argument in enumerate(arguments):
        if argument == "--":
            return flags, [*others, *arguments[index:]]
        flag, _, value = argument.partition("=")
        name, brace, rest = argument.lstrip("-").partition("{")
        if brace and argument.startswith("-") and name in passes and "=" not in name:
            flags.append(PassFlag(argument[: argument.index("{")], name + brace + rest))
        elif argument.startswith("-") and flag not in options and flag.lstrip("-") in passes:
            given = value if value.startswith("{") and value.endswith("}") else f"{{{value}}}"
            flags.append(PassFlag(flag, flag.lstrip("-") + given))
        else:
            others.append(_own_name(argument, options))
    return flags, others


def _own_name(argument: str, options: Container[str]) -> str:
    """Return the argument with the name that cm-opt has for the option."""
    flag, equals, value = argument.partition("=")
    flag = _ALIASES.get(flag, flag)
    if flag.startswith(_PREFIX) and f"--{flag.removeprefix(_PREFIX)}" in options:
        flag = f"--{flag.removeprefix(_PREFIX)}"
    if not equals and flag in _WITH_OPTIONAL_VALUE:
        return f"{flag}={_WITH_OPTIONAL_VALUE[flag]}"
    return flag + equals + value
