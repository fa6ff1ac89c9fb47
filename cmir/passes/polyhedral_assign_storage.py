"""polyhedral-assign-storage: assign a buffer of bounded size to each array and reader."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import islpy as isl
from xdsl.context import Context
from xdsl.dialects.builtin import MemRefType
from xdsl.rewriter import Rewriter

from cmir.analysis.capacity import check_sram_of_rings
from cmir.analysis.scheduled_sizes import scheduled_sizes
from cmir.analysis.size_cover import Key
from cmir.analysis.size_search import SizeSearch, SizeSolution
from cmir.analysis.sizing import Sizing
from cmir.cost.program_cost import Cost
from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral import MapAttr, PipelineOp, StorageOp
from cmir.hardware.description import Hardware
from cmir.isl.storage import box_storage
from cmir.passes.base import PipelinePass
from cmir.passes.hardware import HardwarePass
from cmir.passes.planned import planned_interval
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, emit_remark
from cmir.support.statistics import tally
from cmir.timing.control import DeadlockError


@dataclass(frozen=True)
class PolyhedralAssignStoragePass(HardwarePass, PipelinePass):
    """Assign a ring buffer of rows to each array that a stage reads, instead of room for a whole inference.

    `sizes` selects the number of rows: `live`, the smallest sizes that are deadlock-free; `lossless`, the smallest
    sizes that preserve the steady-state interval of unbounded buffers, or, if these do not fit the SRAM of a core, a
    longer interval; `scheduled`, sizes that preserve it, too, but are larger; `full`, the rows of one inference. The
    smallest sizes take the least SRAM in total. The search for them is exact but limited in work: the remark reports
    that the sizes are the smallest, or gives the largest possible gap. With many copies it takes long, while
    `scheduled` takes the sizes of a periodic schedule without a search, unless these do not fit or a stage has turns.
    With `interval`, `lossless` and `scheduled` preserve that interval, in cycles, if it is longer.

    `rows` sets the number of rows explicitly, for the buffers of `array` and of `reader` if these are given; other
    buffers are unchanged. The pass keeps existing storage that it does not reassign. It rejects sizes with which the
    network deadlocks, and names the cycle of waits, and what its search finds if that exceeds the SRAM of a core. A
    remark gives the SRAM bytes before and after.

    hardware: the machine that defines times and SRAM; by default the one that the pipeline carries, or `ideal`.
    """

    name = "polyhedral-assign-storage"

    sizes: Literal["live", "lossless", "scheduled", "full"] = "lossless"
    """Rows of buffers: the fewest without deadlock, the fewest without loss of throughput, enough for that, or all."""
    rows: int | None = None
    """Number of rows, instead of `sizes`."""
    array: str | None = None
    """Only array whose buffers to assign."""
    reader: str | None = None
    """Only stage whose buffers to assign."""
    interval: int | None = None
    """Interval to preserve, in cycles; by default, that of polyhedral-plan-copies, or of unlimited buffers."""

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        if not pipeline.stages:
            return
        sizing = Sizing(pipeline, self.hardware_for(pipeline))
        if self.interval is not None and self.interval < 1:
            raise CompileError(pipeline, f"`interval` must be at least 1, got {self.interval}")
        if self.rows is not None:
            sizes, note = self._by_hand(pipeline, sizing, self.rows), ""
        elif self.sizes == "full":
            sizes, note = self._select(pipeline, sizing.full()), ""
        else:
            found = self._search(pipeline, sizing)
            check_sram_of_rings(sizing, found.sizes)
            sizes = self._select(pipeline, found.sizes)
            note = self._note(found) if sizes == found.sizes else ""
        self._assign(pipeline, sizing, sizes, note)

    def _select(self, pipeline: PipelineOp, sizes: dict[Key, int]) -> dict[Key, int]:
        """Return the sizes to assign, without those of unchanged buffers."""
        chosen = {key: rows for key, rows in sizes.items() if self._chosen(*key[:2])}
        if not chosen and sizes:
            who = f"stage @{self.reader}" if self.reader else "stage"
            what = f"@{self.array}" if self.array else "what another one writes"
            raise CompileError(pipeline, f"there is no {who} that reads {what}")
        return chosen

    def _by_hand(self, pipeline: PipelineOp, sizing: Sizing, rows: int) -> dict[Key, int]:
        if rows < 1:
            raise CompileError(pipeline, f"`rows` must be >= 1, got {rows}")
        sizes = self._select(pipeline, dict.fromkeys(sizing.buffers, rows))
        for key in sizes:
            array, reader, *_ = key
            can_have = sizing.buffers[key].can_have
            if not can_have(rows):
                more = next(count for count in itertools.count(rows) if can_have(count))
                raise CompileError(
                    pipeline,
                    f"with {count_of(rows, 'row')} in the buffer of @{array} at @{reader}, elements that are "
                    f"stored at once share a slot: use {count_of(more, 'row')}",
                )
        try:
            sizing.check_live({**sizing.given(pipeline), **sizes})
        except DeadlockError as deadlock:
            raise CompileError(
                pipeline, f"{count_of(rows, 'row is', 'rows are')} too few: {deadlock.message}"
            ) from None
        return sizes

    def _note(self, found: SizeSolution) -> str:
        if self.sizes == "live":
            return _gap(found, "let it run")
        return _gap(found, "keep the interval") if found.searched else "; those of a schedule"

    def _search(self, pipeline: PipelineOp, sizing: Sizing) -> SizeSolution:
        search = SizeSearch(sizing)
        if self.sizes == "live":
            return search.live()
        given = self.interval or planned_interval(pipeline) or 0
        wanted = max(sizing.interval, sizing.ticks * given)
        if self.sizes == "scheduled" and all(turns == 1 for turns in sizing.turns.values()):
            sizes = scheduled_sizes(sizing, wanted)
            if sizing.fits(sizes):
                taken = sum(sizing.sram_bytes(sizes).values())
                return SizeSolution(sizes, taken, 0, searched=False)
        interval, found = search.fitting(wanted)
        if interval > wanted:
            emit_remark(
                pipeline,
                f"throughput-preserving buffers exceed the {sizing.hardware.core.sram_bytes} bytes of SRAM of a core; "
                f"buffers that fit give an interval of {sizing.in_cycles(interval)} cycles instead of "
                f"{sizing.in_cycles(wanted)}",
            )
        return found

    def _chosen(self, array: str, reader: str) -> bool:
        return self.array in (None, array) and self.reader in (None, reader)

    def _assign(
        self, pipeline: PipelineOp, sizing: Sizing, sizes: dict[Key, int], note: str
    ) -> None:
        boxes = {
            place: (box_storage(resident.array, resident.kept), resident.kept.sizes)
            for place, resident in sizing.residents.items()
            if resident.kept is not None and self._chosen(*place)
        }
        _set_storages(pipeline, {**sizing.storages(sizes), **boxes})
        full, given = sizing.full(), sizing.given(pipeline)
        before = sum(sizing.sram_bytes(full).values())
        after = sum(sizing.sram_bytes(given).values())
        tally("buffers assigned", len(sizes))
        tally("rows saved", sum(full[key] - given[key] for key in sizes))
        tally("bytes saved", before - after)
        ratio = before / max(1, after)
        saved = f" ({ratio:.1f} times as much)" if ratio >= _LEAST_RATIO else ""
        emit_remark(
            pipeline,
            f"buffers take {after} bytes of SRAM, {before} with room for whole inferences{saved}{note}",
        )


def assign_storage_at(
    pipeline: PipelineOp,
    hardware: Hardware,
    positions: Mapping[CoreName, tuple[int, ...]],
    costs: Mapping[CoreName, Cost] | None = None,
) -> bool:
    """Resize buffers that lose throughput because of where and with whom programs run; return True if that helps.

    positions: the places of cores, by name. costs: of an iteration, where programs share cores. A remark names the
    buffers that grow, or tells what interval they give if no larger ones fit.
    """
    if not pipeline.stages:
        return False
    sizing = Sizing(pipeline, hardware).placed(positions, costs)
    given, plan = sizing.given(pipeline), planned_interval(pipeline)
    wanted = max(sizing.interval, sizing.ticks * (plan or 0))
    interval, _ = sizing.schedule(given, wanted)
    if interval <= wanted:
        return False
    why = "the hops between cores" if costs is None else "the shares and places of cores"
    if plan is None:
        shorter, found = SizeSearch(sizing).fitting()
        sizes, gap = found.sizes, _gap(found, "keep this interval")
    else:
        shorter, sizes, gap = wanted, scheduled_sizes(sizing, wanted), ""
    before, after = (sum(sizing.sram_bytes(each).values()) for each in (given, sizes))
    told = f"with {why}, buffers of {before} bytes give an interval of {sizing.in_cycles(interval)} cycles"
    if shorter >= interval or not sizing.fits(sizes):
        if plan is not None:
            emit_remark(
                pipeline, f"{told}, {sizing.in_cycles(wanted)} planned; larger ones do not fit"
            )
        return False
    _set_storages(pipeline, sizing.storages(sizes))
    grown = {f"@{k[0]} at @{k[1]}": None for k, count in sizes.items() if count > given[k]}
    emit_remark(
        pipeline,
        f"{told}; with {after} bytes it is {sizing.in_cycles(shorter)}{gap}; larger: {', '.join(grown)}",
    )
    return True


_LEAST_RATIO = 1.05
"""The remark tells by what factor buffers are smaller from this factor on, which is not printed as 1.0."""


def _gap(found: SizeSolution, purpose: str) -> str:
    """Describe the largest possible gap to the smallest sizes. purpose: what those do, for the message."""
    if found.smallest:
        return f"; no smaller sizes {purpose}"
    above = 100 * (found.sram_bytes / max(1, found.bound) - 1)
    return f"; at most {above:.2g} % above the smallest sizes (bound {found.bound})"


def _set_storages(
    pipeline: PipelineOp, storages: Mapping[tuple[str, str], tuple[isl.Map, Sequence[int]]]
) -> None:
    """Set the storage maps and shapes of arrays at stages, and replace existing ones."""
    arrays, stages, existing = pipeline.arrays, pipeline.stages, pipeline.storages
    first = next(iter(stages.values()))
    for (array, reader), (relation, shape) in storages.items():
        type = MemRefType(arrays[array].type.element_type, shape)
        storage = StorageOp(array, reader, MapAttr.of(relation), type)
        storage.location = stages[reader].location
        if (old := existing.get((array, reader))) is not None:
            Rewriter.erase_op(old)
        pipeline.body.block.insert_op_before(storage, first)
