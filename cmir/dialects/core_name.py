"""Names of cores: values with parts, which are text only where they are shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class CoreName:
    """A core by the program that it runs, and by its coordinates if several cores run the program."""

    program: str
    coordinates: tuple[int, ...] = ()

    def __str__(self) -> str:
        if not self.coordinates:
            return self.program
        return f"{self.program}[{', '.join(map(str, self.coordinates))}]"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)
