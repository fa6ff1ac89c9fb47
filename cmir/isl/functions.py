"""Single-valued relations as functions."""

from __future__ import annotations

import islpy as isl

from cmir.isl.unions import MOST_COALESCED


def simplest(relation: isl.Map) -> isl.Map:
    """Simplify a single-valued relation to few and short constraints: a function restricted to the domain."""
    if relation.n_basic_map() > MOST_COALESCED:
        return relation
    relation = relation.coalesce()
    function = isl.Map.from_pw_multi_aff(isl.PwMultiAff.from_map(relation)).coalesce()
    return min(relation, function, key=lambda r: (r.n_basic_map(), len(str(r))))


def is_affine(relation: isl.Map) -> bool:
    """Return True if each piece of a single-valued relation is an affine function, without floors, on its domain."""
    return all(
        piece.remove_divs().affine_hull().is_single_valued() for piece in relation.get_basic_maps()
    )
