"""Models of one operator that moves data, or needs moved data."""

from __future__ import annotations

IMAGE = "float[N,3,6,5] x"
DEEP = "float[N,8,4,6] x"
PAIR = "float[N,3,4,4] x1, float[N,2,4,4] x2"


def constant(name: str, *values: float) -> str:
    """A constant list of numbers, or one number in it."""
    kind = "ints" if all(isinstance(value, int) for value in values) else "floats"
    return f"{name} = Constant<value_{kind} = [{', '.join(map(str, values))}]>() "


def scales(*values: float) -> str:
    return constant("s", *map(float, values))


def sizes(*values: int) -> str:
    return constant("t", *values)


def resize(mode: str, nearest: str = "round_prefer_floor", kind: str = "nearest") -> str:
    return (
        f'y = Resize<mode = "{kind}", coordinate_transformation_mode = "{mode}",'
        f' nearest_mode = "{nearest}">'
    )


CASES: dict[str, tuple[str, str]] = {
    "Concat": (PAIR, "y = Concat<axis = 1>(x1, x2)"),
    "Concat last axis": (
        "float[N,3,4,4] x1, float[N,3,4,2] x2",
        "y = Concat<axis = -1>(x1, x2, x1)",
    ),
    "Concat parameter": ("float[N,3,4] x, float[1,2,4] p", "y = Concat<axis = 1>(p, x, p)"),
    "Concat one": (IMAGE, "y = Concat<axis = 2>(x)"),
    "Split": (
        IMAGE,
        constant("s", 1, 4, 1) + "a, b, c = Split<axis = 2>(x, s) d = Relu(b)"
        " y = Concat<axis = -2>(c, d, a)",
    ),
    "Split equally": (
        "float[N,4,6] x",
        "a, b = Split<axis = -1>(x) y = Concat<axis = 1>(b, a)",
    ),
    "Split, one part unused": ("float[N,4,6] x", "a, b = Split<axis = 1>(x) y = Relu(b)"),
    "Gather": (IMAGE, constant("i", 2, 0, -1) + "y = Gather<axis = 1>(x, i)"),
    "Gather rows": (IMAGE, constant("i", 5, 3, 1, 1, 0, 4) + "y = Gather<axis = -2>(x, i)"),
    "GatherElements": (
        IMAGE,
        "i = Constant<value = int64[1,3,2,5] {" + ", ".join(["0, -1, 2, 1, -3"] * 6) + "}>()"
        " y = GatherElements<axis = 2>(x, i)",
    ),
    "GatherND": (
        "float[N,3,4,2] x",
        "i = Constant<value = int64[1,2,2] {0, -1, 2, 1}>() y = GatherND<batch_dims = 1>(x, i)",
    ),
    "ScatterElements": (
        "float[N,3,4] x, float[1,1,4] u",
        "i = Constant<value = int64[1,1,4] {0, -1, 2, 1}>() y = ScatterElements<axis = 1>(x, i, u)",
    ),
    "TopK": (IMAGE, constant("k", 3) + "y, i = TopK<axis = 2>(x, k)"),
    "Hardmax": (IMAGE, "y = Hardmax<axis = 1>(x)"),
    "Gather one": (IMAGE, "i = Constant<value_int = -2>() y = Gather<axis = 3>(x, i)"),
    "Expand": ("float[N,3,1,4] x", constant("s", 1, 1, 5, 1) + "y = Expand(x, s)"),
    "Expand of lower rank": ("float[N,3,1,4] x", constant("s", 2, 4) + "y = Expand(x, s)"),
    "Squeeze": ("float[N,1,4,1] x", constant("a", -1) + "y = Squeeze(x, a)"),
    "Unsqueeze": ("float[N,3,4] x", constant("a", 1, -1) + "y = Unsqueeze(x, a)"),
    "DepthToSpace DCR": (DEEP, "y = DepthToSpace<blocksize = 2>(x)"),
    "DepthToSpace CRD": (DEEP, 'y = DepthToSpace<blocksize = 2, mode = "CRD">(x)'),
    "SpaceToDepth": (DEEP, "y = SpaceToDepth<blocksize = 2>(x)"),
    "Pad reflect": (
        IMAGE,
        constant("p", 0, 0, 2, 1, 0, 2, 3, 4) + 'y = Pad<mode = "reflect">(x, p)',
    ),
    "Pad edge": (IMAGE, constant("p", 0, 1, 0, 2, 0, 0, 3, 0) + 'y = Pad<mode = "edge">(x, p)'),
    "Transpose to the front": (IMAGE, "y = Transpose<perm = [0, 2, 3, 1]>(x)"),
    "Slice backwards": (
        IMAGE,
        constant("s", -1, 4)
        + constant("e", -99, 0)
        + constant("a", 1, 2)
        + constant("t", -1, -2)
        + "y = Slice(x, s, e, a, t)",
    ),
    "channel shuffle": (
        "float[N,6,3,4] x",
        constant("s", 0, 2, 3, 3, 4) + constant("t", 0, 6, 3, 4) + "a = Reshape(x, s)"
        " b = Transpose<perm = [0, 2, 1, 3, 4]>(a) y = Reshape(b, t)",
    ),
    "Resize 2 times": (IMAGE, scales(1, 1, 2, 2) + resize("asymmetric", "floor") + "(x, , s)"),
    "Resize half_pixel": (IMAGE, scales(1, 1, 0.6, 1.7) + resize("half_pixel") + "(x, , s)"),
    "Resize ceil": (IMAGE, scales(1, 1, 2.5, 0.5) + resize("asymmetric", "ceil") + "(x, , s)"),
    "Resize prefer_ceil": (
        IMAGE,
        sizes(1, 3, 7, 11) + resize("align_corners", "round_prefer_ceil") + "(x, , , t)",
    ),
    "Resize pytorch": (IMAGE, sizes(1, 3, 1, 7) + resize("pytorch_half_pixel") + "(x, , , t)"),
    "Resize linear": (
        IMAGE,
        scales(1, 1, 2, 3) + resize("half_pixel", kind="linear") + "(x, , s)",
    ),
    "Resize linear down": (
        IMAGE,
        scales(1, 1, 0.6, 0.7) + resize("asymmetric", kind="linear") + "(x, , s)",
    ),
    "Resize linear corners": (
        IMAGE,
        sizes(1, 3, 11, 9) + resize("align_corners", kind="linear") + "(x, , , t)",
    ),
    "Resize cubic": (IMAGE, scales(1, 1, 2, 3) + resize("half_pixel", kind="cubic") + "(x, , s)"),
    "Resize cubic down": (
        IMAGE,
        sizes(1, 3, 4, 3)
        + 'y = Resize<mode = "cubic", coordinate_transformation_mode = "align_corners",'
        + " cubic_coeff_a = -0.5>(x, , , t)",
    ),
    "Resize of a region": (
        IMAGE,
        constant("r", 0.0, 0.0, 0.25, -0.1, 1.0, 1.0, 1.5, 0.75)
        + sizes(1, 3, 7, 4)
        + 'y = Resize<mode = "linear", coordinate_transformation_mode = "tf_crop_and_resize",'
        + " extrapolation_value = 2.5>(x, r, , t)",
    ),
    "Resize of the middle of a region": (
        IMAGE,
        constant("r", 0.0, 0.0, 0.25, 0.5, 1.0, 1.0, 0.5, 0.75)
        + sizes(1, 3, 1, 4)
        + resize("tf_crop_and_resize", "floor")
        + "(x, r, , t)",
    ),
    "Resize linear pytorch": (
        IMAGE,
        sizes(1, 3, 1, 9) + resize("pytorch_half_pixel", kind="linear") + "(x, , , t)",
    ),
    "ConvTranspose": ("float[N,3,4,5] x, float[3,2,3,2] w", "y = ConvTranspose(x, w)"),
    "ConvTranspose bias": (
        "float[N,3,4,5] x, float[3,2,3,3] w, float[2] b",
        "y = ConvTranspose<strides = [2, 3], pads = [1, 0, 0, 1], kernel_shape = [3, 3]>(x, w, b)",
    ),
    "ConvTranspose output_padding": (
        "float[N,3,4,5] x, float[3,2,3,3] w",
        "y = ConvTranspose<strides = [3, 2], output_padding = [2, 1]>(x, w)",
    ),
    "ConvTranspose dilations": (
        "float[N,3,4,5] x, float[3,2,2,2] w",
        "y = ConvTranspose<strides = [2, 1], dilations = [2, 3]>(x, w)",
    ),
    "ConvTranspose grouped": (
        "float[N,4,4,4] x, float[4,3,2,2] w, float[6] b",
        "y = ConvTranspose<group = 2, strides = [2, 2]>(x, w, b)",
    ),
    "ConvTranspose depthwise": (
        "float[N,4,4,4] x, float[4,1,3,3] w",
        "y = ConvTranspose<group = 4, strides = [2, 2], pads = [1, 1, 1, 1]>(x, w)",
    ),
    "ConvTranspose SAME_UPPER": (
        "float[N,2,4,5] x, float[2,2,3,3] w",
        'y = ConvTranspose<auto_pad = "SAME_UPPER", strides = [2, 2]>(x, w)',
    ),
    "ConvTranspose SAME_LOWER": (
        "float[N,2,4,5] x, float[2,2,3,3] w",
        'y = ConvTranspose<auto_pad = "SAME_LOWER", strides = [2, 2]>(x, w)',
    ),
    "ConvTranspose output_shape": (
        "float[N,2,3,3] x, float[2,2,3,3] w",
        "y = ConvTranspose<output_shape = [10, 8], strides = [3, 2]>(x, w)",
    ),
    "ConvTranspose 1-D": (
        "float[N,3,5] x, float[3,2,4] w",
        "y = ConvTranspose<strides = [2], pads = [1, 1]>(x, w)",
    ),
}

