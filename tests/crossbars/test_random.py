"""The random numbers of models: known answers, distribution, and independence of what is asked for together."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmir.crossbars.random import Columns, key_of, normals, normals_of_cells, philox


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)  # fmt: skip
def test_known_answers(counter: str, key: str, words: str) -> None:
    """The answers are those that the authors of the generator publish with it (Random123, kat_vectors)."""
    c0, c1, c2, c3 = (np.array([int(word, 16)], np.uint64) for word in counter.split())
    k0, k1 = (int(word, 16) for word in key.split())
    found = philox((k0, k1), (c0, c1, c2, c3))
    assert [f"{int(word[0]):08x}" for word in found] == words.split()


def columns_of(*pairs: tuple[int, int]) -> Columns:
    samples, iterations = zip(*pairs, strict=True)
    return Columns(np.array(samples), np.array(iterations))


def test_deviates_are_the_inverse_of_the_distribution() -> None:
    key, columns = key_of("x"), columns_of((0, 0), (0, 1), (1, 0), (2**32 + 1, 5))
    found = normals(key, 6, columns)
    for row in range(6):
        for k, (sample, iteration) in enumerate(zip(*columns, strict=True)):
            counter = (row // 4, int(iteration), int(sample) % 2**32, int(sample) >> 32)
            c0, c1, c2, c3 = (np.array([word], np.uint64) for word in counter)
            word = int(philox(key, (c0, c1, c2, c3))[row % 4][0])
            expected = NormalDist().inv_cdf((word + 0.5) / 2**32)
            assert found[row, k] == pytest.approx(expected, rel=1e-6, abs=1e-7)


pairs = st.tuples(st.integers(0, 2**40), st.integers(0, 2**31))


@given(st.lists(pairs, min_size=1, max_size=40), st.integers(1, 40), st.data())
def test_a_deviate_depends_on_its_coordinates_alone(
    wanted: list[tuple[int, int]], rows: int, data: st.DataObject
) -> None:
    key = key_of(3, "core", 0)
    found = normals(key, rows, columns_of(*wanted))
    one = data.draw(st.integers(0, len(wanted) - 1))
    fewer = data.draw(st.integers(1, rows))
    assert np.array_equal(normals(key, fewer, columns_of(wanted[one]))[:, 0], found[:fewer, one])


def test_distribution() -> None:
    """Moments of 2.4 million deviates, within five standard errors, and no correlation between neighbours."""
    z = normals_of_cells(key_of(1), (512, 4608))
    error = z.size**-0.5
    assert abs(z.mean()) < 5 * error
    assert abs((z**2).mean() - 1) < 5 * error * 2**0.5
    assert abs((z**3).mean()) < 5 * error * 15**0.5
    assert abs((z**4).mean() - 3) < 5 * error * 96**0.5
    assert abs((z[1:] * z[:-1]).mean()) < 5 * error
    assert abs((z[:, 1:] * z[:, :-1]).mean()) < 5 * error


def test_keys_differ() -> None:
    names = [(0, "a", 1), (0, "a", 2), (1, "a", 1), (0, "b", 1), (0, "a", 1, "x")]
    assert len({key_of(*name) for name in names}) == len(names)
