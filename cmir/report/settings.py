"""Settings of Matplotlib for all figures."""

from __future__ import annotations

from typing import Any

SETTINGS: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 8,
    "svg.hashsalt": "cmir",  # the same run gives the same file
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}
