"""Runs to draw pictures of: small networks, and machines on which cores wait for all there is to wait for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from networks import Builder, Compiled, compile_network

from cmir.timing.report import RunReport

SLOW = "[core]\nfixed_interval = 3\nfixed_latency = 5\ncredit_latency = 2\n"
"""A machine whose iterations take longer than a cycle."""

IN_TURN = "[crossbar]\nphase_cycles = 17\n[core]\nvector_lanes = 3\ncredit_latency = 2\n"
WAYS = "polyhedral-add-ways{stage=conv1 ways=4},polyhedral-add-ways{stage=conv2 ways=3}"
"""A machine and passes with which sets of crossbars take turns, so iterations do not start at equal intervals."""


@dataclass(frozen=True)
class Drawn:
    """A network and a run of it."""

    compiled: Compiled
    report: RunReport


@cache
def residual_block(
    kernels: Sequence[int] = (3, 3),
    stride: int = 1,
    sizes: str = "live",
    machine: str = "",
    passes: str = "",
) -> Drawn:
    """Three inferences of convolutions one after the other, what goes into them added at the end if it fits.

    passes: run before storage is assigned.
    """
    net = Builder(2, 7, 6)
    skipped = value = net.conv("x", 2, 3, pads=1)
    for kernel in kernels:
        value = net.conv(value, 2, kernel, strides=stride, pads=kernel // 2)
    if net.shapes[value] == net.shapes[skipped]:
        value = net.add(value, skipped)
    storage = f"polyhedral-assign-storage{{sizes={sizes}}}" if sizes != "full" else ""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "machine.toml"
        path.write_text(machine)
        hardware = str(path) if machine else "ideal"
        compiled = compile_network(
            net.model(value), passes=f"{passes},{storage}".strip(","), hardware=hardware
        )
    return Drawn(compiled, compiled.timed.time(3))
