"""polyhedral-assign-storage: a buffer of bounded size for each array and reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import islpy as isl
from xdsl.context import Context
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.passes import ModulePass

from cmir.accelerator.hardware import Hardware
from cmir.accelerator.recurrence import DeadlockError
from cmir.accelerator.sizing import Sizing
from cmir.diagnostics import CompileError, emit_remark
from cmir.dialects.polyhedral import MapAttr, PipelineOp, StorageOp
from cmir.isl.storage import box_storage


@dataclass(frozen=True)
class PolyhedralAssignStoragePass(ModulePass):
    """Give each array that a stage reads a ring of rows instead of room for a whole inference.

    `sizes` says how many rows: `live`, as few as the network can run with; `lossless`, as few as leave the
    steady-state interval what it is without bounds, or, where a core of the machine has no room for these, as long as
    it must be; `full`, those of one inference. `rows` sets the number by hand,
    for the buffers of `array` and of `reader` where these are given; the others stay as they are. Storage that is
    there already is kept unless it is assigned anew. Refuses sizes with which the network deadlocks, and names the
    cycle of waits. A remark tells the SRAM bytes before and after.
    """

    name = "polyhedral-assign-storage"

    sizes: Literal["live", "lossless", "full"] = "lossless"
    rows: int | None = None
    array: str | None = None
    reader: str | None = None
    hardware: str = "ideal"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        hardware = Hardware.load(self.hardware)
        for pipeline in op.body.block.ops:
            if isinstance(pipeline, PipelineOp):
                sizing = Sizing(pipeline, hardware)
                self._assign(pipeline, sizing, self._sizes(pipeline, sizing))

    def _sizes(self, pipeline: PipelineOp, sizing: Sizing) -> dict[tuple[str, str], int]:
        """The sizes to assign; those that stay as they are are not in it."""
        if self.rows is None:
            match self.sizes:
                case "live":
                    found = sizing.live()
                case "lossless":
                    found = self._fitting(pipeline, sizing)
                case _:
                    found = sizing.full()
        elif self.rows < 1:
            raise CompileError(pipeline, f"`rows` must be >= 1, got {self.rows}")
        else:
            found = dict.fromkeys(sizing.buffers, self.rows)
        chosen = {key: rows for key, rows in found.items() if self._chosen(*key)}
        if not chosen and found:
            who = f"stage @{self.reader}" if self.reader else "stage"
            what = f"@{self.array}" if self.array else "what another one writes"
            raise CompileError(pipeline, f"there is no {who} that reads {what}")
        return chosen

    def _fitting(self, pipeline: PipelineOp, sizing: Sizing) -> dict[tuple[str, str], int]:
        interval, sizes = sizing.fitting()
        if interval > sizing.interval:
            emit_remark(
                pipeline,
                f"buffers that lose no throughput do not fit the {sizing.hardware.core.sram_bytes} bytes of SRAM of a "
                f"core; with those that do, the interval is {interval} cycles instead of {sizing.interval}",
            )
        return sizes

    def _chosen(self, array: str, reader: str) -> bool:
        return self.array in (None, array) and self.reader in (None, reader)

    def _assign(
        self, pipeline: PipelineOp, sizing: Sizing, sizes: dict[tuple[str, str], int]
    ) -> None:
        if self.rows is not None:
            try:
                sizing.check_live({**sizing.given(pipeline), **sizes})
            except DeadlockError as deadlock:
                raise CompileError(
                    pipeline, f"{self.rows} rows are too few: {deadlock.message}"
                ) from None
        for key, count in sizes.items():
            buffer = sizing.buffers[key]
            _set_storage(pipeline, key, buffer.storage(count), buffer.shape(count))
        for key, whole in sizing.wholes.items():
            if whole.kept is not None and self._chosen(*key):
                storage = box_storage(whole.array, whole.kept)
                _set_storage(pipeline, key, storage, whole.kept.sizes)
        before = sum(sizing.sram_bytes(sizing.full()).values())
        after = sum(sizing.sram_bytes(sizing.given(pipeline)).values())
        emit_remark(
            pipeline,
            f"buffers take {after} bytes of SRAM, {before} with room for whole inferences"
            f" ({before / max(1, after):.1f} times as much)",
        )


def _set_storage(
    pipeline: PipelineOp, key: tuple[str, str], relation: isl.Map, shape: Sequence[int]
) -> None:
    """Say where a stage keeps an array, in place of what may have been said."""
    array, reader = key
    type = MemRefType(pipeline.arrays[array].type.element_type, shape)
    storage = StorageOp(array, reader, MapAttr.of(relation), type)
    storage.location = pipeline.stages[reader].location
    if (old := pipeline.storages.get(key)) is not None:
        old.detach()
        old.erase()
    pipeline.body.block.insert_op_before(storage, next(iter(pipeline.stages.values())))
