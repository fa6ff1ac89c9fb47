"""How nodes are drawn of elementary and composed operators (see `end_to_end.drawn_operators`)."""

from __future__ import annotations

import numpy as np
from end_to_end.drawn_networks import (
    BOOL,
    FLOAT,
    INT8,
    INT32,
    INT64,
    KINDS,
    NUMBERS,
    UINT8,
    Argument,
    Impossible,
    Net,
    Value,
)
from end_to_end.drawn_operators import (
    SUMMED,
    axes_of,
    axis_of,
    check_apart,
    is_small,
    other,
    recipe,
    window,
)
from hypothesis import strategies as st


@recipe("Asinh", "Atan", "Cos", "Sin", "Sinh", "Cosh")
def elementary(net: Net, op: str) -> object:
    return net.node(op, net.pick())


@recipe("Tan", "Acos", "Asin", "Atanh")
def of_small_numbers(net: Net, op: str) -> object:
    """Of numbers between -1/2 and 1/2."""
    (small,) = net.node("Clip", net.pick(), min=-0.5, max=0.5)
    return net.node(op, small)


@recipe("Acosh")
def of_large_numbers(net: Net, op: str) -> object:
    (magnitude,) = net.node("Abs", net.pick())
    return net.node(
        op, *net.node("Add", magnitude, np.full((1,) * magnitude.rank, 1.5, np.float32))
    )


@recipe("Sign")
def sign(net: Net, op: str) -> object:
    x = net.pick(FLOAT, *NUMBERS)
    check_apart(x, np.zeros(()))
    return net.node(op, x)


@recipe("Mean")
def mean(net: Net, op: str) -> object:
    x = net.pick()
    return net.node(op, x, *(other(net, x) for _ in range(net.integer(0, 2))))


@recipe("ReduceL1", "ReduceProd", "ReduceLogSumExp", "ReduceSumSquare", "ReduceLogSum")
def reduction(net: Net, op: str) -> object:
    whole = SUMMED if op in ("ReduceL1", "ReduceSumSquare") else ()
    x = net.pick(FLOAT, *whole, where=is_small)
    if op == "ReduceLogSum":
        (x,) = net.node("Exp", x)
    return net.node(op, x, axes=axes_of(net, x), keepdims=net.integer(0, 1))


@recipe("CumSum", "CumProd")
def cumulative(net: Net, op: str) -> object:
    x = net.pick(FLOAT, *SUMMED)
    axis = np.array(axis_of(net, x), np.int64)
    return net.node(op, x, axis, exclusive=net.integer(0, 1), reverse=net.integer(0, 1))


@recipe("LpNormalization")
def lp_normalization(net: Net, op: str) -> object:
    x = net.pick()
    return net.node(op, x, axis=axis_of(net, x), p=net.integer(1, 2))


@recipe("GlobalLpPool")
def global_lp_pool(net: Net, op: str) -> object:
    return net.node(op, net.image(), p=net.integer(1, 3))


@recipe("LpPool")
def lp_pool(net: Net, op: str) -> object:
    x = net.image()
    return net.node(op, x, p=net.integer(1, 3), **window(net, x, op))


