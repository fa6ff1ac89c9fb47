"""Crash-safe table of the rows of a sweep.

A CSV file is its own journal: each row is appended in one write and is on disk before the next one. A Parquet file
cannot grow, so rows are kept in a CSV file next to it, `FILE.journal.csv`, until the sweep ends. Then the Parquet file
is written atomically, and the journal is removed.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import TracebackType

from cmir.support.atomic import atomic_path, name_beside
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.support.interruption import at_interruption

Row = Mapping[str, str]
"""A row: cells by column; empty for unknown values."""

KEY = "sweep"
"""The column with the identity of the sweep."""


class Table:
    """A file of rows, opened for appending.

    sweep: the value of column KEY in all rows. columns: all columns. ordered: returns the added rows, given in any
    order, in their final one. rows: the existing rows, which stay first. Raises CompileError if the file holds rows of
    another sweep, or is not a table of a sweep.
    """

    def __init__(
        self,
        path: Path,
        sweep: str,
        columns: Sequence[str],
        ordered: Callable[[Iterable[Row]], Sequence[Row]] = list,
    ):
        if path.suffix not in (".csv", ".parquet"):
            raise CompileError(path, "results are written to .csv or .parquet files")
        self.path, self.sweep, self.columns = path, sweep, [KEY, *columns]
        self._ordered = ordered
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
            raise CompileError(self.path, f"not a table of a sweep: {error}") from None
        cut_short = not lines and _line(self.columns).startswith(data)
        if not cut_short and lines[:1] != [self.columns]:
            raise CompileError(
                self.path,
                "has other columns than this sweep would give, so it is of another one; give another file",
            )
        for number, line in enumerate(lines[1:], start=2):
            if len(line) != len(self.columns):
                raise CompileError(
                    self.path,
                    f"line {number} has {count_of(len(line), 'cell')} instead of {len(self.columns)}; remove it,"
                    " and its point is evaluated again",
                )
        rows = [dict(zip(self.columns, line, strict=True)) for line in lines[1:]]
        if any(row.get(KEY) != self.sweep for row in rows):
            raise CompileError(
                self.path,
                "has rows of a sweep of another network, machine, option or version of cmir; give another file",
            )
        if len(whole) < len(data):
            os.truncate(self.journal, len(whole))
        return rows

    def _sort(self) -> None:
        """Bring the rows that were added into their order."""
        rows, before = self._read(), len(self.rows)
        found = [*rows[:before], *self._ordered(rows[before:])]
        if found != rows:
            lines = [self.columns, *([row[column] for column in self.columns] for row in found)]
            with atomic_path(self.journal) as temporary:
                temporary.write_bytes(b"".join(map(_line, lines)))

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._file)
        if error is None:
            self._sort()
        if error is None and self.journal != self.path:
            _parquet_of(self.journal, self.path)
            self.journal.unlink()


@contextmanager
def lock(path: Path) -> Generator[None]:
    """Keep other sweeps from writing to the file. Raises CompileError if one does, OSError if none could."""
    import fcntl

    name = path.resolve().with_name(name_beside(path.resolve().name, "lock"))
    while True:
        try:
            file = os.open(name, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            error.filename = str(path)  # the user knows no other
            raise
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise CompileError(path, "another sweep is writing to this file") from None
        if _is_at(file, name):
            break
        os.close(file)  # of a sweep that has just ended, and removed it
    with at_interruption(name.unlink):
        try:
            yield
        finally:
            name.unlink(missing_ok=True)
            os.close(file)


def _is_at(file: int, name: Path) -> bool:
    """Return True if the open file is the one of that name."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(name))
    except FileNotFoundError:
        return False


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
