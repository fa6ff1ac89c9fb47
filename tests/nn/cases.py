"""Operators with operands, drawn by hypothesis: small shapes, all options."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st
from xdsl.dialects.builtin import f32, i1, i8, i32, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.test_value import create_ssa_value

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.arg_reduction import ArgReductionOp
from cmir.dialects.nn.comparison import ComparisonOp, LogicalOp
from cmir.dialects.nn.cumulative import CumulativeOp
from cmir.dialects.nn.integers import BitwiseOp
from cmir.dialects.nn.operation import ELEMENT_TYPE_OF, FLOATS, element_of, shape_of, tensor_type
from cmir.dialects.nn.pointwise import BinaryOp, UnaryOp
from cmir.dialects.nn.pooling import PoolOp
from cmir.dialects.nn.reduction import ReductionOp
from cmir.dialects.nn.softmax import SoftmaxLikeOp


class Case:
    """An operator and values for its operands."""

    def __init__(self, op: nn.NNOp, operands: list[np.ndarray]):
        self.op = op
        self.operands = operands

    def __repr__(self) -> str:
        shapes = [list(operand.shape) for operand in self.operands]
        return f"{self.op.name} {self.op.properties} on {shapes}"


def value(*shape: int, element: Attribute = f32) -> SSAValue:
    """A tensor that the network computes."""
    return create_ssa_value(tensor_type(shape, element))


def parameter(*shape: int) -> SSAValue:
    """A tensor that is a parameter."""
    return nn.ParameterOp("p", tensor_type(shape)).result


@st.composite
def arrays(draw: st.DrawFn, op: nn.NNOp) -> Case:
    """Random values for the operands of the operator."""
    op.verify()
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    operands = [
        generator.standard_normal(shape_of(operand), np.float32)
        if dtype_of(operand) == np.float32
        else generator.integers(0, 1, shape_of(operand), endpoint=True).astype(dtype_of(operand))
        for operand in op.operands
    ]
    return Case(op, operands)


def retyped(case: Case, element: Attribute) -> Case:
    """The same with elements of another type. Raises VerifyException if the operator does not take it."""
    operands: list[SSAValue] = []
    elements = [
        element if x.dtype == np.float32 else ELEMENT_TYPE_OF[x.dtype] for x in case.operands
    ]
    for operand, kind in zip(case.op.operands, elements, strict=True):
        type = tensor_type(shape_of(operand), kind)
        known = nn.parameter_of(operand) is not None
        operands.append(nn.ParameterOp("p", type).result if known else create_ssa_value(type))
    cast = isinstance(case.op, nn.CastOp)
    result = element_of(case.op.result) if cast else case.op.element(elements)
    op = case.op.create(
        operands=operands,
        properties=dict(case.op.properties),
        result_types=[tensor_type(case.op.result_shape, result)],
    )
    assert isinstance(op, nn.NNOp)
    op.verify()
    arrays = zip(case.operands, elements, strict=True)
    return Case(op, [_similar(array, dtype_of(kind)) for array, kind in arrays])


def _similar(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if (
        array.dtype == np.float32 and dtype.kind in "iu"
    ):  # some of 8 bits are beyond their range, and wrap
        return np.rint(array * 60).astype(np.int64).astype(dtype)
    return array.astype(dtype)


def sizes(count: int, low: int = 1, high: int = 6) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(low, high), min_size=count, max_size=count)


@st.composite
def fitting(draw: st.DrawFn, build: Callable[[], nn.NNOp]) -> Case:
    """The case of the operator that `build` makes, if its options fit together."""
    try:
        op = build()
    except VerifyException:
        reject()
    return draw(arrays(op))


def windows(rank: int) -> st.SearchStrategy[tuple[list[int], list[int], list[int]]]:
    """Strides, pads and dilations of a window."""
    return st.tuples(sizes(rank, 1, 3), sizes(2 * rank, 0, 2), sizes(rank, 1, 2))


@st.composite
def convolutions(draw: st.DrawFn) -> Case:
    rank = draw(st.integers(1, 3))
    groups, inner, outer = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    weight = parameter(groups * outer, inner, *draw(sizes(rank, 1, 3)))
    x = value(groups * inner, *draw(sizes(rank, 1, 8 if rank == 1 else 5 if rank == 2 else 3)))
    bias = parameter(groups * outer) if draw(st.booleans()) else None
    window = draw(windows(rank))
    return draw(fitting(lambda: nn.ConvOp(x, weight, bias, *window, groups)))


@st.composite
def products(draw: st.DrawFn) -> Case:
    rows, inner, columns = draw(sizes(3))
    several = draw(st.sampled_from([[], [2], [2, 3]]))
    x = value(*several, rows, inner) if several or draw(st.booleans()) else value(inner)
    trans_b = draw(st.booleans())
    make = draw(st.sampled_from([value, parameter]))
    matrix = [columns, inner] if trans_b else [inner, columns]
    weight = make(*(several if draw(st.booleans()) else []), *matrix)
    bias = parameter(columns) if draw(st.booleans()) else None
    return draw(arrays(nn.GemmOp(x, weight, bias, trans_b)))


@st.composite
def broadcast(draw: st.DrawFn, shape: list[int], element: Attribute = f32) -> SSAValue:
    """A tensor that broadcasts to the shape."""
    kept = draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
    stretched = [size if keep else 1 for size, keep in zip(shape, kept, strict=True)]
    return value(*stretched[draw(st.integers(0, len(shape))) :], element=element)


@st.composite
def binary(draw: st.DrawFn, op: type[BinaryOp]) -> Case:
    shape = draw(st.lists(st.integers(1, 4), max_size=4))
    # ONNX broadcasts the slope to x, but not x to the slope.
    lhs = value(*shape) if op is nn.PReluOp else draw(broadcast(shape))
    return draw(arrays(op(lhs, draw(broadcast(shape)))))


@st.composite
def comparisons(draw: st.DrawFn, op: type[ComparisonOp]) -> Case:
    shape = draw(st.lists(st.integers(1, 4), max_size=4))
    element = draw(st.sampled_from([e for e in (f32, i1) if e in op.TAKES]))
    case = draw(arrays(op(*(draw(broadcast(shape, element)) for _ in range(2)))))
    if element == f32:
        case.operands = [np.asarray(np.rint(x)) for x in case.operands]  # many are equal
    return case


@st.composite
def logic(draw: st.DrawFn, op: type[LogicalOp]) -> Case:
    shape = draw(st.lists(st.integers(1, 4), max_size=4))
    return draw(arrays(op(draw(broadcast(shape, i1)), draw(broadcast(shape, i1)))))


@st.composite
def negations(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), max_size=4))
    return draw(arrays(nn.NotOp(value(*shape, element=i1))))


@st.composite
def choices(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), max_size=4))
    condition, element = draw(broadcast(shape, i1)), draw(st.sampled_from([f32, i1]))
    values = [draw(broadcast(shape, element)) for _ in range(2)]
    return draw(arrays(nn.WhereOp(condition, *values)))


@st.composite
def unary(draw: st.DrawFn, op: Callable[..., nn.NNOp]) -> Case:
    options = [*getattr(op, "DEFAULTS", ())]
    numbers = {name: draw(st.sampled_from([-0.5, 0.25, 1.0, 2.0])) for name in options}
    if op is nn.GeluOp:
        numbers["tanh"] = draw(st.booleans())
    case = draw(arrays(op(value(*draw(st.lists(st.integers(1, 4), max_size=4))), **numbers)))
    scale = draw(st.sampled_from([1, 30]))
    case.operands = [np.asarray(scale * operand) for operand in case.operands]
    return case


@st.composite
def normalizations(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    parameters = [parameter(shape[0]) for _ in range(4)]
    epsilon = draw(st.sampled_from([1e-5, 1e-3, 0.5]))
    case = draw(arrays(nn.BatchNormOp(value(*shape), *parameters, epsilon=epsilon)))
    case.operands[4] = np.abs(case.operands[4])  # a variance
    return case


@st.composite
def poolings(draw: st.DrawFn, op: type[PoolOp]) -> Case:
    rank = draw(st.integers(1, 3))
    x = value(draw(st.integers(1, 3)), *draw(sizes(rank, 1, 8 if rank == 1 else 5)))
    window = draw(windows(rank))
    kernel, ceil_mode = draw(sizes(rank, 1, 3)), draw(st.booleans())
    if op is nn.MaxPoolOp:
        return draw(fitting(lambda: nn.MaxPoolOp(x, kernel, *window, ceil_mode)))
    if op is nn.MaxPoolIndexOp:
        columns = draw(st.booleans())
        case = draw(fitting(lambda: nn.MaxPoolIndexOp(x, kernel, *window, ceil_mode, columns)))
        case.operands[0] = np.rint(case.operands[0])  # many are equal
        return case
    if op is nn.LpPoolOp:
        p = draw(st.integers(1, 3))
        return draw(fitting(lambda: nn.LpPoolOp(x, kernel, *window, ceil_mode, p)))
    include = draw(st.booleans())
    return draw(fitting(lambda: nn.AveragePoolOp(x, kernel, *window, ceil_mode, include)))


@st.composite
def global_poolings(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    return draw(arrays(nn.GlobalAveragePoolOp(value(*shape))))


@st.composite
def axes_of(draw: st.DrawFn, shape: list[int]) -> list[int]:
    """One or several of the dimensions, in ascending order."""
    return sorted(draw(st.sets(st.sampled_from(range(len(shape))), min_size=1)))


@st.composite
def reductions(draw: st.DrawFn, op: type[ReductionOp]) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    return draw(arrays(op(value(*shape), draw(axes_of(shape)), draw(st.booleans()))))


@st.composite
def arg_reductions(draw: st.DrawFn, op: type[ArgReductionOp]) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    axis = draw(st.integers(0, len(shape) - 1))
    case = draw(arrays(op(value(*shape), axis, draw(st.booleans()), draw(st.booleans()))))
    case.operands[0] = np.rint(case.operands[0])  # many are equal
    return case


@st.composite
def cumulations(draw: st.DrawFn, op: type[CumulativeOp]) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    axis = draw(st.integers(0, len(shape) - 1))
    return draw(arrays(op(value(*shape), axis, draw(st.booleans()), draw(st.booleans()))))


@st.composite
def softmaxes(draw: st.DrawFn, op: type[SoftmaxLikeOp]) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    case = draw(arrays(op(value(*shape), draw(axes_of(shape)))))
    case.operands[0] *= draw(st.sampled_from([1, 100]))
    return case


@st.composite
def layer_normalizations(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    scaled = shape[draw(st.integers(0, len(shape) - 1)) :]
    parameters = [parameter(*scaled) for _ in range(draw(st.integers(1, 2)))]
    return draw(arrays(nn.LayerNormOp(value(*shape), *parameters, epsilon=0.1)))


@st.composite
def instance_normalizations(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    parameters = [parameter(shape[0]) for _ in range(2)]
    return draw(arrays(nn.InstanceNormOp(value(*shape), *parameters, epsilon=0.1)))


@st.composite
def response_normalizations(draw: st.DrawFn) -> Case:
    # onnxruntime wants images, and windows that have a centre.
    shape = draw(sizes(3, 1, 5))
    size = draw(st.sampled_from([1, 3, 5, 7]))
    options = {"alpha": 0.5, "beta": 0.5, "bias": 2.0} if draw(st.booleans()) else {}
    return draw(arrays(nn.LRNOp(value(*shape), size, **options)))


@st.composite
def reshapes(draw: st.DrawFn) -> Case:
    def factors(number: int) -> list[int]:
        found = []
        while draw(st.booleans()):
            found.append(draw(st.sampled_from([d for d in range(1, number + 1) if not number % d])))
            number //= found[-1]
        return [*found, number]

    total = draw(st.sampled_from([1, 6, 12, 16, 30, 36]))
    return draw(arrays(nn.ReshapeOp(value(*factors(total)), factors(total))))


@st.composite
def transposes(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), max_size=4))
    return draw(arrays(nn.TransposeOp(value(*shape), draw(st.permutations(range(len(shape)))))))


@st.composite
def slices(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    taken = []
    for size in shape:
        first, last = draw(st.integers(0, size - 1)), draw(st.integers(0, size - 1))
        step = draw(st.integers(1, 3))
        taken.append((first, last + 1, step) if first <= last else (first, last - 1, -step))
    return draw(arrays(nn.SliceOp(value(*shape), *map(list, zip(*taken, strict=True)))))


@st.composite
def pads(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    margins = draw(sizes(2 * len(shape), -2, 3))
    number = draw(st.sampled_from([0.0, 1.5, float("-inf")]))
    return draw(fitting(lambda: nn.PadOp(value(*shape), margins, number)))


@st.composite
def takes(draw: st.DrawFn) -> Case:
    """Negative indices included."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    axis = draw(st.integers(0, len(shape) - 1))
    kind = draw(st.sampled_from([i32, i64]))
    count = draw(st.lists(st.integers(1, 3), max_size=2))
    op = nn.TakeOp(value(*shape), value(*count, element=kind), axis)
    op.verify()
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    indices = generator.integers(-shape[axis], shape[axis], count).astype(dtype_of(kind))
    return Case(op, [generator.standard_normal(shape, np.float32), indices])


