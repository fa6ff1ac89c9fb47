"""References of cm-run --check: `cmir.checking` for ONNX models, NumPy for IR at the nn and polyhedral levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import numpy as np

from cmir.support.diagnostics import CompileError, emit_remark
from cmir.tools.model import Model
from cmir.tools.run_data import Sample

Reference = Callable[[Sample], list[np.ndarray]]
"""Function from one sample to its outputs, in order."""


def input_names(model: Model) -> list[str] | None:
    """Return names for the inputs: those of the ONNX model, the function's arguments, or the pipeline's arrays."""
    from xdsl.dialects.func import FuncOp

    from cmir.dialects.polyhedral import PipelineOp, symbol

    if model.inputs is not None:
        return [*model.inputs]
    match list(model.module.body.block.ops):
        case [FuncOp() as function] if len(function.body.blocks) == 1:
            arguments = function.body.block.args
            return [argument.name_hint or f"input{i}" for i, argument in enumerate(arguments)]
        case [PipelineOp() as pipeline]:
            return [symbol(ref) for ref in pipeline.inputs]
        case _:
            return None


def reference_of(model: Model, inputs: Sequence[str]) -> tuple[str, Reference]:
    """Return a reference for the model and its name. Call this function before passes change the module.

    inputs: the names of samples' arrays, in the order of the model's inputs. Raises CompileError if there is no
    reference: below the polyhedral level, only the program itself is known.
    """
    if model.is_onnx:
        return _onnx(model, inputs)
    ops = list(model.module.body.block.ops)
    if len(ops) == 1 and ops[0].name == "func.func":
        return "NumPy", _nn(model, inputs)
    if len(ops) == 1 and ops[0].name == "polyhedral.pipeline":
        return "NumPy", _polyhedral(model, inputs)
    raise CompileError(
        model.path, "--check needs an ONNX model, or IR with one func.func or polyhedral.pipeline"
    )


def _onnx(model: Model, inputs: Sequence[str]) -> tuple[str, Reference]:
    from cmir.checking import evaluator_of

    evaluator = evaluator_of(model.path)
    return evaluator.name, lambda sample: evaluator(*(sample[name][None] for name in inputs))


def remark_on_onnxruntime(
    model: Model, samples: Sequence[Sample], expected: Sequence[Sequence[np.ndarray]]
) -> None:
    """Emit a remark if onnxruntime is installed and differs from a reference with exact integers.

    expected: the reference outputs of each sample.
    """
    if not model.is_onnx or model.inputs is None or model.outputs is None:
        return
    from cmir.checking import compare, needs_exact_integers, onnxruntime_evaluator

    if not needs_exact_integers(model.path) or find_spec("onnxruntime") is None:
        return
    results: list[Sample] = []
    try:
        other = onnxruntime_evaluator(model.path)
        for sample in samples:
            arrays = other(*(sample[name][None] for name in model.inputs))
            results.append(dict(zip(model.outputs, arrays, strict=True)))
    except Exception:  # onnxruntime does not support every model that has a reference
        return
    if problems := compare(results, expected):
        emit_remark(
            model.path,
            f"onnxruntime differs from exact integer arithmetic on this processor: {problems[0]}",
        )


def _nn(model: Model, inputs: Sequence[str]) -> Reference:
    from xdsl.dialects.func import FuncOp

    from cmir.dialects.nn.evaluate import evaluate_function

    function = model.module.clone().body.block.first_op  # because passes will change the module
    assert isinstance(function, FuncOp)
    return lambda sample: [
        *evaluate_function(function, [sample[name] for name in inputs], model.parameters)
    ]


def _polyhedral(model: Model, inputs: Sequence[str]) -> Reference:
    from cmir.dialects.polyhedral import PipelineOp
    from cmir.semantics.pipeline import evaluate_pipeline

    pipeline = model.module.clone().body.block.first_op
    assert isinstance(pipeline, PipelineOp)
    return lambda sample: evaluate_pipeline(
        pipeline, [sample[name] for name in inputs], model.parameters
    )
