"""Relations that are products of others with fewer dimensions.

Images are computed row by row, and what a window reads in its rows does not depend on its columns. So most dependences
relate the last coordinates, the columns, regardless of the others. Stages are spread over cores by columns; then only
the factor for the last coordinates depends on the cores. Each factor is much easier to compute with than their product.
"""

from __future__ import annotations

import islpy as isl


def factors(relation: isl.Map, inputs: int) -> tuple[isl.Map, isl.Map] | None:
    """Return two relations whose `product` is the given one, or None if there are none of this kind.

    The second factor has the last output and the last `inputs` inputs, and all parameters; the first has the others.
    """
    outer = relation.dim(isl.dim_type.in_) - inputs, relation.dim(isl.dim_type.out) - 1
    if min(outer) < 0 or outer == (0, 0):
        return None
    first = _without(relation, outer[0], inputs, outer[1], 1)
    first = first.project_out(isl.dim_type.param, 0, first.dim(isl.dim_type.param)).coalesce()
    second = _without(relation, 0, outer[0], 0, outer[1]).coalesce()
    # The product of projections contains the relation.
    return (first, second) if product(first, second, relation).is_subset(relation) else None


def _without(relation: isl.Map, from_in: int, ins: int, from_out: int, outs: int) -> isl.Map:
    relation = relation.project_out(isl.dim_type.in_, from_in, ins)
    return relation.project_out(isl.dim_type.out, from_out, outs)


def product(first: isl.Map, second: isl.Map, like: isl.Map) -> isl.Map:
    """Return `{ [i, j] -> [k, l] }` for `{ [i] -> [k] }` and `{ [j] -> [l] }`, with names of tuples as in `like`."""
    result = first.flat_product(second)
    for kind in (isl.dim_type.in_, isl.dim_type.out):
        if like.has_tuple_id(kind):
            result = result.set_tuple_id(kind, like.get_tuple_id(kind))
    return result


def set_factors(points: isl.Set) -> tuple[isl.Set, isl.Set] | None:
    """Return two sets whose product is the given one; the second has the last dimension, and all parameters."""
    split = factors(isl.Map.from_range(points), 0)
    return split and (split[0].range(), split[1].range())
