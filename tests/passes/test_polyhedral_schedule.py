"""Networks whose stages run in any order: results, and cycles against the naive simulator."""

from __future__ import annotations

import numpy as np
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from networks import Builder, Impossible, compile_network, run_passes
from simulator.naive import simulate
from tolerance import assert_close
from xdsl.dialects.builtin import ModuleOp

from cmir.context import make_context
from cmir.dialects.polyhedral import PipelineOp

SKEW = "{ [a, b] -> [a + b, a] }"
DIAGONAL = "{ [a, b] -> [a - b, b] }"


@st.composite
def networks(draw: st.DrawFn) -> tuple[Builder, str]:
    """A chain of two to four operators on an image, perhaps with a residual, perhaps with a dense end."""
    space = draw(st.lists(st.integers(3, 7), min_size=2, max_size=2))
    net = Builder(draw(st.integers(1, 2)), *space, seed=draw(st.integers(0, 9)))
    value = net.conv("x", 2, pads=1)
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["conv", "pool", "residual"]))
        if kind == "conv":
            kernel, stride = draw(st.integers(1, 3)), draw(st.integers(1, 2))
            value = net.conv(value, 2, kernel, stride, pads=draw(st.integers(0, 1)))
        elif kind == "pool":
            value = net.pool(value, kernel=2, strides=draw(st.integers(1, 2)))
        else:
            value = net.relu(net.add(net.conv(value, 2, pads=1), value))
    if draw(st.booleans()):
        value = net.gemm(net.flatten(value), 3)
    return net, value


@st.composite
def changes(draw: st.DrawFn, dims: int) -> list[str]:
    """Options of passes that one after the other change a schedule of that many dimensions."""
    found = []
    for _ in range(draw(st.integers(0, 2)) if dims else 0):
        kind = draw(st.sampled_from(["interchange", "tile", "reverse", "map"]))
        if kind == "interchange":
            numbers = draw(st.permutations(range(dims)))
        elif kind == "tile":
            numbers = draw(st.lists(st.integers(0, 4), min_size=dims, max_size=dims))
            dims += sum(size > 0 for size in numbers)
        elif kind == "reverse":
            numbers = draw(st.lists(st.integers(0, dims - 1), min_size=1, unique=True))
        elif dims != 2:
            continue
        else:
            found.append(f'map="{draw(st.sampled_from([SKEW, DIAGONAL]))}"')
            continue
        found.append(f"{kind}={','.join(map(str, numbers))}")
    return found


@given(st.data())
@settings(max_examples=25)
def test_any_order_of_every_stage(data: st.DataObject) -> None:
    try:
        net, output = data.draw(networks())
    except Impossible:
        reject()

    def reschedule(pipeline: PipelineOp) -> None:
        module = pipeline.parent_op()
        assert isinstance(module, ModuleOp)
        for name, stage in pipeline.stages.items():
            for options in data.draw(changes(len(stage.body.block.args))):
                run_passes(module, f"polyhedral-schedule{{stage={name} {options}}}", make_context())

    network = compile_network(net.model(output), reschedule)
    samples = network.samples(2)
    starts = simulate(network.pipeline, len(samples))
    for chunk in (None, 1, 5):
        report = network.simulator.run(samples, chunk)
        for core in report.cores:
            np.testing.assert_array_equal(core.start, starts[str(core.name)])
        for sample, outputs in zip(samples, report.outputs, strict=True):
            (expected,) = network.reference(sample)
            (got,) = outputs.values()
            assert_close(got, expected)


def test_order_changes_the_time_it_takes() -> None:
    """A reader that begins with what its writer ends with waits for all of it, unless both are reversed."""
    net = Builder(1, 8, 8)
    model = net.model(net.conv(net.conv("x", 1), 1))

    def cycles(*passes: str) -> int:
        def reschedule(pipeline: PipelineOp) -> None:
            module = pipeline.parent_op()
            assert isinstance(module, ModuleOp)
            for item in passes:
                run_passes(module, item, make_context())

        return compile_network(model, reschedule).timed.time(1).cycles

    pipelined = cycles()
    assert cycles("polyhedral-schedule{reverse=0,1}") == pipelined
    assert cycles("polyhedral-schedule{stage=conv1 reverse=0,1}") == 6 * 6 + 4 * 4
    assert cycles("polyhedral-schedule{interchange=1,0}") == pipelined


def test_what_was_derived_from_the_old_order_is_dropped() -> None:
    net = Builder(1, 5, 5)

    def reschedule(pipeline: PipelineOp) -> None:
        module = pipeline.parent_op()
        assert isinstance(module, ModuleOp)
        context = make_context()
        run_passes(module, "polyhedral-derive-dependences,polyhedral-generate-loops", context)
        assert pipeline.dependences
        run_passes(module, "polyhedral-schedule{interchange=1,0}", context)
        assert not pipeline.dependences
        assert all(stage.loops is None for stage in pipeline.stages.values())

    compile_network(net.model(net.conv(net.conv("x", 1), 1)), reschedule)