OTHER_OPSETS: dict[str, tuple[int, str, str]] = {
    "GridSample": (
        16,
        "float[N,3,6,5] x, float[1,4,3,2] g",
        'y = GridSample<mode = "bilinear", padding_mode = "border">(x, g)',
    ),
    "Scatter": (
        9,
        "float[N,3,4] x, float[1,1,4] u",
        "i = Constant<value = int64[1,1,4] {0, 1, 2, 1}>() y = Scatter<axis = 1>(x, i, u)",
    ),
    "Hardmax of several axes": (11, IMAGE, "y = Hardmax<axis = 2>(x)"),
    "TopK attribute": (9, IMAGE, "y, i = TopK<axis = 2, k = 3>(x)"),
    "Split attributes": (
        11,
        "float[N,4,6] x",
        "a, b = Split<axis = 2, split = [2, 4]>(x) y = Concat<axis = 2>(b, a)",
    ),
    "Split num_outputs": (
        18,
        "float[N,4,7] x",
        "a, b, c = Split<axis = 2, num_outputs = 3>(x) y = Concat<axis = 2>(c, b, a)",
    ),
    "Squeeze attributes": (11, "float[N,1,4,1] x", "y = Squeeze<axes = [1, 3]>(x)"),
    "Unsqueeze attributes": (11, "float[N,3,4] x", "y = Unsqueeze<axes = [2]>(x)"),
    "DepthToSpace 1": (10, DEEP, "y = DepthToSpace<blocksize = 2>(x)"),
    "Upsample attributes": (
        7,
        IMAGE,
        'y = Upsample<scales = [1.0, 1.0, 2.0, 3.0], mode = "nearest">(x)',
    ),
    "Upsample linear": (
        7,
        IMAGE,
        'y = Upsample<scales = [1.0, 1.0, 2.0, 3.0], mode = "linear">(x)',
    ),
    "Resize without modes": (
        10,
        IMAGE,
        "s = Constant<value = float[4] {1.0, 1.0, 0.55, 2.5}>() y = Resize(x, s)",
    ),
    "Resize axes": (
        18,
        IMAGE,
        sizes(12, 10)
        + 'y = Resize<axes = [2, 3], keep_aspect_ratio_policy = "not_larger">(x, , , t)',
    ),
    **{
        f"CenterCropPad {name}": (
            18,
            IMAGE,
            f"s = Constant<value_ints = {sizes}>() y = CenterCropPad<axes = {axes}>(x, s)",
        )
        for name, axes, sizes in (
            ("crop", [2, 3], [5, 4]),
            ("pad", [-1, 1], [12, 8]),
            ("crop and pad", [1, 2, -1], [2, 11, 6]),
        )
    },
    "Pad wrap": (
        19,
        IMAGE,
        constant("p", 0, 0, 2, 1, 0, 2, 3, 4) + 'y = Pad<mode = "wrap">(x, p)',
    ),
}
