"""Sweeps: a network on many machines, in parallel processes."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import cmir
from cmir.analysis.workload import ARRAY_BYTES
from cmir.compilation.choices import Copies, CopyBudget, Storage
from cmir.compilation.model import Model, lower_to_polyhedral
from cmir.execution.interface import Interface
from cmir.execution.judging import expected_outputs
from cmir.execution.references import Arrays, Reference, input_names, reference_of
from cmir.support.diagnostics import CompileError
from cmir.support.interruption import at_interruption
from cmir.support.limits import check_memory, count_text
from cmir.support.printing import ir_text
from cmir.sweeps.executors import ExecutorLike, run_tasks
from cmir.sweeps.grid import Grid, SweepPoint, cell
from cmir.sweeps.point import (
    COLUMNS,
    INTEGERS,
    TEXTS,
    RunFiles,
    Task,
    evaluate_point,
    write_run_arrays,
)
from cmir.sweeps.table import Row

Result: TypeAlias = "Mapping[str, Any]"
"""The values of the swept fields and the figures of a point, by column."""

_KILLED = {"status": "failed", "error": "its process was killed: is there enough memory?"}


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
        run, copies = self.task.run, self.task.replicate
        what = {
            "version": cmir.__version__,
            "network": self.task.network,
            "machine": self.grid.base.table(),
            "storage": self.task.storage,
            "replicate": str(copies) if isinstance(copies, CopyBudget) else copies,
            "placement_seconds": self.task.placement_seconds,
            "inferences": None if run is None else run.count,
            "seed": None if run is None else run.seed,
            "fields": [axis.field for axis in self.grid.axes],
        }
        text = json.dumps(what, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def _places(self) -> dict[tuple[Any, ...], int]:
        """The place of each point in the grid, by the cells of its values."""
        return {self._key(point.cells): place for place, point in enumerate(self.grid.points())}

    def _key(self, row: Row) -> tuple[Any, ...]:
        return tuple(_same(row[axis.field]) for axis in self.grid.axes)

    def left(self, rows: Iterable[Row]) -> list[SweepPoint]:
        """Return the points without a row, in order."""
        done = set(map(self._key, rows))
        return [point for point in self.grid.points() if self._key(point.cells) not in done]

    def ordered(self, rows: Iterable[Row]) -> list[Row]:
        """Return rows of points in the order of the grid."""
        return sorted(rows, key=lambda row: self._places[self._key(row)])

    def results(self, rows: Iterable[Row], where: Path | None = None) -> list[Result]:
        """Return the rows of a table that are points of the grid, in its order, with values and figures as numbers.

        where: the file of the table. Raises CompileError if a figure is no number.
        """
        points = [*self.grid.points()]
        known = self.ordered(row for row in rows if self._key(row) in self._places)
        return [
            {
                **points[self._places[self._key(row)]].values,
                **{column: _figure(column, row.get(column, ""), where) for column in COLUMNS},
            }
            for row in known
        ]

    def rows(self, points: Sequence[SweepPoint], executor: ExecutorLike = None) -> Iterator[Result]:
        """Yield the result of each point on completion, in any order. executor: see `run_tasks`."""
        tasks = [replace(self.task, table=point.table) for point in points]
        for number, figures in run_tasks(evaluate_point, tasks, executor):
            yield {**points[number].values, **(_KILLED if figures is None else figures)}

    def cells(self, result: Result) -> dict[str, str]:
        """Return a result as the cells of a table."""
        fields = {axis.field for axis in self.grid.axes}
        return {
            column: cell(value) if column in fields else _figure_cell(value)
            for column, value in result.items()
        }


def _same(cell: str) -> Any:
    """Normalise a cell, so that equal values compare equal: a table may write 64 as 64.0."""
    try:
        return float(cell)
    except ValueError:
        return cell


def _figure_cell(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _figure(column: str, text: str, where: Path | None) -> Any:
    if not text:
        return None
    if column in TEXTS:
        return text
    try:
        return int(text) if column in INTEGERS else float(text)
    except ValueError:
        hint = "remove the row, and its point is evaluated again"
        raise CompileError(where, f"column {column}: '{text}' is not a number; {hint}") from None


@dataclass(frozen=True)
class RandomRun:
    """A run of each point on random data. folder: for files that processes read during the sweep."""

    seed: int
    inferences: int
    folder: Path


def prepare(
    model: Model,
    grid: Grid,
    stack: ExitStack,
    storage: Storage | None,
    replicate: Copies | None,
    placement_seconds: float | None,
    run: RandomRun | None,
) -> Sweep:
    """Do the work common to all machines: import, folding, stages; with `run`, also inputs and reference outputs.

    stack: removes the folder of `run` on exit; one that a killed sweep left is removed now. Raises CompileError for
    models below the polyhedral level.
    """
    names = input_names(model)
    reference = None if run is None else reference_of(model)
    pipelines = lower_to_polyhedral(model, "a sweep")
    if len(pipelines) != 1:
        raise CompileError(model.path, f"expected one network, got {len(pipelines)}")
    task = Task(ir_text(model.module), {}, storage, replicate, placement_seconds)
    if run is None or reference is None:
        return Sweep(grid, task)
    interface = Interface.of(model, pipelines[0], names)
    of_one = sum(ARRAY_BYTES + p.dtype.itemsize * prod(p.shape) for p in interface.inputs.values())
    check_memory(
        model.path,
        f"there are {count_text(run.inferences)} inferences",
        run.inferences * of_one,
    )
    _make_folder(run.folder, stack)
    samples = interface.arrays(interface.random(run.seed, run.inferences))
    inputs = [[*sample.values()] for sample in samples]
    write_run_arrays(run.folder / "inputs.npz", inputs)
    outputs = [port.stored for port in interface.outputs.values()]
    _write_expected(run.folder, reference, inputs, outputs)
    model.parameters.save(run.folder / "parameters.safetensors")
    return Sweep(grid, replace(task, run=RunFiles(run.folder, run.inferences, run.seed)))


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
