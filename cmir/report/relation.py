"""A dependence as plain data: the elements that iterations write and read, and the release of the reader by writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import islpy as isl
import numpy as np

from cmir.analysis.copies import nodes_of
from cmir.dialects.polyhedral import DependenceOp, PipelineOp, StageOp, symbol
from cmir.isl import dim_names
from cmir.isl.cores import count_points
from cmir.isl.dependence_kind import DependenceKind
from cmir.isl.evaluate import compile_function
from cmir.isl.points import points_of
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.support.origins import tells_more

MOST_POINTS = 20_000
"""Maximum number of iterations, or elements, that can be drawn."""

FEW = 64
"""Maximum number of reader iterations for which all accesses are drawn."""


@dataclass(frozen=True)
class PointSpace:
    """Points in one or two dimensions; iterations in execution order. names: of coordinates."""

    name: str
    names: tuple[str, ...]
    points: np.ndarray


@dataclass(frozen=True)
class DependencePicture:
    """A read-after-write dependence.

    written: for each element, the index of the iteration that writes it. released: number of reader iterations that may
    run before the writer's first iteration has completed, and after each, shape (writer iterations + 1,). marked: a
    reader iteration in the middle. reads: the elements that each reader iteration reads, if there are few iterations,
    otherwise only those of `marked`.
    """

    writer: PointSpace
    array: PointSpace
    reader: PointSpace
    written: np.ndarray
    released: np.ndarray
    reads: dict[int, np.ndarray]
    marked: int

    @property
    def release_time(self) -> np.ndarray:
        """For each reader iteration, the number of writer iterations that must complete before it may run."""
        return np.searchsorted(self.released, np.arange(1, len(self.reader.points) + 1))


def find_dependence(pipeline: PipelineOp, wanted: Sequence[str]) -> DependenceOp:
    """Return the read-after-write dependence whose (writer, reader, array) names start with `wanted`.

    A stage can also be named by the node of the model that it comes from. Raises CompileError if there is none, or more
    than one.
    """
    found = [op for op in pipeline.dependences if op.kind is DependenceKind.RAW]
    nodes = nodes_of(pipeline)

    def is_meant(op: DependenceOp) -> bool:
        return all(
            asked in (name, nodes.get(name))
            for asked, name in zip(wanted, _names(op), strict=False)
        )

    chosen = [op for op in found if is_meant(op)]
    if len(chosen) == 1:
        return chosen[0]
    there = ", ".join(_title(op, nodes) for op in (chosen or found))
    what = f"dependence {':'.join(wanted)}" if wanted else "dependence"
    problem = f"there is no {what}" if not chosen else f"{len(chosen)} dependences can be meant"
    help = (
        f"--dependence says which; there are: {there}"
        if there
        else "nothing is read that is written"
    )
    raise CompileError(pipeline, f"{problem}; {help}")


def relation_of(pipeline: PipelineOp, dependence: DependenceOp) -> DependencePicture:
    """Return a dependence as data. Raises CompileError if it has too many dimensions or points to draw."""
    writer_name, reader_name, array_name = _names(dependence)
    writer, reader = pipeline.stages[writer_name], pipeline.stages[reader_name]
    write = writer.write_relations()[array_name]
    read = reader.read_relations()[array_name]
    kept = _stepped(dependence, write, read)
    shown = [_only(relation, kept) for relation in (write, read)]
    array = PointSpace(
        array_name, tuple(f"i{d}" for d in kept), _points(dependence, shown[0].range())
    )
    writes, reads = _iterations(dependence, writer), _iterations(dependence, reader)
    position = {tuple(point): k for k, point in enumerate(array.points.tolist())}
    written = _positions(shown[0].reverse(), array.points, writes.points)
    middle = (reads.points.min(axis=0) + reads.points.max(axis=0)) / 2
    marked = int(np.argmin(np.abs(reads.points - middle).sum(axis=1)))
    some = range(len(reads.points)) if len(reads.points) <= FEW else [marked]
    return DependencePicture(
        writes,
        array,
        reads,
        written,
        _released(dependence, write, writes.points, reads.points),
        {k: _read_by(shown[1], reads.points[k], position) for k in some},
        marked,
    )


def _title(op: DependenceOp, nodes: Mapping[str, str]) -> str:
    """Return the names of a dependence, and in parentheses the nodes of its stages if they tell more."""
    names = _names(op)
    stages = [nodes.get(name, name) for name in names[:2]]
    more = any(map(tells_more, stages, names))
    return ":".join(names) + (f" ({' -> '.join(stages)})" if more else "")


def _names(op: DependenceOp) -> tuple[str, ...]:
    return symbol(op.source), symbol(op.target), symbol(op.array)


def _stepped(dependence: DependenceOp, write: isl.Map, read: isl.Map) -> list[int]:
    """Return the dimensions of the array that writer or reader traverse; in the others they access all elements."""
    dims = range(write.dim(isl.dim_type.out))

    def is_whole(access: isl.Map, d: int) -> bool:
        one = _only(access, [d])
        return one.is_equal(isl.Map.from_domain_and_range(one.domain(), one.range()))

    kept = [d for d in dims if not (is_whole(write, d) and is_whole(read, d))]
    if len(kept) > 2:
        raise CompileError(
            dependence,
            f"iterations go through {count_of(len(kept), 'dimension')} of @{_names(dependence)[2]}; at most 2 can"
            " be drawn",
        )
    return kept


def _only(access: isl.Map, kept: Sequence[int]) -> isl.Map:
    """Project an access to some of the array's dimensions."""
    for d in reversed(range(access.dim(isl.dim_type.out))):
        if d not in kept:
            access = access.project_out(isl.dim_type.out, d, 1)
    return access


