"""Random networks in random orders and with random buffers: right results, exact cycles, and the proof says yes.

Compiling runs the proof; the naive simulator knows nothing of automata, and says also where networks deadlock.
"""

from __future__ import annotations

from functools import partial

import pytest
from end_to_end.drawn_networks import Network
from end_to_end.drawn_operators import networks
from end_to_end.test_random_networks import check, chunks, compiled
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from networks import Compiled
from proof.rings import with_rings
from simulator.naive import Deadlock, simulate
from xdsl.dialects.builtin import ModuleOp

from cmir.analysis.sizing import Sizing
from cmir.context import make_context
from cmir.dialects.polyhedral import PipelineOp, StageOp
from cmir.dialects.vectors import MxvOp
from cmir.hardware.description import Hardware
from cmir.passes.polyhedral_merge_stages import PolyhedralMergeStagesPass
from cmir.passes.polyhedral_replicate import By, PolyhedralReplicatePass
from cmir.passes.polyhedral_schedule import PolyhedralSchedulePass
from cmir.passes.polyhedral_split_matrices import PolyhedralSplitMatricesPass
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.timing.recurrence import Recurrence


def schedule(data: st.DataObject, seen: list[PipelineOp], pipeline: PipelineOp) -> None:
    """Give some stages another order, by the pass; the result is the last of `seen`."""
    module = pipeline.parent_op()
    assert isinstance(module, ModuleOp)
    for name, stage in pipeline.stages.items():
        rank = len(stage.body.block.args)
        changes = [PolyhedralSchedulePass(stage=name, reverse=(d,)) for d in range(rank)]
        if rank > 1:
            order = tuple(data.draw(st.permutations(range(rank))))
            changes.append(PolyhedralSchedulePass(stage=name, interchange=order))
        if rank > 0:
            sizes = tuple(data.draw(st.integers(0, 3)) for _ in range(rank))
            if any(sizes):
                changes.append(PolyhedralSchedulePass(stage=name, tile=sizes))
        if changes and data.draw(st.booleans()):
            data.draw(st.sampled_from(changes)).apply(make_context(), module)
    seen.append(pipeline.clone())


@settings(max_examples=40)
@given(
    st.data(),
    networks(),
    chunks,
    st.integers(1, 4),
    st.sampled_from(["sizes=full", "sizes=live", "sizes=lossless"]),
)
def test_orders_and_buffers(
    data: st.DataObject,
    network: Network,
    chunk: int | None,
    inferences: int,
    sizes: str,
) -> None:
    passes = f"polyhedral-assign-storage{{{sizes}}}"
    model = compiled(network, partial(schedule, data, []), passes)
    check(network, model, chunk, inferences)
    check_sizing(model, inferences)


def check_sizing(model: Compiled, inferences: int) -> None:
    """What sizes of buffers are chosen for is what the generated control logic does."""
    sizing = Sizing(model.pipeline, Hardware.load("ideal"))
    expected = Recurrence(sizing.actors(sizing.given(model.pipeline)), inferences).run()
    starts = {core.name: core.start for core in model.timed.time(inferences).cores}
    for core in expected.cores:
        assert core.start.tolist() == starts[core.name].tolist(), core.name


BY: tuple[By, ...] = ("rows", "bands", "columns", "runs")


def spread(data: st.DataObject, seen: list[PipelineOp], pipeline: PipelineOp) -> None:
    """Merge two stages, and spread some over cores: split them, replicate them, or both.

    The result is the last of `seen`.
    """
    module = pipeline.parent_op()
    assert isinstance(module, ModuleOp)
    if len(pipeline.stages) > 1 and data.draw(st.booleans()):
        pair = data.draw(st.permutations(list(pipeline.stages)))[:2]
        try:
            PolyhedralMergeStagesPass(stages=tuple(pair)).apply(make_context(), module)
        except CompileError as error:
            assert "reads nothing that" in error.message
    for name in list(pipeline.stages):
        stage = pipeline.stages[name]
        if len([op for op in stage.body.block.ops if isinstance(op, MxvOp)]) > 1:
            continue
        if data.draw(st.booleans()):
            outputs, inputs = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
            pass_ = PolyhedralSplitMatricesPass(stage=name, outputs=outputs, inputs=inputs)
            try:
                pass_.apply(make_context(), module)
            except CompileError as error:
                assert any(
                    reason in error.message
                    for reason in (
                        "parts of one size",
                        "split it by outputs only",
                        "cannot be split into parts",
                        "share an input channel",
                    )
                )
    for name, stage in pipeline.stages.items():
        if len(stage.body.block.args) > stage.core_dims and data.draw(st.booleans()):
            copies, by = data.draw(st.integers(1, 3)), data.draw(st.sampled_from(BY))
            try:
                PolyhedralReplicatePass(stage=name, copies=copies, by=by).apply(
                    make_context(), module
                )
            except CompileError as error:
                assert "must be one of 1 to" in error.message or "of one size" in error.message
    seen.append(pipeline.clone())


def reads_other_copies(stage: StageOp) -> bool:
    """True for a merged stage on several cores, one of which may read what another one writes."""
    read, written = (
        {array for access in accesses for array, _ in access.arrays_and_maps()}
        for accesses in (stage.reads(), stage.writes())
    )
    return stage.core_dims > 0 and not read.isdisjoint(written)


@settings(max_examples=40)
@given(
    st.data(),
    networks(),
    chunks,
    st.integers(1, 4),
    st.sampled_from(["", "sizes=full", "sizes=live", "sizes=lossless"]),
)
def test_stages_on_several_cores(
    data: st.DataObject, network: Network, chunk: int | None, inferences: int, sizes: str
) -> None:
    passes = f"polyhedral-assign-storage{{{sizes}}}" if sizes else ""
    seen: list[PipelineOp] = []
    try:
        model = compiled(network, partial(spread, data, seen), passes)
    except CompileError as error:  # those cores run in no order
        assert "before the stage itself writes it" in error.message
        assert any(map(reads_other_copies, seen[-1].stages.values()))
        reject()
    check(network, model, chunk, inferences)
    check_sizing(model, inferences)


@settings(max_examples=40)
@given(st.data(), networks(), st.integers(1, 6), st.integers(1, 4))
def test_rows_by_hand(data: st.DataObject, network: Network, rows: int, inferences: int) -> None:
    """Rings of some number of rows run, or are refused because they really deadlock."""
    seen: list[PipelineOp] = []
    passes = f"polyhedral-assign-storage{{rows={rows}}}"
    try:
        model = compiled(network, partial(schedule, data, seen), passes)
    except CompileError as error:
        assert error.message.startswith(
            f"{count_of(rows, 'row is', 'rows are')} too few: deadlock: "
        )
        sizes = dict.fromkeys(Sizing(seen[-1], Hardware.load("ideal")).buffers, rows)
        with pytest.raises(Deadlock):
            simulate(with_rings(seen[-1], sizes), 3)
    else:
        check(network, model, None, inferences)
