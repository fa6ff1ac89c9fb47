"""How nodes are drawn of operators that ONNX defines by others (see `end_to_end.drawn_operators`)."""

from __future__ import annotations

from math import prod

import numpy as np
from end_to_end.drawn_networks import FLOAT, Argument, Impossible, Net, Settings
from end_to_end.drawn_operators import SUMMED, axes_of, axis_of, groups_of, is_small, recipe

DEFINED = (
    *("Attention", "Celu", "GroupNormalization", "MeanVarianceNormalization"),
    *("RMSNormalization", "RotaryEmbedding", "Softsign", "Swish", "ThresholdedRelu"),
)
"""Operators without an importer."""


@recipe("Celu", "Softsign", "Swish")
def smooth(net: Net, op: str) -> object:
    settings: Settings = {}
    if op != "Softsign" and net.chance():
        settings["alpha"] = net.number(0.5, 1.5)
    return net.node(op, net.pick(), **settings)


@recipe("Shrink", "ThresholdedRelu")
def with_a_step(net: Net, op: str) -> object:
    x = net.pick(FLOAT, *(SUMMED if op == "Shrink" else ()), where=is_small)
    limit = net.number(0.1, 1)
    # No element is so near to the step that it depends on rounding on which side it lies.
    low, high = zip(*(x.bounds(i) for i in range(len(x.data))), strict=True)
    for step in (limit, -limit):
        if any(((a <= step) & (b >= step)).any() for a, b in zip(low, high, strict=True)):
            raise Impossible
    settings: Settings = (
        {"alpha": limit} if op != "Shrink" else {"lambd": limit, "bias": net.number(0, 1)}
    )
    return net.node(op, x, **settings)


@recipe("MeanVarianceNormalization")
def mean_variance(net: Net, op: str) -> object:
    x = net.pick(low=4, high=4)
    axes = sorted(axis % x.rank for axis in axes_of(net, x))
    if prod(x.shape[axis] for axis in axes) < 3:
        raise Impossible
    return net.node(op, x, axes=axes)


@recipe("GroupNormalization")
def group_norm(net: Net, op: str) -> object:
    x = net.pick(low=3, high=5, where=lambda v: v.shape[0] == 1 and prod(v.shape[2:]) > 2)
    channels = x.shape[1]
    return net.node(
        op,
        x,
        net.positive(channels),
        net.weights(channels),
        num_groups=groups_of(net, channels),
        epsilon=net.choose([1e-5, 0.01]),
    )


@recipe("RMSNormalization")
def rms_norm(net: Net, op: str) -> object:
    x = net.pick()
    axis = axis_of(net, x)
    scale = net.positive(*x.shape[axis:])
    return net.node(op, x, scale, axis=axis, epsilon=net.choose([1e-5, 0.01]))


@recipe("Attention")
def attention(net: Net, op: str) -> object:
    x = net.pick(low=4, high=4)
    batch, heads, rows, size = x.shape
    keys = net.integer(1, 4)
    parts: list[Argument] = [x]
    parts += [net.weights(batch, heads, keys, n) for n in (size, net.integer(1, 3))]
    if net.chance():
        parts.append(net.weights(rows, keys))
    causal = 1 if keys >= rows and net.chance() else 0
    return net.node(op, *parts, is_causal=causal, scale=net.choose([None, 0.5]))


@recipe("RotaryEmbedding")
def rotary_embedding(net: Net, op: str) -> object:
    x = net.pick(low=4, high=4, where=lambda v: v.shape[3] % 2 == 0)
    batch, _, rows, size = x.shape
    angles = net.weights(batch, rows, size // 2)
    cos, sin = np.cos(angles), np.sin(angles)
    return net.node(op, x, cos, sin, interleaved=net.integer(0, 1))
