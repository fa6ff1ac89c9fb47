"""cm-sweep: run a network on a grid of machines and write a row for each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, printable
from cmir.support.interruption import at_interruption
from cmir.tools.common import run_tool
from cmir.tools.options import (
    CommandParser,
    add_hardware,
    add_import,
    add_mapping,
    add_memory,
    add_model,
    add_threads,
    add_weights,
    join_objective,
    natural,
    positive,
    state_of,
    use_threads,
)
from cmir.tools.sweep_front import add_front_options, check_front_options, show_front
from cmir.tools.version import add_version

if TYPE_CHECKING:
    from rich.progress import Progress

    from cmir.compilation.choices import Copies, Storage
    from cmir.compilation.model import Model
    from cmir.sweeps.grid import Grid, SweepPoint


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    join_objective(parser, options)
    if options.threads is not None:
        use_threads(options.threads)
    return run_tool("cm-sweep", lambda: _sweep(options))


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="cm-sweep",
        description="Run a network on a grid of machines, in parallel processes, and write a row for each: cycles,"
        " energy, area, load of links. Rows are on disk as soon as they are done. Repeat the command to resume an"
        " interrupted sweep, or add values of fields to extend it. A point that fails is a row with the reason, and is"
        " not tried again. Rows of another network, machine, option or version of cmir are refused.",
    )
    add_version(parser)
    add_model(parser)
    add_weights(parser)
    add_import(parser)
    add_memory(parser)
    _add_grid(parser)
    add_mapping(
        parser,
        storage="room in the buffers, as in cm-run",
        replicate="divide stages among the cores that are left, as in cm-run",
        budget="choose copies and ways of all stages for a number of cores and crossbars, as in cm-run",
        objective="what the plan of --budget makes as small as it can, as in cm-run",
        placement="look for places of cores for so long in each point, as in cm-run (default: a fixed amount of work)",
    )
    add_threads(parser)
    _add_work(parser)
    add_front_options(parser)
    return parser


def _add_grid(parser: argparse.ArgumentParser) -> None:
    """Add the options for the machines of the sweep, and for the file of their rows."""
    add_hardware(
        parser,
        "preset or TOML file of the machine whose fields are changed (default: ideal)",
        default="ideal",
    )
    parser.add_argument(
        "--set",
        dest="settings",
        metavar="FIELD=VALUES",
        action="append",
        default=[],
        help="values of a field, such as crossbar.rows=64,128 or core.crossbars=1..8:2 (1, 3, 5, 7) or"
        " interconnect.shape=[4,4],[8,8]; none leaves the field out; repeat --set to run all combinations of"
        " several fields",
    )
    parser.add_argument(
        "-o",
        dest="output",
        metavar="FILE",
        type=Path,
        help="write the rows to this .csv or .parquet file; a .parquet file appears when all points are done, and until"
        " then rows are in FILE.journal.csv",
    )


def _add_work(parser: argparse.ArgumentParser) -> None:
    """Add the options for the run of each point, and for the worker processes."""
    parser.add_argument(
        "--run",
        metavar="SEED",
        type=natural,
        help="also run each point on random data and compare results like cm-run --check; a point that differs fails."
        " With a model of crossbars, exact products are compared, and the column deviation says how far the model is"
        " from them",
    )
    parser.add_argument(
        "-n",
        "--inferences",
        metavar="N",
        type=positive,
        default=1,
        help="number of inferences of --run (default: 1)",
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=positive,
        help="number of parallel processes (default: one for each core of this computer)",
    )
    parser.add_argument(
        "--client",
        metavar="ADDRESS",
        help="run on the Dask cluster with this scheduler (needs the package distributed here, and cmir there)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="list the points without running them"
    )


def _sweep(options: argparse.Namespace) -> int:
    from cmir.hardware.description import Hardware
    from cmir.sweeps.grid import Grid, read_axes
    from cmir.tools.files import file_path

    base = Hardware.load(options.hardware)
    grid = Grid(base, read_axes(options.settings, base, "cm-sweep"))
    if not grid.axes:
        raise CompileError("cm-sweep", "nothing to sweep: give fields and their values, --set")
    if options.client and options.jobs:
        raise CompileError("cm-sweep", "--jobs is for this computer, --client for a cluster")
    check_front_options(options)
    output: Path | None = options.output and file_path(options.output)
    if options.dry_run and (output is None or not _exists(output)):
        return _list([*grid.points()])
    if output is None:
        raise CompileError("cm-sweep", "no file for the rows: -o FILE")
    if options.dry_run:
        return _list_left(options, grid, output)
    return _run(options, grid, output)


def _exists(output: Path) -> bool:
    return output.exists() or output.with_name(output.name + ".journal.csv").exists()


def _list(points: Sequence[SweepPoint]) -> int:
    for point in points:
        print(printable(str(point)))
    return 0


def _list_left(options: argparse.Namespace, grid: Grid, output: Path) -> int:
    """List the points that a file of rows lacks."""
    from cmir.sweeps.sweep import prepare
    from cmir.sweeps.table import Table, lock

    with ExitStack() as stack:
        stack.enter_context(lock(output))
        work = prepare(_model(options), grid, stack, *_mapping(options), None)
        with Table(output, work.identity, work.columns, work.ordered) as table:
            return _list(work.left(table.rows))


def _run(options: argparse.Namespace, grid: Grid, output: Path) -> int:
    from cmir.library.sweeping import folder_for_runs, sweep_model
    from cmir.sweeps.sweep import RandomRun

    with ExitStack() as stack:
        model = _model(options)
        run = None
        if options.run is not None:
            run = RandomRun(options.run, options.inferences, folder_for_runs(output, stack))
        executor = options.jobs
        if options.client:
            executor = stack.enter_context(_cluster(options.client))
        progress = _Progress(stack.enter_context(_bar()))
        stack.enter_context(at_interruption(progress.stopped))
        table = sweep_model(model, grid, _mapping(options), run, output, executor, progress)
    there = len(grid) - progress.done
    before = f", {there} were there" if there else ""
    print(f"{output}: {count_of(progress.done, 'point')}{before}, {progress.failed} failed")
    show_front(options, table)
    return 0


def _model(options: argparse.Namespace) -> Model:
    from cmir.compilation.model import read_model
    from cmir.tools.files import check_outputs

    model = read_model(
        options.model, options.weights, dict(options.shape), options.samples, state_of(options)
    )
    check_outputs([*model.files, options.hardware], [options.output, options.plot])
    return model


def _mapping(
    options: argparse.Namespace,
) -> tuple[Storage | None, Copies | None, float | None]:
    return options.storage, options.replicate, options.placement_seconds


@contextmanager
def _cluster(address: str) -> Generator[Any]:
    """Yield a client of a Dask cluster."""
    from distributed import Client  # pyright: ignore[reportMissingImports]

    try:
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CompileError("cm-sweep", f"no Dask scheduler at '{address}': {error}") from None
    with client:
        yield client


class _Progress:
    """The number of points that are done and that failed, shown as a bar on a terminal."""

    def __init__(self, bar: Progress):
        self.done = self.failed = self.total = 0
        self._bar = bar
        self._task = bar.add_task("points", total=None, failed=0)

    def __call__(self, done: int, failed: int, total: int) -> None:
        self.done, self.failed, self.total = done, failed, total
        self._bar.update(self._task, completed=done, failed=failed, total=total)

    def stopped(self) -> str:
        done = f"{self.done} of {self.total} points are done"
        return f"cm-sweep: stopped; {done}, and the same command goes on"


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("points"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())


if __name__ == "__main__":
    from cmir.tools.entry import enter

    sys.exit(enter("cm-sweep"))
