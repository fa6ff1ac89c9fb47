"""Inferences that an iterable yields, as many as it has, which is not known before it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from cmir.execution.streams import Sample
from cmir.support.diagnostics import CompileError


class Inferences(Iterable[Sample]):
    """The inferences of an iterable, taken when they are asked for. Those of an iterator can be taken once."""

    def __init__(self, parts: Iterable[Any], samples: Callable[[Any], Sequence[Sample]]):
        """parts: the iterable. samples: returns the inferences of a part."""
        self._parts, self._samples = parts, samples
        self._once, self._taken = isinstance(parts, Iterator), False
        self._ahead: Iterator[Sample] | None = None

    @staticmethod
    def are_in(given: Any) -> bool:
        """Return True for an iterable of inputs; False for inputs: an array, arrays in order, or arrays by name."""
        is_array = hasattr(given, "__array__")
        return (
            isinstance(given, Iterable)
            and not isinstance(given, Sequence | Mapping)
            and not is_array
        )

    def __iter__(self) -> Iterator[Sample]:
        """Begin anew. Raises CompileError if that is impossible."""
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            return ahead
        if self._once and self._taken:
            hint = "give an iterable that can begin again, such as an object with `__iter__`"
            raise CompileError(None, f"the inputs are an iterator, which has been used up; {hint}")
        self._taken = True
        return self._begin()

    def _begin(self) -> Iterator[Sample]:
        count = 0
        for part in self._parts:
            try:
                samples = self._samples(part)
            except CompileError as error:
                error.reword(lambda text, count=count: f"{text}, at inference {count}")
                raise
            yield from samples
            count += len(samples)

    def first(self, count: int) -> list[Sample]:
        """Return the first inferences, at most so many. They can be taken again, also those of an iterator."""
        rest = iter(self)
        first = [*islice(rest, count)]
        if self._once:
            self._ahead = chain(first, rest)
        return first
