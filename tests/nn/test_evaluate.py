"""The NumPy semantics of every operator, against onnxruntime."""

from __future__ import annotations

from math import prod
from operator import lt
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nn.cases import ITERATIONS, LAYOUTS, Case
from onnx.reference import ReferenceEvaluator
from tolerance import assert_close
from xdsl.ir import Attribute

from cmir.checking import evaluator_of
from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.arg_reduction import ArgReductionOp
from cmir.dialects.nn.cumulative import CumulativeOp
from cmir.dialects.nn.operation import number, numbers, shape_of
from cmir.dialects.nn.pointwise import ElementwiseOp
from cmir.dialects.nn.pooling import PoolOp
from cmir.dialects.nn.put import kind_of
from cmir.dialects.nn.reduction import ReductionOp
from cmir.dialects.nn.softmax import SoftmaxLikeOp

OPSET = 22
STRATEGIES = {**ITERATIONS, **LAYOUTS}


@pytest.mark.parametrize("name", STRATEGIES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_operators_agree_with_onnxruntime(name: str, data: st.DataObject):
    case: Case = data.draw(STRATEGIES[name])
    if isinstance(case.op, PoolOp):
        # onnxruntime refuses others.
        window = case.op.window
        assume(all(map(lt, window.begins, window.kernel)))
        assume(all(map(lt, window.ends, window.kernel)))
    if isinstance(case.op, SoftmaxLikeOp):
        assume(len(case.op.axes) == 1)
    if isinstance(case.op, nn.GemmOp) and len(case.op.result_shape) > 2:
        # Only MatMul takes several matrices.
        assume(case.op.bias is None and case.op.trans_b is None)
    if isinstance(case.op, nn.WhereOp):
        assume(dtype_of(case.op.result) == np.float32)  # onnxruntime has none of flags
    result = case.op.evaluate(*case.operands)
    assert result.dtype == dtype_of(case.op.result)
    assert result.shape == case.op.result_shape
    assert_close(result, _onnxruntime(case), terms=1)


def _onnxruntime(case: Case) -> np.ndarray:
    """What onnxruntime makes of the operator, for a batch of one sample where ONNX wants one."""
    kind, attributes, extra, batched = _onnx_node(case.op)
    arrays = [
        array[None] if batched and index == 0 else array
        for index, array in enumerate(_onnx_operands(case))
    ]
    named = {f"x{i}": array for i, array in enumerate([*arrays, *extra])}
    indices = isinstance(case.op, ArgReductionOp | nn.MaxPoolIndexOp | nn.ArgTopKOp)
    second = isinstance(case.op, nn.MaxPoolIndexOp | nn.ArgTopKOp)
    results = ["values", "y"] if second else ["y"]
    node = onnx.helper.make_node(kind, list(named), results, **attributes)
    inputs = []
    for name, array in named.items():
        element = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
        inputs.append(onnx.helper.make_tensor_value_info(name, element, array.shape))
    dtype = np.dtype(np.int64) if indices else dtype_of(case.op.result)
    element = onnx.helper.np_dtype_to_tensor_dtype(dtype)
    output = onnx.helper.make_tensor_value_info("y", element, None)
    graph = onnx.helper.make_graph([node], "g", inputs, [output])
    opset = onnx.helper.make_opsetid("", 26 if kind == "CumProd" else OPSET)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=10)
    if kind == "Col2Im":  # onnxruntime misplaces the elements of dilated windows along one axis
        (result,) = map(np.asarray, ReferenceEvaluator(model).run(None, named))
    else:
        (result,) = evaluator_of(model)(*named.values())
    return result[0] if batched else result


def _onnx_operands(case: Case) -> list[np.ndarray]:
    if not isinstance(case.op, nn.FoldOp):
        return case.operands
    (x,), windows = case.operands, (len(shape_of(case.op.x)) + 1) // 2
    return [x.reshape(-1, prod(x.shape[windows:]))]


