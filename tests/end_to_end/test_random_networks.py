"""Random networks and random schedules: the engine's results are NumPy's, its cycles the naive simulator's."""

from __future__ import annotations

import numpy as np
from engine.naive import simulate
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from isl.strategies import orders
from networks import Builder, Compiled, Impossible, compile_network

from cmir.dialects.polyhedral import MapAttr, PipelineOp


@st.composite
def builders(draw: st.DrawFn) -> tuple[Builder, list[str]]:
    """A network of a few stages, and its outputs: chains, residuals and values with many readers."""
    rank = draw(st.integers(1, 2))
    channels = draw(st.sampled_from([1, 2, 4]))
    net = Builder(
        channels, *(draw(st.integers(3, 9)) for _ in range(rank)), seed=draw(st.integers(0, 9))
    )
    values = ["x"]

    def sizes(count: int, low: int, high: int) -> list[int]:
        return [draw(st.integers(low, high)) for _ in range(count)]

    def operator(x: str) -> str:
        match draw(st.sampled_from(["conv", "conv", "conv", "pool", "add", "relu", "crop", "pad"])):
            case "conv":
                inner = net.shapes[x][0]
                groups = draw(st.sampled_from([g for g in (1, 1, 2, 4) if inner % g == 0]))
                return net.conv(
                    x,
                    groups * draw(st.integers(1, 2)),
                    sizes(rank, 1, 3),
                    sizes(rank, 1, 3),
                    sizes(2 * rank, 0, 4),
                    sizes(rank, 1, 2),
                    groups,
                )
            case "pool":
                kind = draw(st.sampled_from(["Max", "Average"]))
                return net.pool(
                    x, kind, sizes(rank, 1, 3), sizes(rank, 1, 2), sizes(2 * rank, 0, 2)
                )
            case "add":
                alike = [v for v in values if net.shapes[v] == net.shapes[x]]
                return net.add(x, draw(st.sampled_from(alike)))
            case "relu":
                return net.relu(x)
            case "crop":
                space = net.shapes[x][1:]
                starts = [draw(st.integers(0, size - 1)) for size in space]
                ends = [draw(st.integers(a + 1, s)) for a, s in zip(starts, space, strict=True)]
                return net.crop(x, starts, ends)
            case _:
                return net.pad(x, sizes(rank, 0, 3), sizes(rank, 0, 3))

    for _ in range(draw(st.integers(1, 6))):
        # Mostly a chain; the values passed over get a second reader.
        x = values[-1] if draw(st.integers(0, 3)) else draw(st.sampled_from(values))
        try:
            values.append(operator(x))
        except Impossible:
            reject()
    if draw(st.booleans()):
        values.append(net.gemm(net.flatten(values[-1]), draw(st.integers(1, 4))))
    outputs = {values[-1], *draw(st.lists(st.sampled_from(values[1:]), max_size=1))}
    return net, [value for value in values if value in outputs]


def check(model: Compiled, chunk: int | None, inferences: int) -> None:
    samples = model.samples(inferences)
    report = model.machine.run(samples, chunk)
    for outputs, sample in zip(report.outputs, samples, strict=True):
        for values, right in zip(outputs.values(), model.reference(sample), strict=True):
            np.testing.assert_allclose(values, right, rtol=1e-4, atol=1e-5)
    expected = simulate(model.pipeline, inferences)
    assert {core.name for core in report.cores} == set(expected)
    for core in report.cores:
        np.testing.assert_array_equal(core.start, expected[core.name])


chunks = st.sampled_from([None, 1, 2, 7])


@settings(max_examples=60)
@given(builders(), chunks, st.integers(1, 4))
def test_random_networks(
    network: tuple[Builder, list[str]], chunk: int | None, inferences: int
) -> None:
    net, outputs = network
    check(compile_network(net.model(*outputs)), chunk, inferences)


@settings(max_examples=40)
@given(st.data(), builders(), chunks, st.integers(1, 3))
def test_random_schedules(
    data: st.DataObject,
    network: tuple[Builder, list[str]],
    chunk: int | None,
    inferences: int,
) -> None:
    """Reordering a stage changes nothing but the cycles, which the naive simulator gives as well."""

    def reschedule(pipeline: PipelineOp) -> None:
        for name, stage in pipeline.stages.items():
            domain = stage.domain.points
            dims = ["i", "j"][: len(stage.body.block.args)]
            if dims:
                stage.schedule = MapAttr.of(data.draw(orders(name, dims, domain)))

    net, outputs = network
    check(compile_network(net.model(*outputs), reschedule), chunk, inferences)


@settings(max_examples=30)
@given(builders(), chunks, st.integers(1, 5), st.sampled_from(["live", "lossless"]))
def test_random_networks_in_bounded_buffers(
    network: tuple[Builder, list[str]], chunk: int | None, inferences: int, sizes: str
) -> None:
    net, outputs = network
    passes = f"polyhedral-assign-storage{{sizes={sizes}}}"
    check(compile_network(net.model(*outputs), passes=passes), chunk, inferences)
