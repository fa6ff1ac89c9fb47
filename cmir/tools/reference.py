"""What cm-run --check compares with: onnxruntime for ONNX models, NumPy for IR at the nn and polyhedral levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from cmir.diagnostics import CompileError
from cmir.tools.model import Model
from cmir.tools.run_data import Sample

Reference = Callable[[Sample], list[np.ndarray]]
"""The outputs for one sample, in order."""


def input_names(model: Model) -> list[str] | None:
    """Names for the inputs: ONNX's, those of the function's arguments, or of the pipeline's arrays."""
    from xdsl.dialects.func import FuncOp

    from cmir.dialects.polyhedral import PipelineOp, symbol

    if model.inputs is not None:
        return [*model.inputs]
    match list(model.module.body.block.ops):
        case [FuncOp() as function]:
            arguments = function.body.block.args
            return [argument.name_hint or f"input{i}" for i, argument in enumerate(arguments)]
        case [PipelineOp() as pipeline]:
            return [symbol(ref) for ref in pipeline.inputs]
        case _:
            return None


def reference_of(model: Model, inputs: Sequence[str]) -> tuple[str, Reference]:
    """A reference for the model and its name. Call it before passes change the module.

    inputs: the names of samples' arrays, in the order of the model's inputs. Raises CompileError if there is
    none: below the polyhedral level, a program is all that is known of a network.
    """
    if model.is_onnx:
        return "onnxruntime", _onnxruntime(model.path, inputs)
    ops = list(model.module.body.block.ops)
    if len(ops) == 1 and ops[0].name == "func.func":
        return "NumPy", _nn(model, inputs)
    if len(ops) == 1 and ops[0].name == "polyhedral.pipeline":
        return "NumPy", _polyhedral(model, inputs)
    raise CompileError(
        model.path, "--check needs an ONNX model, or IR with one func.func or polyhedral.pipeline"
    )


def _onnxruntime(path: Path, inputs: Sequence[str]) -> Reference:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    source: str | bytes = str(path)
    if path.suffix == ".onnxtxt":
        import onnx.parser

        source = onnx.parser.parse_model(path.read_text()).SerializeToString()
    session = onnxruntime.InferenceSession(source, options, ["CPUExecutionProvider"])

    def run(sample: Sample) -> list[np.ndarray]:
        feed = {
            given.name: sample[name][None]
            for given, name in zip(session.get_inputs(), inputs, strict=True)
        }
        return [np.asarray(value) for value in session.run(None, feed)]

    return run


def _nn(model: Model, inputs: Sequence[str]) -> Reference:
    from xdsl.dialects.func import FuncOp

    from cmir.dialects.nn.evaluate import evaluate_function

    function = model.module.clone().body.block.first_op  # passes will change the module
    assert isinstance(function, FuncOp)
    return lambda sample: [
        *evaluate_function(function, [sample[name] for name in inputs], model.parameters)
    ]


def _polyhedral(model: Model, inputs: Sequence[str]) -> Reference:
    from cmir.accelerator.polyhedral_reference import evaluate_pipeline
    from cmir.dialects.polyhedral import PipelineOp

    pipeline = model.module.clone().body.block.first_op
    assert isinstance(pipeline, PipelineOp)
    return lambda sample: evaluate_pipeline(
        pipeline, [sample[name] for name in inputs], model.parameters
    )


def compare(
    outputs: Sequence[Sample], references: Sequence[Sequence[np.ndarray]], rtol: float, atol: float
) -> list[str]:
    """The differences between what was computed and the reference, a line for each output that has one.

    An element agrees if |a − b| ≤ atol · max|b| + rtol · |b|: sums of many products have errors of the size of
    the terms, which the largest element of the output stands for.
    """
    problems: list[str] = []
    for inference, (got, expected) in enumerate(zip(outputs, references, strict=True)):
        for (name, a), b in zip(got.items(), expected, strict=True):
            b = b.reshape(a.shape)
            scale = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
            close = np.isclose(a, b, rtol=rtol, atol=atol * scale, equal_nan=True)
            if not close.all():
                where = tuple(int(i) for i in np.argwhere(~close)[0])
                problems.append(
                    f"output '{name}' of inference {inference}: {int((~close).sum())} of {a.size} "
                    f"elements differ, first at {list(where)}: {a[where]:g}, expected {b[where]:g}"
                )
    return problems
