"""Choices of the mapping to a machine, as the tools and the library take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cmir.passes.polyhedral_replicate import By

Storage = Literal["full", "live", "lossless"]
"""Sizes of buffers, see polyhedral-assign-storage. `full` keeps the storage of the IR."""

Replication = Literal["columns", "rows", "bands", "runs", "ways", "columns-ways"]
"""How to divide a stage among cores, see polyhedral-replicate, or among crossbars, see polyhedral-add-ways."""


def division(replicate: Replication | None) -> tuple[By | None, bool]:
    """Return how stages are divided among cores, None if they are not, and whether they get ways."""
    match replicate:
        case None | "ways":
            return None, replicate is not None
        case "columns-ways":
            return "columns", True
        case by:
            return by, False
