"""polyhedral-derive-dependences: derive dependences from access relations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import islpy as isl
from xdsl.context import Context
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Operation

from cmir.dialects.polyhedral import (
    ArrayOp,
    DependenceOp,
    MapAttr,
    PipelineOp,
    SetAttr,
    StageOp,
    StorageOp,
    sample,
    symbol,
)
from cmir.isl.cores import as_neighbour, same_core
from cmir.isl.dependence_kind import DependenceKind
from cmir.isl.dependences import (
    Release,
    full_storage,
    inferences_waited,
    raw_release,
    raw_release_across,
    war_release,
)
from cmir.isl.inferences import in_any_inference, inferences_back, of_own_inference
from cmir.isl.storage import Rows, ring_storage
from cmir.passes.base import PipelinePass
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.support.statistics import tally


@dataclass(frozen=True)
class PolyhedralDeriveDependencesPass(PipelinePass):
    """Derive read-after-write and write-after-read dependences between stages as release relations.

    For each array and each pair of a writing and a reading stage, the pass derives one `raw` dependence, and one `war`
    dependence for the reader's buffer of the array. Dependences between stages that are spread over cores hold for each
    pair of their cores. The pass replaces existing dependences. It rejects arrays with elements that are read but never
    written, or written twice.
    """

    name = "polyhedral-derive-dependences"

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        pipeline.drop_dependences()
        pipeline.body.block.add_ops(list(derive(pipeline)))
        for kind in DependenceKind:
            found = [op for op in pipeline.dependences if op.kind is kind]
            tally(f"{kind} dependences", len(found))


def derive(pipeline: PipelineOp) -> Iterator[DependenceOp | StorageOp]:
    """Yield the dependences of a pipeline, array by array in the order of their declaration.

    Buffers that are read across inferences and have no storage get one, in which each inference has slots of its own.
    """
    writes: dict[str, dict[StageOp, isl.Map]] = defaultdict(dict)
    reads: dict[str, dict[StageOp, isl.Map]] = defaultdict(dict)
    for stage in pipeline.stages.values():
        for name, write in stage.write_relations().items():
            writes[name][stage] = write
        for name, read in stage.stream_reads().items():
            reads[name][stage] = read
    inputs = {symbol(ref) for ref in pipeline.inputs}
    storages = pipeline.storages
    for name, array in pipeline.arrays.items():
        for reader, read in reads[name].items():
            back = inferences_back(read)
            if back and (name, reader.sym_name.data) not in storages:
                storage = storages[name, reader.sym_name.data] = _whole(array, reader, back)
                yield storage
        if name in inputs or array.source is not None:
            continue  # exists from the start, and is never overwritten
        _check_written_once(array, writes[name])
        _check_written_where_read(array, writes[name], reads[name])
        for writer, write in writes[name].items():
            for reader, read in reads[name].items():
                storage = storages.get((name, reader.sym_name.data))
                kept = storage.map.relation if storage else full_storage(array.locations)
                yield from _pair(array, writer, write, reader, read, kept)


def _whole(array: ArrayOp, reader: StageOp, back: int) -> StorageOp:
    """Return storage that keeps each element until all have been read that reach back some inferences."""
    name, rows = array.sym_name.data, Rows(array.shape, None)
    ring, shape = ring_storage(name, rows, back + 1), rows.buffer_shape(back + 1)
    type = MemRefType(array.type.element_type, shape)
    storage = StorageOp(name, reader.sym_name.data, MapAttr.of(ring), type)
    storage.location = reader.location
    return storage


def _pair(
    array: ArrayOp,
    writer: StageOp,
    write: isl.Map,
    reader: StageOp,
    read: isl.Map,
    storage: isl.Map,
) -> Iterator[DependenceOp]:
    if writer is reader:
        _check_reads_what_is_there(array, writer, write, read)
    orders = writer.order_on_core("q"), reader.order_on_core("p")
    if reader.reads_across(array.sym_name.data):
        raw = raw_release_across(write, read, *orders)
    else:
        raw = raw_release(write, in_any_inference(read), *orders)
    if raw.relation.is_empty():
        return
    yield _dependence(DependenceKind.RAW, writer, reader, array, raw)
    kept = as_neighbour(storage)
    orders = writer.order_on_core("p"), reader.order_on_core("q")
    war = war_release(write, read, kept, *orders, itself=writer is reader)
    if later := inferences_waited(war, orders[0]):
        raise _overwrites_too_early(array, writer, reader, later)
    yield _dependence(DependenceKind.WAR, reader, writer, array, war)


def _overwrites_too_early(
    array: ArrayOp, writer: StageOp, reader: StageOp, later: int
) -> CompileError:
    """Return the error for a write that waits for an iteration of the reader some inferences later.

    The last inferences of every stream would wait forever, and a stage that is needed for the later inference would
    deadlock.
    """
    name = array.sym_name.data
    return CompileError(
        _reading_op(reader, array),
        f"@{writer.sym_name.data} overwrites @{name} at @{reader.sym_name.data} before it is read "
        f"{count_of(later, 'inference')} later: the buffer must hold more inferences",
    )


def _check_reads_what_is_there(
    array: ArrayOp, stage: StageOp, write: isl.Map, read: isl.Map
) -> None:
    """Check that a core reads elements that it writes itself only after an earlier iteration has written them.

    The cores of a stage that is spread over several are not ordered among each other.
    """
    own = of_own_inference(read)  # earlier inferences have been written
    reader, writer = stage.order_on_core("p"), stage.order_on_core("q")
    needs = reader.reverse().apply_range(own).apply_range(write.reverse()).apply_range(writer)
    late = same_core(needs).intersect(isl.Map.lex_le(needs.get_space().range()))
    if not late.is_empty():
        iteration = late.domain().apply(stage.order_on_core("p").reverse())
        raise CompileError(
            stage,
            f"iteration {sample(iteration)} reads @{array.sym_name.data} before the stage itself writes it; "
            "compute what it reads in a separate stage",
        )


def _dependence(
    kind: DependenceKind, source: StageOp, target: StageOp, array: ArrayOp, release: Release
) -> DependenceOp:
    op = DependenceOp(
        kind,
        source.sym_name.data,
        target.sym_name.data,
        array.sym_name.data,
        MapAttr.of(release.relation),
        None if release.initially.is_empty() else SetAttr.of(release.initially),
    )
    op.location = target.location
    return op


def _check_written_once(array: ArrayOp, writes: dict[StageOp, isl.Map]) -> None:
    seen: dict[StageOp, isl.Set] = {}
    for stage, write in writes.items():
        if not write.is_injective():
            raise CompileError(
                stage,
                f"stage @{stage.sym_name.data} writes an element of @{array.sym_name.data} twice",
            )
        for other, written in seen.items():
            if not (both := written.intersect(write.range())).is_empty():
                raise CompileError(
                    stage,
                    f"stages @{other.sym_name.data} and @{stage.sym_name.data} both write "
                    f"{sample(both)}",
                )
        seen[stage] = write.range()


def _check_written_where_read(
    array: ArrayOp, writes: dict[StageOp, isl.Map], reads: dict[StageOp, isl.Map]
) -> None:
    written = isl.Set.empty(array.locations.get_space())
    for write in writes.values():
        written = written.union(write.range())
    for stage, read in reads.items():
        if not (missing := in_any_inference(read).range().subtract(written)).is_empty():
            raise CompileError(
                _reading_op(stage, array),
                f"stage @{stage.sym_name.data} reads {sample(missing)}, which no stage writes",
            )


def _reading_op(stage: StageOp, array: ArrayOp) -> Operation:
    name = array.sym_name.data
    return next(op for op in stage.reads() if name in {symbol(a) for a in op.arrays})
