"""Operations of other packages in bodies: registration, properties, cost, and what passes and proofs make of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from xdsl.dialects import arith, vector
from xdsl.dialects.builtin import IntegerAttr, VectorType, f32, i64
from xdsl.dialects.test import TestOp as Source
from xdsl.ir import Block, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    result_def,
)

from cmir.cost.firing import firing_of
from cmir.passes.spreading import DimensionPart, LaneMixingError, parts_with
from cmir.proof.values.interpretation import Interpretation
from cmir.proof.values.residues import Residues
from cmir.reference import arithmetic
from cmir.reference.findings import ProgramFault
from cmir.semantics import implementations
from cmir.semantics.body import evaluate_operation, function_of_iteration, implementation_of
from cmir.semantics.implementations import Implementation, implements, registered
from cmir.support.diagnostics import CompileError

BUILT_IN = tuple(registered())


@irdl_op_definition
class ShiftOp(IRDLOperation):
    """Each element, moved by some lanes and added to another vector."""

    name = "package.shift"

    a = operand_def(VectorType)
    b = operand_def(VectorType)
    by = opt_prop_def(IntegerAttr)
    result = result_def(VectorType)

    def __init__(self, operands: Sequence[SSAValue], by: int | None = None):
        properties = {} if by is None else {"by": IntegerAttr(by, i64)}
        types = [operands[0].type]
        super().__init__(operands=[*operands], properties=properties, result_types=types)


def shifted(a: np.ndarray, b: np.ndarray, *, by: int) -> np.ndarray:
    return np.roll(a, by, axis=-1) + b


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten afterwards."""
    monkeypatch.setattr(implementations, "_implementations", dict(registered()))
    return


def operands(count: int = 2, lanes: int = 4) -> tuple[SSAValue, ...]:
    return tuple(Source(result_types=[VectorType(f32, [lanes])] * count).results)


def test_the_reference_machine_has_its_own_functions() -> None:
    """It asks for those of others where it has none, which of cmir's own operations is never."""
    assert {operation.name for operation in BUILT_IN} <= arithmetic.own_operations()


def test_properties_are_keyword_only_parameters() -> None:
    implements(ShiftOp)(shifted)
    a, b = np.arange(8.0, dtype=np.float32).reshape(2, 4), np.ones((1, 4), np.float32)
    found = evaluate_operation(ShiftOp(operands(), by=1), a, b)
    np.testing.assert_array_equal(found, [[4, 1, 2, 3], [8, 5, 6, 7]])
    with pytest.raises(CompileError, match=r"package\.shift has no property `by`"):
        evaluate_operation(ShiftOp(operands()), a, b)


def test_properties_have_defaults() -> None:
    @implements(ShiftOp)
    def shift(a: np.ndarray, b: np.ndarray, *, by: int = 2) -> np.ndarray:
        return shifted(a, b, by=by)

    found = evaluate_operation(ShiftOp(operands()), np.array([[1.0, 2, 3, 4]]), np.zeros((1, 4)))
    np.testing.assert_array_equal(found, [[3, 4, 1, 2]])


def test_one_iteration_for_the_reference_machine() -> None:
    implements(ShiftOp)(shifted)
    op = ShiftOp(operands(), by=1)
    function = arithmetic.reference_function(op, function_of_iteration)
    np.testing.assert_array_equal(
        function(np.array([1.0, 2, 3, 4]), np.array([0.0, 0, 0, 9])), [4, 1, 2, 12]
    )
    with pytest.raises(ProgramFault, match=r"package\.shift cannot be run"):
        arithmetic.reference_function(op)


def test_nothing_is_registered_twice() -> None:
    implements(ShiftOp)(shifted)
    with pytest.raises(ValueError, match=r"package\.shift has an implementation already"):
        implements(ShiftOp)(shifted)
    with pytest.raises(ValueError, match=r"arith\.addf has an implementation already"):
        implements(arith.AddfOp)(np.subtract)


def test_an_operation_that_nothing_implements() -> None:
    assert implementation_of(ShiftOp(operands())) is None
    with pytest.raises(CompileError, match=r"package\.shift cannot be executed"):
        evaluate_operation(ShiftOp(operands()), np.zeros((1, 4)), np.zeros((1, 4)))


@pytest.mark.parametrize(("work", "elements"), [(None, 4), (lambda op: 10 * op.by.value.data, 30)])
def test_cost(work: object, elements: int) -> None:
    implements(ShiftOp, work=work)(shifted)  # pyright: ignore[reportArgumentType]
    source = Source(result_types=[VectorType(f32, [4])] * 2)
    body = Block([ShiftOp(source.results, by=3)])
    (step,) = firing_of(body).steps
    assert (step.kind, step.elements, step.bits) == ("vector", elements, 32)


