"""Operators made in Python: inferred types, refused options, and the relations they are documented with."""

from __future__ import annotations

import islpy as isl
import pytest
from nn.cases import parameter, value
from xdsl.utils.exceptions import VerifyException

from cmir.dialects import nn
from cmir.dialects.nn.operation import tensor_type


def test_types_are_inferred():
    x, w, b = value(3, 32, 32), parameter(16, 3, 3, 3), parameter(16)
    conv = nn.ConvOp(x, w, b, strides=[2, 2], pads=[1, 1, 1, 1])
    assert conv.result.type == tensor_type([16, 16, 16])
    assert nn.MaxPoolOp(conv, [2, 2], [2, 2]).result.type == tensor_type([16, 8, 8])
    pooled = nn.GlobalAveragePoolOp(conv)
    assert pooled.result.type == tensor_type([16, 1, 1])
    assert nn.AddOp(conv, pooled).result.type == conv.result.type
    flat = nn.ReshapeOp(pooled, [16])
    assert nn.GemmOp(flat, parameter(16, 10)).result.type == tensor_type([10])


def test_what_does_not_fit_is_refused_at_once():
    with pytest.raises(VerifyException, match=r"`strides` must have 2 entries.* got 3"):
        nn.ConvOp(value(3, 8, 8), parameter(16, 3, 3, 3), strides=[1, 1, 1])
    with pytest.raises(VerifyException, match="do not broadcast"):
        nn.AddOp(value(3), value(4))


def test_a_ceiled_window_does_not_start_in_the_padding():
    x = value(1, 4)
    assert nn.MaxPoolOp(x, [3], [2], ceil_mode=True).result_shape == (1, 2)
    assert nn.MaxPoolOp(x, [2], [3], [0, 1], ceil_mode=True).result_shape == (1, 2)
    assert nn.MaxPoolOp(x, [1], [2], [0, 0], ceil_mode=True).result_shape == (1, 2)
    assert nn.MaxPoolOp(x, [2], [4], [0, 1], ceil_mode=True).result_shape == (1, 1)


def assert_equal(relation: isl.Map, text: str) -> None:
    assert relation == isl.Map(text), f"{relation} is not {text}"


def test_convolution():
    op = nn.ConvOp(value(2, 8), parameter(4, 2, 3), parameter(4), strides=[2], pads=[1, 0])
    x, w, bias = op.reads()
    assert op.domain() == isl.Set("{ [w] : 0 <= w < 4 }")
    assert isinstance(x, nn.Access) and x.lanes == (2, 3) and x.pad == 0
    assert_equal(
        x.relation,
        "{ [[w] -> [c, k]] -> [c, 2w + k - 1] :"
        " 0 <= w < 4 and 0 <= c < 2 and 0 <= k < 3 and 0 <= 2w + k - 1 }",
    )
    assert isinstance(w, nn.Cells) and w.shape == (4, 6)
    assert_equal(
        w.relation,
        "{ [row, col] -> [row, c, k] : 0 <= row < 4 and 0 <= c < 2 and 0 <= k < 3 and col = 3c + k }",
    )
    assert isinstance(bias, nn.Access) and bias.lanes == (4,)
    assert_equal(bias.relation, "{ [[w] -> [c]] -> [c] : 0 <= w < 4 and 0 <= c < 4 }")
    assert op.write().lanes == (4,)
    assert_equal(op.write().relation, "{ [[w] -> [c]] -> [c, w] : 0 <= w < 4 and 0 <= c < 4 }")


def test_grouped_convolution_is_block_diagonal():
    op = nn.ConvOp(value(4, 5), parameter(6, 2, 1), groups=2)
    _, w = op.reads()
    assert isinstance(w, nn.Cells) and w.shape == (2, 3, 2)
    assert_equal(
        w.relation,
        "{ [g, row, col] -> [3g + row, col, 0] : 0 <= g < 2 and 0 <= row < 3 and 0 <= col < 2 }",
    )


def test_dimensions_have_names():
    op = nn.ConvOp(value(2, 4, 4), parameter(2, 2, 1, 1))
    assert "[[h, w] -> [c]] -> [c, h, w]" in str(op.write().relation)


def test_product_with_a_computed_weight_reads_it():
    parameters = nn.TransposeOp(parameter(5, 3), [1, 0])
    _, w = nn.GemmOp(value(3), parameters).reads()
    assert isinstance(w, nn.Cells) and w.shape == (5, 3)
    computed = nn.TransposeOp(value(5, 3), [1, 0])
    _, w = nn.GemmOp(value(2, 3), computed).reads()
    assert isinstance(w, nn.Access) and w.lanes == (5, 3)
    assert_equal(
        w.relation, "{ [[m] -> [n, k]] -> [k, n] : 0 <= m < 2 and 0 <= n < 5 and 0 <= k < 3 }"
    )


def test_average_pool_counts_only_where_counts_differ():
    x = value(2, 6)
    assert len(nn.AveragePoolOp(x, [2], [2]).reads()) == 1
    padded = nn.AveragePoolOp(x, [3], pads=[1, 1], count_include_pad=True)
    assert len(padded.reads()) == 1
    _, ones = nn.AveragePoolOp(x, [3], pads=[1, 1]).reads()
    assert ones.lanes == (3,) and ones.constant is not None
    assert ones.constant.get_type() == tensor_type([6]) and ones.constant.is_splat()
    # The window that sticks out of the padded input sees fewer of its elements.
    overhanging = nn.AveragePoolOp(x, [3], [2], [1, 1], ceil_mode=True, count_include_pad=True)
    _, ones = overhanging.reads()
    assert ones.constant is not None and ones.constant.get_type() == tensor_type([8])


def test_reshape_leaves_common_dimensions_alone():
    split = nn.ReshapeOp(value(64, 3136), [64, 56, 56]).element_relation()
    assert str(split).startswith("{ [c, h, w] -> [x0 = c, x1 = 56h + w]")
    joined = nn.ReshapeOp(value(64, 56, 56), [64, 3136]).element_relation()
    assert str(joined).startswith("{ [c, w] -> [x0 = c, ")
    flat = nn.ReshapeOp(value(64, 1, 1), [64]).element_relation()
    assert_equal(flat, "{ [c] -> [c, 0, 0] : 0 <= c < 64 }")


def test_parameter_of_looks_through_layout():
    weight = parameter(4, 6)
    moved = nn.SliceOp(nn.ReshapeOp(weight, [6, 4]), [0, 0], [3, 4]).result
    assert nn.parameter_of(moved) is weight.owner
    assert nn.parameter_of(nn.ReluOp(weight).result) is None
    assert nn.parameter_of(value(3)) is None
