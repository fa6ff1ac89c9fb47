"""Random writers, readers, orders and sets, as ISL texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import islpy as isl
from hypothesis import strategies as st


@st.composite
def orders(draw: st.DrawFn, name: str, dims: Sequence[str], domain: isl.Set) -> isl.Map:
    """A schedule of `domain`: its own order, reversed, interchanged, skewed or tiled."""
    times = list(dims)
    if len(times) > 1 and draw(st.booleans()):
        times = draw(st.permutations(times))
    if draw(st.booleans()):
        times = [draw(st.sampled_from([t, f"-{t}"])) for t in times]
    match draw(st.sampled_from(["plain", "plain", "tiled", "skewed"])):
        case "tiled":
            sizes = [draw(st.integers(2, 3)) for _ in times]
            outer = [f"floor(({t})/{size})" for t, size in zip(times, sizes, strict=True)]
            times = [*outer, *times]
        case "skewed" if len(times) > 1:
            times = [f"{times[0]} + {times[1]}", *times[1:]]
        case _:
            pass
    text = f"{{ {name}[{', '.join(dims)}] -> [{', '.join(times)}] }}"
    return isl.Map(text).intersect_domain(domain)


@dataclass(frozen=True)
class Accesses:
    """A writer and a reader of the array b, which has `shape`: W and R, and the orders of both."""

    shape: tuple[int, ...]
    write: isl.Map
    read: isl.Map
    order_w: isl.Map
    order_r: isl.Map


@st.composite
def accesses(draw: st.DrawFn, rank: int | None = None) -> Accesses:
    """A writer that covers an array, element by element or in blocks, and a reader like a convolution.

    The reader may have iterations that read nothing: before, among and after those that do; and it may leave
    elements unread.
    """
    rank = rank or draw(st.integers(1, 2))
    locations = ["h", "w"][:rank]
    block = draw(st.integers(1, 3)) if draw(st.booleans()) else 1
    counts = [draw(st.integers(1, 5)) for _ in range(rank)]
    shape = (counts[0] * block, *counts[1:])
    inside = [f"0 <= {d} < {size}" for d, size in zip(locations, shape, strict=True)]
    array = f"b[{', '.join(locations)}]"

    iterations = ["i", "j"][:rank]
    written = [f"{block}i <= h < {block}i + {block}", *(["w = j"] if rank == 2 else [])]
    # Over a box that is too large: only iterations that write are in the domain of the relation.
    bounds = [f"0 <= {d} < {count}" for d, count in zip(iterations, counts, strict=True)]
    writer = f"W[{', '.join(iterations)}]"
    write = isl.Map(f"{{ {writer} -> {array} : {' and '.join([*written, *inside])} }}")
    writes = isl.Set(f"{{ {writer} : {' and '.join(bounds)} }}")

    windows: list[str] = []
    domain: list[str] = []
    for d, at, size in zip(iterations, locations, shape, strict=True):
        kernel, stride, dilation = (draw(st.integers(1, 3)) for _ in range(3))
        shift = draw(st.integers(-6, 3))
        windows.append(
            f"exists (k : 0 <= k < {kernel} and {at} = {stride}{d} + {dilation}k + {shift})"
        )
        domain.append(f"0 <= {d} < {draw(st.integers(1, size + 3))}")
    reader = f"R[{', '.join(iterations)}]"
    read = isl.Map(f"{{ {reader} -> {array} : {' and '.join([*windows, *domain, *inside])} }}")
    if draw(st.booleans()):  # a second read, such as the residual's
        first = isl.Map(f"{{ {reader} -> {array} : {' and '.join([*domain, *inside])} }}")
        also = isl.Map(f"{{ {reader} -> b[{', '.join(iterations)}] }}")
        read = read.union(first.intersect(also))
    if draw(st.booleans()):  # some iterations read nothing
        only = draw(st.sampled_from(["i mod 2 = 0", "i mod 3 = 1", "i >= 2", "i <= 2"]))
        read = read.intersect_domain(isl.Set(f"{{ {reader} : {only} }}"))
    reads = isl.Set(f"{{ {reader} : {' and '.join(domain)} }}")
    return Accesses(
        shape,
        write,
        read,
        draw(orders("W", iterations, writes)),
        draw(orders("R", iterations, reads)),
    )


@st.composite
def across(draw: st.DrawFn, case: Accesses, back: int = 2) -> isl.Map:
    """The read of a case, of inferences up to `back` before: `{ R[…] -> b[m, location] }`.

    Windows of inferences, one or several at once, depending on the iteration or on the row; some are reversed.
    """
    dims = ["h", "w"][: len(case.shape)]
    height = case.shape[0]
    pieces: list[isl.Map] = []
    for _ in range(draw(st.integers(1, 2))):
        row = draw(st.sampled_from(["h", "h", f"{height - 1} - h"]))
        first, second = draw(st.integers(-back, 0)), draw(st.integers(-back, 0))
        rows = draw(st.sampled_from(["0 <= h", "h mod 2 = 0", "h <= 1"]))
        location, moved = ", ".join(dims), ", ".join([row, *dims[1:]])
        to = isl.Map(
            f"{{ b[{location}] -> b[m = {first}, {moved}] : {rows}; "
            f"b[{location}] -> b[m = {second}, {moved}] : not ({rows}) }}"
        )
        read = case.read
        if draw(st.booleans()):
            rank = read.dim(isl.dim_type.in_)
            iterations = ", ".join(["i", "j"][:rank])
            name = read.get_tuple_name(isl.dim_type.in_)
            only = draw(st.sampled_from(["i mod 2 = 0", "i <= 0", "i >= 1"]))
            read = read.intersect_domain(isl.Set(f"{{ {name}[{iterations}] : {only} }}"))
        pieces.append(read.apply_range(to))
    return pieces[0] if len(pieces) == 1 else pieces[0].union(pieces[1])


@st.composite
def own_accesses(draw: st.DrawFn) -> Accesses:
    """A stage that reads what it writes itself: reader and writer have the same iterations and the same order."""
    case = draw(accesses())
    inside = case.order_w.domain()
    name = inside.get_tuple_name()
    read = case.read.set_tuple_name(isl.dim_type.in_, name).intersect_domain(inside)
    return Accesses(case.shape, case.write, read, case.order_w, case.order_w)


@st.composite
def sets(draw: st.DrawFn, dims: Sequence[str], name: str = "") -> isl.Set:
    """A bounded set: boxes, cut by half-spaces and lattices, and unions of two such; maybe empty."""

    def piece() -> str:
        constraints = []
        for d in dims:
            low = draw(st.integers(-4, 4))
            constraints.append(f"{low} <= {d} <= {low + draw(st.integers(0, 6))}")
        for _ in range(draw(st.integers(0, 2))):
            coefficients = [draw(st.integers(-2, 2)) for _ in dims]
            sum = " + ".join(f"({c}*{d})" for c, d in zip(coefficients, dims, strict=True))
            relation = draw(st.sampled_from([">= 0", "<= 2", "mod 2 = 0", "mod 3 = 1"]))
            constraints.append(f"({sum} + {draw(st.integers(-2, 2))}) {relation}")
        return " and ".join(constraints)

    tuple = f"{name}[{', '.join(dims)}]"
    pieces = [f"{tuple} : {piece()}" for _ in range(draw(st.integers(1, 2)))]
    return isl.Set(f"{{ {'; '.join(pieces)} }}")
