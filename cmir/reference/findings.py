"""Findings of the reference machine: faults of a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import Operation


class Finding(Exception):
    """A fault of a program; its `str` is one line."""


class ProgramFault(Finding):
    """A program that no control unit can run correctly, with any delays.

    It stores an element twice, waits for an event that never happens, or accesses a location outside an array or
    buffer.
    op: the faulty operation, if there is one.
    """

    def __init__(self, message: str, op: Operation | None = None):
        super().__init__(message)
        self.op = op


@dataclass
class Violation(Finding):
    """An iteration that read the wrong element.

    wanted, found: elements as text, with their inference; `found` says "nothing" if the slot was never written.
    """

    core: str
    iteration: tuple[int, ...]
    inference: int
    buffer: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return (
            f"iteration {self.iteration} of @{self.core} in inference {self.inference} reads @{self.buffer} "
            f"and finds {self.found} in the slot of {self.wanted}"
        )


@dataclass
class Deadlock(Finding):
    """Cores that wait although no message is in flight. waits: the event that each of them waits for."""

    waits: Sequence[str]

    def __str__(self) -> str:
        return f"deadlock: {'; '.join(self.waits)}"


def element(array: str, location: Sequence[int], inference: int) -> str:
    """Return an element as text: `b[0, 3] of inference 2`."""
    return f"{array}[{', '.join(map(str, location))}] of inference {inference}"
