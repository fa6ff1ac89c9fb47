"""Findings of the reference machine: what is wrong with a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import Operation


class Finding(Exception):
    """Something wrong with a program: `str` of it is one line."""


class ProgramFault(Finding):
    """A program that no control unit can run right, whatever the delays: it stores an element twice, waits for what
    never happens, or reaches outside an array or a buffer.

    op: the operation at fault, if it is one.
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
    """Cores that cannot go on while nothing is under way any more. waits: what each of them waits for."""

    waits: Sequence[str]

    def __str__(self) -> str:
        return f"deadlock: {'; '.join(self.waits)}"


def element(array: str, location: Sequence[int], inference: int) -> str:
    """Return an element as text: `b[0, 3] of inference 2`."""
    return f"{array}[{', '.join(map(str, location))}] of inference {inference}"
