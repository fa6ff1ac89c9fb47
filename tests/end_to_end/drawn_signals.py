"""How nodes are drawn of transforms, sampling and operators on sequences (see `end_to_end.drawn_operators`)."""

from __future__ import annotations

from math import prod

import numpy as np
from end_to_end.drawn_networks import (
    BOOL,
    FLOAT,
    INT32,
    INT64,
    KINDS,
    Impossible,
    Net,
    Settings,
    Value,
)
from end_to_end.drawn_operators import axis_of, recipe


@recipe("Det")
def det(net: Net, op: str) -> object:
    size = net.integer(1, 4)
    x = _shaped(net, [*net.sizes(net.integer(0, 1), 1, 2), size, size])
    return net.node(op, x)


@recipe("Compress")
def compress(net: Net, op: str) -> object:
    x = net.pick(*KINDS)
    axis = axis_of(net, x)
    return net.node(op, x, net.random.random(net.integer(1, x.shape[axis])) < 0.7, axis=axis)


@recipe("ReverseSequence")
def reverse_sequence(net: Net, op: str) -> object:
    """Of a batch that is a dimension like others."""
    x = net.pick(*KINDS, low=2)
    axis = net.integer(0, 1)
    lengths = net.sizes(x.shape[axis], 0, x.shape[1 - axis])
    return net.node(op, x, np.array(lengths, np.int64), batch_axis=axis, time_axis=1 - axis)


@recipe("OptionalGetElement")
def optional_get_element(net: Net, op: str) -> object:
    return net.node(op, net.pick(*KINDS))


@recipe("TensorScatter")
def tensor_scatter(net: Net, op: str) -> object:
    x = net.pick(low=2)
    axis = net.integer(1, x.rank - 1)
    size = x.shape[axis]
    count = net.integer(1, size)
    update = net.weights(*x.shape[:axis], count, *x.shape[axis + 1 :])
    circular = net.chance()
    first = net.sizes(x.shape[0], 0, 2 * size if circular else size - count)
    indices = np.array(first, np.int64) if any(first) or net.chance() else None
    return net.node(op, x, update, indices, mode="circular" if circular else "linear", axis=axis)


@recipe("MaxUnpool")
def max_unpool(net: Net, op: str) -> object:
    """The inverse of a pool without overlaps, so that each place has one element."""
    x = net.image()
    kernel = [net.integer(1, min(size, 3)) for size in x.shape[2:]]
    places = net.node("MaxPool", x, outputs=2, kernel_shape=kernel, strides=kernel)
    return net.node(op, *places, kernel_shape=kernel, strides=kernel)


@recipe("DFT")
def dft(net: Net, op: str) -> object:
    """Along any axis, of more or fewer elements."""
    inverse = net.chance()
    x = _parted(net, 2 if inverse else net.integer(1, 2))
    if x.rank - net.outer < 2:
        raise Impossible
    axis = net.integer(net.outer, x.rank - 2)
    one_sided = int(not inverse and x.shape[-1] == 1 and net.chance())
    length = x.shape[axis] + net.integer(-2, 3) if net.chance() else None
    if length is not None and length < 1:
        raise Impossible
    settings: Settings = {"inverse": int(inverse), "onesided": one_sided, "dft_length": length}
    return net.node(op, x, axis=axis, **settings)


@recipe("STFT")
def stft(net: Net, op: str) -> object:
    parts = net.integer(1, 2)
    batch = 1 if net.batch else net.integer(1, 2)
    x = _shaped(net, [net.integer(4, 12), parts], batch)
    length, step = net.integer(1, x.shape[1]), net.integer(1, 4)
    window = net.positive(length) if net.chance() else None
    settings: Settings = {"onesided": int(parts == 1 and net.chance())}
    if window is None:
        return net.node(op, x, frame_step=step, frame_length=length, **settings)
    return net.node(op, x, np.array(step), window, **settings)


@recipe("CausalConvWithState")
def causal_conv_with_state(net: Net, op: str) -> object:
    channels, kernel = net.integer(1, 3), net.integer(1, 4)
    x = _shaped(net, [channels, net.integer(1, 6)])
    weight = net.weights(channels, 1, kernel)
    bias = net.weights(channels) if net.chance() else None
    state = net.weights(x.shape[0], channels, kernel - 1) if kernel > 1 and net.chance() else None
    activation = net.choose(["none", "silu", "swish"])
    outputs = 2 if kernel > 1 else 1
    return net.node(op, x, weight, bias, state, outputs=outputs, activation=activation)


@recipe("Col2Im")
def col2im(net: Net, op: str) -> object:
    """Of images: onnxruntime misplaces the elements of dilated windows along one axis."""
    rank = 2
    block, windows = net.sizes(rank, 1, 3), net.sizes(rank, 1, 4)
    strides, dilations = net.sizes(rank, 1, 2), net.sizes(rank, 1, 2)
    pads = net.sizes(2 * rank, 0, 1)
    size = [
        (n - 1) * stride + dilation * (k - 1) + 1 - begin - end
        for n, k, stride, dilation, begin, end in zip(
            windows, block, strides, dilations, pads[:rank], pads[rank:], strict=True
        )
    ]
    if min(size) < 1:
        raise Impossible
    x = _shaped(net, [net.integer(1, 2) * prod(block), prod(windows)])
    settings: Settings = {"strides": strides, "dilations": dilations, "pads": pads}
    return net.node(op, x, image_shape=size, block_shape=block, **settings)


