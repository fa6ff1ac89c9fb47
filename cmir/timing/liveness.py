"""Runs of a network of cores without times, which show whether it deadlocks.

Which iterations run depends on needs alone, not on when they start (`cmir.timing.control`).
"""

from __future__ import annotations

from collections.abc import Mapping

from cmir.dialects.core_name import CoreName
from cmir.timing.actors import Actor
from cmir.timing.control import ActorState, Control


class UntimedRun(Control[None]):
    """One run of a network of actors over a stream of inferences, without times."""

    def __init__(self, actors: Mapping[CoreName, Actor], inferences: int):
        self.inferences = inferences
        super().__init__(actors, dict.fromkeys(actors), None)

    def exists(self, inference: int) -> bool:
        return inference < self.inferences

    def advance(self, state: ActorState[None], inference: int, first: int, last: int) -> None:
        """Do nothing: iterations that may run are counted by `Control`."""
