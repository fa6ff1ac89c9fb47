"""Loads that the input registers of crossbars serve: elements that the iteration before has loaded, too."""

from __future__ import annotations

from math import prod

import numpy as np
from xdsl.dialects.builtin import VectorType

from cmir.dialects.element_types import dtype_of
from cmir.dialects.vectors import MxvOp
from cmir.elaboration.program import Core, Load
from cmir.hardware.description import Hardware
from cmir.semantics.access import CompiledAccess
from cmir.support.blocks import blocks


def kept_bytes(core: Core, hardware: Hardware) -> int:
    """Return the bytes that products of a core take from registers instead of SRAM, in an inference.

    A load counts if a product takes its result. Of each iteration, those elements count, once, that the load has read
    in the iteration before.
    """
    loads = (load for load in core.loads.values() if _feeds_product(load) and not load.across)
    total = 0
    for load in loads:
        type = load.op.result.type
        assert isinstance(type, VectorType)
        bits = 8 * dtype_of(type).itemsize
        kept = sum(kept_elements(access) for _, access in load.sources)
        total += hardware.bytes_of(kept, bits)
    return total


def _feeds_product(load: Load) -> bool:
    return any(isinstance(use.operation, MxvOp) for use in load.op.result.uses)


def kept_elements(access: CompiledAccess) -> int:
    """Return the number of pairs of an iteration and an element that it and the iteration before access."""
    kept = 0
    last = np.empty(0, np.int64)
    shape = _extents(access)
    for start, stop in blocks(0, len(access.points), prod(access.lanes)):
        elements = _elements(access, start, stop, shape)
        row = np.arange(stop - start)[:, None] * (prod(shape) + 1)
        now = np.unique(np.where(elements < 0, -1, elements + row))
        before = np.unique(np.where(elements < 0, -1, elements + row + prod(shape) + 1))
        kept += np.intersect1d(now[now >= 0], before[before >= 0]).size
        kept += np.intersect1d(last, elements[0][elements[0] >= 0]).size
        last = np.unique(elements[-1][elements[-1] >= 0])
    return kept


def _extents(access: CompiledAccess) -> tuple[int, ...]:
    """Return one more than the largest coordinate of each dimension."""
    location, _ = access.locations(0, len(access.points))
    return tuple(max(int(x.max(initial=0)), 0) + 1 for x in location)


def _elements(access: CompiledAccess, start: int, stop: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return the element of each lane of iterations, −1 for none; shape: (iterations, lanes)."""
    location, defined = access.locations(start, stop)
    whole = (stop - start, *access.lanes)
    index = np.zeros(whole, np.int64)
    for coordinate, extent in zip(location, shape, strict=True):
        index = index * extent + np.clip(coordinate, 0, extent - 1)
    if defined is not None:
        index = np.where(np.broadcast_to(defined, whole), index, -1)
    return index.reshape(stop - start, -1)
