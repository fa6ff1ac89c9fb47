"""Constant folding of nodes by ONNX's reference implementation, or by `quantized` where integers must be kept.

Nodes are only evaluated if their work is known to be bounded: the operator is in `WORK`, its result is not much larger
than its inputs, and the work that `WORK` says is not too much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np
from onnx import AttributeProto, helper, numpy_helper, shape_inference
from onnx.defs import OpSchema, get_schema
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from cmir.frontends.onnx import qonnx, quantized
from cmir.frontends.onnx.errors import ImporterError, one_line
from cmir.frontends.onnx.inference import GROWING, shape_of_type
from cmir.frontends.onnx.node import Constant, Node, plain
from cmir.support.limits import count_text

SLOW = 1000
"""An element that the reference implementation handles in Python takes as long as so many that NumPy handles."""

_ELEMENTWISE = """
Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu
Clip Cos Cosh DequantizeLinear Div DynamicQuantizeLinear Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid
HardSwish Hardmax Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log LogSoftmax Max Mean Min Mish Mod Mul Neg Not Or
PRelu Pow QuantizeLinear Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Sub Sum
Swish Tan Tanh ThresholdedRelu Where Xor
"""

_MOVING = """
ArgMax ArgMin Compress Concat Constant ConstantOfShape CumSum DepthToSpace Expand EyeLike Flatten Gather GatherElements
NonZero OneHot Pad Range Reshape Shape Size Slice SpaceToDepth Split Squeeze Tile TopK Transpose Trilu Unique Unsqueeze
"""

_REDUCING = """
BatchNormalization GlobalAveragePool GlobalMaxPool GroupNormalization InstanceNormalization LayerNormalization
LpNormalization MeanVarianceNormalization ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
ReduceProd ReduceSum ReduceSumSquare RMSNormalization
"""

_PRODUCTS = "ConvInteger Conv ConvTranspose Gemm MatMul MatMulInteger QLinearConv QLinearMatMul"

_IN_PYTHON = """
AveragePool GatherND LpPool MaxPool Resize ReverseSequence ScatterElements ScatterND Upsample
"""

WORK: Mapping[str, int] = {
    **dict.fromkeys(_ELEMENTWISE.split() + _MOVING.split() + _REDUCING.split(), 1),
    **dict.fromkeys(_PRODUCTS.split(), 0),
    **dict.fromkeys(_IN_PYTHON.split(), SLOW),
}
"""The operators that are evaluated, with the work for an element of the inputs or the result; 0: see `_work`."""

MOST_WORK = 1 << 34
"""The most work for a node: about ten seconds."""

MOST_GROWTH = 4
"""A result has at most so many times the elements of the inputs,"""

SMALL = 1 << 24
"""unless it has no more than so many."""


OWN: Mapping[tuple[str, str], Callable[..., Constant]] = {
    **{
        (domain, name): function
        for domain in ("", quantized.MICROSOFT)
        for name, function in (
            ("DequantizeLinear", quantized.dequantize),
            ("QuantizeLinear", quantized.quantize),
        )
    },
    **{
        (domain, name): function
        for domain in qonnx.DOMAINS
        for name, function in (
            ("Quant", qonnx.quant),
            ("IntQuant", qonnx.quant),
            ("BipolarQuant", qonnx.bipolar_quant),
        )
    },
}
"""The operators, by domain and name, that cmir computes: their results keep the integers that they stand for."""


def _own_function(node: Node) -> Callable[..., Constant] | None:
    return OWN.get((node.proto.domain, node.proto.op_type))


def _apply(
    function: Callable[..., Constant], node: Node, inputs: Sequence[Constant | None]
) -> Constant:
    """Apply the function of an operator to its inputs and attributes. Raises ImporterError."""
    try:
        result = function(*inputs, **{a.name: plain(a) for a in node.proto.attribute})
    except (TypeError, ValueError) as error:
        raise ImporterError(f"its constants cannot be computed: {one_line(str(error))}") from error
    return replace(result, name=node.proto.output[0])


def is_random(schema: OpSchema) -> bool:
    """Return True if the operator draws random numbers.

    Such an operator has an attribute `seed` in the newest version of its schema.
    """
    return "seed" in get_schema(schema.name, domain=schema.domain).attributes


def is_pure(node: Node) -> bool:
    """Return True if ONNX defines the node's outputs, which are tensors, as a function of its inputs."""
    if _own_function(node) is not None:
        return True
    if node.schema is None or is_random(node.schema) or _makes_sequences(node.schema):
        return False
    # A subgraph may refer to any tensor.
    subgraph = (AttributeProto.GRAPH, AttributeProto.GRAPHS)
    return all(attribute.type not in subgraph for attribute in node.proto.attribute)


