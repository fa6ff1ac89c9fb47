"""Figures that notebooks show. Imported where one is drawn, because Matplotlib is optional."""

from __future__ import annotations

from io import BytesIO

from matplotlib import rc_context
from matplotlib.figure import Figure

from cmir.report.settings import SETTINGS

_DPI = 110


class ShownFigure(Figure):
    """A figure that a notebook shows as a picture, whatever backend Matplotlib has."""

    def _repr_png_(self) -> bytes:
        picture = BytesIO()
        with rc_context(SETTINGS):
            self.savefig(picture, format="png", dpi=_DPI, bbox_inches="tight")
        return picture.getvalue()
