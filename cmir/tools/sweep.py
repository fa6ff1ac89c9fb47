"""Sweeps: a network on many machines, in parallel processes."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import StringIO
from math import prod
from pathlib import Path
from typing import Any

from xdsl.printer import Printer

import cmir
from cmir.analysis.workload import ARRAY_BYTES
from cmir.support.diagnostics import CompileError
from cmir.support.limits import check_memory, count_text
from cmir.tools.model import Model, lower_to_polyhedral
from cmir.tools.options import Replication, Storage
from cmir.tools.reference import input_names, reference_of
from cmir.tools.run_data import random_samples
from cmir.tools.sweep_grid import Grid, SweepPoint
from cmir.tools.sweep_point import COLUMNS, RunFiles, Task, evaluate_point, write_run_arrays
from cmir.tools.sweep_table import Row


@dataclass(frozen=True)
class Sweep:
    """A network to be run on the machines of a grid.

    task: that of every point, but for its machine.
    """

    grid: Grid
    task: Task

    @property
    def columns(self) -> list[str]:
        """The columns of its rows."""
        return [*(axis.field for axis in self.grid.axes), *COLUMNS]

    @property
    def identity(self) -> str:
        """The same for sweeps whose rows may be in one table: all but the values of the fields is the same."""
        run = self.task.run
        what = {
            "version": cmir.__version__,
            "network": self.task.network,
            "machine": self.grid.base.table(),
            "storage": self.task.storage,
            "replicate": self.task.replicate,
            "placement_seconds": self.task.placement_seconds,
            "inferences": None if run is None else run.count,
            "fields": [axis.field for axis in self.grid.axes],
        }
        text = json.dumps(what, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def left(self, rows: Iterable[Row]) -> list[SweepPoint]:
        """Return the points of which there is no row, in order."""
        fields = [axis.field for axis in self.grid.axes]
        done = {tuple(_same(row[field]) for field in fields) for row in rows}
        return [
            point
            for point in self.grid.points()
            if tuple(map(_same, point.cells.values())) not in done
        ]

    def rows(self, points: Iterable[SweepPoint], jobs: int) -> Iterator[dict[str, str]]:
        """Yield the rows of points as they are done, in no particular order. jobs: processes; −1 for one a core."""
        tasks = [(point.cells, replace(self.task, table=point.table)) for point in points]
        for cells, row in _parallel(tasks, jobs):
            yield {**cells, **row}


def _same(cell: str) -> Any:
    """Cells that are alike if their values are: a table may write 64 as 64.0."""
    try:
        return float(cell)
    except ValueError:
        return cell


def prepare(
    model: Model,
    grid: Grid,
    stack: ExitStack,
    storage: Storage | None,
    replicate: Replication | None,
    placement_seconds: float,
    run: tuple[int, int, Path] | None,
) -> Sweep:
    """Do once what is the same for all machines: import, folding, stages; with `run`, also the data and what it gives.

    run: (seed, inferences, folder in which to keep what processes read while the sweep goes on). stack: on whose exit
    that is removed. Raises CompileError for models that have left the polyhedral level.
    """
    names = input_names(model) or []
    reference = None if run is None else reference_of(model, names)[1]
    pipelines = lower_to_polyhedral(model, "a sweep")
    if len(pipelines) != 1:
        raise CompileError(model.path, f"expected one network, got {len(pipelines)}")
    text = StringIO()
    Printer(text).print_op(model.module)
    task = Task(text.getvalue(), {}, storage, replicate, placement_seconds)
    if run is not None and reference is not None:
        from cmir.dialects.element_types import dtype_of
        from cmir.dialects.polyhedral import symbol

        seed, count, beside = run
        folder = Path(tempfile.mkdtemp(prefix=".cm-sweep-", dir=beside))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        arrays = [pipelines[0].arrays[symbol(ref)] for ref in pipelines[0].inputs]
        shapes = {name: array.shape for name, array in zip(names, arrays, strict=True)}
        types = {name: dtype_of(array.type) for name, array in zip(names, arrays, strict=True)}
        check_memory(
            model.path,
            f"there are {count_text(count)} inferences",
            count * sum(ARRAY_BYTES + types[name].itemsize * prod(shapes[name]) for name in shapes),
        )
        samples = random_samples(shapes, seed, count, types)
        write_run_arrays(folder / "inputs.npz", [[*sample.values()] for sample in samples])
        write_run_arrays(folder / "outputs.npz", [reference(sample) for sample in samples])
        model.parameters.save(folder / "parameters.safetensors")
        task = replace(task, run=RunFiles(folder, count))
    return Sweep(grid, task)


_Cells = dict[str, str]


def _evaluate(which: int, task: Task) -> tuple[int, _Cells]:
    return which, evaluate_point(task)


def _parallel(tasks: list[tuple[_Cells, Task]], jobs: int) -> Iterator[tuple[_Cells, _Cells]]:
    """(what a task is of, its row), as they are done.

    A task that takes its process with it is a failed row, and the others go on.
    """
    from joblib import effective_n_jobs
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    count = effective_n_jobs(jobs)
    while tasks:
        done: set[int] = set()
        try:
            for which, row in _run(tasks, jobs):
                yield tasks[which][0], row
                done.add(which)
        except TerminatedWorkerError:
            pass
        tasks = [task for which, task in enumerate(tasks) if which not in done]
        # Tasks start in order, so those that were running are among the first. One of them is to blame.
        for what, task in tasks[:count]:
            try:
                ((_, row),) = _run([(what, task)], 2)
            except TerminatedWorkerError:
                row = {
                    "status": "failed",
                    "error": "its process was killed: is there enough memory?",
                }
            yield what, row
        tasks = tasks[count:]


def _run(tasks: list[tuple[_Cells, Task]], jobs: int) -> Iterator[tuple[int, _Cells]]:
    """(which task, its row), as they are done."""
    from joblib import Parallel, delayed

    options: dict[str, Any] = {"batch_size": 1, "pre_dispatch": "n_jobs"}
    pool: Any = Parallel(jobs, return_as="generator_unordered", **options)
    yield from pool(delayed(_evaluate)(which, task) for which, (_, task) in enumerate(tasks))
