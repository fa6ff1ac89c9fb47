"""Importers for the operators of the ONNX domain `newname`."""

from __future__ import annotations

from cmir.frontends.onnx import Activation, Node, Value, importer
from cmir_newname.dialect import RunningMaxOp


@importer("RunningMax", domain="newname", batched=True)
def running_max(node: Node, x: Activation, *, width: int = 2) -> Value:
    """float32, with channels and one spatial dimension."""
    return node.build(RunningMaxOp(x, width))
