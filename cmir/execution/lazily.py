"""Collections whose elements are made when they are asked for, so that a stream need not be in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class Lazily(Sequence[T]):
    """So many elements, each made from its number, whenever it is asked for."""

    def __init__(self, count: int, make: Callable[[int], T]):
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        """Return an element, or the elements of a slice."""
        numbers = range(self._count)[index]  # raises IndexError
        if isinstance(numbers, range):
            return Lazily(len(numbers), lambda place: self._make(numbers[place]))
        return self._make(numbers)


class Anew(Iterable[T]):
    """Elements that are made anew whenever they are iterated."""

    def __init__(self, begin: Callable[[], Iterator[T]]):
        self._begin = begin

    def __iter__(self) -> Iterator[T]:
        return self._begin()
