"""Parts of parameters as bit sets: two parts without a common bit have no common element."""

from __future__ import annotations

import numpy as np

INPUT = 1
"""The bit of everything that is not a parameter."""


class ParameterParts:
    """The parts of parameters that matrices and operators use, in one program."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bytes], int] = {}
        self._bits: list[int] = [INPUT]
        self._owners: dict[str, np.ndarray] = {}

    def of(self, name: str, size: int, elements: np.ndarray | None = None) -> int:
        """Return the bits of a part of a parameter. elements: increasing indices; None for all."""
        key = name, b"" if elements is None else elements.tobytes()
        if key not in self._known:
            owners = self._owners.setdefault(name, np.zeros(size, np.int32))
            self._known[key] = self._new(owners, slice(None) if elements is None else elements)
        return self._known[key]

    def _new(self, owners: np.ndarray, elements: np.ndarray | slice) -> int:
        """Return a new bit for the elements that are in no other part, and the bits of the parts of the others."""
        others = np.unique(owners[elements])
        number = len(self._bits)
        bits = 1 << number
        for other in others[others > 0]:
            bits |= self._bits[other]
        self._bits.append(bits)
        owners[elements] = np.where(owners[elements] > 0, owners[elements], number)
        return bits


def distinct_along_rows(cells: np.ndarray) -> bool:
    """Return True if no row of a matrix contains an element twice. cells: indices of elements, from 1; 0 for none."""
    if not cells.size or int(np.bincount(cells.reshape(-1))[1:].max(initial=0)) <= 1:
        return True
    ordered = np.sort(cells, axis=-1)
    return not ((ordered[..., 1:] == ordered[..., :-1]) & (ordered[..., 1:] > 0)).any()
