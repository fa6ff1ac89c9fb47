"""Options shared by several tools."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, get_args

from cmir.compilation.choices import CopyBudget, Objective, Replication, Storage
from cmir.frontends.samples import Samples
from cmir.frontends.state import State
from cmir.support.limits import VARIABLE, parse_size

_THREADS = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OMP_NUM_THREADS",
)
"""Variables that libraries of linear algebra read when NumPy loads them."""


_CHOICE = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)$")
"""A message of argparse about a value, and the values that there are."""


class CommandParser(argparse.ArgumentParser):
    """A parser whose errors are one line, with a hint at what may have been meant."""

    _given: Sequence[str] = ()

    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, args: Any = None, namespace: Any = None
    ) -> Any:
        """Parse arguments, and keep them for errors."""
        self._given = [*(sys.argv[1:] if args is None else args)]
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Print the message and exit. An unknown option comes before what is missing because of it."""
        unknown = next(filter(self._is_unknown, _options_among(self._given)), None)
        if unknown is not None:
            message = f"unrecognized arguments: {unknown}{self.similar_options(unknown)}"
        elif (choice := _CHOICE.search(message)) is not None:
            from cmir.support.similar import did_you_mean  # late: only errors need it

            message += did_you_mean(choice[1], re.findall(r"[^\s,']+", choice[2]))
        exit_with(self, message)

    def similar_options(self, flag: str, more: Iterable[str] = ()) -> str:
        """Return a hint at an option of a similar name, or an empty text. more: flags that argparse does not know."""
        from cmir.support.similar import did_you_mean

        return did_you_mean(flag.partition("=")[0], [*self._option_string_actions, *more])

    def _is_unknown(self, argument: str) -> bool:
        flag = argument.partition("=")[0]
        return not any(option.startswith(flag) for option in self._option_string_actions)


def _options_among(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments that are long options."""
    ends = arguments.index("--") if "--" in arguments else len(arguments)
    yield from (argument for argument in arguments[:ends] if argument.startswith("--"))


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


def add_import(parser: argparse.ArgumentParser) -> None:
    """Add the options for the import of an ONNX file: `shape`, a list of pairs, `samples`, and texts for `state_of`."""
    parser.add_argument(
        "--shape",
        metavar="INPUT=1,D,...",
        type=_shape,
        action="append",
        default=[],
        help="set the shape of an input of an ONNX file, including its batch dimension; may be repeated",
    )
    parser.add_argument(
        "--samples",
        choices=get_args(Samples),
        default="auto",
        help="part of an ONNX file's inputs that an inference takes: one sample of a batch, the first dimension of all"
        " inputs (split), or everything (whole); auto is split if the batch is 1 and nothing mixes it with another"
        " dimension, else whole, with a remark that says why (default: auto)",
    )
    parser.add_argument(
        "--state",
        metavar="INPUT=OUTPUT[:INITIAL]|none",
        type=_state,
        action="append",
        default=[],
        help="in each inference, let an input of an ONNX file be what an output was in the inference before; INITIAL,"
        " its value in the first, is a number, a .npy file or a constant of the model by name (default: 0); may be"
        " repeated. Inputs and outputs whose names say so are bound without it, and a remark names them: past* and"
        " present*, h0 and hn, state and stateN, X and X_next or new_X, X_in and X_out of a state, hidden or cell;"
        " none binds only what is given",
    )


def state_of(options: argparse.Namespace) -> State:
    """Return the state that the options describe."""
    return State.parse(options.state)


def _state(text: str) -> str:
    """Check a value of --state."""
    try:
        State.parse([text])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    """Parse the value of --shape."""
    name, equals, dims = text.rpartition("=")
    if not (name and equals and all(d.isdecimal() and int(d) > 0 for d in dims.split(","))):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a name, '=' and positive numbers with commas between them"
        )
    return name, tuple(map(int, dims.split(",")))


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the option for the file of parameters."""
    parser.add_argument(
        "--weights",
        metavar="FILE",
        type=Path,
        help="parameters of IR (default: those that the IR names, or next to it)",
    )


def add_hardware(parser: argparse.ArgumentParser, help: str, default: str | None = None) -> None:
    """Add the option for the machine to compile for, a text for `Hardware.load`."""
    parser.add_argument("--hardware", metavar="NAME|FILE", default=default, help=help)


def add_mapping(
    parser: argparse.ArgumentParser,
    *,
    storage: str,
    replicate: str,
    budget: str,
    objective: str,
    placement: str,
) -> None:
    """Add the options that map a network to a machine, see `cmir.compile`. The arguments are help texts.

    `join_objective` makes one of the options for copies.
    """
    parser.add_argument("--storage", choices=get_args(Storage), help=storage)
    copies = parser.add_mutually_exclusive_group()
    copies.add_argument(
        "--replicate", choices=get_args(Replication), nargs="?", const="columns", help=replicate
    )
    copies.add_argument(
        "--budget",
        metavar="LIMITS",
        dest="replicate",
        type=_copy_budget,
        nargs="?",
        const=CopyBudget(),
        help=budget,
    )
    parser.add_argument("--objective", choices=get_args(Objective), help=objective)
    parser.add_argument("--placement-seconds", metavar="S", type=float, help=placement)


def join_objective(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Make the objective a part of the budget in `options.replicate`; exit if there are copies of another kind."""
    if options.objective is not None:
        budget = CopyBudget() if options.replicate is None else options.replicate
        if not isinstance(budget, CopyBudget):
            parser.error("argument --objective: not allowed with argument --replicate")
        options.replicate = replace(budget, objective=options.objective)


def _copy_budget(text: str) -> CopyBudget:
    try:
        return CopyBudget.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


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
