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
    """A network to run on the machines of a grid.

    task: the task of every point, except for its machine.
    """

    grid: Grid
    task: Task

    @property
    def columns(self) -> list[str]:
        """The columns of the sweep's rows."""
        return [*(axis.field for axis in self.grid.axes), *COLUMNS]

    @property
    def identity(self) -> str:
        """A digest, equal for sweeps whose rows may share a table: those that differ only in values of fields."""
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
        """Return the points without a row, in order."""
        fields = [axis.field for axis in self.grid.axes]
        done = {tuple(_same(row[field]) for field in fields) for row in rows}
        return [
            point
            for point in self.grid.points()
            if tuple(map(_same, point.cells.values())) not in done
        ]

    def rows(self, points: Iterable[SweepPoint], jobs: int) -> Iterator[dict[str, str]]:
        """Yield the rows of points on completion, in any order. jobs: number of processes; −1 for one per CPU core."""
        tasks = [(point.cells, replace(self.task, table=point.table)) for point in points]
        for cells, row in _parallel(tasks, jobs):
            yield {**cells, **row}


def _same(cell: str) -> Any:
    """Normalise a cell, so that equal values compare equal: a table may write 64 as 64.0."""
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
    """Do the work common to all machines: import, folding, stages; with `run`, also inputs and reference outputs.

    run: (seed, number of inferences, folder for the files that processes read during the sweep). stack: removes these
    files on exit. Raises CompileError for models below the polyhedral level.
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
        from cmir.analysis.index_ranges import index_ranges
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
        known = index_ranges(pipelines[0])
        symbols = [symbol(ref) for ref in pipelines[0].inputs]
        ranges = {n: known[s] for n, s in zip(names, symbols, strict=True) if s in known}
        samples = random_samples(shapes, seed, count, types, ranges)
        write_run_arrays(folder / "inputs.npz", [[*sample.values()] for sample in samples])
        write_run_arrays(folder / "outputs.npz", [reference(sample) for sample in samples])
        model.parameters.save(folder / "parameters.safetensors")
        task = replace(task, run=RunFiles(folder, count))
    return Sweep(grid, task)


_Cells = dict[str, str]


def _evaluate(which: int, task: Task) -> tuple[int, _Cells]:
    return which, evaluate_point(task)


def _parallel(tasks: list[tuple[_Cells, Task]], jobs: int) -> Iterator[tuple[_Cells, _Cells]]:
    """Yield (cells of the point, its row) on completion.

    A task that kills its process yields a failed row; the other tasks continue.
    """
    from joblib import effective_n_jobs
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    count: Any = effective_n_jobs(jobs)
    while tasks:
        done: set[int] = set()
        try:
            for which, row in _run(tasks, jobs):
                yield tasks[which][0], row
                done.add(which)
        except TerminatedWorkerError:
            pass
        tasks = [task for which, task in enumerate(tasks) if which not in done]
        # Tasks start in order, so the running ones are among the first. One of them killed the process.
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
    """Yield (index of the task, its row) on completion."""
    from joblib import Parallel, delayed

    options: dict[str, Any] = {"batch_size": 1, "pre_dispatch": "n_jobs"}
    pool: Any = Parallel(jobs, return_as="generator_unordered", **options)
    yield from pool(delayed(_evaluate)(which, task) for which, (_, task) in enumerate(tasks))
