"""Choices of the mapping to a machine, as the tools and the library take them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from cmir.passes.polyhedral_replicate import By

Storage = Literal["full", "live", "lossless", "scheduled"]
"""Sizes of buffers, see polyhedral-assign-storage. `full` keeps the storage of the IR."""

Replication = Literal["columns", "rows", "bands", "runs", "turns", "ways", "columns-ways"]
"""How to divide a stage among cores, see polyhedral-replicate, or among crossbars, see polyhedral-add-ways."""


Objective = Literal["interval", "latency", "energy"]
"""What is to be small: cycles between inferences, cycles of an inference, or its energy."""


@dataclass(frozen=True)
class CopyBudget:
    """What the copies and ways of all stages may take, see polyhedral-plan-copies. None for what the machine has.

    interval: cycles to plan for, with the fewest crossbars; None for the shortest interval. objective: see `lower`.
    share: whether programs may share cores.
    """

    cores: int | None = None
    crossbars: int | None = None
    interval: int | None = None
    objective: Objective = "interval"
    share: bool = True

    @staticmethod
    def parse(text: str) -> CopyBudget:
        """Return the budget of a text such as `cores=100,crossbars=2500`. Raises ValueError."""
        found: dict[str, int] = {}
        for part in filter(None, text.split(",")):
            match = re.fullmatch(r"\s*(\w+)\s*=\s*(\d+)\s*", part)
            if match is None or match[1] not in LIMITS or match[1] in found:
                raise ValueError(
                    f"expected numbers of {', '.join(LIMITS)}, such as crossbars=2500, got '{text}'"
                )
            found[match[1]] = int(match[2])
        return CopyBudget(found.get("cores"), found.get("crossbars"), found.get("interval"))

    def __str__(self) -> str:
        given = ((name, getattr(self, name)) for name in LIMITS)
        limits = ",".join(f"{name}={number}" for name, number in given if number is not None)
        return limits if self.objective == "interval" else f"{self.objective} {limits}".strip()


LIMITS = ("cores", "crossbars", "interval")
"""What a budget limits, by name."""


Copies: TypeAlias = "Replication | CopyBudget"
"""How to choose copies of stages."""


def division(copies: Copies | None) -> tuple[By | None, bool]:
    """Return how stages are divided among cores, None if they are not, and whether they get ways.

    A budget leaves both to its plan.
    """
    match copies:
        case None | CopyBudget():
            return None, False
        case "ways":
            return None, True
        case "columns-ways":
            return "columns", True
        case by:
            return by, False
