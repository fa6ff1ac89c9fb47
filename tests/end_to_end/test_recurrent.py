"""LSTM, GRU and RNN, compiled and run: their results, their timing, and their division among cores."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from end_to_end.drawn_recurrent import GATES, Layer, layers
from frontends.onnx_models import model_of, save
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Compiled, compile_network
from simulator.naive import simulate
from timing.measured_interval import measured_interval
from tolerance import assert_close

from cmir.checking import evaluator_of
from cmir.proof.control import prove_control
from cmir.tools.cm_run import main

KINDS = sorted(GATES)


def layer_of(kind: str, units: int, steps: int = 4, width: int = 3, **attributes: object) -> Layer:
    """A layer without optional inputs, for one sequence."""
    random = np.random.default_rng(units)
    count = 1 + (attributes.get("direction") == "bidirectional")
    shapes = {"X": (steps, 1, width), "W": (count, GATES[kind] * units, width)}
    shapes["R"] = (count, GATES[kind] * units, units)
    inputs = {
        name: (random.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)
        for name, shape in shapes.items()
    }
    return Layer(kind, steps, 1, units, {"hidden_size": units, **attributes}, inputs)


def check(layer: Layer, model: Compiled) -> None:
    sample = {
        name: layer.inputs[given]
        for name, given in zip(model.timed.network.inputs, layer.given, strict=True)
    }
    (outputs,) = model.simulator.run([sample]).outputs
    for result, expected in zip(outputs.values(), layer.reference(), strict=True):
        assert_close(result, expected.astype(np.float32), terms=1)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=60)
def test_the_reference_agrees_with_onnxruntime(kind: str, data: st.DataObject) -> None:
    layer = data.draw(layers(kind))
    results = evaluator_of(layer.model())(*(layer.inputs[name] for name in layer.given))
    for result, expected in zip(results, layer.reference(), strict=True):
        assert_close(result, expected.astype(np.float32), terms=1)


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=8)
def test_results(kind: str, layout: int, data: st.DataObject) -> None:
    layer = data.draw(layers(kind, layout))
    check(layer, compile_network(layer.model(), batch=False))


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("kind", KINDS)
def test_units_divided_among_cores(kind: str, direction: str) -> None:
    """Of 5 units, two cores have 2 and the last one has 1. Each reads the states of all."""
    layer = layer_of(kind, 5, direction=direction, linear_before_reset=1)
    if kind != "GRU":
        del layer.attributes["linear_before_reset"]
    passes = f"polyhedral-split-matrices{{stage={kind.lower()}1 outputs=3}}"
    model = compile_network(layer.model(), passes=passes, batch=False)
    assert len(model.timed.network.cores) > 3
    check(layer, model)
    assert prove_control(model.network).points is not None
    starts = simulate(model.pipeline, 3)
    report = model.simulator.run(model.samples(3), 2)
    for core in report.cores:
        np.testing.assert_array_equal(core.start, starts[str(core.name)])


@pytest.mark.parametrize("by", ["columns", "rows"])
def test_steps_divided_among_cores(by: str) -> None:
    """Copies of a recurrent stage wait for each other."""
    layer = layer_of("LSTM", 3)
    passes = f"polyhedral-replicate{{stage=lstm1 copies=2 by={by}}}"
    model = compile_network(layer.model(), passes=passes, batch=False)
    check(layer, model)
    assert prove_control(model.network).points is not None


def test_product_and_states_on_one_core() -> None:
    layer = layer_of("LSTM", 3, direction="reverse")
    passes = "polyhedral-merge-stages{stages=gemm1,lstm1}"
    model = compile_network(layer.model(["Y"]), passes=passes, batch=False)
    assert len(model.timed.network.programs) == 1
    (outputs,) = model.simulator.run([{"X": layer.inputs["X"]}]).outputs
    (result,) = outputs.values()
    assert_close(result, layer.reference()[0].astype(np.float32), terms=1)
    assert prove_control(model.network).points is not None


@pytest.mark.parametrize("kind", KINDS)
def test_steps_take_their_latency(kind: str, tmp_path: Path) -> None:
    """A step starts when the result of the step before has arrived, not an initiation interval after it."""
    hardware = tmp_path / "slow.toml"
    hardware.write_text("[core]\nfixed_interval = 3\nfixed_latency = 7\n", encoding="utf-8")
    layer = layer_of(kind, 4, steps=5)
    model = compile_network(layer.model(["Y"]), hardware=str(hardware), batch=False)
    report = model.simulator.run(model.samples(6))
    # The first step of an inference waits for no result.
    assert measured_interval(report) == 4 * 7 + 3
    (core,) = (core for core in report.cores if str(core.name).startswith(kind.lower()))
    assert (np.diff(core.start[1]) == 7).all()


@pytest.mark.parametrize(("by", "batch"), [("rows", 1), ("rows", 4), ("columns", 4)])
def test_balance_of_copies(
    by: str, batch: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The interval that copies are chosen for is that of the run: it counts the waits for own results.

    Copies that divide one sequence into runs also wait for room in each other's buffers, for which it does not count.
    """
    hardware = tmp_path / "slow.toml"
    hardware.write_text("[core]\nfixed_interval = 3\nfixed_latency = 7\n", encoding="utf-8")
    layer = layer_of("RNN", 2, steps=6)
    layer.inputs["X"] = np.repeat(layer.inputs["X"], batch, 1)
    passes = f"polyhedral-replicate{{cores=6 by={by} hardware={hardware}}}"
    model = compile_network(layer.model(["Y"]), passes=passes, hardware=str(hardware), batch=False)
    report = model.simulator.run(model.samples(12))
    printed = re.search(r"takes (\d+) cycles for an inference, (\d+)", capsys.readouterr().err)
    assert printed is not None
    assert measured_interval(report) == int(printed[1])
    assert int(printed[2]) == (5 * 7 + 3 if batch == 1 else 6 * batch * 3)


