"""Sweeps: a network on many machines, in parallel processes."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import cmir
from cmir.analysis.workload import ARRAY_BYTES
from cmir.compilation.choices import Replication, Storage
from cmir.compilation.model import Model, lower_to_polyhedral
from cmir.execution.judging import expected_outputs
from cmir.execution.references import Arrays, Reference, input_names, reference_of
from cmir.execution.streams import random_samples
from cmir.support.diagnostics import CompileError
from cmir.support.interruption import at_interruption
from cmir.support.limits import check_memory, count_text
from cmir.support.printing import ir_text
from cmir.sweeps.grid import Grid, SweepPoint
from cmir.sweeps.point import COLUMNS, RunFiles, Task, evaluate_point, write_run_arrays
from cmir.sweeps.table import Row
from cmir.sweeps.workers import map_in_processes


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

    def rows(
        self, points: Iterable[SweepPoint], jobs: int, client: Any = None
    ) -> Iterator[dict[str, str]]:
        """Yield the rows of points on completion, in any order.

        jobs: number of processes. client: client of a Dask cluster, whose workers are used instead.
        """
        tasks = [(point.cells, replace(self.task, table=point.table)) for point in points]
        done = _parallel(tasks, jobs) if client is None else _on_cluster(tasks, client)
        for cells, row in done:
            yield {**cells, **row}

    def ordered(self, rows: Iterable[Row]) -> list[Row]:
        """Return rows of points in the order of the grid."""
        fields = [axis.field for axis in self.grid.axes]
        places = {
            tuple(map(_same, point.cells.values())): place
            for place, point in enumerate(self.grid.points())
        }
        return sorted(rows, key=lambda row: places[tuple(_same(row[field]) for field in fields)])


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
    placement_seconds: float | None,
    run: tuple[int, int, Path] | None,
) -> Sweep:
    """Do the work common to all machines: import, folding, stages; with `run`, also inputs and reference outputs.

    run: (seed, number of inferences, folder for the files that processes read during the sweep). stack: removes these
    files on exit; those that a killed sweep left are removed now. Raises CompileError for models below the polyhedral
    level.
    """
    names = input_names(model) or []
    reference = None if run is None else reference_of(model)
    pipelines = lower_to_polyhedral(model, "a sweep")
    if len(pipelines) != 1:
        raise CompileError(model.path, f"expected one network, got {len(pipelines)}")
    task = Task(ir_text(model.module), {}, storage, replicate, placement_seconds)
    if run is not None and reference is not None:
        from cmir.analysis.index_ranges import index_ranges
        from cmir.dialects.element_types import dtype_of
        from cmir.dialects.polyhedral import symbol

        seed, count, folder = run
        _make_folder(folder, stack)
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
        outputs = [pipelines[0].arrays[symbol(ref)].shape for ref in pipelines[0].outputs]
        _write_expected(folder, reference, [[*sample.values()] for sample in samples], outputs)
        model.parameters.save(folder / "parameters.safetensors")
        task = replace(task, run=RunFiles(folder, count))
    return Sweep(grid, task)


def _make_folder(folder: Path, stack: ExitStack) -> None:
    def remove() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    remove()
    stack.callback(remove)
    stack.enter_context(at_interruption(remove))
    folder.mkdir()


def _write_expected(
    folder: Path, reference: Reference, inputs: list[Arrays], shapes: Sequence[Sequence[int]]
) -> None:
    """Write the expected outputs to a folder; in double precision, too, where the network can be evaluated in it."""
    used, expected = expected_outputs(reference, inputs, shapes)
    write_run_arrays(folder / "outputs.npz", expected)
    with suppress(CompileError):
        write_run_arrays(folder / "float64.npz", used.evaluate_in_double(inputs))


_Cells = dict[str, str]

_KILLED = {"status": "failed", "error": "its process was killed: is there enough memory?"}


def _parallel(tasks: list[tuple[_Cells, Task]], jobs: int) -> Iterator[tuple[_Cells, _Cells]]:
    """Yield (cells of the point, its row) on completion.

    A task that kills its process yields a failed row; the other tasks continue.
    """
    only = [task for _, task in tasks]
    if jobs == 1:
        rows = enumerate(map(evaluate_point, only))
    else:
        rows = map_in_processes(evaluate_point, only, jobs)
    for which, row in rows:
        yield tasks[which][0], _KILLED if row is None else row


def _on_cluster(tasks: list[tuple[_Cells, Task]], client: Any) -> Iterator[tuple[_Cells, _Cells]]:
    """Like `_parallel`, on the workers of a Dask cluster."""
    from distributed import as_completed  # pyright: ignore[reportMissingImports]
    from distributed.scheduler import KilledWorker  # pyright: ignore[reportMissingImports]

    futures = {client.submit(evaluate_point, task, pure=False): cells for cells, task in tasks}
    for future in as_completed(futures, loop=client.loop):
        try:
            yield futures[future], future.result()
        except KilledWorker:
            yield futures[future], _KILLED
