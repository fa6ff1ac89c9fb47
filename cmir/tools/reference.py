"""References of cm-run --check: `cmir.checking` for ONNX models, NumPy for IR at the nn and polyhedral levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from cmir.support.diagnostics import CompileError, emit_remark
from cmir.tools.model import Model
from cmir.tools.run_data import Sample

if TYPE_CHECKING:
    from cmir.checking.reference import Evaluator

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

    inputs: the names of samples' arrays, in the order of the model's inputs. Outputs have the shapes that they have in
    the model, with a batch of 1 if an inference takes one sample of a batch. Raises CompileError if there is no
    reference: below the polyhedral level, only the program itself is known.
    """
    if model.is_onnx:
        from cmir.checking import evaluator_of

        evaluator = evaluator_of(model.path)
        return evaluator.name, _onnx(model, evaluator)
    ops = list(model.module.body.block.ops)
    if len(ops) == 1 and ops[0].name == "func.func":
        return "NumPy", _nn(model, inputs)
    if len(ops) == 1 and ops[0].name == "polyhedral.pipeline":
        return "NumPy", _polyhedral(model, inputs)
    raise CompileError(
        model.path, "--check needs an ONNX model, or IR with one func.func or polyhedral.pipeline"
    )


def _onnx(model: Model, evaluator: Evaluator) -> Reference:
    inputs, count = model.inputs or {}, model.samples

    def evaluate(sample: Sample) -> list[np.ndarray]:
        arrays = [sample[name].reshape(shape) for name, shape in inputs.items()]
        if count == 1:
            return evaluator(*arrays)
        # The model takes batches of this size only, and nothing mixes their samples.
        outputs = evaluator(*(np.repeat(array, count, axis=0) for array in arrays))
        return [output[:1] for output in outputs]

    return evaluate


def remark_on_onnxruntime(
    model: Model, samples: Sequence[Sample], expected: Sequence[Sequence[np.ndarray]]
) -> None:
    """Emit a remark if onnxruntime is installed and differs from a reference with exact integers.

    expected: the reference outputs of each sample.
    """
    if not model.is_onnx or model.outputs is None:
        return
    from cmir.checking import compare, needs_exact_integers, onnxruntime_evaluator

    if not needs_exact_integers(model.path) or find_spec("onnxruntime") is None:
        return
    results: list[Sample] = []
    try:
        other = _onnx(model, onnxruntime_evaluator(model.path))
        results += [dict(zip(model.outputs, other(sample), strict=True)) for sample in samples]
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
