"""Objects of the library that show only their documented names."""

from __future__ import annotations

from typing import ClassVar


class Visible:
    """An object whose `dir`, and so completion in notebooks, has only the names that users are meant to use."""

    FOR_TOOLS: ClassVar[frozenset[str]] = frozenset()
    """Public names that tools use, and that are not documented."""

    def __dir__(self) -> list[str]:
        hidden = {*self.FOR_TOOLS, "FOR_TOOLS"}
        names = {*vars(self), *super().__dir__()} - hidden
        return sorted(name for name in names if not name.startswith("_"))
