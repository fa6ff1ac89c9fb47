"""Times from a second to years, with the unit that a reader would choose."""

from __future__ import annotations

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "y": 365 * 86400.0}
"""Seconds of each unit: second, minute, hour, day, year."""


def duration_text(seconds: float) -> str:
    """Return a time in the largest unit of which it is a whole number, such as `1 h`."""
    units = (unit for unit in reversed(SECONDS) if seconds and seconds % SECONDS[unit] == 0)
    unit = next(units, "s")
    return f"{seconds / SECONDS[unit]:g} {unit}"
