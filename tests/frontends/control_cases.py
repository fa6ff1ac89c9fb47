"""Models with control flow, in ONNX's textual syntax, by name: (inputs, body, outputs)."""

from __future__ import annotations

NEITHER = "then_branch = g () => (t) { t = Relu(x) }, else_branch = h () => (e) { e = Neg(x) }"

CASES: dict[str, tuple[str, str, str]] = {
    "If of a shape": (
        "float[N,4] x",
        "s = Shape(x) i = Constant<value_ints = [1]>() n = Gather(s, i)"
        f" four = Constant<value_int = 4>() c = Equal(n, four) y = If(c)<{NEITHER}>",
        "float[] y",
    ),
    "If that is false": (
        "float[N,4] x, float[N,4] x2",
        "c = Constant<value = bool {0}>() a = Relu(x2) y = If(c)<"
        " then_branch = g () => (t) { t = Identity(x) },"
        " else_branch = h () => (e) { b = Abs(x) e = Add(a, b) }>",
        "float[] y",
    ),
    "If by data": (
        "float[N,4] x",
        "m = ReduceMax<axes = [1]>(x) o = Constant<value_float = 1.5>() c = Greater(m, o)"
        f" d = Not(c) p = If(c)<{NEITHER}> q = If(d)<{NEITHER}> y = Sub(p, q)",
        "float[] y",
    ),
    "If in an If": (
        "float[N,4] x",
        "c = Constant<value = bool {1}>() m = ReduceMax<axes = [1]>(x) o = Constant<value_float = 1.5>()"
        " d = Greater(m, o) k = Abs(x) y = If(c)<then_branch = f () => (r) { r = If(d)<"
        " then_branch = g () => (t) { t = Add(x, k) }, else_branch = h () => (e) { e = Neg(k) }> },"
        " else_branch = z () => (w) { w = Identity(x) }>",
        "float[] y",
    ),
    "Loop": (
        "float[N,4] x",
        "n = Constant<value = int64 {3}>() c = Constant<value = bool {1}>() w = Abs(x)"
        " y = Loop(n, c, x)<body = b (int64 i, bool k, float[1,4] v) => (k2, v2)"
        " { k2 = Identity(k) f = Cast<to = 1>(i) p = Mul(v, w) v2 = Add(p, f) }>",
        "float[] y",
    ),
    "Loop until": (
        "float[N,4] x",
        "c = Constant<value = bool {1}>() y = Loop(, c, x)<"
        " body = b (int64 i, bool k, float[1,4] v) => (k2, v2)"
        " { two = Constant<value = int64 {2}>() k2 = Less(i, two) v2 = Add(v, x) }>",
        "float[] y",
    ),
    "Scan": (
        "float[N,5,3] x, float[1,3] zero",
        "a, z = Scan(zero, x)<num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [2],"
        " scan_input_directions = [1],"
        " body = b (float[1,3] s, float[1,3] v) => (s2, o) { t = Tanh(s) s2 = Add(t, v) o = Neg(s2) }>"
        " y = Relu(a)",
        "float[] y, float[] z",
    ),
}
