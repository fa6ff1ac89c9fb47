"""Schedules: the order of events, drawn from a seed.

A core whose next iteration is allowed may start it at any time, and the first message on a link may arrive at any time.
A schedule assigns a time to each of these events; the machine executes the earliest.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Protocol

STARVED = 1e9
"""Delay of starved actors, which act only when nothing else can happen."""


class ReferenceActor(Protocol):
    """A core that starts iterations, or a link that delivers messages."""

    @property
    def kind(self) -> str:
        """`core`, `data` or `credit`."""
        ...


class Schedule:
    """Random delays, with a speed for each actor, and starvation of some actors.

    name: for messages. spread: range of speeds, in powers of ten. starved: indices of the actors that act only when no
    other can, or a kind of actors. changing: draw speeds anew from time to time.
    """

    def __init__(
        self,
        name: str,
        seed: int,
        spread: float = 0.0,
        starved: frozenset[int] | str = frozenset(),
        changing: bool = False,
    ):
        self.name, self.seed = name, seed
        self._spread, self._starved, self._changing = spread, starved, changing

    def begin(self, actors: Sequence[ReferenceActor]) -> None:
        """Start from the seed."""
        self._random = random.Random(self.seed)
        self._actors = actors
        self._draw()

    def _draw(self) -> None:
        """Draw speeds, and the starved actors if they change."""
        rng = self._random
        self._left = rng.randrange(1, 4 * len(self._actors) + 40) if self._changing else -1
        self._delays = [10 ** rng.uniform(0, self._spread) for _ in self._actors]
        if isinstance(self._starved, str):
            self._late = [actor.kind == self._starved for actor in self._actors]
        elif self._changing:
            self._late = [rng.random() < 0.3 for _ in self._actors]
        else:
            self._late = [i in self._starved for i in range(len(self._actors))]

    def time(self, now: float, actor: int) -> float:
        """Return the time of an actor's next event, which becomes possible now."""
        if self._left == 0:
            self._draw()
        self._left -= 1
        time = now + self._random.random() * self._delays[actor]
        return time + STARVED if self._late[actor] else time


def schedules(actors: Sequence[ReferenceActor], seed: int = 0) -> Iterator[Schedule]:
    """Yield schedules for these actors, endlessly: random, late data, late credits, and each actor starved in turn."""
    rng = random.Random(seed)
    while True:
        order = list(range(len(actors)))
        rng.shuffle(order)
        yield Schedule("random delays", rng.getrandbits(32))
        yield Schedule("late data", rng.getrandbits(32), starved="data")
        yield Schedule("late credits", rng.getrandbits(32), starved="credit")
        yield Schedule("uneven delays", rng.getrandbits(32), spread=4)
        for k, actor in enumerate(order):
            yield Schedule("one starved", rng.getrandbits(32), 1, frozenset({actor}))
            if k % 4 == 0:
                yield Schedule("changing delays", rng.getrandbits(32), 4, changing=True)
