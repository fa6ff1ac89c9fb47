"""`cmir.sweep`: a network on a grid of machines, with a row of figures for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from cmir.compilation.choices import Copies, Objective, Replication, Storage
from cmir.compilation.model import Model
from cmir.frontends.samples import Samples
from cmir.isl.budget import limited
from cmir.library.arguments import (
    carried_state,
    check_options,
    check_random,
    copies_of,
    values_by_field,
)
from cmir.library.errors import user_errors
from cmir.library.machines import HardwareLike, hardware_from
from cmir.library.progress import ProgressCallback, Show, shown
from cmir.library.sources import ExampleInputs, WeightsLike, read_source
from cmir.library.sweep_table import SweepTable
from cmir.support.atomic import name_beside
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.sweeps.executors import ExecutorLike
from cmir.sweeps.grid import Grid, make_axes
from cmir.sweeps.sweep import RandomRun, Sweep, prepare
from cmir.sweeps.table import Row, Table, lock

Tell: TypeAlias = "Callable[[int, int, int], None]"
"""Called with the number of points that are done, that failed, and that there are to do."""


def sweep(
    source: Any,
    hardware: HardwareLike,
    fields: Mapping[str, Iterable[Any]],
    *,
    storage: Storage | None = None,
    replicate: bool | Replication = False,
    budget: Mapping[str, int] | None = None,
    objective: Objective | None = None,
    samples: Samples = "auto",
    shapes: Mapping[str, Sequence[int]] | None = None,
    state: Mapping[str, str] | bool = True,
    weights: WeightsLike | None = None,
    example_inputs: ExampleInputs | None = None,
    placement_seconds: float | None = None,
    random: int | None = None,
    inferences: int = 1,
    output: str | os.PathLike[str] | None = None,
    executor: ExecutorLike = None,
    progress: ProgressCallback | bool = True,
) -> SweepTable:
    """Compile a network for a grid of machines, and return a row of figures for each.

    ```python
    table = cmir.sweep("resnet20.onnx", "hermes", {"crossbar.rows": [128, 256], "core.count": range(64, 128, 32)})
    table.plot("interval", "area")
    ```

    hardware: the machine whose fields are changed; see `cmir.compile`.
    fields: values by field, `section.field` or `section__field`; all combinations are run. None removes a field. Fields
        of `crossbar.model`, and `crossbar.adc_bits`, need `random`.
    random: the seed of random inputs; each machine then also runs them and compares the results with a reference, and a
        row of results that differ has failed. With a model of crossbars, exact products are compared, and a row has the
        `deviation` of the model.
    inferences: number of inferences of `random`.
    output: a .csv or .parquet file of the rows. Each row is on disk as soon as it is done, and a call that is repeated
        runs only what is missing. Without it, rows are in memory.
    executor: number of processes, an executor of `concurrent.futures`, a `joblib.Parallel`, or a client of a Dask
        cluster; by default a process for each processor.

    The other arguments are those of `cmir.compile`. A machine on which the network cannot be compiled is a row whose
    `status` is `failed`, with the `error`. Raises CompileError for what concerns all rows, and OSError.
    """
    with user_errors(), collect_diagnostics(), shown(progress) as show, ExitStack() as stack:
        check_options(storage, samples, placement_seconds, shapes)
        check_random(random, inferences)
        carried = carried_state(state)
        mapping = storage, copies_of(replicate, budget, objective), placement_seconds
        base = hardware_from(hardware)
        grid = Grid(base, make_axes([*values_by_field(fields).items()], base, None))
        show("importing")
        model = read_source(source, example_inputs, (shapes, samples, carried), weights)
        path = None if output is None else Path(output)
        run = None
        if random is not None:
            run = RandomRun(random, inferences, folder_for_runs(path, stack))
        return sweep_model(model, grid, mapping, run, path, executor, partial(_show, show))


def _show(show: Show, done: int, failed: int, total: int) -> None:
    """Show the progress of a sweep."""
    text = f"sweeping: {done} of {total} points, {failed} failed"
    show(text, done / total if total else None)


def folder_for_runs(output: Path | None, stack: ExitStack) -> Path:
    """Return the folder of a sweep's data: beside its rows, where other computers find it, or a temporary one."""
    if output is None:
        return Path(stack.enter_context(TemporaryDirectory(prefix="cmir-"))) / "sweep"
    output = output.resolve()
    return output.with_name(name_beside(output.name, "cm-sweep"))


def sweep_model(
    model: Model,
    grid: Grid,
    mapping: tuple[Storage | None, Copies | None, float | None],
    run: RandomRun | None,
    output: Path | None,
    executor: ExecutorLike,
    tell: Tell,
) -> SweepTable:
    """Run a model that has been read on the machines of a grid; see `sweep`.

    mapping: storage, replication and time limit of the placement. Raises CompileError if a field is changed that
    changes results alone, and there is no run.
    """
    if run is None and grid.of_results is not None:
        raise CompileError(
            None, f"`{grid.of_results}` changes results alone: give data, --run SEED"
        )
    with ExitStack() as stack:
        if output is not None:
            stack.enter_context(lock(output))
        with limited(model.module):
            work = prepare(model, grid, stack, *mapping, run)
        rows: list[dict[str, str]] = []
        if output is None:
            rows += _run(work, [], executor, tell)
        else:
            with Table(output, work.identity, work.columns, work.ordered) as table:
                work.results(table.rows, output)  # or the table is damaged
                rows += table.rows
                for row in _run(work, table.rows, executor, tell):
                    table.add(row)
                    rows.append(row)
    fields = [axis.field for axis in grid.axes]
    return SweepTable(fields, work.columns, work.results(rows))


def _run(
    work: Sweep, done: Sequence[Row], executor: ExecutorLike, tell: Tell
) -> Iterator[dict[str, str]]:
    """Yield the rows of points that have none, on completion."""
    left, failed = work.left(done), 0
    tell(0, 0, len(left))
    for count, result in enumerate(work.rows(left, executor), start=1):
        yield work.cells(result)
        failed += result["status"] != "ok"
        tell(count, failed, len(left))