@recipe("AffineGrid")
def affine_grid(net: Net, op: str) -> object:
    rank = net.integer(2, 3)
    x = _shaped(net, [rank, rank + 1])
    size = [x.shape[0], 1, *net.sizes(rank, 2, 4)]
    return net.node(op, x, size=size, align_corners=net.integer(0, 1))


@recipe("DeformConv")
def deform_conv(net: Net, op: str) -> object:
    """With offsets that are constants or data."""
    group, shifted = net.integer(1, 2), net.integer(1, 2)
    channels = group * shifted * net.integer(1, 2)
    kernel, strides = net.sizes(2, 1, 2), net.sizes(2, 1, 2)
    dilations, pads = net.sizes(2, 1, 2), net.sizes(4, 0, 1)
    x = _shaped(net, [channels, *net.sizes(2, 3, 4)])
    results = [
        (size + begin + end - dilation * (k - 1) - 1) // stride + 1
        for size, k, stride, dilation, begin, end in zip(
            x.shape[2:], kernel, strides, dilations, pads[:2], pads[2:], strict=True
        )
    ]
    weights = net.weights(2 * group, channels // group, *kernel)
    count = shifted * prod(kernel)
    shape = [2 * count, *results]
    offset = _shaped(net, shape, x.shape[0]) if net.chance() else net.weights(x.shape[0], *shape)
    mask = net.positive(x.shape[0], count, *results) if net.chance() else None
    bias = net.weights(2 * group) if net.chance() else None
    settings: Settings = {"strides": strides, "dilations": dilations, "pads": pads}
    return net.node(
        op, x, weights, offset, bias, mask, group=group, offset_group=shifted, **settings
    )


@recipe("RoiAlign")
def roi_align(net: Net, op: str) -> object:
    if net.batch:
        raise Impossible
    x = net.image()
    if x.rank != 4:
        raise Impossible
    regions = net.integer(1, 3)
    corners = net.random.uniform(0, 5, (regions, 4)).astype(np.float32)
    corners[:, 2:] += corners[:, :2]
    images = np.array(net.sizes(regions, 0, x.shape[0] - 1), np.int64)
    settings: Settings = {"mode": net.choose(["avg", "max"]), "sampling_ratio": net.integer(1, 3)}
    if net.has(op, "coordinate_transformation_mode"):
        modes = ["half_pixel", "output_half_pixel"]
        settings["coordinate_transformation_mode"] = net.choose(modes)
    sizes = {"output_height": net.integer(1, 3), "output_width": net.integer(1, 3)}
    scale = net.choose([0.5, 1.0])
    return net.node(op, x, corners, images, spatial_scale=scale, **sizes, **settings)


@recipe("TfIdfVectorizer")
def tf_idf_vectorizer(net: Net, op: str) -> object:
    """Of tokens 0, 1 and 2."""
    x = net.pick(INT32, INT64, FLOAT, low=1 + net.outer, high=2)
    if x.kind == FLOAT:  # 0 where it is
        (x,) = net.node("Cast", *net.node("Cast", x, to=BOOL), to=INT64)
    tokens = net.node("Mod", x, np.array(3, np.int32 if x.kind == INT32 else np.int64))
    orders = [net.integer(0, 2) for _ in range(3)]
    pool = [
        list(gram)
        for order, count in enumerate(orders, 1)
        for gram in {tuple(net.sizes(order, 0, 2)) for _ in range(count)}
    ]
    if not pool:
        raise Impossible
    starts = [sum(order * (len(g) == order) for g in pool) for order in (1, 2)]
    most = net.integer(1, 3)
    settings: Settings = {"weights": net.positive(len(pool)).tolist()} if net.chance() else {}
    return net.node(
        op,
        *tokens,
        mode=net.choose(["TF", "IDF", "TFIDF"]),
        min_gram_length=net.integer(1, most),
        max_gram_length=most,
        max_skip_count=net.integer(0, 3),
        ngram_counts=[0, starts[0], sum(starts)],
        ngram_indexes=net.random.permutation(len(pool)).tolist(),
        pool_int64s=[token for gram in pool for token in gram],
        **settings,
    )


def _parted(net: Net, parts: int) -> Value:
    """A tensor whose last dimension has this many parts of a number."""
    x = net.pick()
    return _shaped(net, [*x.shape[1:], parts], x.shape[0])


def _shaped(net: Net, shape: list[int], batch: int = 1) -> Value:
    """A tensor of this shape behind a batch, made of the elements of another one."""
    x = net.pick(FLOAT, where=lambda value: value.shape[0] == batch)
    (flat,) = net.node("Reshape", x, shape=[batch, -1])
    count = prod(shape)
    repeats = -(-count // flat.shape[1])
    (many,) = net.node("Concat", *[flat] * repeats, axis=1)
    (enough,) = net.node("Gather", many, np.arange(count), axis=1)
    (result,) = net.node("Reshape", enough, shape=[batch, *shape])
    return result