def _points(dependence: DependenceOp, points: isl.Set) -> np.ndarray:
    """Return the points of a set. Raises CompileError if there are too many to draw."""
    if (count := count_points(points)) > MOST_POINTS:
        name = points.get_tuple_name() or _names(dependence)[2]
        raise CompileError(
            dependence,
            f"@{name} has {count_of(count, 'point')}; at most {MOST_POINTS} can be drawn",
        )
    return points_of(points)


def _iterations(dependence: DependenceOp, stage: StageOp) -> PointSpace:
    name, domain = stage.sym_name.data, stage.domain.points
    if stage.core_dims:
        raise CompileError(
            dependence, f"@{name} is spread over cores; draw the relation as it is before that"
        )
    rank = domain.dim(isl.dim_type.set)
    points = _points(dependence, domain)
    shown = [d for d in range(rank) if len(points) and np.ptp(points[:, d])]
    if len(shown) > 2:
        raise CompileError(
            dependence,
            f"iterations of @{name} have {count_of(len(shown), 'dimension')}; at most 2 can be drawn",
        )
    times = _evaluate(stage.order, points)
    points = points[np.lexsort(times.T[::-1])] if times.size else points
    names = dim_names(domain)
    return PointSpace(name, tuple(names), points)


def _evaluate(relation: isl.Map, points: np.ndarray) -> np.ndarray:
    """Return the images of points under a single-valued relation, shape (points, coordinates)."""
    if not relation.dim(isl.dim_type.out):
        return np.zeros((len(points), 0), np.int64)
    function = compile_function(relation, relation.domain())
    values, _ = function(list(points.T))
    return np.stack([np.broadcast_to(value, len(points)) for value in values], axis=1)


def _positions(relation: isl.Map, points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the indices in `targets` of the images of points under a single-valued relation."""
    place = {tuple(target): k for k, target in enumerate(targets.tolist())}
    found = _evaluate(relation, points).tolist()
    return np.array([place[tuple(value)] for value in found], np.int64)


def _released(
    dependence: DependenceOp, write: isl.Map, writes: np.ndarray, reads: np.ndarray
) -> np.ndarray:
    release = dependence.release.relation
    events = points_of(release.domain())
    times = _positions(write.reverse(), events, writes)
    limits = _positions(release, events, reads) + 1
    released = np.zeros(len(writes) + 1, np.int64)
    if dependence.initially is not None and len(first := points_of(dependence.initially.points)):
        (released[0],) = (np.flatnonzero((reads == first[0]).all(axis=1)) + 1).tolist()
    np.maximum.at(released, times + 1, limits)
    return np.maximum.accumulate(released)


def _read_by(
    read: isl.Map, iteration: np.ndarray, position: dict[tuple[int, ...], int]
) -> np.ndarray:
    """Return the elements that a reader iteration reads, as indices into the array's points."""
    for d, coordinate in enumerate(iteration.tolist()):
        read = read.fix_val(isl.dim_type.in_, d, isl.Val(coordinate))
    found = (tuple(point) for point in points_of(read.range()).tolist())
    return np.array([position[point] for point in found if point in position], np.int64)
