"""Names of cores: structured values, converted to text only for display."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class CoreName:
    """The name of a program as a core runs it: with the core's coordinates if several cores run that program.

    A core that runs several programs has such a name for each. Each is an actor of its own, with its own control unit
    and buffers.

    turn: number of the core among the copies that run the iterations in turn; None for a core that has no copies, and
    for all copies together.
    """

    program: str
    coordinates: tuple[int, ...] = ()
    turn: int | None = None

    @property
    def undivided(self) -> CoreName:
        """The name of all copies together."""
        return self if self.turn is None else CoreName(self.program, self.coordinates)

    def copies(self, turns: int) -> list[CoreName]:
        """Return the names of the copies that run the iterations in turn; the core itself if there is one turn."""
        if turns == 1:
            return [self]
        return [CoreName(self.program, self.coordinates, turn) for turn in range(turns)]

    def __str__(self) -> str:
        where = f"[{', '.join(map(str, self.coordinates))}]" if self.coordinates else ""
        when = "" if self.turn is None else f" turn {self.turn}"
        return f"{self.program}{where}{when}"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)
