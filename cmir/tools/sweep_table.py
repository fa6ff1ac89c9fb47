"""Crash-safe table of the rows of a sweep.

A CSV file is its own journal: each row is appended in one write and is on disk before the next one. A Parquet file
cannot grow, so rows are kept in a CSV file next to it, `FILE.journal.csv`, until the sweep ends. Then the Parquet file
is written atomically, and the journal is removed.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType

from cmir.support.atomic import atomic_path
from cmir.support.diagnostics import CompileError

Row = Mapping[str, str]
"""A row: cells by column; empty for unknown values."""

KEY = "sweep"
"""The column with the identity of the sweep."""


class Table:
    """A file of rows, opened for appending.

    sweep: the value of column KEY in all rows. columns: all columns. rows: the existing rows. Raises CompileError if
    the file holds rows of another sweep, or is not a table of a sweep.
    """

    def __init__(self, path: Path, sweep: str, columns: Sequence[str]):
        if path.suffix not in (".csv", ".parquet"):
            raise CompileError(path, "results are written to .csv or .parquet files")
        self.path, self.sweep, self.columns = path, sweep, [KEY, *columns]
        self.journal = path
        if path.suffix == ".parquet":
            import_module("pyarrow")  # or there is no point in starting
            self.journal = path.with_name(path.name + ".journal.csv")
            if path.exists() and not self.journal.exists():
                _journal_of(path, self.journal)
        self.rows = self._read()
        self._file = os.open(self.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        if os.fstat(self._file).st_size == 0:
            self._append(self.columns)

    def add(self, row: Row) -> None:
        """Add a row, which is on disk when this method returns."""
        self._append([self.sweep, *(row.get(column, "") for column in self.columns[1:])])

    def _append(self, cells: Sequence[str]) -> None:
        data = _line(cells)
        if os.write(self._file, data) != len(data):
            raise CompileError(self.journal, "a row was not written completely: is the disk full?")
        os.fsync(self._file)

    def _read(self) -> list[dict[str, str]]:
        """Return the rows in the file, and cut off an incomplete last row."""
        if not self.journal.exists():
            return []
        data = self.journal.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        try:
            lines = list(csv.reader(io.StringIO(whole.decode()), strict=True))
        except (UnicodeDecodeError, csv.Error) as error:
            raise CompileError(self.path, f"not a table of cm-sweep: {error}") from None
        cut_short = not lines and _line(self.columns).startswith(data)
        if not cut_short and lines[:1] != [self.columns]:
            raise CompileError(
                self.path,
                "has other columns than this sweep would give, so it is of another one; give another file",
            )
        rows = [dict(zip(self.columns, line, strict=False)) for line in lines[1:]]
        if any(row.get(KEY) != self.sweep for row in rows):
            raise CompileError(
                self.path,
                "has rows of a sweep of another network, machine, option or version of cmir; give another file",
            )
        if len(whole) < len(data):
            os.truncate(self.journal, len(whole))
        return rows

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._file)
        if error is None and self.journal != self.path:
            _parquet_of(self.journal, self.path)
            self.journal.unlink()


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(" ".join(cell.split()) for cell in cells)
    return text.getvalue().encode()


def _journal_of(parquet: Path, journal: Path) -> None:
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(parquet)
    except pyarrow.ArrowInvalid as error:
        raise CompileError(parquet, f"not a Parquet file: {error}") from None
    with atomic_path(journal) as temporary:
        pyarrow.csv.write_csv(table, temporary)


def _parquet_of(journal: Path, parquet: Path) -> None:
    """Write the Parquet file. A column has integers or floats if all of its cells are such numbers."""
    import pyarrow.csv
    import pyarrow.parquet

    options = pyarrow.csv.ConvertOptions(strings_can_be_null=True, null_values=[""])
    table = pyarrow.csv.read_csv(journal, convert_options=options)
    with atomic_path(parquet) as temporary:
        pyarrow.parquet.write_table(table, temporary)
