"""Importers for the operators of the ONNX domain `morphology`."""

from __future__ import annotations

from cmir.frontends.onnx import Activation, Node, Value, importer
from cmir_morphology.dialect import DilateOp, MedianOp


@importer("Dilate", domain="morphology", batched=True)
def dilate(node: Node, x: Activation, *, radius: int = 1) -> Value:
    """float32, with channels and two spatial dimensions."""
    return node.build(DilateOp(x, radius))


@importer("Median", domain="morphology", batched=True)
def median(node: Node, x: Activation, *, radius: int = 1) -> Value:
    """Of float32, with channels and two spatial dimensions."""
    return node.build(MedianOp(x, radius))