def _indexed(op: nn.NNOp, limits: list[int], seed: int) -> Case:
    """Random operands; each column of the indices, the second operand, has a limit, or there is one for all."""
    op.verify()
    generator = np.random.default_rng(seed)
    operands = [
        generator.standard_normal(shape_of(operand), np.float32)
        if dtype_of(operand) == np.float32
        else generator.integers(np.negative(limits), limits, shape_of(operand), dtype_of(operand))
        for operand in op.operands
    ]
    return Case(op, operands)


SEEDS = st.integers(0, 2**32 - 1)
INDICES = st.sampled_from([i32, i64])
WAYS = st.sampled_from([None, "add", "mul", "max", "min"])


@st.composite
def element_takes(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    axis = draw(st.integers(0, len(shape) - 1))
    taken = [draw(st.integers(1, 5 if d == axis else size)) for d, size in enumerate(shape)]
    op = nn.TakeElementsOp(value(*shape), value(*taken, element=draw(INDICES)), axis)
    return _indexed(op, [shape[axis]], draw(SEEDS))


@st.composite
def element_puts(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    axis = draw(st.integers(0, len(shape) - 1))
    at = [*shape[:axis], draw(st.integers(1, 5)), *shape[axis + 1 :]]
    indices = value(*at, element=draw(INDICES))
    op = nn.PutElementsOp(value(*shape), indices, value(*at), axis, draw(WAYS))
    return _indexed(op, [shape[axis]], draw(SEEDS))


@st.composite
def slice_takes(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    common = draw(st.integers(0, len(shape) - 1))
    count = draw(st.integers(1, len(shape) - common))
    at = [*shape[:common], *draw(st.lists(st.integers(1, 3), max_size=2)), count]
    op = nn.TakeSlicesOp(value(*shape), value(*at, element=i64), common)
    return _indexed(op, shape[common : common + count], draw(SEEDS))


@st.composite
def slice_puts(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    count = draw(st.integers(1, len(shape)))
    at = [*draw(st.lists(st.integers(1, 3), max_size=2)), count]
    updates = value(*at[:-1], *shape[count:])
    op = nn.PutSlicesOp(value(*shape), value(*at, element=i64), updates, draw(WAYS))
    return _indexed(op, shape[:count], draw(SEEDS))


@st.composite
def rankings(draw: st.DrawFn) -> Case:
    """With some equal elements."""
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    axis = draw(st.integers(0, len(shape) - 1))
    op = nn.ArgTopKOp(value(*shape), axis, draw(st.integers(1, shape[axis])), draw(st.booleans()))
    case = draw(arrays(op))
    return Case(op, [np.round(case.operands[0])])


@st.composite
def folds(draw: st.DrawFn) -> Case:
    rank = draw(st.integers(1, 2))
    kernel, counts = draw(sizes(rank, 1, 3)), draw(sizes(rank, 1, 4))
    strides, pads, dilations = draw(windows(rank))
    # Behind the last window, there is no room for another.
    shape = [
        (count - 1) * stride
        + dilation * (k - 1)
        + 1
        + draw(st.integers(0, stride - 1))
        - begin
        - end
        for k, count, stride, dilation, begin, end in zip(
            kernel, counts, strides, dilations, pads[:rank], pads[rank:], strict=True
        )
    ]
    x = value(draw(st.integers(1, 3)), *kernel, *counts)
    return draw(fitting(lambda: nn.FoldOp(x, shape, strides, pads, dilations)))


BINARY = {
    op.name.removeprefix("nn."): op
    for op in nn.NN.operations
    if issubclass(op, BinaryOp) and not issubclass(op, BitwiseOp)
}
UNARY = {
    op.name.removeprefix("nn."): op
    for op in nn.NN.operations
    if issubclass(op, UnaryOp | nn.CopyOp)
}
REDUCTIONS = [op for op in nn.NN.operations if issubclass(op, ReductionOp)]
COMPARISONS = [op for op in nn.NN.operations if issubclass(op, ComparisonOp)]
POINTWISE = {
    **{name: binary(op) for name, op in BINARY.items()},
    **{name: unary(op) for name, op in UNARY.items()},
    **{f"cast to {e}": unary(partial(nn.CastOp, element=e)) for e in (*FLOATS, i8, i32, i64)},
    "batch_norm": normalizations(),
    **{op.name.removeprefix("nn."): comparisons(op) for op in COMPARISONS},
    **{op.name.removeprefix("nn."): logic(op) for op in (nn.AndOp, nn.OrOp, nn.XorOp)},
    "not": negations(),
    "where": choices(),
}
ITERATIONS = {
    **POINTWISE,
    "conv": convolutions(),
    "gemm": products(),
    "max_pool": poolings(nn.MaxPoolOp),
    "average_pool": poolings(nn.AveragePoolOp),
    "lp_pool": poolings(nn.LpPoolOp),
    "max_pool_index": poolings(nn.MaxPoolIndexOp),
    "fold": folds(),
    "cum_sum": cumulations(nn.CumSumOp),
    "cum_prod": cumulations(nn.CumProdOp),
    "global_average_pool": global_poolings(),
    **{op.name.removeprefix("nn."): reductions(op) for op in REDUCTIONS},
    "take": takes(),
    "take_elements": element_takes(),
    "take_slices": slice_takes(),
    "put_elements": element_puts(),
    "put_slices": slice_puts(),
    "arg_top_k": rankings(),
    "argmax": arg_reductions(nn.ArgMaxOp),
    "argmin": arg_reductions(nn.ArgMinOp),
    "softmax": softmaxes(nn.SoftmaxOp),
    "log_softmax": softmaxes(nn.LogSoftmaxOp),
    "layer_norm": layer_normalizations(),
    "instance_norm": instance_normalizations(),
    "lrn": response_normalizations(),
}
LAYOUTS = {"reshape": reshapes(), "transpose": transposes(), "slice": slices(), "pad": pads()}
