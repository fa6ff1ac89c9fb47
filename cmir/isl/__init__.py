"""Exact integer sets and relations: everything in cmir that talks to islpy.

This package is the lowest room: it knows ISL and upstream xDSL dialects, but none of cmir's own. It implements the
mathematics of `docs/design.md` §3 on plain ISL objects.
"""

from cmir.isl.text import (
    IslError,
    canonical_map,
    canonical_set,
    dim_names,
    is_tuple_name,
    read_map,
    read_set,
    reread_map,
    reread_set,
)

__all__ = [
    "IslError",
    "canonical_map",
    "canonical_set",
    "dim_names",
    "is_tuple_name",
    "read_map",
    "read_set",
    "reread_map",
    "reread_set",
]