@pytest.mark.parametrize("elementwise", [True, False])
def test_elementwise_operations_have_parts(elementwise: bool) -> None:
    implements(ShiftOp, elementwise=elementwise)(shifted)
    a, b = operands()
    op = ShiftOp((a, b), by=0)
    half = DimensionPart(0, 2)
    assert isinstance(a.owner, Operation)
    source = (a.owner,)
    if not elementwise:
        with pytest.raises(LaneMixingError):
            parts_with({op.result: half}, source)
        return
    assert parts_with({op.result: half}, source) == dict.fromkeys((a, b, op.result), half)


def test_fused_products_and_sums_have_parts() -> None:
    a, b, c = operands(3)
    op = vector.FMAOp.build(operands=[a, b, c], result_types=[a.type])
    assert isinstance(a.owner, Operation)
    parts = parts_with({op.results[0]: DimensionPart(0, 2)}, [a.owner])
    assert set(parts) == {a, b, c, op.results[0]}


class TestUninterpreted:
    """Over the field of the proof of values."""

    def residues(self, *shape: int, seed: int = 0) -> Residues:
        world = Interpretation(0)
        return Residues(world, world.array(f"test {seed}", shape), np.float32)

    def implementation(self, elementwise: bool) -> Implementation:
        return implements(ShiftOp, elementwise=elementwise)(shifted)

    def test_shape_and_type(self) -> None:
        @implements(ShiftOp)
        def larger(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return a.max(axis=1) > b.max(axis=1)

        found = larger(self.residues(3, 4), self.residues(1, 4, seed=1))
        assert (found.shape, found.dtype) == ((3,), np.bool_)

    def test_an_operation_is_the_function_with_its_properties(self) -> None:
        implementation = self.implementation(False)
        a, b = self.residues(3, 4), self.residues(3, 4, seed=1)
        function = implementation.of(ShiftOp(operands(), by=1))
        found: Any = function(a, b)  # pyright: ignore[reportArgumentType]
        np.testing.assert_array_equal(found.values, implementation(a, b, by=1).values)
        assert (found.values != implementation(a, b, by=2).values).all()

    def test_defaults_of_properties_are_properties(self) -> None:
        @implements(ShiftOp)
        def shift(a: np.ndarray, b: np.ndarray, *, by: int = 2) -> np.ndarray:
            return shifted(a, b, by=by)

        a, b = self.residues(3, 4), self.residues(3, 4, seed=1)
        for properties in ({}, {"by": 2}):
            found: Any = shift.of(ShiftOp(operands(), **properties))(a, b)  # pyright: ignore[reportArgumentType]
            np.testing.assert_array_equal(found.values, shift(a, b).values)

    @pytest.mark.parametrize("operand", [0, 1])
    def test_every_lane_depends_on_every_lane(self, operand: int) -> None:
        self.check_changes(False, operand, np.ones((3, 4), np.bool_))

    @pytest.mark.parametrize("operand", [0, 1])
    def test_each_lane_depends_on_its_own(self, operand: int) -> None:
        changed = np.zeros((3, 4), np.bool_)
        changed[:, 2] = True
        self.check_changes(True, operand, changed)

    def check_changes(self, elementwise: bool, operand: int, expected: np.ndarray) -> None:
        """Change lane 2 of an operand in the middle iteration, and see which elements change."""
        implementation = self.implementation(elementwise)
        given = [self.residues(3, 4), self.residues(3, 4, seed=1)]
        before = implementation(*given, by=1).values
        given[operand].values[1, 2] += 1
        after = implementation(*given, by=1).values
        expected = expected & (np.arange(3) == 1)[:, None]
        np.testing.assert_array_equal(before != after, expected)

    def test_equal_lanes_are_told_apart(self) -> None:
        """A result that comes from another lane is another result."""
        same = self.residues(1, 1)
        lanes = same.like(np.repeat(same.values, 4, axis=1))
        found = self.implementation(False)(lanes, lanes, by=1)
        assert len(set(found.values.reshape(-1))) == 4

    def test_operands_are_told_apart(self) -> None:
        implementation = self.implementation(False)
        a, b = self.residues(3, 4), self.residues(3, 4, seed=1)
        assert (implementation(a, b, by=1).values != implementation(b, a, by=1).values).all()

    def test_an_interpreted_function_is_itself(self) -> None:
        implementation = implements(ShiftOp, interpreted=True)(lambda a, b: a + b)
        a, b = self.residues(3, 4), self.residues(3, 4, seed=1)
        np.testing.assert_array_equal(implementation(a, b).values, (a + b).values)
