"""Parsing and printing of ISL objects.

All objects live in one context, so sets from different sources can be combined. Texts are parsed once: the same
relation appears in an access, in a dependence and in a generated program, and parsing is the most expensive part of
handling it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import TypeVar

import islpy as isl

from cmir.isl.memo import lookup, unnamed


class IslError(Exception):
    """An ISL text that does not parse; the message quotes the text and gives ISL's reason."""


CONTEXT = isl.DEFAULT_CONTEXT


_KEPT = 65536
"""Limit of texts whose objects are kept, of each kind."""

_maps: dict[str, isl.Map] = {}
_sets: dict[str, isl.Set] = {}


def read_map(text: str) -> isl.Map:
    """Return the relation denoted by `text`, e.g. `{ conv[w] -> b[w + 1] : 0 <= w < 8 }`. Raises IslError."""
    return lookup(_maps, text, lambda: _fresh_map(text), _KEPT)


def read_set(text: str) -> isl.Set:
    """Return the set denoted by `text`, e.g. `{ conv[w] : 0 <= w < 8 }`. Raises IslError."""
    return lookup(_sets, text, lambda: _fresh_set(text), _KEPT)


def reread_map(relation: isl.Map) -> isl.Map:
    """Return the relation as ISL reads it from its own text, under which `read_map` then finds it.

    What ISL prints for the result does not depend on how the relation was computed. Relations that differ in the names
    of their tuples alone are read once.
    """
    fresh = read_map(str(unnamed(relation)))
    for side in (isl.dim_type.in_, isl.dim_type.out):
        if relation.has_tuple_id(side):
            fresh = fresh.set_tuple_id(side, relation.get_tuple_id(side))
    return lookup(_maps, str(fresh), lambda: fresh, _KEPT)


def reread_set(points: isl.Set) -> isl.Set:
    """Return the set as ISL reads it from its own text; see `reread_map`."""
    fresh = read_set(str(points.reset_tuple_id()))
    if points.has_tuple_id():
        fresh = fresh.set_tuple_id(points.get_tuple_id())
    return lookup(_sets, str(fresh), lambda: fresh, _KEPT)


def _fresh_map(text: str) -> isl.Map:
    return _read(isl.Map.read_from_str, text, "relation")


def _fresh_set(text: str) -> isl.Set:
    return _read(isl.Set.read_from_str, text, "set")


_Object = TypeVar("_Object", isl.Map, isl.Set)


def _read(parse: Callable[[isl.Context, str], _Object], text: str, kind: str) -> _Object:
    """Return the object that `text` denotes, if ISL finds it within a limit of operations. Raises IslError.

    Texts are given from outside, and the disjuncts of `a != b and a != c and …` multiply.
    """
    limited = CONTEXT.get_max_operations() > 0
    with nullcontext() if limited else most_operations(MOST_OPERATIONS):
        try:
            return parse(CONTEXT, text)
        except isl.Error as error:
            if limited and is_exhausted():
                raise  # the limit is that of a step of compilation
            if is_exhausted():
                raise IslError(
                    f'the {kind} "{_shortened(text)}" has too many pieces: ISL needs more than'
                    f" {CONTEXT.get_max_operations()} operations to read it"
                ) from None
            raise IslError(f'ill-formed {kind} "{text}": {_reason(error, f"one {kind}")}') from None


MOST_OPERATIONS = 20_000_000
"""ISL's operations to read a text: some seconds. A relation in a thousand pieces takes a tenth of them."""


@contextmanager
def most_operations(count: int) -> Generator[None]:
    """Let ISL use up to `count` operations in the `with` block; beyond, it raises `isl.Error`.

    A limit that was in force before counts from the beginning again after the block.
    """
    outer = CONTEXT.get_max_operations()
    CONTEXT.reset_operations()
    CONTEXT.set_max_operations(count)
    try:
        yield
    finally:
        CONTEXT.set_max_operations(outer)
        CONTEXT.reset_operations()


def is_exhausted() -> bool:
    """Return True if the limit of operations is reached. A parser that reaches it says that the syntax is wrong."""
    try:
        isl.Set.read_from_str(CONTEXT, "{ [i] : 0 <= i < 9 }")
    except isl.Error:
        return True
    return False


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}…"


def dim_names(points: isl.Set, prefix: str = "i") -> list[str]:
    """Return the names of a set's dimensions; an unnamed one is called by the prefix and its number."""
    dims = range(points.dim(isl.dim_type.set))
    return [points.get_dim_name(isl.dim_type.set, d) or f"{prefix}{d}" for d in dims]


def is_tuple_name(name: str) -> bool:
    """Return True if ISL accepts this name for a tuple. ISL's keywords, such as `mod`, are allowed."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None


@lru_cache(maxsize=65536)
def canonical_map(text: str) -> str:
    """Return ISL's canonical text of a relation. Raises IslError."""
    return _spelling(_fresh_map, text)


@lru_cache(maxsize=65536)
def canonical_set(text: str) -> str:
    """Return ISL's canonical text of a set. Raises IslError."""
    return _spelling(_fresh_set, text)


def _spelling(read: Callable[[str], isl.Map | isl.Set], text: str) -> str:
    """Return the text that ISL prints for an object parsed from `text`, iterated to a fixed point.

    ISL rewrites the constraints of its objects as it computes with them, so an object that has been used can print
    differently from a fresh one. Canonical texts must not depend on that.
    """
    for _ in range(_SPELLINGS):
        text, before = str(read(text)), text
        if text == before:
            break
    return text


_SPELLINGS = 4
"""Limit of iterations to the fixed point; ISL needs one, seldom two."""


def _reason(error: isl.Error, wanted: str) -> str:
    """Return ISL's message, without the C function and source position that ISL adds."""
    message = str(error).partition(" failed: ")[2] or str(error)
    if "obj.type" in message:  # well-formed, but an object of another kind
        return f"it is not {wanted}"
    return message.partition(" in /")[0]
