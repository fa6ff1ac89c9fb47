"""Proof of values: networks are equal to their source however they are mapped, and every fault in values is refused."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import ClassVar

import numpy as np
import onnx
import pytest
from end_to_end.drawn_networks import Network
from end_to_end.drawn_operators import networks
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from networks import run_passes
from nn.cases import ITERATIONS, LAYOUTS, Case, retyped
from proof.networks_with_values import MAPPINGS, NETWORKS, PLAIN, WithSource, compiled
from proof.value_mutants import value_mutants
from xdsl.dialects.builtin import ModuleOp, TensorType, VectorType, bf16, f16, f64, i32, i64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.dialects.vector import BitcastOp
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.irdl import irdl_op_definition
from xdsl.utils.exceptions import VerifyException

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp, StoreOp
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn import evaluate_function
from cmir.dialects.nn.operation import shape_of, ui8
from cmir.dialects.nn.parameter import ParameterOp, parameter_of
from cmir.dialects.nn.pointwise import UnaryOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.frontends.onnx import OnnxError, import_onnx
from cmir.hardware.description import Hardware
from cmir.proof.values.comparison import ValuesVerdict, prove_values
from cmir.proof.values.workload import inferences_of
from cmir.simulator.simulator import Simulator
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.timing.network import TimedNetwork

OPERATORS = {**ITERATIONS, **LAYOUTS}

BITS = {
    "convolutions": 11,
    "quantized": 9,
    "halves": 10,
    "choices": 9,
    "attention": 0,
    "tokens": 14,
}
"""The error of one interpretation, in bits. The sum of products of entries in attention is beyond the bound."""


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_equal_to_their_source(name: str, mapping: str) -> None:
    model = compiled(NETWORKS[name], MAPPINGS[mapping])
    verdict = prove_values(ElaboratedNetwork(model.network), model.function, 1)
    assert (verdict.rounds, verdict.uncovered) == (1, None)
    assert verdict.bits == BITS[name]


def test_split_matrices_are_equal_to_their_source(tmp_path: Path) -> None:
    small = tmp_path / "small.toml"
    small.write_text(SMALL)
    passes = f'polyhedral-split-matrices{{hardware="{small}"}}'
    for name in ("convolutions", "halves"):
        model = compiled(NETWORKS[name], passes)
        assert any(o.core_name.coordinates for _, o in model.network.instances)
        assert prove_values(ElaboratedNetwork(model.network), model.function, 1).bits == BITS[name]


SMALL = """
name = "small"
summary = "crossbars that hold next to nothing"
[core]
count = 64
crossbars = 1
[crossbar]
rows = 16
columns = 3
"""


@settings(max_examples=15)
@given(networks(6))
def test_random_networks_are_equal_to_their_source(network: Network) -> None:
    """No operator is left out, and none is taken for another."""
    model = imported(network)
    verdict = prove_values(ElaboratedNetwork(model.network), model.function, 2)
    assert verdict.uncovered is None or "infinite or NaN" in verdict.uncovered


def imported(network: Network) -> WithSource:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        onnx.save(network.model, path)
        try:
            model = import_onnx(path, samples="split" if network.batch else "whole")
        except OnnxError:
            reject()
    context = make_context()
    context.parameters = model.parameters
    with collect_diagnostics():
        run_passes(model.module, PLAIN, context)
        source = model.module.clone()
        run_passes(model.module, "nn-to-polyhedral,polyhedral-to-cmcore", context)
    function, compiled = source.body.block.first_op, model.module.body.block.first_op
    assert isinstance(function, FuncOp) and isinstance(compiled, NetworkOp)
    return WithSource(function, compiled, context.parameters)


@pytest.mark.parametrize("name", NETWORKS)
def test_faults_in_values_are_refused(name: str) -> None:
    """Whatever computes other numbers is refused; what is not refused computes the right ones."""
    model = compiled(NETWORKS[name])
    inputs = samples(model, 2)
    expected = [evaluate_function(model.function, i, model.parameters) for i in inputs]
    refused: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for mutant in value_mutants(model.network):
        seen[mutant.kind] += 1
        if seen[mutant.kind] > MOST_OF_A_KIND:
            continue
        network = mutant.of(model.network)
        mutant.program(network).verify()
        try:
            verdict = prove_values(ElaboratedNetwork(network), model.function, 1)
        except CompileError as error:
            assert "\n" not in error.message
            refused[mutant.kind] += 1
            continue
        assert verdict.uncovered is None
        assert computes(network, model, inputs, expected), f"{mutant.kind} at {mutant.at}"
    assert set(refused) >= FAULTS[name]


MOST_OF_A_KIND = 6
"""Faults of a kind in each network."""

ACCESSES = {
    *("load reversed", "load shifted", "load dropped"),
    *("store reversed", "store shifted", "store dropped"),
}

FAULTS = {
    "convolutions": ACCESSES
    | {"matrix reversed", "pad value", "constant", "operands swapped", "minimum for maximum"}
    | {"maximum for minimum", "another reduction", "difference for sum"},
    "quantized": ACCESSES | {"matrix reversed", "constant", "operands swapped", "rounding"},
    "attention": ACCESSES | {"matrix transposed", "operands swapped", "choices swapped"},
    # Its lanes are summed up afterwards, so their order does not matter.
    "halves": (ACCESSES - {"store reversed"}) | {"matrix reversed", "constant", "rounding to f16"},
    "choices": ACCESSES
    | {
        "another relation",
        "relation of equal ones",
        "choices swapped",
        "constant",
        "operands swapped",
    },
    "tokens": ACCESSES | {"another relation", "operands swapped"},
}
"""Kinds of faults of which at least one must be found in each network."""


def computes(
    network: NetworkOp,
    model: WithSource,
    inputs: list[list[np.ndarray]],
    expected: list[tuple[np.ndarray, ...]],
) -> bool:
    """True if a network gives the numbers that are expected for these inputs."""
    timed = TimedNetwork.of(network, Hardware.load("ideal"))
    simulator = Simulator.of(timed, model.parameters)
    report = simulator.run(
        [dict(zip(timed.network.inputs, given, strict=True)) for given in inputs]
    )
    assert report.outputs is not None
    return all(
        np.allclose(found.astype(float), wanted.astype(float), 1e-3, 1e-4, equal_nan=True)
        for outputs, results in zip(report.outputs, expected, strict=True)
        for found, wanted in zip(outputs.values(), results, strict=True)
    )


def samples(model: WithSource, count: int) -> list[list[np.ndarray]]:
    """Random inputs of inferences."""
    random = np.random.default_rng(1)
    return [
        [
            (
                random.normal(size=shape_of(argument))
                if dtype_of(argument.type).kind == "f"
                else random.integers(0, 2, shape_of(argument))
            ).astype(dtype_of(argument.type))
            for argument in model.function.body.block.args
        ]
        for _ in range(count)
    ]


def test_a_lane_missing_behind_a_relu_is_found_in_every_interpretation() -> None:
    """An order of residues would hide most of such faults: the largest of many is rarely the one that is wrong."""
    model = compiled(NETWORKS["convolutions"])
    pools = [m for m in value_mutants(model.network) if m.kind == "load dropped"]
    network = pools[-1].of(model.network)
    for seed in range(20):
        with pytest.raises(CompileError, match="under random interpretation 1"):
            prove_values(ElaboratedNetwork(network), model.function, 1, seed)


def test_inferences_overwrite_every_buffer() -> None:
    model = compiled(NETWORKS["convolutions"])
    assert inferences_of(model.network) == 2


def test_other_ends_than_the_source_has_are_refused() -> None:
    one, other = compiled(NETWORKS["convolutions"]), compiled(NETWORKS["quantized"])
    with pytest.raises(CompileError, match="input 0 of the source is tensor<2x5x5xf32>, that of"):
        prove_values(ElaboratedNetwork(one.network), other.function)
    with pytest.raises(CompileError, match="the source has 2 inputs, the network has 1"):
        prove_values(ElaboratedNetwork(one.network), compiled(NETWORKS["attention"]).function)


def test_a_parameter_that_is_read_as_another_type_is_another_one() -> None:
    """Its numbers would be rounded to that type."""
    text = """
      func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
        %w = nn.parameter "w" : tensor<4xf32>
        %y = nn.mul %x, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
        func.return %y : tensor<4xf32>
      }
    """
    half = text.replace(
        '%w = nn.parameter "w" : tensor<4xf32>',
        '%h = nn.parameter "w" : tensor<4xf16>\n%w = nn.cast %h : (tensor<4xf16>) -> tensor<4xf32>',
    )
    with pytest.raises(CompileError, match="values differ"):
        prove_values(ElaboratedNetwork(compiled(half).network), compiled(text).function)


def test_what_is_not_defined_is_not_called_equal() -> None:
    text = """
      func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
        %i = nn.parameter dense<"0x0000807F"> : tensor<f32>
        %y = nn.mul %x, %i : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
        func.return %y : tensor<4xf32>
      }
    """
    model = compiled(text)
    verdict = prove_values(ElaboratedNetwork(model.network), model.function)
    assert str(verdict).startswith("values not proved: an element of output @y")


def test_what_needs_numbers_is_named() -> None:
    model = compiled(NETWORKS["convolutions"])
    store = next(op for op in model.network.walk() if isinstance(op, StoreOp))
    assert isinstance(store.value.type, VectorType)
    there = VectorType(i32, store.value.type.get_shape())
    as_bits = BitcastOp(store.value, there)
    back = BitcastOp(as_bits.result, store.value.type)
    assert store.parent is not None
    store.parent.insert_ops_before([as_bits, back], store)
    store.operands[0] = back.result
    model.network.verify()
    verdict = prove_values(ElaboratedNetwork(model.network), model.function)
    assert str(verdict).startswith("values not proved: vector.bitcast (")


@irdl_op_definition
class LargerOfItselfOp(UnaryOp):
    """An operator of another package: the larger one of each element and itself."""

    name = "other.larger_of_itself"

    UFUNC: ClassVar[np.ufunc] = np.positive

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return np.maximum(operands[0], operands[0])


def test_operators_of_other_packages_are_not_called_wrong() -> None:
    """What they compute may be the same by a law that residues do not keep."""
    model = compiled(NETWORKS["convolutions"])
    last = model.function.body.block.last_op
    assert last is not None and last.parent is not None
    same = LargerOfItselfOp(last.operands[0])
    last.parent.insert_op_before(same, last)
    last.operands[0] = same.result
    verdict = prove_values(ElaboratedNetwork(model.network), model.function)
    assert str(verdict) == (
        "values not proved: other.larger_of_itself, which may need more laws, is not covered"
    )


def test_the_verdict_says_what_is_proved() -> None:
    from cmir.proof.values.chance import Chance

    assert str(ValuesVerdict(8, Chance(2, 57))) == (
        "values equal over 8 random interpretations (error below 2^-104)"
    )
    assert str(ValuesVerdict(1, Chance(2, 0))) == (
        "values equal over 1 random interpretation (error below 2^-17)"
    )
    assert "error not bounded" in str(ValuesVerdict(8, Chance(1 << 19)))


def only(case: Case) -> ModuleOp:
    """A network of one operator; its parameters have names."""
    op = case.op
    types = [operand.type for operand in op.operands if parameter_of(operand) is None]
    block = Block(arg_types=types)
    arguments = iter(block.args)
    operands: list[SSAValue] = []
    for index, operand in enumerate(op.operands):
        if parameter_of(operand) is None:
            operands.append(next(arguments))
        else:
            assert isinstance(operand.type, TensorType)
            block.add_op(known := ParameterOp(f"p{index}", operand.type))
            operands.append(known.result)
    result = op.create(
        operands=operands, properties=dict(op.properties), result_types=[op.result.type]
    )
    block.add_op(result)
    block.add_op(ReturnOp(result.results[0]))
    return ModuleOp([FuncOp("main", (types, [op.result.type]), Region(block))])


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_operators_of_every_type_are_equal_to_their_source(name: str) -> None:
    @settings(max_examples=2)
    @given(OPERATORS[name], st.sampled_from([None, f16, bf16, f64, i32, i64, ui8]), st.booleans())
    def holds(case: Case, element: Attribute | None, streamed: bool) -> None:
        if element is not None:
            try:
                case = retyped(case, element)
            except VerifyException:
                reject()
        module, context = only(case), make_context()
        with collect_diagnostics():
            run_passes(module, "canonicalize", context)
            source = module.clone()
            streaming = "polyhedral-stream-inputs," if streamed else ""
            run_passes(module, f"nn-to-polyhedral,{streaming}polyhedral-to-cmcore", context)
        function, network = source.body.block.first_op, module.body.block.first_op
        assert isinstance(function, FuncOp) and isinstance(network, NetworkOp)
        assert prove_values(ElaboratedNetwork(network), function, 2).uncovered is None

    holds()
