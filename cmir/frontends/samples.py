"""Samples of an imported network: the part of a model's inputs that one inference takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Samples = Literal["auto", "split", "whole"]
"""`split`: an inference takes one sample of a batch, the first dimension of all inputs. `whole`: an inference takes the
whole inputs, and a batch is a dimension like any other. `auto`: `split` if the inputs are batches of 1 and no node
mixes the batch with another dimension, else `whole`.
"""


@dataclass(frozen=True)
class Division:
    """The part of a model's inputs that one inference takes.

    batch: the leading dimensions that tensors have in the model and not in the network: (1,) for one sample of a batch,
    () for whole inputs. count: number of samples in a batch of the model. reason: why the inputs are taken whole; None
    if that was asked for.
    """

    batch: tuple[int, ...] = ()
    count: int = 1
    reason: str | None = None


def divide(inputs: Mapping[str, tuple[int, ...]], samples: Samples) -> Division:
    """Return the part of inputs of these shapes that one inference takes.

    Raises ValueError if inputs to split have no common batch.
    """
    if samples == "whole":
        return Division()
    heads = {shape[:1] for shape in inputs.values()} or {(1,)}
    if samples == "auto":
        for name, shape in inputs.items():
            if shape[:1] != (1,):
                return Division(reason=f"input '{name}' has the shape {list(shape)}")
    if len(heads) > 1 or () in heads:
        shapes = ", ".join(f"{name} {list(shape)}" for name, shape in inputs.items())
        raise ValueError(f"the inputs have no common batch to split: {shapes}")
    ((count,),) = heads
    return Division((1,), count)
