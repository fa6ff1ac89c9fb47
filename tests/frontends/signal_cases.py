"""Fourier transforms, sampling at positions that are data, and operators on sequences."""

from __future__ import annotations

IMAGE = "float[N,3,8,9] x"
ROWS = "float[N,4,5] x"
SIGNAL = "float[N,12,1] x"
SPECTRUM = "float[N,7,2] x"


SMALL = "l = Constant<value = int32 {-9}>() h = Constant<value = int32 {9}>() c = Clip(x, l, h)"
"""Limits x to numbers whose powers double precision represents: onnxruntime computes in it."""

CASES: dict[str, tuple[str, str]] = {
    "Det": ("float[N,3,4,4] x", "y = Det(x)"),
    "Det of five rows": ("float[N,5,5] x", "y = Det(x)"),
    "Det of one row": ("float[N,2,1,1] x", "y = Det(x)"),
    "Compress": (
        ROWS,
        "c = Constant<value = bool[3] {1, 0, 1}>() y = Compress<axis = 1>(x, c)",
    ),
    "Compress from the end": (
        ROWS,
        "c = Constant<value = bool[5] {0, 1, 0, 1, 1}>() y = Compress<axis = -1>(x, c)",
    ),
    "MaxUnpool": (
        IMAGE,
        "m, i = MaxPool<kernel_shape = [2, 3], strides = [2, 3]>(x)"
        " y = MaxUnpool<kernel_shape = [2, 3], strides = [2, 3]>(m, i)",
    ),
    "Pow of int64": (
        "int64[N,4,5] x",
        "e = Constant<value_ints = [3, 0, 63, 1, 6]>() p = Pow(x, e) y = Cast<to = 1>(p)",
    ),
    "Pow of int32 and float": (
        "int32[N,4,5] x",
        f"{SMALL} e = Constant<value_floats = [3.0, 0.0, 2.0, 1.0, 6.0]>()"
        " p = Pow(c, e) y = Cast<to = 1>(p)",
    ),
    "Pow of int32 and halves": (
        "int32[N,4,5] x",
        f"{SMALL} b = Mul(c, c) e = Constant<value_floats = [0.5, 1.5, 2.5, 1.0, 3.0]>()"
        " p = Pow(b, e) y = Cast<to = 1>(p)",
    ),
    "Pow of int32 and computed floats": (
        "int32[N,4,5] x",
        f"{SMALL} f = Cast<to = 1>(c) e = Abs(f) p = Pow(c, e) y = Cast<to = 1>(p)",
    ),
    "TfIdfVectorizer": (
        "int32[N,9] x",
        'y = TfIdfVectorizer<mode = "TF", min_gram_length = 1, max_gram_length = 2,'
        " max_skip_count = 3, ngram_counts = [0, 3], ngram_indexes = [5, 0, 2, 1, 4, 7],"
        " pool_int64s = [0, 1, -1, 0, 0, 1, 0, 0, 1]>(x)",
    ),
    "TfIdfVectorizer with weights": (
        "int32[N,9] x",
        'y = TfIdfVectorizer<mode = "TFIDF", min_gram_length = 2, max_gram_length = 2,'
        " max_skip_count = 0, ngram_counts = [0, 3], ngram_indexes = [3, 0, 2, 1, 4, 5],"
        " pool_int64s = [0, 1, -1, 0, 0, 1, 0, 0, 1], weights = [1.5, 2.0, 3.0, 4.0, 5.5, 6.0]>(x)",
    ),
    "TfIdfVectorizer of occurrences": (
        "int32[N,9] x",
        'y = TfIdfVectorizer<mode = "IDF", min_gram_length = 1, max_gram_length = 3,'
        " max_skip_count = 1, ngram_counts = [0, 2, 2], ngram_indexes = [0, 1, 2],"
        " pool_int64s = [0, 1, 0, 0, 1], weights = [1.5, 2.0, 3.0]>(x)",
    ),
}

_STEP = "s = Constant<value_int = 2>()"

