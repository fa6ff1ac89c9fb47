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
        """The first part of each element, by number; 0 for none. Parameters that are used whole take no memory."""

    def of(self, name: str, size: int, elements: np.ndarray | None = None) -> int:
        """Return the bits of a part of a parameter. elements: increasing indices; None for all."""
        key = name, b"" if elements is None else elements.tobytes()
        if key not in self._known:
            self._known[key] = self._new(name, size, elements)
        return self._known[key]

    def _new(self, name: str, size: int, elements: np.ndarray | None) -> int:
        """Return a new bit for the elements that are in no other part, and the bits of the parts of the others."""
        number = len(self._bits)
        bits = 1 << number
        owners = self._owners.get(name)
        if owners is None and elements is None:
            self._owners[name] = np.broadcast_to(np.int32(number), size)
        else:
            if owners is None:
                owners = self._owners[name] = np.zeros(size, np.int32)
            part = slice(None) if elements is None else elements
            others = owners[part]
            counts = np.bincount(others, minlength=1)
            for other in np.flatnonzero(counts[1:]) + 1:
                bits |= self._bits[other]
            if counts[0]:
                owners[part] = np.where(others > 0, others, number)
        self._bits.append(bits)
        return bits


def distinct_along_rows(cells: np.ndarray) -> bool:
    """Return True if no row of a matrix contains an element twice. cells: indices of elements, from 1; 0 for none."""
    if not cells.size or int(np.bincount(cells.reshape(-1))[1:].max(initial=0)) <= 1:
        return True
    ordered = np.sort(cells, axis=-1)
    return not ((ordered[..., 1:] == ordered[..., :-1]) & (ordered[..., 1:] > 0)).any()
