"""Parts of a stage, whose buffers have one size, and windows that reach beyond the array: against NumPy.

The last part's buffer may have slots beyond the end of the array.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import Builder, Impossible, compile_network
from tolerance import assert_close

from cmir.support.diagnostics import CompileError


@settings(max_examples=50)
@given(
    sizes=st.tuples(st.integers(4, 9), st.integers(4, 9)),
    kind=st.sampled_from(["Max", "Average"]),
    stride=st.integers(1, 3),
    after=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    copies=st.integers(2, 3),
    by=st.sampled_from(["columns", "rows", "bands"]),
    sizes_of=st.sampled_from(["live", "lossless", "full"]),
)
def test_parts_of_windows_with_pads(
    sizes: tuple[int, int],
    kind: Literal["Max", "Average"],
    stride: int,
    after: tuple[int, int],
    copies: int,
    by: str,
    sizes_of: str,
) -> None:
    """Elements are negative as often as positive, so that an element that is no pad shows in a maximum."""
    net = Builder(2, *sizes)
    try:
        pool = net.pool(net.conv("x", 2, kernel=1), kind, 3, stride, [0, 0, *after])
        model = net.model(pool)
    except Impossible:
        assume(False)
        raise
    stage = {"Max": "max_pool1", "Average": "average_pool1"}[kind]
    divided = f"polyhedral-replicate{{stage={stage} copies={copies} by={by}}}"
    try:
        compiled = compile_network(
            model, passes=f"{divided},polyhedral-assign-storage{{sizes={sizes_of}}}"
        )
    except CompileError as error:
        assume("do not divide" not in str(error) and "copies" not in str(error))
        raise
    samples = compiled.samples(3)
    report = compiled.simulator.run(samples)
    assert report.outputs is not None
    for sample, outputs in zip(samples, report.outputs, strict=True):
        for expected, found in zip(compiled.reference(sample), outputs.values(), strict=True):
            assert_close(found, np.asarray(expected))