OTHER_OPSETS: dict[str, tuple[int, str, str]] = {
    "DFT": (20, SIGNAL, "y = DFT(x)"),
    "DFT of complex numbers": (20, "float[N,3,5,2] x", "y = DFT(x)"),
    "DFT along another axis": (
        20,
        "float[N,5,3,2] x",
        "a = Constant<value_int = 1>() y = DFT(x, , a)",
    ),
    "DFT of more": (20, SIGNAL, "n = Constant<value_int = 15>() y = DFT(x, n)"),
    "DFT of fewer": (20, SIGNAL, "n = Constant<value_int = 7>() y = DFT<onesided = 1>(x, n)"),
    "DFT inverse": (20, SPECTRUM, "y = DFT<inverse = 1>(x)"),
    "DFT one-sided": (17, SIGNAL, "y = DFT<onesided = 1, axis = 1>(x)"),
    "DFT and its inverse": (20, "float[N,6,2] x", "f = DFT(x) y = DFT<inverse = 1>(f)"),
    "STFT": (
        17,
        SIGNAL,
        f"{_STEP} n = Constant<value_int = 5>() y = STFT(x, s, , n)",
    ),
    "STFT with a window": (
        17,
        f"{SIGNAL}, float[4] w",
        f"{_STEP} y = STFT<onesided = 1>(x, s, w)",
    ),
    "STFT of complex numbers": (
        17,
        "float[N,12,2] x, float[4] w",
        f"{_STEP} y = STFT<onesided = 0>(x, s, w)",
    ),
    "CausalConvWithState": (
        27,
        "float[N,3,7] x1, float[3,1,4] w, float[3] b, float[N,3,3] x2",
        'y, z = CausalConvWithState<activation = "silu">(x1, w, b, x2)',
    ),
    "CausalConvWithState without a state": (
        27,
        "float[N,3,2] x, float[3,1,4] w",
        "c, y = CausalConvWithState(x, w) ",
    ),
    "Col2Im": (
        18,
        "float[N,12,20] x",
        "i = Constant<value_ints = [5, 5]>() b = Constant<value_ints = [1, 2]>()"
        " y = Col2Im(x, i, b)",
    ),
    "Col2Im of distant windows": (
        18,
        "float[N,12,12] x",
        "i = Constant<value_ints = [6, 7]>() b = Constant<value_ints = [3, 2]>()"
        " y = Col2Im<strides = [2, 2], pads = [1, 0, 2, 1], dilations = [2, 1]>(x, i, b)",
    ),
    "AffineGrid": (
        20,
        "float[N,2,3] x",
        "s = Constant<value_ints = [1, 1, 4, 5]>() y = AffineGrid(x, s)",
    ),
    "AffineGrid of corners": (
        20,
        "float[N,3,4] x",
        "s = Constant<value_ints = [1, 1, 4, 3, 2]>() y = AffineGrid<align_corners = 1>(x, s)",
    ),
    "DeformConv": (
        19,
        "float[N,4,5,6] x1, float[2,2,2,3] w, float[N,24,6,4] x2, float[2] b, float[N,12,6,4] x3",
        "y = DeformConv<group = 2, offset_group = 2, pads = [1, 0, 1, 0]>(x1, w, x2, b, x3)",
    ),
    "DeformConv of distant elements": (
        19,
        "float[N,2,7,6] x1, float[3,2,2,2] w, float[N,8,3,2] x2",
        "y = DeformConv<strides = [2, 3], dilations = [2, 1], pads = [0, 0, 0, 0]>(x1, w, x2)",
    ),
    "GridSample bicubic": (
        16,
        f"{IMAGE}1, float[N,4,5,2] x2",
        'y = GridSample<mode = "bicubic">(x1, x2)',
    ),
    "GridSample bicubic, reflected": (
        16,
        f"{IMAGE}1, float[N,4,5,2] x2",
        'y = GridSample<mode = "bicubic", padding_mode = "reflection", align_corners = 1>(x1, x2)',
    ),
    "GridSample bicubic at the border": (
        16,
        f"{IMAGE}1, float[N,4,5,2] x2",
        'y = GridSample<mode = "bicubic", padding_mode = "border">(x1, x2)',
    ),
    "GridSample of volumes": (
        20,
        "float[N,2,3,4,3] x1, float[N,2,3,2,3] x2",
        'y = GridSample<padding_mode = "reflection">(x1, x2)',
    ),
    "OptionalGetElement": (18, ROWS, "z = OptionalGetElement(x) y = Relu(z)"),
    "TensorScatter": (
        24,
        "float[N,2,5,3] x1, float[N,2,2,3] x2, int64[N] x3",
        "a = Mul(x3, x3) y = TensorScatter(x1, x2, a)",
    ),
    "TensorScatter in a circle": (
        24,
        "float[N,5,3] x1, float[N,4,3] x2",
        ' y = TensorScatter<mode = "circular", axis = 1>(x1, x2)',
    ),
    **{
        f"BitCast of {source} to {target}": (
            26,
            f"{source}[N,4,5] x",
            f"z = BitCast<to = {to}>(x) y = Cast<to = 1>(z)",
        )
        for source, target, to in (
            ("float", "int32", 6),
            ("float16", "int16", 5),
            ("double", "int64", 7),
        )
    },
    "BitCast of int32 to float": (
        26,
        "int32[N,4,5] x",
        "i = Constant<value = int32 {1065353216}>() b = Add(x, i) y = BitCast<to = 1>(b)",
    ),
}