def _makes_sequences(schema: OpSchema) -> bool:
    """Return True if an output is always a sequence of tensors, or optional."""
    return any(
        all(not kind.startswith("tensor") for kind in output.types) for output in schema.outputs
    )


def fold(
    node: Node, inputs: Sequence[Constant | None], opsets: Mapping[str, int]
) -> list[Constant]:
    """Evaluate the node; return its outputs as constants. Raises ImporterError if it cannot be evaluated."""
    if (function := _own_function(node)) is not None:
        return [_apply(function, node, inputs)]
    results = quantized.moved(node, inputs, lambda inputs: _evaluate(node, inputs, opsets))
    return _evaluate(node, inputs, opsets) if results is None else results


def _evaluate(
    node: Node, inputs: Sequence[Constant | None], opsets: Mapping[str, int]
) -> list[Constant]:
    """Evaluate the node by ONNX's reference implementation."""
    _check_work(node, inputs, opsets)
    feeds = {n: c.array for n, c in zip(node.proto.input, inputs, strict=True) if c is not None}
    outputs = [name for name in node.proto.output if name]
    graph = helper.make_graph(
        [node.proto],
        "fold",
        [helper.make_empty_tensor_value_info(name) for name in feeds],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
    )
    try:
        evaluator = ReferenceEvaluator(graph, opsets=dict(opsets), new_ops=[GatherElements])
        with np.errstate(all="ignore"):
            results = evaluator.run(outputs, feeds)
    except Exception as error:  # NumPy and the evaluator raise various errors
        raise ImporterError(f"its constants cannot be computed: {one_line(str(error))}") from error
    arrays = dict(zip(outputs, results, strict=True))
    return [Constant(n, np.asarray(arrays.get(n, ()))) for n in node.proto.output]


class GatherElements(OpRun):
    """GatherElements: ONNX's reference refuses valid shapes, and picks wrong elements for others."""

    op_domain = ""

    def _run(self, data: np.ndarray, indices: np.ndarray, axis: int) -> tuple[np.ndarray]:
        axis %= data.ndim
        # Indices may have fewer rows than the data along the other axes.
        rows = (slice(None if a == axis else size) for a, size in enumerate(indices.shape))
        return (np.take_along_axis(data[tuple(rows)], indices, axis),)


def _check_work(node: Node, inputs: Sequence[Constant | None], opsets: Mapping[str, int]) -> None:
    """Refuse a node that is not known to be evaluated in bounded time. Raises ImporterError."""
    proto = node.proto
    operator = proto.op_type
    if proto.domain or operator not in WORK:
        raise ImporterError(f"{operator} of constants is not computed: fold it in the model")
    given = sum(constant.array.size for constant in inputs if constant is not None)
    result = _result_size(node, inputs, opsets)
    if result is None:
        if operator in GROWING:
            raise ImporterError(f"the size of the result of {operator} cannot be determined")
        result = given
    if result > max(SMALL, MOST_GROWTH * given):
        raise ImporterError(
            f"its result would be a constant of {count_text(result)} elements, computed from {given}"
        )
    if (work := _work(operator, inputs, given, result)) > MOST_WORK:
        raise ImporterError(
            f"computing its constants takes {count_text(work)} operations, more than"
            f" {count_text(MOST_WORK)}: fold it in the model"
        )


def _work(operator: str, inputs: Sequence[Constant | None], given: int, result: int) -> int:
    """Return the multiplications for a node, or what takes as long."""
    if each := WORK[operator]:
        return each * (given + result)
    first = next(constant.array for constant in inputs if constant is not None)
    # An element of a product is a sum over no more terms than a row of the input has, or a sample.
    terms = first.shape[-1:] if "Mat" in operator or operator == "Gemm" else first.shape[1:]
    return result * prod(terms)


def _result_size(
    node: Node, inputs: Sequence[Constant | None], opsets: Mapping[str, int]
) -> int | None:
    """Return the elements of all outputs, as ONNX infers them; None if it cannot."""
    named = zip(node.proto.input, inputs, strict=True)
    arrays = {name: constant.array for name, constant in named if constant is not None}
    small = {name: array for name, array in arrays.items() if array.size <= _VALUES}
    graph = helper.make_graph(
        [node.proto],
        "fold",
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in arrays.items()
        ],
        [helper.make_empty_tensor_value_info(name) for name in node.proto.output if name],
        [numpy_helper.from_array(array, name) for name, array in small.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid(d, v) for d, v in opsets.items()]
    )
    try:
        inferred = shape_inference.infer_shapes(model)
    except Exception:  # evaluation says what is wrong
        return None
    shapes = [shape_of_type(output.type.tensor_type) for output in inferred.graph.output]
    known = [shape for shape in shapes if shape is not None]
    return sum(map(prod, known)) if len(known) == len(shapes) else None


_VALUES = 64
"""The most elements of an input whose values ONNX is shown: the sizes and positions that shapes depend on."""
