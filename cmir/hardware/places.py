"""Places of fields in the text of a description, which Python's parser of TOML does not tell, and similar names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr

from cmir.support.diagnostics import Where

_TABLE = re.compile(r"\s*\[\s*([\w\s.\"'-]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"(\s*)([\w\s.\"'-]+?)\s*=")


@dataclass(frozen=True)
class DescriptionText:
    """The text of a description. name: its file, None for a text without one."""

    name: str | None
    text: str

    def place(self, *path: str) -> Where:
        """Return the place of a table or field, by its names from the outermost table on; else the file."""
        for line, column, found in self._names():
            if found == path:
                file = StringAttr(self.name or "<description>")
                return FileLineColLoc(file, IntAttr(line), IntAttr(column))
        return self.name

    def _names(self) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        """Yield (line, column, path) of each table and field."""
        table: tuple[str, ...] = ()
        for number, line in enumerate(self.text.splitlines(), 1):
            if (header := _TABLE.match(line)) is not None:
                table = _parts(header[1])
                yield number, line.index("[") + 1, table
            elif (key := _KEY.match(line)) is not None:
                yield number, len(key[1]) + 1, (*table, *_parts(key[2]))


def place_of(where: Where | DescriptionText, *path: str) -> Where:
    """Return the place of a table or field, if `where` is a text that has it."""
    return where.place(*path) if isinstance(where, DescriptionText) else where


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))
