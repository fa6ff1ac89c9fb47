"""Relations and sets that are read back from their texts."""

import islpy as isl
import pytest

from cmir.isl import read_map, read_set, reread_map, reread_set

COMPUTED = [
    isl.Map("{ a[i] -> b[j] : 0 <= i < 8 and j = 2i }"),
    isl.Map("{ a[i] -> b[j] : 0 <= i < 8 and j = 2i }").reverse().set_tuple_name(isl.dim_type.out, "c"),
    isl.Map("{ [a[h, w] -> [l]] -> b[h + l, w] : 0 <= h, w < 4 and 0 <= l < 3 }").coalesce(),
    isl.Map("[p0] -> { a[p0, i] -> [n, i'] : 3i' <= i and n = i mod 2 and 0 <= i' < 5 }").lexmax(),
    isl.Map("{ a[i] -> b[j] : 0 <= i <= j < 9 }").subtract(isl.Map("{ a[i] -> b[i + 1] }")),
    isl.Map("{ a[] -> b[] }"),
    isl.Map("{ a[i] -> b[i] : false }"),
]  # fmt: skip


@pytest.mark.parametrize("relation", COMPUTED, ids=str)
def test_a_relation_is_read_from_its_own_text(relation: isl.Map) -> None:
    """The result has the spelling, the names and the points of the relation that the text denotes."""
    again = reread_map(relation)
    assert str(again) == str(read_map(str(relation)))
    assert again.is_equal(relation) and again.get_space().is_equal(relation.get_space())
    assert read_map(str(again)).is_equal(relation)


@pytest.mark.parametrize("relation", COMPUTED, ids=str)
def test_a_set_is_read_from_its_own_text(relation: isl.Map) -> None:
    for points in (relation.domain(), relation.range()):
        again = reread_set(points)
        assert str(again) == str(read_set(str(points)))
        assert again.is_equal(points) and again.get_space().is_equal(points.get_space())
        assert read_set(str(again)).is_equal(points)
