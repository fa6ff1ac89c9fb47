"""Operators that are composed of others, cumulative ones, and norms."""

from __future__ import annotations

IMAGE = "float[N,3,8,9] x"
ROWS = "float[N,4,5] x"

CASES: dict[str, tuple[str, str]] = {
    **{op: (IMAGE, f"y = {op}(x)") for op in ("Atan", "Asinh", "Cos", "Cosh", "Sign", "Sin")},
    **{op: (IMAGE, f"y = {op}(x)") for op in ("Sinh", "Tan")},
    **{op: (IMAGE, f"s = Tanh(x) y = {op}(s)") for op in ("Acos", "Asin", "Atanh")},
    "Acosh": (IMAGE, "c = Cosh(x) y = Acosh(c)"),
    "Mean": ("float[N,3,4] x1, float[N,3,1] x2, float[4] c", "y = Mean(x1, c, x2)"),
    "Mean of one": (IMAGE, "z = Mean(x) y = Relu(z)"),
    "Tile": (IMAGE, "r = Constant<value_ints = [1, 2, 1, 3]>() y = Tile(x, r)"),
    "Tile by nothing": (IMAGE, "r = Constant<value_ints = [1, 1, 1, 1]>() y = Tile(x, r)"),
    "Tile, empty": (
        ROWS,
        "r = Constant<value_ints = [1, 0, 1]>() t = Tile(x, r) y = Concat<axis = 1>(t, x)",
    ),
    "Split, empty": (
        ROWS,
        "s = Constant<value_ints = [4, 0]>() a, b = Split<axis = 1>(x, s)"
        " y = Concat<axis = 1>(b, a, b)",
    ),
    "Gather, empty": (
        ROWS,
        "z = Constant<value_ints = [0]>() i = ConstantOfShape(z) j = Cast<to = 7>(i)"
        " g = Gather<axis = 1>(x, j)"
        " y = Concat<axis = 1>(g, x)",
    ),
    "ReduceL1": (IMAGE, "y = ReduceL1<axes = [2, 3]>(x)"),
    "ReduceLogSum": (IMAGE, "a = Abs(x) y = ReduceLogSum<axes = [1]>(a)"),
    "ReduceLogSumExp": (IMAGE, "y = ReduceLogSumExp<axes = [-1], keepdims = 0>(x)"),
    "ReduceProd": (IMAGE, "y = ReduceProd<axes = [1, 3], keepdims = 0>(x)"),
    "ReduceSumSquare": (IMAGE, "y = ReduceSumSquare<axes = [1, 2, 3]>(x)"),
    "CumSum": (ROWS, "a = Constant<value_int = 1>() y = CumSum(x, a)"),
    "CumSum from the end": (
        ROWS,
        "a = Constant<value_int = -1>() y = CumSum<reverse = 1, exclusive = 1>(x, a)",
    ),
    "CumSum of the others": (
        ROWS,
        "a = Constant<value_ints = [2]>() y = CumSum<exclusive = 1>(x, a)",
    ),
    "GlobalLpPool": (IMAGE, "y = GlobalLpPool<p = 1>(x)"),
    "GlobalLpPool of cubes": (IMAGE, "y = GlobalLpPool<p = 3>(x)"),
    "LpNormalization": (IMAGE, "y = LpNormalization<axis = 1>(x)"),
    "LpNormalization of magnitudes": (IMAGE, "y = LpNormalization<axis = 2, p = 1>(x)"),
    "LpPool": (
        IMAGE,
        "y = LpPool<kernel_shape = [2, 3], strides = [2, 1], pads = [1, 0, 1, 0]>(x)",
    ),
    "LpPool of magnitudes": (IMAGE, "y = LpPool<kernel_shape = [3, 3], p = 1>(x)"),
    "LpPool of cubes": (
        IMAGE,
        'y = LpPool<kernel_shape = [3, 3], p = 3, auto_pad = "SAME_UPPER">(x)',
    ),
    "OneHot": (
        ROWS,
        "i = ArgMax<axis = -1, keepdims = 0>(x) d = Constant<value_int = 5>()"
        " v = Constant<value_floats = [-1.0, 2.0]>() y = OneHot<axis = 1>(i, d, v)",
    ),
    "Mod of floats": (IMAGE, "m = Constant<value_float = 0.75>() y = Mod<fmod = 1>(x, m)"),
    **{
        f"{op} of integers": (
            "int32[N,4,5] x",
            "t = Constant<value = int32 {7}>() m = Mul(x, t)"
            " d = Constant<value = int32[5] {3, -2, 1, -5, 4}>()"
            f" z = {op}(m, d) y = Cast<to = 1>(z)",
        )
        for op in ("Div", "Mod", "Mod<fmod = 1>")
    },
    **{
        f"{op} of {kind}": (
            f"{kind}[N,4,5] x",
            f"d = Constant<value = {kind}[5] {{3, 200, 1, 255, 4}}>() z = {op}(x, d) y = Cast<to = 1>(z)",
        )
        for kind, op in (("uint8", "Max"), ("uint8", "Min"), ("uint8", "Mod"), ("uint16", "Mod"))
    },
    **{
        f"{op} of int64": (
            "int64[N,4,5] x",
            f"d = Constant<value_ints = [3, -2, 1, -5, 4]>() z = {op}(x, d) y = Cast<to = 1>(z)",
        )
        for op in ("Div", "Mod", "Mod<fmod = 1>")
    },
    **{
        f"BitShift {direction} of {kind}": (
            f"{kind}[N,4,5] x",
            f"d = Constant<value = {kind}[5] {{0, 3, 7, 1, 5}}>()"
            f' z = BitShift<direction = "{direction}">(x, d) y = Cast<to = 1>(z)',
        )
        for direction in ("LEFT", "RIGHT")
        for kind in ("uint8", "uint16")
    },
    "MaxPool Indices": (
        IMAGE,
        "r = Round(x) m, i = MaxPool<kernel_shape = [2, 3], pads = [1, 0, 1, 2]>(r) y = Cast<to = 1>(i)",
    ),
    "MaxPool Indices by columns": (
        IMAGE,
        "r = Round(x) m, i = MaxPool<kernel_shape = [3, 3], strides = [2, 1], storage_order = 1>(r)"
        " y = Cast<to = 1>(i)",
    ),
    "OneHot of floats": (
        ROWS,
        "d = Constant<value_float = 3.0>() v = Constant<value_floats = [0.0, 1.0]>() y = OneHot(x, d, v)",
    ),
    "Pad by a list of one": (
        ROWS,
        "p = Constant<value_ints = [0, 1, 0, 0, 0, 2]>() v = Constant<value_floats = [1.5]>()"
        " y = Pad(x, p, v)",
    ),
    "Range": (
        ROWS,
        "a = Constant<value_int = 0>() b = Constant<value_int = 5>() c = Constant<value_int = 1>()"
        " r = Range(a, b, c) f = Cast<to = 1>(r) y = Add(x, f)",
    ),
    "Size": (ROWS, "s = Size(x) f = Cast<to = 1>(s) y = Div(x, f)"),
    "Einsum of heads": (
        "float[N,2,4,3] x1, float[N,2,5,3] x2",
        'y = Einsum<equation = "bhqd,bhkd->bhqk">(x1, x2)',
    ),
    "Einsum with weights": (
        "float[N,4,6] x, float[6,2,3] w",
        'y = Einsum<equation = "bsd,dhk->bhsk">(x, w)',
    ),
    "Einsum with weights for each head": (
        "float[N,2,4,3] x, float[2,5,3] w",
        'y = Einsum<equation = "bhwc,hkc->bhwk">(x, w)',
    ),
    "Einsum of three": (
        "float[N,4,6] x, float[6,3] w, float[3] s",
        'y = Einsum<equation = "bsd,dk,k->bks">(x, w, s)',
    ),
    "Einsum of one": ("float[N,4,6] x", 'y = Einsum<equation = "b i j -> b j">(x)'),
    "Einsum of a diagonal": ("float[N,3,4,3] x", 'y = Einsum<equation = "biji->bji">(x)'),
    "Einsum of elements": (
        "float[N,4,6] x1, float[N,6] x2",
        'y = Einsum<equation = "b...i,bi->b...i">(x1, x2)',
    ),
    "Einsum without a result": (
        "float[N,4,6] x, float[6,3] w",
        'y = Einsum<equation = "...i,ij">(x, w)',
    ),
}