@recipe("Tile")
def tile(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    inner = [net.integer(1, 3) for _ in x.shape[net.outer :]]
    return net.node(op, x, repeats=[1] * net.outer + inner)


@recipe("CenterCropPad")
def center_crop_pad(net: Net, op: str) -> object:
    x = net.pick(*KINDS, low=1 + net.outer)
    axes = axes_of(net, x)
    shape = np.array([net.integer(1, 2 + x.shape[axis]) for axis in axes], np.int64)
    return net.node(op, x, shape, axes=axes)


@recipe("Trilu")
def trilu(net: Net, op: str) -> object:
    x = net.pick(*KINDS, low=2 + net.outer)
    return net.node(op, x, np.array(net.integer(-3, 3), np.int64), upper=net.integer(0, 1))


@recipe("OneHot")
def one_hot(net: Net, op: str) -> object:
    """Of the places of the largest elements."""
    x = net.pick(INT32)
    (places,) = net.node("ArgMax", x, axis=axis_of(net, x), keepdims=0)
    values = net.weights(2) if net.chance() else np.array([0, 1], np.float32)
    axis = net.integer(net.outer, places.rank)
    depth = np.array(net.integer(1, 5), np.int64)
    return net.node(op, places, depth, values, axis=net.choose([axis, -1]))


@recipe("Mod")
def mod(net: Net, op: str) -> object:
    x = net.pick(FLOAT, INT32, INT8, UINT8, INT64)
    if x.kind == FLOAT:
        return net.node(op, x, net.positive(*net.broadcast(x.shape)), fmod=1)
    return net.node(op, x, _divisors(net, x), fmod=net.integer(0, 1))


@recipe("Div")
def div(net: Net, op: str) -> object:
    x = net.pick(FLOAT, INT32, INT64)
    if x.kind != FLOAT:
        return net.node(op, x, _divisors(net, x))
    operands = [x, other(net, x)]
    return net.node(op, *(operands if net.chance() else reversed(operands)))


def _divisors(net: Net, x: Value) -> np.ndarray:
    """Integers other than 0."""
    divisors = net.integers(x.kind, *net.broadcast(x.shape))
    return np.where(divisors == 0, 3, divisors).astype(divisors.dtype)


@recipe("BitwiseAnd", "BitwiseOr", "BitwiseXor")
def bitwise(net: Net, op: str) -> object:
    x = net.pick(INT32, INT8, UINT8, INT64)
    return net.node(op, x, other(net, x))


@recipe("BitwiseNot")
def bitwise_not(net: Net, op: str) -> object:
    return net.node(op, net.pick(INT32, INT8, UINT8, INT64))


@recipe("BitShift")
def bit_shift(net: Net, op: str) -> object:
    """By less than the width: onnxruntime leaves it to the processor what others do."""
    x = net.pick(UINT8)
    places = np.asarray(net.integers(UINT8, *net.broadcast(x.shape)) % 8)
    return net.node(op, x, places, direction=net.choose(["LEFT", "RIGHT"]))


@recipe("BitCast")
def bit_cast(net: Net, op: str) -> object:
    """Floats are as good as unknown numbers, so they become integers."""
    x = net.pick(INT8, UINT8, BOOL, FLOAT)
    to = INT8 if x.kind == UINT8 else INT32 if x.kind == FLOAT else UINT8
    return net.node(op, x, to=to)


@recipe("Size")
def size(net: Net, op: str) -> object:
    """A tensor divided by the number of its elements."""
    x = net.pick()
    (count,) = net.node("Cast", *net.node(op, net.pick(*KINDS)), to=FLOAT)
    net.values.remove(count)  # which is a constant
    return net.node("Div", x, count)


@recipe("EyeLike")
def eye_like(net: Net, op: str) -> object:
    """A matrix, and ones on one of its diagonals."""
    x = net.pick(FLOAT, BOOL)
    (matrix,) = net.node("Flatten", x)
    (eye,) = net.node(op, matrix, k=net.integer(-1, 2), dtype=x.kind)
    net.values.remove(eye)  # which is a constant
    return net.node("Add" if x.kind == FLOAT else "Or", matrix, eye)


@recipe("Einsum")
def einsum(net: Net, op: str) -> object:
    """A sum of products of two tensors, or of the elements of one."""
    x = net.pick(high=5)
    letters = "abcdefgh"[: x.rank]
    batch, inner = letters[: net.outer], list(letters[net.outer :])
    kept = [c for c in inner if net.integer(0, 2)]
    terms, operands = [letters], list[Argument]([x])
    if net.chance():
        shared = [c for c in inner if net.chance()]
        added = list("xyz"[: net.integer(0, 1 + net.outer)])
        labels = net.draw(st.permutations([*shared, *added]))
        sizes = [x.shape[letters.index(c)] if c in letters else net.integer(1, 3) for c in labels]
        kept += [c for c in added if net.chance()]
        terms.append("".join(labels))
        operands.append(net.weights(*sizes))
    elif net.chance():
        y = _alike(net, x)
        terms.append(letters)
        operands.append(y)
    result = batch + "".join(net.draw(st.permutations(kept)))
    return net.node(op, *operands, equation=f"{','.join(terms)}->{result}")


def _alike(net: Net, x: Value) -> Value:
    alike = [v for v in net.values if v.kind == x.kind and v.shape == x.shape]
    if not alike:
        raise Impossible
    return net.choose(alike)
