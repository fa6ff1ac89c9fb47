"""What the proof of values compares a network with, if a user names the file that it was compiled from."""

from __future__ import annotations

from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from cmir.compilation.model import Model
from cmir.execution.references import IrReference, reference_of
from cmir.extensions import installed_universe
from cmir.frontends.state import State
from cmir.passes.pipelines import NN_PREPARATION
from cmir.pipelines.text import parse_passes
from cmir.support.parameters import Parameters


def proof_sources(model: Model, path: Path, state: State | None = None) -> list[FuncOp]:
    """Return the function of an ONNX model or of nn IR as pipelines prepare it, and as it is written.

    The list is empty for IR at the polyhedral level, which the proof does not compare with. state: that of an ONNX
    model. Raises CompileError if the file is not what the model was compiled from, and OSError.
    """
    reference = reference_of(model, path, "numpy", state)
    assert isinstance(reference, IrReference)
    function = reference.network
    if not isinstance(function, FuncOp):
        return []
    module = function.parent_op()
    assert isinstance(module, ModuleOp)
    context = model.context.clone()
    context.parameters = Parameters(reference.parameters)
    prepared = module.clone()
    for item in parse_passes(NN_PREPARATION, "preparation", installed_universe().all_passes):
        item.apply(context, prepared)
    (first,) = (op for op in prepared.body.block.ops if isinstance(op, FuncOp))
    return [first, function]
