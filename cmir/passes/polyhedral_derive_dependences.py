"""polyhedral-derive-dependences: derive dependences from access relations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import islpy as isl
from xdsl.context import Context
from xdsl.ir import Operation

from cmir.dialects.polyhedral import (
    ArrayOp,
    DependenceOp,
    MapAttr,
    PipelineOp,
    SetAttr,
    StageOp,
    sample,
    symbol,
)
from cmir.isl.cores import as_neighbour
from cmir.isl.dependence_kind import DependenceKind
from cmir.isl.dependences import (
    Release,
    full_storage,
    raw_needs,
    raw_release,
    war_release,
)
from cmir.passes.base import PipelinePass
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


def derive(pipeline: PipelineOp) -> Iterator[DependenceOp]:
    """Yield the dependences of a pipeline, array by array in the order of their declaration."""
    writes: dict[str, dict[StageOp, isl.Map]] = defaultdict(dict)
    reads: dict[str, dict[StageOp, isl.Map]] = defaultdict(dict)
    for stage in pipeline.stages.values():
        for name, write in stage.write_relations().items():
            writes[name][stage] = write
        for name, read in stage.read_relations().items():
            reads[name][stage] = read
    inputs = {symbol(ref) for ref in pipeline.inputs}
    storages = pipeline.storages
    for name, array in pipeline.arrays.items():
        if name in inputs or array.source is not None:
            continue  # exists from the start, and is never overwritten
        _check_written_once(array, writes[name])
        _check_written_where_read(array, writes[name], reads[name])
        for writer, write in writes[name].items():
            for reader, read in reads[name].items():
                storage = storages.get((name, reader.sym_name.data))
                kept = storage.map.relation if storage else full_storage(array.locations)
                yield from _pair(array, writer, write, reader, read, kept)


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
    raw = raw_release(write, read, writer.order_on_core("q"), reader.order_on_core("p"))
    if raw.relation.is_empty():
        return
    yield _dependence(DependenceKind.RAW, writer, reader, array, raw)
    kept = as_neighbour(storage)
    war = war_release(write, read, kept, writer.order_on_core("p"), reader.order_on_core("q"))
    yield _dependence(DependenceKind.WAR, reader, writer, array, war)


def _check_reads_what_is_there(
    array: ArrayOp, stage: StageOp, write: isl.Map, read: isl.Map
) -> None:
    """Check that a stage reads elements that it writes itself only after an earlier iteration has written them."""
    needs = raw_needs(write, read, stage.order, stage.order)
    late = needs.intersect(isl.Map.lex_le(needs.get_space().range()))
    if not late.is_empty():
        iteration = late.domain().apply(stage.order.reverse())
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
        if not (missing := read.range().subtract(written)).is_empty():
            raise CompileError(
                _reading_op(stage, array),
                f"stage @{stage.sym_name.data} reads {sample(missing)}, which no stage writes",
            )


def _reading_op(stage: StageOp, array: ArrayOp) -> Operation:
    name = array.sym_name.data
    return next(op for op in stage.reads() if name in {symbol(a) for a in op.arrays})