OTHER_OPSETS: dict[str, tuple[int, str, str]] = {
    "Resize antialias": (
        18,
        IMAGE,
        's = Constant<value_ints = [1, 3, 5, 4]>() y = Resize<mode = "linear", antialias = 1>(x, , , s)',
    ),
    "Resize antialias cubic": (
        18,
        IMAGE,
        "s = Constant<value_ints = [1, 3, 3, 11]>()"
        ' y = Resize<mode = "cubic", antialias = 1, exclude_outside = 1>(x, , , s)',
    ),
    "Resize exclude_outside": (
        18,
        IMAGE,
        "s = Constant<value_floats = [1.0, 1.0, 1.5, 0.5]>()"
        ' y = Resize<mode = "cubic", exclude_outside = 1>(x, , s)',
    ),
    **{
        op: (
            18,
            "int32[N,4,5] x",
            f"d = Constant<value = int32[5] {{3, -2, 1, -5, 4}}>() z = {op}(x, d) y = Cast<to = 1>(z)",
        )
        for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")
    },
    **{
        f"{op} of {kind}": (
            18,
            f"{kind}[N,4,5] x",
            f"d = Constant<value = {kind}[5] {{3, 2, 1, 85, 100}}>() z = {op}(x, d) y = Cast<to = 1>(z)",
        )
        for kind in ("uint8", "uint16", "int64")
        for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")
    },
    **{
        f"BitCast of {source} to {target}": (
            26,
            f"{source}[N,4,5] x",
            f"z = BitCast<to = {to}>(x) y = Cast<to = 1>(z)",
        )
        for source, target, to in (
            ("int8", "uint8", 2),
            ("uint8", "int8", 3),
            ("int16", "uint16", 4),
            ("int32", "int32", 6),
        )
    },
    "BitwiseNot of uint8": (18, "uint8[N,4,5] x", "z = BitwiseNot(x) y = Cast<to = 1>(z)"),
    **{
        f"BitShift {direction} of {kind}": (
            28,
            f"{kind}[N,4,5] x",
            f"d = Constant<value = {kind}[5] {{0, 3, -1, 65, 6}}>()"
            f' z = BitShift<direction = "{direction}">(x, d) y = Cast<to = 1>(z)',
        )
        for direction in ("LEFT", "RIGHT")
        for kind in ("int8", "int16", "int32", "int64")
    },
    "BitwiseNot": (18, "int32[N,4,5] x", "z = BitwiseNot(x) y = Cast<to = 1>(z)"),
    "Trilu": (14, ROWS, "y = Trilu(x)"),
    "Trilu below": (14, ROWS, "k = Constant<value_int = -1>() y = Trilu<upper = 0>(x, k)"),
    "Trilu of truth values": (
        14,
        f"{ROWS}, float c",
        "l = Less(x, c) t = Trilu(l) y = Cast<to = 1>(t)",
    ),
    "CumProd": (26, ROWS, "a = Constant<value_int = 1>() y = CumProd(x, a)"),
    "EyeLike": (9, "float[N,6] x", "e = EyeLike<k = 2>(x) y = Add(x, e)"),
    "ReduceL1 input": (18, IMAGE, "a = Constant<value_ints = [3]>() y = ReduceL1(x, a)"),
    "ReduceL1 noop": (18, IMAGE, "y = ReduceL1<noop_with_empty_axes = 1>(x)"),
    "ReduceMax of truth values": (
        20,
        f"{ROWS}, float c",
        "l = Less(x, c) a = Constant<value_ints = [1]>() m = ReduceMax(l, a) y = Cast<to = 1>(m)",
    ),
    "LpPool ceil_mode": (
        18,
        IMAGE,
        "y = LpPool<kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1, dilations = [1, 2]>(x)",
    ),
}
