"""Random numbers that depend on a key and on their coordinates alone, in whatever order they are computed.

The generator is Philox 4x32-10 (J. K. Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011). Normal
deviates are the inverse distribution function of its words, so each takes one word. What follows the words consists of
additions, products, divisions and square roots, which IEEE 754 rounds correctly. All processors and all shapes of
arrays therefore give the same bits, which logarithms of a library need not.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

Key = tuple[int, int]
"""Two words of 32 bits."""

Words = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Four arrays of words, as uint64."""


class Columns(NamedTuple):
    """Sample and iteration of each column of the vectors that are multiplied, as arrays of integers.

    Idle lanes belong to no sample and have a negative number; models do not get their columns.
    """

    sample: np.ndarray
    iteration: np.ndarray


_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_WORD = np.uint64(32)


def key_of(*names: object) -> Key:
    """Return the key of a sequence of names and numbers."""
    digest = hashlib.sha256(repr(names).encode()).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")


def philox(key: Key, counter: Words) -> Words:
    """Return the four words of each counter, whose words are arrays of one shape or broadcast to one."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1 = (p1 >> _WORD) ^ c1 ^ np.uint64(k0), p1 & _LOW
        c2, c3 = (p0 >> _WORD) ^ c3 ^ np.uint64(k1), p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return c0, c1, c2, c3


def normals(key: Key, rows: int, columns: Columns) -> np.ndarray:
    """Return standard normal deviates, shape (rows, columns).

    The deviate of a row and a column is the same whatever other rows and columns are asked for.
    """
    sample = np.asarray(columns.sample, np.uint64)
    iteration = np.asarray(columns.iteration, np.uint64)
    blocks = np.arange(-(-rows // 4), dtype=np.uint64)[:, None]
    words = philox(key, (blocks, iteration, sample & _LOW, sample >> _WORD))
    shape = len(blocks), len(sample)
    stacked = np.stack([np.broadcast_to(w, shape) for w in words], axis=1)
    return _normal(stacked.reshape(-1, len(sample))[:rows])


def normals_of_cells(key: Key, shape: tuple[int, int]) -> np.ndarray:
    """Return a standard normal deviate for each cell of a crossbar, shape (outputs, inputs)."""
    outputs, inputs = shape
    return normals(key, outputs, Columns(np.zeros(inputs, np.uint64), np.arange(inputs)))


def _normal(words: np.ndarray) -> np.ndarray:
    """Return the normal deviates of words of 32 bits, each taken as the middle of its interval of probability.

    The rational approximations are those of algorithm AS 241, PPND7 (M. J. Wichura, Applied Statistics 37, 1988), whose
    error is 10⁻⁷ of the deviate.
    """
    p = (words.astype(np.float64) + 0.5) * 2.0**-32
    q = p - 0.5
    r = 0.180625 - q * q
    z = q * _polynomial(_CENTRE[0], r) / _polynomial(_CENTRE[1], r)
    tail = np.abs(q) > 0.425
    outer = q[tail]
    r = np.sqrt(-_log(0.5 - np.abs(outer))) - 1.6
    z[tail] = np.sign(outer) * _polynomial(_TAIL[0], r) / _polynomial(_TAIL[1], r)
    return z


_CENTRE = (
    (3.3871327179, 50.434271938, 159.29113202, 59.109374720),
    (1.0, 17.895169469, 78.757757664, 67.187563600),
)
_TAIL = (
    (1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103),
    (1.0, 0.73700164250, 0.12021132975),
)


def _polynomial(coefficients: tuple[float, ...], x: np.ndarray) -> np.ndarray:
    *lower, highest = coefficients
    total = np.full_like(x, highest)
    for coefficient in reversed(lower):
        total *= x
        total += coefficient
    return total


def _log(x: np.ndarray) -> np.ndarray:
    """Return natural logarithms, by log m = 2 artanh((m − 1) / (m + 1)) of the mantissa, to 10⁻¹⁰."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < 0.7071
    mantissa = np.where(small, 2 * mantissa, mantissa)
    s = (mantissa - 1) / (mantissa + 1)
    artanh = s * _polynomial(tuple(1 / (2 * k + 1) for k in range(7)), s * s)
    return 2 * artanh + (exponent - small) * 0.6931471805599453