# A table of operators.
def _onnx_node(op: nn.NNOp) -> tuple[str, dict[str, Any], list[np.ndarray], bool]:  # noqa: C901
    """Operator, attributes, inputs beside the operands, and whether the first one has a batch."""
    options = op.properties
    match op:
        case nn.ConvOp():
            return "Conv", {**_window(options), "group": op.groups.value.data}, [], True
        case nn.MaxPoolOp():
            return "MaxPool", _pooling(options), [], True
        case nn.MaxPoolIndexOp():
            order = int("column_major" in options)
            return "MaxPool", {**_pooling(options), "storage_order": order}, [], True
        case nn.AveragePoolOp():
            include = int("count_include_pad" in options)
            return "AveragePool", {**_pooling(options), "count_include_pad": include}, [], True
        case nn.LpPoolOp():
            return "LpPool", {**_pooling(options), "p": number(options, "p")}, [], True
        case CumulativeOp():
            flags = {"exclusive": op.exclusive, "reverse": op.reverse}
            attributes = {name: int(flag is not None) for name, flag in flags.items()}
            return _camel_case(op.name), attributes, [np.array(number(options, "axis"))], False
        case nn.GlobalAveragePoolOp():
            return "GlobalAveragePool", {}, [], True
        case nn.BatchNormOp():
            return "BatchNormalization", {"epsilon": op.epsilon.value.data}, [], True
        case nn.GemmOp() if op.bias is None and op.trans_b is None:
            return "MatMul", {}, [], False
        case nn.GemmOp():
            return "Gemm", {"transB": int("trans_b" in options)}, [], len(op.result_shape) == 1
        case nn.CopyOp():
            return "Identity", {}, [], False
        case nn.ClipOp():
            bounds = [np.float32(op.number("min")), np.float32(op.number("max"))]
            return "Clip", {}, [np.asarray(bound) for bound in bounds], False
        case nn.GeluOp():
            return "Gelu", {"approximate": "tanh" if op.tanh else "none"}, [], False
        case SoftmaxLikeOp():
            return _camel_case(op.name), {"axis": op.axes.get_values()[0]}, [], False
        case ReductionOp():
            extra = [np.array(op.axes.get_values())]
            return _camel_case(op.name), {"keepdims": int(op.keepdims is not None)}, extra, False
        case ArgReductionOp():
            flags = {"keepdims": op.keepdims, "select_last_index": op.last}
            attributes = {name: int(flag is not None) for name, flag in flags.items()}
            kind = "ArgMax" if isinstance(op, nn.ArgMaxOp) else "ArgMin"
            return kind, {"axis": number(options, "axis"), **attributes}, [], False
        case nn.LayerNormOp():
            axis = -len(op.scaled_axes)
            attributes = {"axis": axis, "epsilon": op.epsilon.value.data}
            return "LayerNormalization", attributes, [], False
        case nn.InstanceNormOp():
            return "InstanceNormalization", {"epsilon": op.epsilon.value.data}, [], True
        case nn.LRNOp():
            attributes = {n: getattr(op, n).value.data for n in ("size", "alpha", "beta", "bias")}
            return "LRN", attributes, [], True
        case nn.TakeElementsOp():
            return "GatherElements", {"axis": number(options, "axis")}, [], False
        case nn.TakeSlicesOp():
            return "GatherND", {"batch_dims": number(options, "batch_dims")}, [], False
        case nn.PutElementsOp():
            kind = kind_of(options) or "none"
            attributes = {"axis": number(options, "axis"), "reduction": kind}
            return "ScatterElements", attributes, [], False
        case nn.ArgTopKOp():
            attributes = {"axis": number(options, "axis"), "largest": int(op.largest is not None)}
            return "TopK", attributes, [np.array([number(options, "k")])], False
        case nn.PutSlicesOp():
            return "ScatterND", {"reduction": kind_of(op.properties) or "none"}, [], False
        case nn.TakeOp():
            return "Gather", {"axis": number(options, "axis")}, [], False
        case nn.CastOp():
            to = onnx.helper.np_dtype_to_tensor_dtype(dtype_of(op.result))
            return "Cast", {"to": to}, [], False
        case nn.FoldOp():
            rank = len(op.result_shape) - 1
            kernel = np.array(shape_of(op.x)[1 : 1 + rank])
            return "Col2Im", _window(options), [np.array(numbers(options, "shape")), kernel], True
        case nn.RemOp():
            return "Mod", {"fmod": 1}, [], False
        case ElementwiseOp():
            attributes = {name: op.number(name) for name in op.DEFAULTS}
            return _camel_case(op.name), attributes, [], False
        case nn.ReshapeOp():
            return "Reshape", {}, [np.array(numbers(options, "shape"))], False
        case nn.TransposeOp():
            perm = list(numbers(options, "perm"))
            return "Transpose", {"perm": perm} if perm else {}, [], False
        case nn.SliceOp():
            starts, ends, steps = (
                np.array(numbers(options, name)) for name in ("starts", "ends", "steps")
            )
            # To ONNX an end of -1 is the last element: what comes before the first is further down.
            ends[ends < 0] = np.iinfo(np.int64).min
            return "Slice", {}, [starts, ends, np.arange(len(starts)), steps], False
        case nn.PadOp():
            extra = [np.array(numbers(options, "pads")), np.float32(op.pad_value)]
            return "Pad", {}, [np.asarray(e) for e in extra], False
        case _:
            raise AssertionError(op.name)


def _camel_case(name: str) -> str:
    """`HardSwish` for `nn.hard_swish`."""
    kind = "".join(map(str.capitalize, name.removeprefix("nn.").split("_")))
    return "PRelu" if kind == "Prelu" else kind


def _window(options: dict[str, Attribute]) -> dict[str, Any]:
    return {name: list(numbers(options, name)) for name in ("strides", "pads", "dilations")}


def _pooling(options: dict[str, Attribute]) -> dict[str, Any]:
    kernel = list(numbers(options, "kernel"))
    return {**_window(options), "kernel_shape": kernel, "ceil_mode": int("ceil_mode" in options)}
