"""Networks that take tokens: look-up in tables, arithmetic on indices, conversions; compiled, proved, run, compared."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from frontends.onnx_models import model_of
from networks import Compiled, compile_network
from tolerance import assert_close

from cmir.analysis.index_ranges import index_ranges
from cmir.checking import evaluator_of
from cmir.cost.firing import Firing
from cmir.cost.program_cost import program_cost
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.description import Hardware
from cmir.proof.values.comparison import prove_values
from cmir.support.diagnostics import CompileError

TABLE = "float[20,6] table"
TOKENS = [[0, 19, 3, 3, -1], [7, -20, 18, 0, 1]]

MODELS: dict[str, tuple[str, str, str]] = {
    "int64": (f"int64[N,5] x, {TABLE}", "y = Gather(table, x)", "float[] y"),
    "int32": (f"int32[N,5] x, {TABLE}", "y = Gather(table, x)", "float[] y"),
    "numbers": ("int64[N,5] x, float[20] table", "y = Gather(table, x)", "float[] y"),
    "matrices": ("int64[N,5] x, float[20,3,2] table", "y = Gather(table, x)", "float[] y"),
    "integers": ("int64[N,5] x, int64[20,3] table", "y = Gather(table, x)", "int64[] y"),
    "twice": (
        f"int64[N,5] x, {TABLE}",
        "one = Constant<value = int64[5] {-1, 1, 0, -2, 1}>() z = Mul(x, one) a = Gather(table, x)"
        " m = Min(z, one) b = Gather(table, m) y = Add(a, b)",
        "float[] y",
    ),
    "bert": (
        f"int64[N,5] x1, int64[N,5] x2, {TABLE}, float[2,6] kinds, float[1,5,6] places,"
        " float[6] scale, float[6] bias, float[6,6] w",
        """
        zero = Constant<value_int = 0>() low = Constant<value_float = -10000.0>()
        ten = Constant<value_int = 10>() one = Constant<value_float = 1.0>()
        a = Gather(table, x1) g = Less(x1, zero) k = Cast<to = 7>(g) b = Gather(kinds, k)
        s = Add(a, b) t = Add(s, places) e = LayerNormalization<axis = -1>(t, scale, bias)
        f = Cast<to = 1>(x2) r = Less(x2, ten) m = Cast<to = 1>(r) n = Sub(one, m) o = Mul(n, low)
        q = MatMul(e, w) c = ReduceMean<axes = [2], keepdims = 0>(q) d = Add(c, o)
        p = Softmax<axis = -1>(d) y = Add(p, f)
        """,
        "float[] y",
    ),
}


def compiled(model: onnx.ModelProto, passes: str = "") -> Compiled:
    network = compile_network(model, passes=passes)
    verdict = prove_values(ElaboratedNetwork(network.network), network.function, 2)
    assert verdict.uncovered is None
    return network


def check(model: onnx.ModelProto, samples: list[list[np.ndarray]], passes: str = "") -> None:
    """Run a stream of inferences, and compare it with onnxruntime."""
    network = compiled(model, passes)
    evaluate = evaluator_of(model)
    names = network.timed.network.inputs
    for chunk in (None, 1):
        streams = [dict(zip(names, sample, strict=True)) for sample in samples]
        report = network.simulator.run(streams, chunk)
        assert report.outputs is not None
        for sample, outputs in zip(samples, report.outputs, strict=True):
            expected = evaluate(*(x[None] for x in sample))
            for result, wanted in zip(outputs.values(), expected, strict=True):
                assert_close(result, wanted[0])
                assert result.dtype == wanted.dtype


PASSES = {
    "present": "",
    "streamed": "polyhedral-stream-inputs,polyhedral-assign-storage{sizes=live}",
    "tables at the GCU": "polyhedral-stream-tables{tables=all},polyhedral-stream-inputs,"
    "polyhedral-stream-outputs,polyhedral-assign-storage{sizes=live}",
}


@pytest.mark.parametrize("passes", PASSES)
@pytest.mark.parametrize("name", MODELS)
def test_tokens(name: str, passes: str) -> None:
    inputs, body, outputs = MODELS[name]
    kind = np.int32 if name == "int32" else np.int64
    samples = [[np.array(tokens, kind)] * (1 + ("x2" in inputs)) for tokens in TOKENS]
    check(model_of(inputs, body, 17, outputs), samples, PASSES[passes])


def test_what_the_global_control_unit_finds_takes_as_long_as_other_inputs() -> None:
    hardware = Hardware.load('name = "x"\nsummary = ""\n[system]\ninput_elements_per_cycle = 2')
    model = model_of(f"int64[N,5] x, {TABLE}", "a = Gather(table, x) y = Relu(a)")
    network = compile_network(model, passes="polyhedral-stream-tables{tables=all}").network
    assert program_cost(network.programs["look_up_table"], hardware).interval == 3


def test_a_core_loads_what_it_picks() -> None:
    program = compile_network(model_of(*MODELS["int64"][:2])).network.programs["take1"]
    loads = [step.elements for step in Firing.of(program).steps if step.kind == "load"]
    assert loads == [6, 1]


@pytest.mark.parametrize("token", [20, -21, 2**40])
def test_a_token_that_is_not_in_the_table_is_refused(token: int) -> None:
    network = compile_network(model_of(*MODELS["int64"][:2]))
    inputs = [{"x": np.array([1, 2, token, 3, 4], np.int64)}]
    with pytest.raises(CompileError, match=f"index {token} is outside a dimension of 20 elements"):
        network.simulator.run(inputs)


def test_arithmetic_on_int64_has_64_bits() -> None:
    large = np.array([[2**40, -(2**62)], [2**62, 2**62 - 1], [3, -1]], np.int64)
    body = "b = Add(x, x) c = Mul(b, x) d = Max(c, x) e = Sub(d, b) y = Min(e, x)"
    check(model_of("int64[N,3,2] x", body, 13, "int64[] y"), [[large], [large[::-1].copy()]])
    body = "c = Constant<value = int64 {4611686018427387903}>() l = Less(c, x) y = Cast<to = 1>(l)"
    check(model_of("int64[N,3,2] x", body), [[large]])


def test_casts_to_integers() -> None:
    """Fractions are cut off; integers keep their low bits."""
    numbers = np.array([-3.7, -0.5, 0.5, 1.5, 2.5, 99.99, -100.0, 2.0**31 - 200], np.float32)
    for to in (6, 7):
        check(model_of("float[N,8] x", f"i = Cast<to = {to}>(x) y = Cast<to = 1>(i)"), [[numbers]])
    whole = np.array([2**40 + 5, -(2**33) - 7, 255, 256, -129, 3, 2**31, -1], np.int64)
    for to in (2, 3, 6):
        body = f"i = Cast<to = {to}>(x) y = Cast<to = 7>(i)"
        check(model_of("int64[N,8] x", body, 13, "int64[] y"), [[whole]])


def test_the_place_of_the_largest_selects_a_row() -> None:
    model = model_of(
        f"float[N,20,3] x, {TABLE}", "i = ArgMax<axis = 1, keepdims = 0>(x) y = Gather(table, i)"
    )
    random = np.random.default_rng(0)
    check(model, [[random.standard_normal((20, 3), np.float32)] for _ in range(2)])


def test_ranges_of_indices() -> None:
    """They are followed through copies and conversions; the smallest table counts."""
    model = model_of(
        f"int64[N,5] x, float[N,5] x1, {TABLE}, float[9,6] small",
        "i = Cast<to = 6>(x) a = Gather(table, i) b = Gather(small, x) c = Add(a, b)"
        " r = ReduceMean<axes = [2], keepdims = 0>(c) y = Add(r, x1)",
    )
    for passes in ("", "polyhedral-stream-inputs"):
        network = compile_network(model, passes=passes)
        given = {network.network.inputs.data[0].string_value(): 9}
        assert {n: s for n, s in index_ranges(network.network).items() if n in given} == given
        assert index_ranges(network.pipeline).keys() == index_ranges(network.network).keys()
