"""Parsing and printing of ISL objects.

Every object lives in one context, so sets from different places can be combined. Texts are parsed once: the
same relation appears in an access, in a dependence and in a generated program, and parsing is the dearest
part of handling it.
"""

from __future__ import annotations

import re
from functools import lru_cache

import islpy as isl


class IslError(Exception):
    """An ISL text that does not parse; the message quotes the text and gives ISL's reason."""


CONTEXT = isl.DEFAULT_CONTEXT


@lru_cache(maxsize=65536)
def read_map(text: str) -> isl.Map:
    """The relation that `text` denotes, e.g. `{ conv[w] -> b[w + 1] : 0 <= w < 8 }`. Raises IslError."""
    try:
        return isl.Map.read_from_str(CONTEXT, text)
    except isl.Error as error:
        raise IslError(f'ill-formed relation "{text}": {_reason(error, "one relation")}') from None


@lru_cache(maxsize=65536)
def read_set(text: str) -> isl.Set:
    """The set that `text` denotes, e.g. `{ conv[w] : 0 <= w < 8 }`. Raises IslError."""
    try:
        return isl.Set.read_from_str(CONTEXT, text)
    except isl.Error as error:
        raise IslError(f'ill-formed set "{text}": {_reason(error, "one set")}') from None


def is_tuple_name(name: str) -> bool:
    """Whether ISL can call a tuple so. Its own words, such as `mod`, are fine."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None


def _reason(error: isl.Error, wanted: str) -> str:
    """What ISL says, without the C function and source position it adds."""
    message = str(error).partition(" failed: ")[2] or str(error)
    if "obj.type" in message:  # well-formed, but an object of another kind
        return f"it is not {wanted}"
    return message.partition(" in /")[0]
