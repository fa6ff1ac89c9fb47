"""Choices of the mapping to a machine, as the tools and the library take them."""

from __future__ import annotations

from typing import Literal

Storage = Literal["full", "live", "lossless"]
"""Sizes of buffers, see polyhedral-assign-storage. `full` keeps the storage of the IR."""

Replication = Literal["columns", "rows", "bands", "runs", "ways", "columns-ways"]
"""How to divide a stage among cores, see polyhedral-replicate, or among crossbars, see polyhedral-add-ways."""
