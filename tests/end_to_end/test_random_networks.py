"""Random networks of all operators, in random orders and buffers: results of references, the naive simulator's cycles.

The reference machine finds onnxruntime's results, too, with any delays.

Or a refusal, of one line; never anything else. At length: pytest --hypothesis-profile=thorough, and other seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import pytest
from end_to_end import (  # noqa: F401
    drawn_composed,  # pyright: ignore[reportUnusedImport]
    drawn_signals,  # pyright: ignore[reportUnusedImport]
)
from end_to_end.drawn_definitions import DEFINED
from end_to_end.drawn_networks import Network, tolerance
from end_to_end.drawn_operators import RECIPES, networks
from hypothesis import event, given, reject, settings
from hypothesis import strategies as st
from isl.strategies import orders
from networks import Compiled, Reschedule, compile_network
from onnx import TensorProto, numpy_helper
from simulator.naive import simulate
from unit_times import literal_starts

from cmir.checking import difference
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import MapAttr, PipelineOp
from cmir.frontends.onnx import OnnxError, operators
from cmir.isl.points import points_of
from cmir.support.numerics import BFLOAT16
from cmir.timing.report import RunReport

chunks = st.sampled_from([None, 1, 2, 7])


def compiled(network: Network, reschedule: Reschedule | None = None, passes: str = "") -> Compiled:
    """The network, compiled; rejects the example if the importer refuses it as it should."""
    try:
        return compile_network(network.model, reschedule, passes, batch=network.batch)
    except OnnxError as error:
        assert all(message and "\n" not in message for message in error.messages)
        event(f"refused: {error.messages[0]}")
        reject()


def check(network: Network, model: Compiled, chunk: int | None, inferences: int) -> None:
    """Compare the results of simulator and reference machine with references, and cycles with the naive simulator's."""
    report = check_runs(network, model, chunk, inferences)
    starts = simulate(model.pipeline, inferences)
    assert {str(core.name) for core in report.cores} == set(starts)
    for core in report.cores:
        np.testing.assert_array_equal(core.start, starts[str(core.name)])


def check_runs(network: Network, model: Compiled, chunk: int | None, inferences: int) -> RunReport:
    """Compare the results of simulator and reference machine with references; return the simulator's report."""
    samples = network.samples(inferences)
    report = model.simulator.run(samples, chunk)
    check_results(network, report.outputs)
    machine = model.reference_machine(inferences)
    first, second = machine.schedules(2, seed=inferences)
    check_results(network, machine.run(first, samples))
    machine.run(second)
    return report


def check_results(network: Network, results: Sequence[Mapping[str, np.ndarray]]) -> None:
    """Compare the outputs of a stream with the references of the network."""
    for outputs, expected in zip(results, network.outputs(len(results)), strict=True):
        for value, result, wanted in zip(network.results, outputs.values(), expected, strict=True):
            assert (result.dtype, result.shape) == (wanted.dtype, wanted.shape)
            if value.exact:
                np.testing.assert_array_equal(result, wanted)
            else:
                assert (np.abs(result - wanted) <= tolerance(wanted)).all()


def test_every_importer_is_drawn() -> None:
    # Those of other domains have tests of their own.
    own = {operator for operator in operators() if "." not in operator}
    assert own == set(RECIPES) - set(DEFINED)


@pytest.mark.parametrize("operator", sorted(RECIPES))
def test_operator(operator: str) -> None:
    """Networks that end with the operator; hypothesis complains if none of them is accepted."""

    @settings(max_examples=2)
    @given(networks(2, operator))
    def runs(network: Network) -> None:
        check(network, compiled(network), None, 2)

    runs()


@given(networks(), chunks, st.integers(1, 4))
def test_random_networks(network: Network, chunk: int | None, inferences: int) -> None:
    check(network, compiled(network), chunk, inferences)