@pytest.mark.parametrize("kind", KINDS)
def test_cycles_of_independent_simulators(kind: str) -> None:
    """Those of the naive simulator are equal; the reference machine gives the same results with any delays."""
    layer = layer_of(kind, 2, direction="bidirectional")
    passes = "polyhedral-assign-storage{sizes=lossless}"
    model = compile_network(layer.model(), passes=passes, batch=False)
    samples = model.samples(3)
    report, starts = model.simulator.run(samples), simulate(model.pipeline, 3)
    for core in report.cores:
        np.testing.assert_array_equal(core.start, starts[str(core.name)])
    machine = model.reference_machine(3)
    for schedule in machine.schedules(2, seed=1):
        for found, expected in zip(machine.run(schedule, samples), report.outputs, strict=True):
            for name, result in found.items():
                assert_close(result, expected[name])


def two_layers() -> onnx.ModelProto:
    """A classifier of sequences: two bidirectional layers, as PyTorch exports them, and the last element's result."""
    weights = {"w1": (2, 12, 4), "r1": (2, 12, 3), "b1": (2, 24)}
    weights |= {"w2": (2, 12, 6), "r2": (2, 12, 3), "b2": (2, 24), "f": (5, 6)}
    declared = ", ".join(f"float{list(shape)} {name}" for name, shape in weights.items())
    layer = 'LSTM<hidden_size = 3, direction = "bidirectional">({x}, w{i}, r{i}, b{i})'
    joined = "{y}t = Transpose<perm = [0, 2, 1, 3]>({y}) {z} = Reshape({y}t, joined)"
    body = (
        "joined = Constant<value_ints = [0, 0, -1]>() last = Constant<value_int = -1>() "
        f"p = {layer.format(x='x', i=1)} {joined.format(y='p', z='q')}"
        f" s = {layer.format(x='q', i=2)} {joined.format(y='s', z='u')}"
        " v = Gather<axis = 0>(u, last) y = Gemm<transB = 1>(v, f)"
    )
    return model_of(f"float[6,1,4] x, {declared}", body)


@pytest.mark.parametrize(
    ("hardware", "storage"),
    [
        ("ideal", "full"),
        *((name, "lossless") for name in ("ideal", "hermes", "isaac", "puma", "pimcomp")),
    ],
)
def test_two_bidirectional_layers(
    hardware: str, storage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(two_layers(), tmp_path)
    arguments = ["--hardware", hardware, "--storage", storage, "--random", "0", "-n", "3"]
    assert main([str(path), *arguments, "--samples", "whole", "--check", "--verify"]) == 0
    printed = capsys.readouterr()
    assert "control proved" in printed.out + printed.err
    assert "check: equal to onnxruntime in all 3 inferences" in printed.out


@pytest.mark.parametrize(
    ("kind", "units", "lbr"),
    [("LSTM", 32, 0), ("LSTM", 128, 0), ("GRU", 128, 1), ("GRU", 128, 0), ("LSTM", 300, 0)],
)
def test_units_of_a_published_machine(
    kind: str, units: int, lbr: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With 300 units, the products are divided by inputs, too: two stages wait for each other in turn."""
    attributes = {"linear_before_reset": lbr} if kind == "GRU" else {}
    path = tmp_path / "net.onnx"
    onnx.save(layer_of(kind, units, 2, 8, **attributes).model(["Y"]), path)
    arguments = ["--hardware", "hermes", "--random", "0", "-n", "2", "--check", "--verify"]
    assert main([str(path), *arguments]) == 0
    printed = capsys.readouterr()
    assert "control proved" in printed.out + printed.err
    assert "values equal" in printed.out + printed.err
    assert "check: equal to onnxruntime in all 2 inferences" in printed.out
