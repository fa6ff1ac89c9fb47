"""Accesses across inferences: relations whose locations begin with m, an inference relative to the iteration's own.

`{ [cell[t] -> lane[c]] -> h[m, t, c] }` with m = −1 reads what the preceding inference has written. Accesses within an
inference are the case m = 0.
"""

from __future__ import annotations

import islpy as isl

from cmir.isl.text import read_map


def in_any_inference(access: isl.Map) -> isl.Map:
    """Return `{ … -> b[m, location] }` without its inference: `{ … -> b[location] }`."""
    name = access.get_tuple_name(isl.dim_type.out)
    return access.project_out(isl.dim_type.out, 0, 1).set_tuple_name(isl.dim_type.out, name)


def in_own_inference(access: isl.Map) -> isl.Map:
    """Return `{ … -> b[location] }` with the inference of the iteration itself: `{ … -> b[m = 0, location] }`."""
    name = access.get_tuple_name(isl.dim_type.out)
    result = access.insert_dims(isl.dim_type.out, 0, 1).fix_val(isl.dim_type.out, 0, isl.Val(0))
    return result.set_tuple_name(isl.dim_type.out, name)


def in_each_inference(relation: isl.Map) -> isl.Map:
    """Return `{ [m, x] -> [m, y] }` for `{ [x] -> [y] }`."""
    result = relation.insert_dims(isl.dim_type.in_, 0, 1).insert_dims(isl.dim_type.out, 0, 1)
    return result.equate(isl.dim_type.in_, 0, isl.dim_type.out, 0)


def of_own_inference(access: isl.Map) -> isl.Map:
    """Return the part of `{ … -> b[m, location] }` with m = 0, without m."""
    return in_any_inference(access.fix_val(isl.dim_type.out, 0, isl.Val(0)))


def inferences_back(access: isl.Map) -> int:
    """Return how many inferences an access `{ … -> b[m, location] }` reaches back: the largest −m, at least 0."""
    inferences = access.range()
    return 0 if inferences.is_empty() else max(0, -inferences.dim_min_val(0).to_python())


def across(access: isl.Map) -> isl.Map:
    """Return `{ [time] -> b[m, location] }` in the stream: `{ [n, time] -> b[n + m, location] }`, n unbounded."""
    name = access.get_tuple_name(isl.dim_type.out) or ""
    times = ", ".join(["n", *(f"t{d}" for d in range(access.dim(isl.dim_type.in_)))])
    location = [f"x{d}" for d in range(1, access.dim(isl.dim_type.out))]
    relative, absolute = (f"{name}[{', '.join([m, *location])}]" for m in ("m", "n + m"))
    shift = read_map(f"{{ [[{times}] -> {relative}] -> {absolute} }}")
    return access.insert_dims(isl.dim_type.in_, 0, 1).domain_map().reverse().apply_range(shift)