def depends_on_itself(name: str, pipeline: PipelineOp) -> bool:
    """True if data flows from a stage back to it."""
    reads = {n: stage.read_relations().keys() for n, stage in pipeline.stages.items()}
    writes = {n: stage.write_relations().keys() for n, stage in pipeline.stages.items()}
    found, work = set[str](), [name]
    while work:
        read = reads[work.pop()]
        fresh = {n for n, written in writes.items() if not read.isdisjoint(written)} - found
        found |= fresh
        work += fresh
    return name in found


@settings(max_examples=40)
@given(st.data(), networks(), chunks, st.integers(1, 3))
def test_random_schedules(
    data: st.DataObject, network: Network, chunk: int | None, inferences: int
) -> None:
    """Reordering a stage changes nothing but the cycles, which the naive simulator gives as well."""

    def reschedule(pipeline: PipelineOp) -> None:
        for name, stage in pipeline.stages.items():
            dims = [f"i{d}" for d in range(len(stage.body.block.args))]
            # A stage that reads its own results, or what depends on them, has to compute them first.
            if dims and not depends_on_itself(name, pipeline):
                stage.schedule = MapAttr.of(data.draw(orders(name, dims, stage.domain.points)))

    check(network, compiled(network, reschedule), chunk, inferences)


@settings(max_examples=30)
@given(networks(), chunks, st.integers(1, 5), st.sampled_from(["live", "lossless"]))
def test_random_networks_in_bounded_buffers(
    network: Network, chunk: int | None, inferences: int, sizes: str
) -> None:
    model = compiled(network, passes=f"polyhedral-assign-storage{{sizes={sizes}}}")
    check(network, model, chunk, inferences)


@settings(max_examples=40)
@given(st.data(), networks(), chunks, st.integers(1, 3), st.sampled_from(["", "live", "lossless"]))
def test_random_networks_in_turns(
    data: st.DataObject, network: Network, chunk: int | None, inferences: int, sizes: str
) -> None:
    """Copies that run iterations in turn: cycles are those of the reference machine, which runs each by itself."""

    def divide(pipeline: PipelineOp) -> None:
        for stage in pipeline.stages.values():
            if stage.gcu is None:
                stage.turns = data.draw(st.integers(1, min(5, len(points_of(stage.domain.points)))))

    storage = f"polyhedral-assign-storage{{sizes={sizes}}}" if sizes else ""
    model = compiled(network, divide, storage)
    report = check_runs(network, model, chunk, inferences)
    starts = {str(core.name): core.start.reshape(-1).tolist() for core in report.cores}
    assert starts == literal_starts(model.network, inferences)


@settings(max_examples=40)
@given(networks(3, oldest=24))
def test_random_networks_in_bfloat16(network: Network) -> None:
    """The same nodes with bfloat16 for float32: simulator and reference machine agree with the nn evaluation."""
    model = in_bfloat16(network.model)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        event(f"not in ONNX: {str(error).splitlines()[0]}")
        return
    found = compiled(Network(model, network.batch, network.given, network.results))
    arrays = found.timed.network.arrays
    samples = [
        {name: x.astype(dtype_of(arrays[name].type)) for name, x in sample.items()}
        for sample in network.samples(2)
    ]
    (schedule,) = found.reference_machine(2).schedules(1)
    literal = found.reference_machine(2).run(schedule, samples)
    for sample, one, other in zip(
        samples, found.simulator.run(samples).outputs, literal, strict=True
    ):
        for expected, *results in zip(
            found.reference(sample), one.values(), other.values(), strict=True
        ):
            for result in results:
                assert result.dtype == expected.dtype
                assert difference(result, expected, terms=1, narrowest="bf16") is None


def in_bfloat16(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with bfloat16 in place of float32."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    result.ir_version = 10
    for info in (*result.graph.input, *result.graph.output):
        if info.type.tensor_type.elem_type == TensorProto.FLOAT:
            info.type.tensor_type.elem_type = TensorProto.BFLOAT16
    for tensor in result.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor).astype(BFLOAT16)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    for node in result.graph.node:
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype") and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.BFLOAT16
    return result
