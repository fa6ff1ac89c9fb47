"""Streams of inferences from arrays."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute

from cmir.analysis.index_ranges import index_ranges
from cmir.dialects.element_types import dtype_of
from cmir.elaboration.network import ElaboratedNetwork
from cmir.execution.streams import Sample, random_samples, samples_of
from cmir.support.diagnostics import CompileError

Shapes = Mapping[str, tuple[int, ...]]
Types = Mapping[str, TensorType[Attribute]]


def stream_of(given: Any, shapes: Shapes, types: Types, count: int | None) -> list[Sample]:
    """Return the inputs of each inference. Raises CompileError if arrays and inputs do not match.

    given: see `Network.run`. count: number of inferences, None for as many as are given.
    """
    samples = samples_of(_by_name(given, list(shapes)), shapes, _dtypes(types))
    if not samples:
        raise CompileError(None, "there is no inference in the inputs")
    return list(itertools.islice(itertools.cycle(samples), count or len(samples)))


def random_stream(
    network: ElaboratedNetwork, shapes: Shapes, types: Types, seed: int, count: int
) -> list[Sample]:
    """Return random inputs of each inference."""
    known = index_ranges(network.op)
    ranges = {
        name: known[array]
        for name, array in zip(shapes, network.inputs, strict=True)
        if array in known
    }
    return random_samples(dict(shapes), seed, count, _dtypes(types), ranges)


def _dtypes(types: Types) -> dict[str, np.dtype[Any]]:
    return {name: dtype_of(type) for name, type in types.items()}


def _by_name(given: Any, names: Sequence[str]) -> dict[str, np.ndarray]:
    if isinstance(given, Mapping):
        if unknown := [name for name in given if name not in names]:
            raise CompileError(
                None, f"there is no input '{unknown[0]}'; there are: {', '.join(names)}"
            )
        if missing := [name for name in names if name not in given]:
            raise CompileError(None, f"there is no array for input '{missing[0]}'")
        return {name: _array(given[name]) for name in names}
    # A list of other than one array for the only input is a stream.
    in_order = isinstance(given, tuple) or (
        isinstance(given, list) and (len(names) != 1 or len(given) == 1)
    )
    arrays = list(given) if in_order else [given]
    if len(arrays) != len(names):
        raise CompileError(
            None, f"{len(arrays)} arrays for {len(names)} inputs ({', '.join(names)})"
        )
    return {name: _array(value) for name, value in zip(names, arrays, strict=True)}


def _array(value: Any) -> np.ndarray:
    """Return an array, also of a tensor of PyTorch, which may be on another device or part of a graph."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)
