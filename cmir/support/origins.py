"""Names that operations have in the model that they were imported from."""

from __future__ import annotations

import re

from xdsl.dialects.builtin import NameLoc
from xdsl.ir import Operation


def node_of(op: Operation) -> str | None:
    """Return the name of the node that an operation was imported from, or None."""
    if not isinstance(op.location, NameLoc):
        return None
    found = _NODE.search(op.location.desc.data)
    return None if found is None else found[1]


_NODE = re.compile(r": node '(.*)' \(\w+\)$", re.DOTALL)


def tells_more(node: str | None, name: str) -> bool:
    """Return True if a node's name says something that the name of the stage or program does not say."""
    return node is not None and node != name and not name.startswith(f"{node}_")


def middle_cut(text: str, most: int) -> str:
    """Return a text, abbreviated in the middle to this many characters if it is longer: ends tell names apart."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"
