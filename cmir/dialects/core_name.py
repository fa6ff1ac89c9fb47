"""Names of cores: structured values, converted to text only for display."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class CoreName:
    """The name of a core: the program that it runs, and its coordinates if several cores run that program."""

    program: str
    coordinates: tuple[int, ...] = ()

    def __str__(self) -> str:
        if not self.coordinates:
            return self.program
        return f"{self.program}[{', '.join(map(str, self.coordinates))}]"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)
