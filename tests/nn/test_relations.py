"""Access relations and body of every operator, against its NumPy semantics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from nn.cases import ITERATIONS, LAYOUTS, POINTWISE, Case, retyped
from nn.relations import pairs, run
from tolerance import assert_close
from xdsl.dialects.builtin import bf16, f16, f64, i8, i32, i64
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import NARROW_FLOATS, ui8
from cmir.isl.text import read_map
from cmir.support import numerics


@pytest.mark.parametrize("name", ITERATIONS)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_accesses_and_body_compute_the_operator(name: str, data: st.DataObject):
    case: Case = data.draw(ITERATIONS[name])
    assert isinstance(case.op, nn.IterationOp)
    expected = case.op.evaluate(*case.operands)
    assert expected.dtype == dtype_of(case.op.result)
    assert_close(run(case.op, case.operands), expected, terms=1)


@pytest.mark.parametrize("element", [f16, bf16, f64], ids=str)
@pytest.mark.parametrize("name", ITERATIONS)
@given(data=st.data())
@settings(max_examples=5, deadline=None)
def test_other_floats(name: str, element: Attribute, data: st.DataObject):
    """Halves are computed with in single precision; an operator rounds them once, or twice with a bias."""
    single: Case = data.draw(ITERATIONS[name])
    case = retyped(single, element)
    assert isinstance(case.op, nn.IterationOp)
    with np.errstate(over="ignore"):
        expected = case.op.evaluate(*case.operands)
        assert expected.dtype == dtype_of(case.op.result)
        tolerance = 4e-3 if element == f16 else 3e-2 if element == bf16 else 1e-9
        result = run(case.op, case.operands)
        assert_close(result, expected, tolerance, tolerance, terms=1)
        if element in NARROW_FLOATS and expected.dtype in numerics.NARROW_FLOATS:
            wide = single.op.evaluate(*map(numerics.widened, case.operands))
            assert_close(expected, wide.astype(expected.dtype), tolerance, tolerance, terms=1)


OF_ALL_INTEGERS = (
    *("abs", "add", "clip", "copy", "div", "fold", "max", "min", "mul", "neg", "pow", "prelu"),
    *("reduce_max", "reduce_min", "reduce_sum", "relu", "rem", "sign", "sub", "where"),
    *("equal", "greater", "greater_or_equal", "less", "less_or_equal", "argmax", "argmin"),
)
OF_WIDE_INTEGERS = (
    *("cum_prod", "cum_sum", "gemm"),
    *("reduce_l1", "reduce_mean", "reduce_prod", "reduce_sum_square"),
)


@pytest.mark.parametrize("element", [i8, ui8, i64], ids=str)
@pytest.mark.parametrize("name", OF_ALL_INTEGERS)
def test_integers(name: str, element: Attribute):
    check_integers(name, element)


@pytest.mark.parametrize("element", [i32, i64], ids=str)
@pytest.mark.parametrize("name", OF_WIDE_INTEGERS)
def test_wide_integers(name: str, element: Attribute):
    check_integers(name, element)


@given(data=st.data())
@settings(max_examples=3, deadline=None)
def check_integers(name: str, element: Attribute, data: st.DataObject):
    try:
        case = retyped(data.draw(ITERATIONS[name]), element)
    except VerifyException:
        reject()
    assert isinstance(case.op, nn.IterationOp)
    expected = case.op.evaluate(*case.operands)
    assert expected.dtype == dtype_of(case.op.result)
    np.testing.assert_array_equal(run(case.op, case.operands), expected)


@pytest.mark.parametrize("name", LAYOUTS)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_element_relation_moves_the_elements(name: str, data: st.DataObject):
    case: Case = data.draw(LAYOUTS[name])
    assert isinstance(case.op, nn.LayoutOp)
    (x,) = case.operands
    result = np.full(case.op.result_shape, case.op.pad_value, np.float32)
    for element, source in pairs(case.op.element_relation()):
        assert min(element, default=0) >= 0 and min(source, default=0) >= 0
        result[element] = x[source]
    expected = case.op.evaluate(x)
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("name", POINTWISE)
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_pointwise_operators_take_over_the_accesses_of_a_stage(name: str, data: st.DataObject):
    case: Case = data.draw(POINTWISE[name])
    shape = case.op.result_shape
    # A stage that writes along its last dimension, backwards, and iterates over the others.
    names = [f"i{axis}" for axis in range(len(shape))]
    bounds = [f"0 <= {i} < {size}" for i, size in zip(names, shape, strict=True)]
    last = [f"{size - 1} - {names[-1]}" for size in shape[-1:]]
    location = [*names[:-1], *last]
    write = nn.Access(
        read_map(
            f"{{ [[{', '.join(names[:-1])}] -> [{', '.join(names[-1:])}]] -> [{', '.join(location)}]"
            f" : {' and '.join(bounds) or 'true'} }}"
        ),
        shape[-1:],
    )
    assert isinstance(case.op, nn.PointwiseOp)
    expected = case.op.evaluate(*case.operands)
    domain = write.relation.domain().unwrap().domain()
    order = nn.Order(domain, write, case.op.reads_for(write))
    assert_close(run(case.op, case.operands, order), expected, terms=1)


@pytest.mark.parametrize("name", ["add", "reduce_mean", "reduce_max", "argmax"])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_any_axes_can_be_lanes(name: str, data: st.DataObject):
    case: Case = data.draw(ITERATIONS[name])
    assert isinstance(case.op, nn.UnorderedOp)
    axes = range(len(case.op.result_shape))
    order = case.op.order(frozenset(axis for axis in axes if data.draw(st.booleans())))
    assert_close(run(case.op, case.operands, order), case.op.evaluate(*case.operands), terms=1)
    for operand, read in enumerate(order.reads):
        assert isinstance(read, nn.Access)
        written = order.write.relation.domain_factor_domain()
        needed = written.apply_range(case.op.element_relation(operand))
        assert read.relation.domain_factor_domain().is_equal(needed)
