"""Names of cores: structured values, converted to text only for display."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class CoreName:
    """The name of a program as a core runs it: with the core's coordinates if several cores run that program.

    A core that runs several programs has such a name for each. Each is an actor of its own, with its own control unit
    and buffers.
    """

    program: str
    coordinates: tuple[int, ...] = ()

    def __str__(self) -> str:
        if not self.coordinates:
            return self.program
        return f"{self.program}[{', '.join(map(str, self.coordinates))}]"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)
