"""Names for what passes add."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmir.dialects.polyhedral import PipelineOp


def unused_name(wish: str, taken: Container[str]) -> str:
    """A name that is not taken: the one that is wished for, or that with a number."""
    name, number = wish, 1
    while name in taken:
        number += 1
        name = f"{wish}{number}"
    return name


def names_in(pipeline: PipelineOp) -> set[str]:
    """The names of arrays and stages, which share a table of symbols."""
    return {*pipeline.arrays, *pipeline.stages}
