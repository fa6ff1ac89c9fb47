"""The rows of a sweep."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cmir.library.errors import user_errors
from cmir.library.tables import table_package
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.sweeps.grid import cell
from cmir.sweeps.pareto import front_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class SweepTable(Sequence[Mapping[str, Any]]):
    """The figures of a network on a grid of machines: a sequence of rows, which are dictionaries.

    fields: the swept fields, which are the first columns.
    columns: names of all columns; those with a unit end with it.
    rows: in the order of the grid; unknown figures are None.
    """

    def __init__(
        self, fields: Sequence[str], columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
    ):
        self.fields, self.columns = tuple(fields), tuple(columns)
        self.rows = [{column: row.get(column) for column in columns} for row in rows]

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The rows of machines on which the network could not be compiled, or gave wrong results."""
        return [row for row in self.rows if row["status"] != "ok"]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def pareto(self, *figures: str) -> SweepTable:
        """Return the Pareto front: the rows for which no other row is better in one figure and no worse in the others.

        figures: columns with numbers, of which less is better, or `interval`, `latency`, `energy`, `area`, `sram`. By
            default `interval`, `latency`, `energy` if it is known, and `crossbars`.

        Rows are ordered by the figures, the first one first. Failed rows, and rows that lack a figure, are not on the
        front. Raises CompileError for figures that no row has.
        """
        with user_errors():
            return SweepTable(self.fields, self.columns, front_of(self.rows, figures).best)

    def plot(self, *figures: str) -> Figure:
        """Return the rows and their Pareto front as a Matplotlib figure: the first figure over each of the others.

        figures: at least two, see `pareto`.
        """
        from cmir.report.front_plot import front_figure
        from cmir.report.plot import check_matplotlib
        from cmir.report.settings import SETTINGS

        with user_errors():
            check_matplotlib("plot()")
            front = front_of(self.rows, figures)
            if len(front.columns) < 2:
                raise CompileError(None, "a drawing of a front needs two figures or more")
        from matplotlib import rc_context

        labels = [" ".join(cell(row[field]) for field in self.fields) for row in front.rows]
        with rc_context(SETTINGS):
            return front_figure(front.columns, front.values, front.on_front, labels)

    def to_pandas(self) -> Any:
        """Return the rows as a `pandas.DataFrame`."""
        return table_package("pandas").DataFrame(self.rows, columns=list(self.columns))

    def to_polars(self) -> Any:
        """Return the rows as a `polars.DataFrame`."""
        return table_package("polars").DataFrame(self.rows, infer_schema_length=None)

    def __repr__(self) -> str:
        fields = " × ".join(self.fields)
        return f"<cmir.SweepTable of {fields}: {count_of(len(self), 'row')}, {len(self.failed)} failed>"

    def _repr_html_(self) -> str:
        """Return a table of the columns that have a value in some row."""
        used = [c for c in self.columns if any(row[c] not in (None, "") for row in self.rows)]
        head = "".join(f"<th>{html.escape(column)}</th>" for column in used)
        body = "".join(
            f"<tr>{''.join(f'<td>{html.escape(_text(row[c]))}</td>' for c in used)}</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case float():
            return f"{value:.4g}"
        case _:
            return str(value)
