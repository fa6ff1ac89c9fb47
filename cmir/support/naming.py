"""Unique names: of symbols, parameters, and dimensions of relations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count


def second(wish: str) -> Iterator[str]:
    """Yield x, x2, x3, … for x."""
    yield wish
    yield from (f"{wish}{number}" for number in count(2))


def suffixed(separator: str) -> Callable[[str], Iterator[str]]:
    """Return the form x, x_1, x_2, … with this separator, for names that may end in a digit."""

    def candidates(wish: str) -> Iterator[str]:
        yield wish
        yield from (f"{wish}{separator}{number}" for number in count(1))

    return candidates


def counted(wish: str) -> Iterator[str]:
    """Yield x1, x2, x3, … for x."""
    return (f"{wish}{number}" for number in count(1))


class UniqueNames:
    """A generator of names that differ from each other and from existing ones.

    taken: existing names. form: yields the names to try for a wish, in order.
    """

    def __init__(
        self, taken: Iterable[str] = (), form: Callable[[str], Iterator[str]] = second
    ) -> None:
        self.taken = set(taken)
        self.form = form
        self._untried: dict[str, Iterator[str]] = {}

    def take(self, wish: str) -> str:
        """Return the first free name for the wish, and mark it as taken."""
        untried = self._untried.setdefault(wish, self.form(wish))
        name = next(name for name in untried if name not in self.taken)
        self.taken.add(name)
        return name
