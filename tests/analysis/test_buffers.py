"""Buffers as `polyhedral-assign-storage` finds them in the IR."""

from __future__ import annotations

import islpy as isl

from cmir.analysis.buffers import rows_found


def test_a_buffer_without_rings_has_no_rows() -> None:
    """An array that is kept whole, of which each core of the reader has a part: its buffer has one dimension, too."""
    storage = isl.Map("[p0] -> { b[n, i] -> slot[i - 4p0] : 4p0 <= i < 4p0 + 4 }")
    assert rows_found([], storage, (4,)) == {}
