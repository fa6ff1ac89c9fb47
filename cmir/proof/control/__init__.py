"""A proof of control logic, by enumeration.

WIP docstring.
"""

from __future__ import annotations

from cmir.proof.control.proof import MOST_POINTS, Verdict, prove

__all__ = ["MOST_POINTS", "Verdict", "prove"]
