"""How nodes of each operator are drawn, for random networks (`end_to_end.drawn_networks`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TypeAlias

import numpy as np
from end_to_end.drawn_networks import (
    BOOL,
    FLOAT,
    GIVEN,
    INT8,
    INT32,
    INT64,
    KINDS,
    NUMBERS,
    OPSETS,
    SAMPLES,
    UINT8,
    Argument,
    Impossible,
    Net,
    Network,
    Settings,
    Value,
    network_of,
    schema_of,
)
from hypothesis import reject
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

Recipe: TypeAlias = Callable[[Net, str], object]
"""Append a node of the operator, and what it needs."""

RECIPES: dict[str, Recipe] = {}

RECURRENT = {"RNN": (1, 1), "GRU": (3, 2), "LSTM": (4, 3)}
"""Recurrent operators, with their numbers of gates and of activations."""

WHOLE = {"DynamicQuantizeLinear", "ReverseSequence", "RoiAlign", "ScatterND", *RECURRENT}
"""Operators that mix the samples of a batch, or whose first dimension is not a batch."""

BYTES = (INT8, UINT8)


def recipe(*operators: str) -> Callable[[Recipe], Recipe]:
    def register(function: Recipe) -> Recipe:
        RECIPES.update(dict.fromkeys(operators, function))
        return function

    return register


def existing(opset: int) -> list[str]:
    """The operators of an opset."""
    return [op for op in sorted(RECIPES) if schema_of(op, opset) is not None]


@st.composite
def networks(
    draw: st.DrawFn, most: int = 8, operator: str | None = None, oldest: int = 0
) -> Network:
    """A network of at most about `most` nodes, the last one of the given operator, from the opset `oldest` on."""
    opsets = [opset for opset in OPSETS if opset >= oldest]
    net = Net(
        draw,
        draw(st.sampled_from([opset for opset in opsets if operator in (None, *existing(opset))])),
        batch=draw(st.integers(0, 3)) > 0 and operator not in WHOLE,
        random=np.random.default_rng(draw(st.integers(0, 99))),
    )
    batch = 1 if net.batch else net.integer(1, 3)
    shape = [batch, *net.sizes(net.choose([1, 2, 3, 3, 3, 4]), 1, 6)]
    net.input(FLOAT, shape)
    for _ in range(net.choose([0, 0, 1, 2])):
        kind = net.choose([FLOAT, FLOAT, *GIVEN])
        net.input(kind, shape if net.chance() else [batch, *net.sizes(len(shape) - 1, 1, 6)])
    operators = [op for op in existing(net.opset) if not (net.batch and op in WHOLE)]
    chosen = [net.choose(operators) for _ in range(net.integer(1, most))]
    if operator is not None:
        chosen[-1] = operator
    for op in chosen:
        try:
            RECIPES[op](net, op)
        except Impossible:
            if op == operator:
                reject()
    made = [value for value in net.values if value not in net.inputs]
    if not made:
        reject()
    outputs = [made[-1], *(net.choose(made) for _ in range(net.integer(0, 2)))]
    return network_of(net, [value for value in made if value in outputs])


def axis_of(net: Net, x: Value) -> int:
    """A dimension that is no batch; now and then counted from the end."""
    if x.rank == net.outer:
        raise Impossible
    axis = net.integer(net.outer, x.rank - 1)
    return axis - x.rank if net.chance() else axis


def axes_of(net: Net, x: Value) -> list[int]:
    """Some dimensions."""
    if x.rank == net.outer:
        raise Impossible
    axes = net.draw(st.sets(st.integers(net.outer, x.rank - 1), min_size=1))
    return [axis - x.rank if net.chance() else axis for axis in axes]


def other(net: Net, x: Value, *, only_smaller: bool = False) -> Argument:
    """A second operand for an element-wise operator: a tensor or a constant."""
    if net.chance():
        alike = [v for v in net.values if v.kind == x.kind and _broadcasts(v, x, only_smaller)]
        return net.choose(alike)
    shape = net.broadcast(x.shape)
    if not only_smaller and net.chance():
        shape = tuple(
            net.integer(1, 3) if size == 1 and i else size for i, size in enumerate(shape)
        )
    return net.weights(*shape) if x.kind == FLOAT else net.integers(x.kind, *shape)


def _broadcasts(a: Value, b: Value, only_smaller: bool) -> bool:
    shape = _together(a.shape, b.shape)
    return shape is not None and a.rank == b.rank and (not only_smaller or shape == b.shape)


def _together(*shapes: Sequence[int]) -> tuple[int, ...] | None:
    """The shape to which these broadcast, if they do."""
    try:
        return np.broadcast_shapes(*map(tuple, shapes))
    except ValueError:
        return None


@recipe("Abs", "Neg", "Relu")
def signed(net: Net, op: str) -> object:
    return net.node(op, net.pick(FLOAT, FLOAT, *NUMBERS))


@recipe("Ceil", "Erf", "Exp", "Floor", "HardSwish", "Mish", "Reciprocal", "Round", "Sigmoid")
@recipe("Identity", "Softplus", "Tanh")
def unary(net: Net, op: str) -> object:
    return net.node(op, net.pick())


@recipe("Log", "Sqrt")
def of_positive_numbers(net: Net, op: str) -> object:
    return net.node(op, *net.node("Abs", net.pick()))


@recipe("Elu", "LeakyRelu", "Selu", "HardSigmoid")
def with_slopes(net: Net, op: str) -> object:
    settings: Settings = {"alpha": net.number(0.05, 1.5)} if net.chance() else {}
    if op in ("Selu", "HardSigmoid") and net.chance():
        settings["gamma" if op == "Selu" else "beta"] = net.number(0.1, 1.5)
    return net.node(op, net.pick(), **settings)


@recipe("Gelu")
def gelu(net: Net, op: str) -> object:
    return net.node(op, net.pick(), approximate=net.choose(["none", "tanh"]))


@recipe("Clip")
def clip(net: Net, op: str) -> object:
    low = net.number(-1, 0.5) if net.chance() else None
    high = net.number(0, 1.5) if net.chance() else None
    x = net.pick(FLOAT, *(NUMBERS if net.opset >= 12 else ()))
    if x.kind != FLOAT:
        low, high = (n and np.array(abs(100 * n), _dtype(x)) for n in (low, high))
    return net.node(op, x, min=low, max=high)


@recipe("Add", "Sub", "Mul")
def binary(net: Net, op: str) -> object:
    x = net.pick(FLOAT, INT32, INT64)
    operands = [x, other(net, x)]
    return net.node(op, *(operands if net.chance() else reversed(operands)))


@recipe("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
def comparison(net: Net, op: str) -> object:
    return compared(net, op, net.pick(*KINDS))


def compared(net: Net, op: str, x: Value) -> Value:
    """x, compared with a tensor or a constant, now and then with one of its own elements."""
    y = other(net, x)
    if net.integer(0, 2) == 0:
        y = np.full([1] * x.rank, net.random.choice(x.data[0].ravel()), x.data[0].dtype)
    check_apart(x, y)
    return net.node(op, *([x, y] if net.chance() else [y, x]))[0]


def check_apart(x: Value, y: Argument) -> None:
    """Raise Impossible if it may depend on rounding which one of two elements is larger."""
    assert y is not None
    if _together(x.shape, y.shape) is None:
        raise Impossible
    for sample in range(SAMPLES):
        low, high = x.bounds(sample)
        others = y.bounds(sample) if isinstance(y, Value) else (y, y)
        apart = (low > others[1]) | (high < others[0])
        if not (apart | (low == high) & (others[0] == others[1])).all():
            raise Impossible


def truth(net: Net, x: Value | None = None) -> Value:
    """A tensor of truth values, which broadcasts with x."""

    def fits(value: Value) -> bool:
        return x is None or _broadcasts(value, x, only_smaller=False)

    if net.chance():
        return net.pick(BOOL, where=fits)
    return compared(net, net.choose(["Greater", "Less"]), net.pick(*NUMBERS, where=fits))


@recipe("Where")
def where(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    constant = net.integer(0, 3) == 0
    condition = net.integers(BOOL, *net.broadcast(x.shape)) if constant else truth(net, x)
    operands = [x, other(net, x)]
    return net.node(op, condition, *(operands if net.chance() else reversed(operands)))


@recipe("And", "Or", "Xor")
def logic(net: Net, op: str) -> object:
    x = truth(net)
    operands = [x, other(net, x)]
    return net.node(op, *(operands if net.chance() else reversed(operands)))


@recipe("Not")
def negation(net: Net, op: str) -> object:
    return net.node(op, truth(net))


@recipe("IsInf", "IsNaN")
def not_finite(net: Net, op: str) -> object:
    """All that is drawn is finite."""
    return net.node(op, net.pick())


@recipe("PRelu")
def prelu(net: Net, op: str) -> object:
    x = net.pick()
    return net.node(op, x, other(net, x, only_smaller=True))


@recipe("Pow")
def power(net: Net, op: str) -> object:
    x = net.pick()
    match net.integer(0, 4):
        case 4 if net.opset >= 12:
            return _power_of_integers(net, op)
        case 0 if net.opset >= 12:
            return net.node(op, x, np.array(net.integer(-2, 3), np.int64))
        case 1:
            return net.node(op, net.positive(*net.broadcast(x.shape)), x)
        case 2:
            return net.node(op, *net.node("Abs", x), other(net, x))
        case _:
            return net.node(op, x, np.array(net.integer(-2, 3), np.float32))


def _power_of_integers(net: Net, op: str) -> object:
    """Whose results double precision represents, in which onnxruntime computes them."""
    x = net.pick(INT32, INT64)
    (small,) = net.node("Clip", x, min=np.array(-9, _dtype(x)), max=np.array(9, _dtype(x)))
    kind = net.choose([np.int32, np.int64, np.float32])
    return net.node(op, small, np.array(net.integer(0, 9), kind))


def _dtype(x: Value) -> np.dtype:
    return helper.tensor_dtype_to_np_dtype(x.kind)


SUMMED = (INT32, INT64)
"""The types of integers that are added up."""


def is_small(x: Value) -> bool:
    """Whether sums of squares of its elements fit into 32 bits: onnxruntime lets larger ones saturate."""
    return x.kind == FLOAT or all(np.abs(array).max() < 1 << 10 for array in x.data)


@recipe("Max", "Min", "Sum")
def variadic(net: Net, op: str) -> object:
    x = net.pick(FLOAT, *(NUMBERS if op != "Sum" and net.opset >= 12 else ()))
    operands: list[Argument] = [x, *(other(net, x) for _ in range(net.integer(0, 2)))]
    return net.node(op, *net.draw(st.permutations(operands)))


@recipe("ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum")
def reduction(net: Net, op: str) -> object:
    x = net.pick(FLOAT, FLOAT, *SUMMED, where=is_small)
    noop = net.has(op, "noop_with_empty_axes") and net.integer(0, 5) == 0
    return net.node(
        op,
        x,
        axes=None if noop else axes_of(net, x),
        keepdims=net.integer(0, 1),
        noop_with_empty_axes=1 if noop else None,
    )


@recipe("ArgMax", "ArgMin")
def arg_reduction(net: Net, op: str) -> object:
    x = net.pick(*NUMBERS)
    axis = axis_of(net, x)
    if not x.exact:
        check_one_largest(x, axis, op == "ArgMin")
    last = net.integer(0, 1) if net.has(op, "select_last_index") else None
    keepdims = net.integer(0, 1)
    return net.node(op, x, axis=axis, keepdims=keepdims, select_last_index=last)


def check_one_largest(x: Value, axis: int, negated: bool) -> None:
    """Raise Impossible if it may depend on rounding which element along the axis is the largest."""
    for sample in range(SAMPLES):
        low, high = x.bounds(sample)
        if negated:
            low, high = -high, -low
        if ((high >= low.max(axis, keepdims=True)).sum(axis) > 1).any():
            raise Impossible


@recipe("Softmax", "LogSoftmax")
def softmax(net: Net, op: str) -> object:
    x = net.pick()
    return net.node(op, x, axis=axis_of(net, x) if net.chance() else None)


@recipe("LayerNormalization")
def layer_norm(net: Net, op: str) -> object:
    x = net.pick()
    axis = axis_of(net, x)
    shape = x.shape[axis:]
    parameters = [net.positive(*shape), *([net.weights(*shape)] if net.chance() else [])]
    outputs = net.choose([1, 1, 3])
    return net.node(
        op, x, *parameters, outputs=outputs, axis=axis, epsilon=net.choose([1e-5, 0.01])
    )


@recipe("InstanceNormalization")
def instance_norm(net: Net, op: str) -> object:
    # Of one element nothing is left but rounding errors, which differ.
    x = net.pick(low=3, high=5, where=lambda v: v.shape[0] == 1 and prod(v.shape[2:]) > 1)
    scale, bias = net.positive(x.shape[1]), net.weights(x.shape[1])
    return net.node(op, x, scale, bias, epsilon=net.choose([1e-5, 0.01]))


@recipe("BatchNormalization")
def batch_norm(net: Net, op: str) -> object:
    x = net.pick(low=2)
    parameters = [net.positive(x.shape[1]) for _ in range(4)]
    return net.node(op, x, *parameters, epsilon=net.choose([1e-5, 0.01]))


@recipe("LRN")
def lrn(net: Net, op: str) -> object:
    return net.node(
        op,
        net.pick(low=4, high=4),  # all that onnxruntime knows
        size=net.integer(1, 5),
        alpha=net.number(0.1, 1),
        beta=net.number(0.5, 1),
        bias=net.number(1, 2),
    )


def window(net: Net, x: Value, op: str) -> Settings:
    """Settings of something that slides over the spatial dimensions."""
    rank = x.rank - 2
    kernel = net.sizes(rank, 1, 3)
    settings: Settings = {"kernel_shape": kernel}
    if net.chance():
        settings["strides"] = net.sizes(rank, 1, 3)
    dilated = net.has(op, "dilations") and net.integer(0, 2) == 0
    if dilated:
        settings["dilations"] = net.sizes(rank, 1, 2)
    # Where onnxruntime works out the padding of a pool, it forgets that it is dilated, and may make it negative.
    strides = settings.get("strides", [1] * rank)
    assert isinstance(strides, list)
    sparse = any(s > k for s, k in zip(strides, kernel, strict=True))
    automatic = ["SAME_UPPER", "SAME_LOWER", "VALID"]
    if "Pool" in op and (dilated or sparse):
        automatic = []
    match net.choose(["pads", "pads", "none", *automatic]):
        case "pads":
            settings["pads"] = [net.integer(0, 2) for _ in range(2 * rank)]
        case "none":
            pass
        case same:
            settings["auto_pad"] = same
    return settings


@recipe("MaxPool", "AveragePool")
def pool(net: Net, op: str) -> object:
    x = net.image(FLOAT, *(BYTES if op == "MaxPool" and net.opset >= 12 else ()))
    settings = window(net, x, op)
    if net.has(op, "ceil_mode") and net.integer(0, 2) == 0:
        settings["ceil_mode"] = 1
    if op == "AveragePool" and net.chance():
        settings["count_include_pad"] = 1
    if op == "MaxPool" and net.integer(0, 2) == 0:
        return net.node(op, x, outputs=2, storage_order=net.integer(0, 1), **settings)
    return net.node(op, x, **settings)


@recipe("GlobalAveragePool", "GlobalMaxPool")
def global_pool(net: Net, op: str) -> object:
    return net.node(op, net.image())


def groups_of(net: Net, channels: int) -> int:
    return net.choose([g for g in (1, 1, 2, 3, channels) if channels % g == 0])


@recipe("Conv")
def conv(net: Net, op: str) -> object:
    x = net.image()
    settings = window(net, x, op)
    channels = x.shape[1]
    group = groups_of(net, channels)
    outputs = group * net.integer(1, 3)
    w = net.weights(outputs, channels // group, *_kernel(settings))
    bias = [net.weights(outputs)] if net.chance() else []
    return net.node(op, x, w, *bias, group=group, **settings)


def _kernel(settings: Settings) -> Sequence[int]:
    kernel = settings["kernel_shape"]
    assert isinstance(kernel, list)
    return kernel


@recipe("ConvTranspose")
def conv_transpose(net: Net, op: str) -> object:
    x = net.image()
    settings = window(net, x, op)
    channels = x.shape[1]
    group = groups_of(net, channels)
    columns = net.integer(1, 3)
    if net.integer(0, 2) == 0:
        settings["output_padding"] = net.sizes(x.rank - 2, 0, 1)
    w = net.weights(channels, columns, *_kernel(settings))
    bias = [net.weights(group * columns)] if net.chance() else []
    return net.node(op, x, w, *bias, group=group, **settings)


@recipe("Gemm")
def gemm(net: Net, op: str) -> object:
    x = net.pick()
    x = x if x.rank == 2 else net.node("Flatten", x)[0]
    outputs = net.integer(1, 4)
    settings: Settings = {}
    if net.chance():
        settings = {"alpha": net.number(0.1, 2), "beta": net.number(0.1, 2)}
    inner = x.shape[1]
    if not net.batch and net.chance():
        settings["transA"], inner = 1, x.shape[0]
    transposed = net.chance()
    if net.batch or net.integer(0, 3):
        w = net.weights(outputs, inner)
        inputs: list[Argument] = [x, w if transposed else w.T.copy()]
    else:
        computed = net.pick(low=2, high=2, where=lambda v: v.shape[1 if transposed else 0] == inner)
        outputs = computed.shape[0 if transposed else 1]
        inputs = [x, computed]
    rows = x.shape[1] if "transA" in settings else x.shape[0]
    match net.choose(["none", "constant", "tensor"]):
        case "constant":
            inputs.append(net.weights(*net.broadcast((rows, outputs))))
        case "tensor":
            alike = [v for v in net.values if v.kind == FLOAT and v.shape == (rows, outputs)]
            inputs.append(net.choose(alike))
        case _ if net.opset < 11:
            raise Impossible
        case _:
            pass
    return net.node(op, *inputs, transB=int(transposed), **settings)


def factors_of(net: Net, x: Value) -> list[Argument]:
    """Two factors of a matrix product, one of them x."""

    def matrix(rows: int, columns: int) -> np.ndarray:
        outer = net.broadcast(x.shape[:-2])
        if x.kind == FLOAT:
            return np.swapaxes(net.weights(*outer, columns, rows), -1, -2).copy()
        kind = net.choose(BYTES) if x.kind in BYTES else x.kind
        return net.integers(kind, *outer, rows, columns)

    match net.choose(["right", "right", "left", "tensor", "vector"]):
        case "right":
            return [x, matrix(x.shape[-1], net.integer(1, 4))]
        case "left" if x.rank > 1 and (not net.batch or x.rank > 2):
            return [matrix(net.integer(1, 4), x.shape[-2]), x]
        case "vector" if x.kind == FLOAT:
            return [x, net.weights(x.shape[-1])]
        case _:
            kinds = BYTES if x.kind in BYTES else [x.kind]
            fitting = [
                v
                for v in net.values
                if v.kind in kinds and v.rank > 1 and v.shape[-2] == x.shape[-1]
            ]
            return [x, net.choose(fitting)]


@recipe("MatMul")
def matmul(net: Net, op: str) -> object:
    operands = factors_of(net, net.pick(FLOAT, FLOAT, *SUMMED, low=2))
    return net.node(op, *operands)


@recipe("Reshape")
def reshape(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    outer, sizes = list(x.shape[: net.outer]), []
    rest = prod(x.shape[net.outer :])
    while rest > 1 and len(sizes) < 3 and net.chance():
        sizes.append(net.choose([n for n in range(1, rest + 1) if rest % n == 0]))
        rest //= sizes[-1]
    sizes.append(rest)
    shape = outer + list(net.draw(st.permutations(sizes)))
    for i, size in enumerate(shape):
        if i < x.rank and size == x.shape[i] and net.integer(0, 3) == 0:
            shape[i] = 0
    if net.chance():
        shape[net.integer(0, len(shape) - 1)] = -1
    return net.node(op, x, shape=shape)


@recipe("Shape")
def shape(net: Net, op: str) -> object:
    """A tensor in the shape of another one."""
    x = net.pick(*KINDS)
    (flat,) = net.node("Flatten", x) if net.chance() else (x,)
    return net.node("Reshape", flat, *net.node(op, x))


@recipe("Flatten")
def flatten(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    axis = net.integer(0, x.rank) if not net.batch else net.choose([1, 1 - x.rank])
    return net.node(op, x, axis=axis)


@recipe("Transpose")
def transpose(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    batch = range(net.outer)
    return net.node(op, x, perm=[*batch, *net.draw(st.permutations(range(net.outer, x.rank)))])


@recipe("Slice")
def slice_(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    axes = axes_of(net, x)
    starts, ends, steps = [], [], []
    for axis in axes:
        size = x.shape[axis]
        first, last = sorted(net.sizes(2, 0, size - 1))
        step = net.integer(1, 3)
        if net.has(op, "steps") and net.chance():
            starts.append(last)
            ends.append(first - 1 if first else -size - 1)
            steps.append(-step)
        else:
            starts.append(first - size if net.chance() else first)
            ends.append(net.choose([last + 1, 2**31 - 1]))
            steps.append(step)
    if not net.has(op, "steps"):
        return net.node(op, x, starts=starts, ends=ends, axes=axes)
    return net.node(op, x, starts=starts, ends=ends, axes=axes, steps=steps)


@recipe("Pad")
def pad(net: Net, op: str) -> object:
    x = net.pick(FLOAT, *(KINDS if net.has(op, "constant_value") else ()))
    mode = net.choose(["constant", "constant", "edge", "reflect", "wrap"])
    inner = [net.integer(0, 2) for _ in range(2 * (x.rank - net.outer))]
    if net.has(op, "constant_value") and mode != "constant" and net.integer(0, 2) == 0:
        inner = [-1 if size == 2 else size for size in inner]
    half, batch = len(inner) // 2, [0] * net.outer
    pads = [*batch, *inner[:half], *batch, *inner[half:]]
    if mode == "constant" and net.chance():
        value = net.number(-2, 2) if x.kind == FLOAT else net.integer(0, 9)
        if net.has(op, "constant_value"):
            constant = np.array(value, x.data[0].dtype)
            return net.node(op, x, np.array(pads, np.int64), constant)
        return net.node(op, x, pads=pads, value=value)
    return net.node(op, x, pads=pads, mode=mode)


@recipe("Gather")
def gather(net: Net, op: str) -> object:
    if net.integer(0, 2) == 0:
        return taken(net, op)
    x = net.pick(*KINDS)
    axis = axis_of(net, x)
    size = x.shape[axis]
    shape = net.sizes(net.choose([0, 1, 1, 2]), 1, 4)
    low = -size if net.opset >= 11 else 0
    indices = [net.integer(low, size - 1) for _ in range(prod(shape))]
    return net.node(op, x, np.array(indices, np.int64).reshape(shape), axis=axis)


def taken(net: Net, op: str) -> object:
    """Gather by indices that are data, of a table with rows for all numbers of 8 bits, or of another tensor."""
    if net.opset < 11:
        raise Impossible  # which negative indices came with
    indices = net.pick(INT32, INT64)
    if net.outer or net.chance():
        rows = net.integer(128, 200)
        return net.node(op, net.weights(rows, *net.sizes(net.integer(0, 2), 1, 3)), indices)
    x = net.pick(*KINDS)
    axis = net.integer(0, x.rank - 1)
    small = net.node("Cast", net.node("Cast", indices, to=BOOL)[0], to=INT64)[0]
    return net.node(op, x, small if x.shape[axis] > 1 else indices, axis=axis)


def indices_for(net: Net, size: int, shape: Sequence[int]) -> np.ndarray:
    low = -size if net.opset >= 11 else 0
    return np.asarray(net.random.integers(low, size, shape, np.int64))


@recipe("GatherElements")
def gather_elements(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    axis = axis_of(net, x)
    # ONNX's reference implementation, which folds constants, needs all of the other dimensions.
    shape = [*x.shape[:axis], net.integer(1, 4), *x.shape[axis + 1 :]]
    return net.node(op, x, indices_for(net, x.shape[axis], shape), axis=axis)


@recipe("ScatterElements", "Scatter")
def scatter_elements(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    axis = axis_of(net, x)
    size = x.shape[axis]
    shape = [*x.shape[:axis], net.integer(1, size), *x.shape[axis + 1 :]]
    # Each element has one update at most.
    at = np.argsort(net.random.random(x.shape), axis=axis).take(range(shape[axis]), axis)
    updates = net.weights(*shape) if x.kind == FLOAT else net.integers(x.kind, *shape)
    return net.node(op, x, at.astype(np.int64), updates, axis=axis)


@recipe("GatherND")
def gather_nd(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    common = net.integer(net.outer, x.rank - 1) if net.opset >= 12 else 0
    if common < net.outer or x.rank <= common:
        raise Impossible
    count = net.integer(1, x.rank - common)
    shape = [*x.shape[:common], *net.sizes(net.integer(0, 2), 1, 3)]
    columns = [indices_for(net, size, shape) for size in x.shape[common : common + count]]
    return net.node(op, x, np.stack(columns, axis=-1), batch_dims=common or None)


@recipe("ScatterND")
def scatter_nd(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    if net.outer:
        raise Impossible
    count, number = net.integer(1, x.rank), net.integer(1, 3)
    places = net.random.permutation(int(prod(x.shape[:count])))[:number]
    at = np.stack(np.unravel_index(places, x.shape[:count]), axis=-1).astype(np.int64)
    shape = [len(places), *x.shape[count:]]
    updates = net.weights(*shape) if x.kind == FLOAT else net.integers(x.kind, *shape)
    return net.node(op, x, at, updates)


@recipe("If")
def conditional(net: Net, op: str) -> object:
    """One of two constants."""
    x = net.pick(where=lambda value: value.shape[0] == 1, low=2)
    axes = list(range(1, x.rank))
    (largest,) = net.node("ReduceMax", x, axes=axes)
    flag = compared(net, "Greater", largest)
    kind, shape = net.choose([FLOAT, INT32]), [1, *net.sizes(net.integer(0, 2), 1, 4)]
    branches = {
        name: helper.make_graph(
            [helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))],
            name,
            [],
            [helper.make_tensor_value_info(name, kind, shape)],
        )
        for name in ("then_branch", "else_branch")
        for array in [net.weights(*shape) if kind == FLOAT else net.integers(kind, *shape)]
    }
    then, other = branches["then_branch"], branches["else_branch"]
    return net.node(op, flag, then_branch=then, else_branch=other)


@recipe(*RECURRENT)
def recurrent(net: Net, op: str) -> object:
    x = net.pick(low=3, high=3)
    (steps, batch, inner), (gates, activations) = x.shape, RECURRENT[op]
    direction = net.choose(["forward", "reverse", "bidirectional"])
    directions, units = 1 + (direction == "bidirectional"), net.integer(1, 3)
    settings: Settings = {"direction": direction, "hidden_size": units}
    if net.chance():
        settings["clip"] = net.number(0.2, 2)
    if net.chance():
        names = ["Relu", "Tanh", "Sigmoid", "HardSigmoid", "LeakyRelu", "Elu", "Softsign"]
        chosen = [net.choose(names) for _ in range(activations * directions)]
        settings["activations"] = chosen
    if op == "GRU":
        settings["linear_before_reset"] = net.integer(0, 1)
    if op == "LSTM":
        settings["input_forget"] = net.integer(0, 1)
    inputs: list[Argument] = [
        x,
        net.weights(directions, gates * units, inner),
        net.weights(directions, gates * units, units),
        net.weights(directions, 2 * gates * units) if net.chance() else None,
        np.array(net.sizes(batch, 1, steps), np.int32) if net.chance() else None,
    ]
    for _ in range(1 + (op == "LSTM")):
        shape = (directions, batch, units)
        alike = [value for value in net.values if value.kind == FLOAT and value.shape == shape]
        state = net.choose([None, net.weights(*shape), *alike])
        inputs.append(state)
    if op == "LSTM" and net.chance():
        inputs.append(net.weights(directions, 3 * units))
    return net.node(op, *inputs, outputs=2 + (op == "LSTM"), **settings)


@recipe("Loop")
def loop(net: Net, op: str) -> object:
    x = net.pick()
    nodes = [
        helper.make_node("Identity", ["k"], ["k2"]),
        helper.make_node("Cast", ["i"], ["f"], to=FLOAT),
        helper.make_node(net.choose(["Add", "Sub"]), ["v", "f"], ["v2"]),
    ]
    infos = [("i", INT64, []), ("k", BOOL, []), ("v", FLOAT, x.shape)]
    results = [("k2", BOOL, []), ("v2", FLOAT, x.shape)]
    body = helper.make_graph(
        nodes,
        "body",
        [helper.make_tensor_value_info(*info) for info in infos],
        [helper.make_tensor_value_info(*info) for info in results],
    )
    return net.node(op, np.array(net.integer(0, 3), np.int64), np.array(True), x, body=body)


@recipe("Scan")
def scan(net: Net, op: str) -> object:
    x = net.pick(low=2)
    axis = axis_of(net, x)
    shape = [*x.shape[:axis], *x.shape[axis + 1 :]]
    nodes = [
        helper.make_node("Add", ["s", "v"], ["s2"]),
        helper.make_node("Neg", ["s2"], ["o"]),
    ]
    infos = [helper.make_tensor_value_info(name, FLOAT, shape) for name in ("s", "v", "s2", "o")]
    weights: list[TensorProto] = []
    if shape and net.chance():  # stages that wait for each other in a circle
        size = shape[-1]
        weights.append(numpy_helper.from_array(net.weights(size, size), "w"))
        nodes = [
            helper.make_node("MatMul", ["s", "w"], ["m"]),
            helper.make_node("Softmax", ["m"], ["p"], axis=-1),
            helper.make_node("Add", ["p", "v"], ["s2"]),
            helper.make_node("Tanh", ["m"], ["o"]),
        ]
    body = helper.make_graph(nodes, "body", infos[:2], infos[2:], weights)
    settings: Settings = {
        "num_scan_inputs": 1,
        "scan_input_axes": [axis],
        "scan_output_axes": [net.integer(net.outer, x.rank - 1)],
        "scan_input_directions": [net.integer(0, 1)],
        "scan_output_directions": [net.integer(0, 1)],
    }
    return net.node(op, net.weights(*shape), x, outputs=2, body=body, **settings)


@recipe("TopK")
def top_k(net: Net, op: str) -> object:
    x = net.pick(FLOAT, *([INT32, INT64] if net.opset >= 11 else []))
    axis = axis_of(net, x)
    largest = net.integer(0, 1) if net.has(op, "largest") else None
    k = net.integer(1, x.shape[axis])
    if net.has(op, "k"):
        return net.node(op, x, outputs=2, axis=axis, k=k)
    return net.node(op, x, np.array([k], np.int64), outputs=2, axis=axis, largest=largest)


@recipe("GridSample")
def grid_sample(net: Net, op: str) -> object:
    x = net.pick(low=4, high=5 if net.opset >= 20 else 4)
    rank = x.rank - 2
    shape = x.shape[0], *net.sizes(rank, 1, 3), rank
    places = net.random.uniform(-1.5, 1.5, shape).astype(np.float32)
    smooth = ["linear", "cubic"] if net.opset >= 20 else ["bilinear", "bicubic"]
    mode = net.choose(["nearest", *smooth[: 2 if rank == 2 else 1]])
    padding = net.choose(["zeros", "border", "reflection"])
    return net.node(op, x, places, mode=mode, padding_mode=padding, align_corners=net.integer(0, 1))


@recipe("Hardmax")
def hardmax(net: Net, op: str) -> object:
    x = net.pick(low=2)
    return net.node(op, x, axis=axis_of(net, x))


@recipe("Split")
def split(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    axis = axis_of(net, x)
    size = x.shape[axis]
    parts = net.integer(1, min(3, size))
    if net.chance():
        cuts = sorted(net.draw(st.permutations(range(1, size)))[: parts - 1])
        sizes = [b - a for a, b in zip([0, *cuts], [*cuts, size], strict=True)]
        return net.node(op, x, outputs=parts, axis=axis, split=sizes)
    number = parts if net.has(op, "num_outputs") else None
    return net.node(op, x, outputs=parts, axis=axis, num_outputs=number)


@recipe("Concat")
def concat(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    axis = axis_of(net, x) % x.rank

    def fits(v: Value) -> bool:
        same = v.shape[:axis] + v.shape[axis + 1 :] == x.shape[:axis] + x.shape[axis + 1 :]
        return v.kind == x.kind and v.rank == x.rank and same

    operands: list[Argument] = [x]
    for _ in range(net.integer(0, 2)):
        if net.integer(0, 3) == 0:
            sizes = (*x.shape[:axis], net.integer(1, 3), *x.shape[axis + 1 :])
            values = net.weights(*sizes) if x.kind == FLOAT else net.integers(x.kind, *sizes)
            operands.append(values)
        else:
            operands.append(net.choose([v for v in net.values if fits(v)]))
    return net.node(op, *net.draw(st.permutations(operands)), axis=axis)


@recipe("Expand")
def expand(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    sizes = [n if n > 1 or i < net.outer else net.integer(1, 3) for i, n in enumerate(x.shape)]
    lowered = [1 if net.integer(0, 2) == 0 and n == x.shape[i] else n for i, n in enumerate(sizes)]
    shape = lowered[net.integer(0, x.rank - 1) :] if net.chance() else lowered
    if not net.batch and net.chance():
        shape = [net.integer(1, 2), *lowered]
    return net.node(op, x, shape=shape)


@recipe("Squeeze")
def squeeze(net: Net, op: str) -> object:
    x = net.pick(*KINDS, where=lambda value: 1 in value.shape[net.outer :])
    ones = [i for i in range(net.outer, x.rank) if x.shape[i] == 1]
    axes = sorted(net.draw(st.sets(st.sampled_from(ones), min_size=1)))
    return net.node(op, x, axes=None if not net.batch and net.chance() else axes)


@recipe("Unsqueeze")
def unsqueeze(net: Net, op: str) -> object:
    x = net.pick(*KINDS, high=4)
    count = net.integer(1, 2)
    rank = x.rank + count
    places = net.draw(st.permutations(range(net.outer, rank)))[:count]
    negative = net.opset >= 11 and net.chance()
    return net.node(op, x, axes=[place - rank if negative else place for place in sorted(places)])


@recipe("DepthToSpace", "SpaceToDepth")
def blocks(net: Net, op: str) -> object:
    x = net.pick(low=4, high=4)
    _, channels, height, width = x.shape
    deep = op == "DepthToSpace"
    fitting = [b for b in (2, 1) if not (channels % b**2 if deep else height % b or width % b)]
    mode = net.choose(["DCR", "CRD"]) if net.has(op, "mode") and deep else None
    return net.node(op, x, blocksize=fitting[0], mode=mode)


def factors_by(net: Net, x: Value, least: float = 0.5) -> list[float]:
    """Scales for the spatial dimensions.

    Where no size changes, all are 1: onnxruntime then gives its input back, whatever they are.
    """
    factors = [1.0, 1.0, *(net.number(least, 3) for _ in x.shape[2:])]
    sizes = [int(size * factor) for size, factor in zip(x.shape, factors, strict=True)]
    return factors if sizes != list(x.shape) else [1.0] * x.rank


@recipe("Upsample")
def upsample(net: Net, op: str) -> object:
    x = net.image()
    factors = factors_by(net, x, 1)
    return net.node(op, x, scales=factors, mode=net.choose(["nearest", "linear"]))


@recipe("Resize")
def resize(net: Net, op: str) -> object:
    x = net.image()
    if not net.has(op, "sizes"):
        factors = factors_by(net, x)
        return net.node(op, x, scales=factors, mode=net.choose(["nearest", "linear"]))
    modes = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
    modes += ["half_pixel_symmetric"] if net.opset >= 19 else []
    settings: Settings = {
        "coordinate_transformation_mode": net.choose(modes),
        "mode": net.choose(["nearest", "nearest", "linear"]),
    }
    step = settings["coordinate_transformation_mode"] in ("half_pixel", "asymmetric")
    if net.has(op, "antialias") and settings["mode"] == "linear" and step and net.chance():
        settings |= {"antialias": 1, "exclude_outside": net.integer(0, 1)}
    if settings["mode"] == "nearest":
        roundings = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]
        settings["nearest_mode"] = net.choose(roundings)
    roi = np.zeros(0, np.float32) if net.opset < 13 else None
    if net.chance():
        factors = factors_by(net, x)
        return net.node(op, x, roi, np.array(factors, np.float32), **settings)
    sizes = [*x.shape[:2], *(net.integer(1, 9) for _ in x.shape[2:])]
    scales = np.zeros(0, np.float32) if net.opset < 13 else None
    return net.node(op, x, roi, scales, np.array(sizes, np.int64), **settings)


@recipe("Dropout")
def dropout(net: Net, op: str) -> object:
    return net.node(op, net.pick(), ratio=net.choose([None, 0.25]))


@recipe("Cast")
def cast(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    to = net.choose([FLOAT, FLOAT, BOOL, INT32, INT64, *([INT8, UINT8] if x.kind != FLOAT else [])])
    if to == BOOL:
        check_apart(x, np.zeros(()))
    return net.node(op, x, to=to)


@recipe("CastLike")
def cast_like(net: Net, op: str) -> object:
    x, like = net.pick(*KINDS), net.pick(FLOAT, BOOL)
    if like.kind == BOOL:
        check_apart(x, np.zeros(()))
    return net.node(op, x, like)


def scale_of(net: Net, shape: Sequence[int] = ()) -> np.ndarray:
    return np.asarray(net.random.uniform(0.005, 0.05, shape), np.float32)


def zero_of(net: Net, kind: int, shape: Sequence[int] = ()) -> np.ndarray:
    low, high = (0, 255) if kind == UINT8 else (-100, 100)
    return np.asarray(net.random.integers(low, high, shape), np.uint8 if kind == UINT8 else np.int8)


@recipe("QuantizeLinear")
def quantize(net: Net, op: str) -> object:
    x = net.pick()
    kind = net.choose(BYTES)
    if net.has(op, "axis") and net.chance():
        axis = axis_of(net, x)
        shape = (x.shape[axis],)
        return net.node(op, x, scale_of(net, shape), zero_of(net, kind, shape), axis=axis)
    zero = [zero_of(net, kind)] if net.chance() else []
    return net.node(op, x, scale_of(net), *zero)


@recipe("DequantizeLinear")
def dequantize(net: Net, op: str) -> object:
    x = net.pick(*NUMBERS)
    x = x if x.kind == INT32 else bytes_of(net, x)
    if x.kind == INT32:
        return net.node(op, x, scale_of(net))
    if net.has(op, "axis") and net.chance():
        axis = axis_of(net, x)
        shape = (x.shape[axis],)
        return net.node(op, x, scale_of(net, shape), zero_of(net, x.kind, shape), axis=axis)
    return net.node(op, x, scale_of(net), zero_of(net, x.kind))


@recipe("DynamicQuantizeLinear")
def quantize_dynamically(net: Net, op: str) -> object:
    return net.node(op, net.pick(), outputs=3)


def bytes_of(net: Net, x: Value) -> Value:
    """x as bytes."""
    if x.kind in BYTES:
        return x
    return net.node("QuantizeLinear", x, scale_of(net), zero_of(net, UINT8))[0]


@recipe("ConvInteger")
def conv_integer(net: Net, op: str) -> object:
    x = bytes_of(net, net.image(FLOAT, *BYTES))
    settings = window(net, x, op)
    channels = x.shape[1]
    group = groups_of(net, channels)
    kind = net.choose(BYTES)
    w = net.integers(kind, group * net.integer(1, 3), channels // group, *_kernel(settings))
    zeros = [zero_of(net, x.kind), zero_of(net, kind)][: net.integer(0, 2)]
    return net.node(op, x, w, *zeros, group=group, **settings)


@recipe("QLinearConv")
def qlinear_conv(net: Net, op: str) -> object:
    x = bytes_of(net, net.image(FLOAT, *BYTES))
    settings = window(net, x, op)
    channels = x.shape[1]
    group = groups_of(net, channels)
    outputs = group * net.integer(1, 3)
    kind = net.choose(BYTES)
    w = net.integers(kind, outputs, channels // group, *_kernel(settings))
    each = (outputs,) if kind == INT8 and net.chance() else ()
    zero = np.zeros(each, np.int8) if kind == INT8 else zero_of(net, kind)
    bias = [net.random.integers(-999, 999, outputs).astype(np.int32)] if net.chance() else []
    return net.node(
        op,
        x,
        scale_of(net),
        zero_of(net, x.kind),
        w,
        scale_of(net, each),
        zero,
        net.positive(),
        zero_of(net, x.kind),
        *bias,
        group=group,
        **settings,
    )


@recipe("MatMulInteger")
def matmul_integer(net: Net, op: str) -> object:
    operands = factors_of(net, bytes_of(net, net.pick(FLOAT, *BYTES, low=2)))
    zeros = [zero_of(net, kind_of(operand)) for operand in operands]
    return net.node(op, *operands, *zeros[: net.integer(0, 2)])


def kind_of(operand: Argument) -> int:
    if isinstance(operand, Value):
        return operand.kind
    assert operand is not None
    return UINT8 if operand.dtype == np.uint8 else INT8


@recipe("QLinearMatMul")
def qlinear_matmul(net: Net, op: str) -> object:
    a, b = factors_of(net, bytes_of(net, net.pick(FLOAT, *BYTES, low=2)))
    numbers: list[Argument] = [a, scale_of(net), zero_of(net, kind_of(a))]
    numbers += [b, scale_of(net), zero_of(net, kind_of(b))]
    return net.node(op, *numbers, net.positive(), zero_of(net, kind_of(a)))
