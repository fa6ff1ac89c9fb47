"""Element types: each operator with each type that ONNX gives it and that `nn` has, against references.

The models are those of ONNX's conformance suite, with other types. `onnx_types.json` says which types are taken, and
why others are refused. After a change that is meant: pytest tests/frontends/test_onnx_types.py --update-golden
"""

from __future__ import annotations

import json
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from frontends.onnx_models import evaluate, save
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from cmir.checking import difference, evaluator_of
from cmir.dialects.element_types import dtype_of
from cmir.frontends.onnx import OnnxError, import_onnx
from cmir.frontends.onnx.loading import ELEMENTS
from cmir.frontends.state import State
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.support.numerics import NARROW_FLOATS, is_float
from cmir.testing.onnx_backend import static_inputs
from cmir.testing.onnx_conformance import case_data, case_model, cases, not_applicable

EXPECTED = Path(__file__).with_name("onnx_types.json")
CASES = 3
"""The most cases of an operator."""

TYPES = {
    f"tensor({'float' if kind == TensorProto.FLOAT else TensorProto.DataType.Name(kind).lower()})": kind
    for kind in ELEMENTS
}

OTHER_TYPES_MEAN_OTHER_MODELS = {
    "BitCast": "both types have one width",
    "Cast": "numbers beyond the range of a type are undefined",
    "CastLike": "numbers beyond the range of a type are undefined",
    "If": "types of the branches",
    "Loop": "types of the body",
    "Scan": "types of the body",
}
"""Operators with tests of their own."""

WRONG_REFERENCES = {
    "MaxUnpool": "onnxruntime places elements wrongly if a shape is given",
}


@dataclass(frozen=True)
class Typed:
    """A model with one node, and its inputs by name.

    outputs: the types of the outputs that are those of inputs; None for others.
    """

    operator: str
    constraint: str
    element: str
    model: onnx.ModelProto
    feeds: dict[str, np.ndarray]
    outputs: list[np.dtype | None]


def typed_models() -> Iterator[Typed]:
    """The cases of each operator, in all types of each constraint of its schema."""
    seen: Counter[str] = Counter()
    for operator, case in cases(("node",)):
        model = case_model(case)
        opset = {o.domain: o.version for o in model.opset_import}.get("", 0)
        applies = len(model.graph.node) == 1 and opset >= 7 and not not_applicable(model)
        if not applies or operator in OTHER_TYPES_MEAN_OTHER_MODELS or "_expanded" in case.name:
            continue
        inputs, outputs = next(iter(case_data(case, model)))
        if seen[operator] == CASES or any(np.size(x) == 0 for x in (*inputs, *outputs)):
            continue
        seen[operator] += 1
        node = model.graph.node[0]
        schema = onnx.defs.get_schema(node.op_type, opset)
        allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
        for constraint in dict.fromkeys(_constraints(schema.inputs, node.input)):
            for kind in sorted({*allowed.get(constraint, ())} & {*TYPES}):
                yield _typed(operator, model, inputs, schema, constraint, TYPES[kind])


def _constraints(
    formals: Sequence[onnx.defs.OpSchema.FormalParameter], names: Sequence[str]
) -> list[str]:
    """The names of the type constraints of the tensors that a node has."""
    last = len(formals) - 1
    return [formals[min(i, last)].type_str for i, name in enumerate(names) if name]


def _typed(
    operator: str,
    original: onnx.ModelProto,
    inputs: Sequence[np.ndarray],
    schema: onnx.defs.OpSchema,
    constraint: str,
    kind: int,
) -> Typed:
    model = onnx.ModelProto()
    model.CopyFrom(original)
    model.ir_version = 10
    node, graph, feeds = model.graph.node[0], model.graph, dict[str, np.ndarray]()
    names = _constraints(schema.inputs, node.input)
    for info, x, name in zip(graph.input, inputs, names, strict=True):
        feeds[info.name] = np.asarray(x)
        if name == constraint:
            info.type.tensor_type.elem_type = kind
            feeds[info.name] = _as(np.asarray(x), dtype_of(ELEMENTS[kind]))
    outputs: list[np.dtype | None] = []
    for info, name in zip(graph.output, _constraints(schema.outputs, node.output), strict=True):
        if name == constraint:
            info.type.tensor_type.elem_type = kind
        declared = helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
        outputs.append(declared if name in names else None)
    return Typed(operator, constraint, str(ELEMENTS[kind]), model, feeds, outputs)


def _as(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Similar numbers of another type."""
    if dtype == x.dtype:
        return x
    if dtype == np.bool_:
        return x > 0
    if is_float(dtype):
        return (
            np.clip(x, -(2.0**15), 2.0**15).astype(dtype) if is_float(x.dtype) else x.astype(dtype)
        )
    if is_float(x.dtype):
        x = np.rint(np.clip(np.nan_to_num(x.astype(np.float64)) * 3, -100, 100))
    if dtype.kind == "u" and x.dtype != np.bool_:
        x = np.abs(x)
    return x.astype(dtype)


def results(typed: Typed, directory: Path) -> tuple[np.ndarray, ...]:
    """The results of the imported network. Raises OnnxError."""
    model, fixed = onnx.ModelProto(), static_inputs(typed.model)
    model.CopyFrom(typed.model)
    data = {name: x for name, x in typed.feeds.items() if name not in fixed}
    kept = [info for info in model.graph.input if info.name in data]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.graph.initializer.extend(
        numpy_helper.from_array(x, name) for name, x in typed.feeds.items() if name in fixed
    )
    with collect_diagnostics():
        imported = import_onnx(
            save(model, directory),
            {name: x.shape for name, x in data.items()},
            samples="whole",
            state=State(recognised=False),
        )
    return evaluate(imported, [*data.values()])


def references(typed: Typed) -> list[np.ndarray] | None:
    """onnxruntime's results, or those of ONNX's reference implementation; narrow floats are computed in float32."""
    model, feeds = onnx.ModelProto(), dict(typed.feeds)
    model.CopyFrom(typed.model)
    for info in (*model.graph.input, *model.graph.output):
        if info.type.tensor_type.elem_type in (TensorProto.FLOAT16, TensorProto.BFLOAT16):
            info.type.tensor_type.elem_type = TensorProto.FLOAT
    for name, x in feeds.items():
        feeds[name] = x.astype(np.float32) if x.dtype in NARROW_FLOATS else x
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return evaluator_of(model)(*feeds.values())
        except CompileError:
            pass
        try:
            return [np.asarray(x) for x in ReferenceEvaluator(model).run(None, feeds)]
        except Exception:  # of operators whose types it lacks
            return None


def problem(typed: Typed, found: Sequence[np.ndarray]) -> str | None:
    """How results differ from the references."""
    for declared, result in zip(typed.outputs, found, strict=True):
        if declared not in (None, result.dtype):
            return f"elements are of {result.dtype}, not {declared}"
    if typed.operator in WRONG_REFERENCES or (expected := references(typed)) is None:
        return None
    types = {x.dtype.name for x in (*typed.feeds.values(), *found)}
    narrowest = next((n for n in ("bfloat16", "float16", "float32") if n in types), "float32")
    names = {"bfloat16": "bf16", "float16": "f16", "float32": "f32"}
    for result, wanted in zip(found, expected, strict=True):
        shaped = np.asarray(wanted).reshape(result.shape)
        if (difference_ := difference(result, shaped, narrowest=names[narrowest])) is not None:
            return difference_
    return None


@pytest.mark.slow
def test_types(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    taken: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    wrong: list[str] = []
    for typed in typed_models():
        row = taken[typed.operator][typed.constraint]
        try:
            found = results(typed, tmp_path)
        except OnnxError as error:
            (message,) = error.messages
            row[typed.element] = message.partition(": ")[2]
            continue
        row.setdefault(typed.element, "")
        if (difference_ := problem(typed, found)) is not None:
            wrong.append(f"{typed.operator} {typed.constraint} {typed.element}: {difference_}")
    assert not wrong, "\n".join(wrong)
    table = {
        operator: {constraint: _row(row) for constraint, row in rows.items()}
        for operator, rows in sorted(taken.items())
    }
    if request.config.getoption("--update-golden"):
        EXPECTED.write_text(json.dumps({"onnx": onnx.__version__, **table}, indent=1) + "\n")
    expected = json.loads(EXPECTED.read_text())
    if expected.pop("onnx") == onnx.__version__:  # other releases have other cases
        assert table == expected


def _row(reasons: dict[str, str]) -> dict[str, object]:
    """The types that are taken, and the reasons for which others are refused."""
    refused = {element: reason for element, reason in reasons.items() if reason}
    row: dict[str, object] = {"taken": " ".join(e for e in reasons if e not in refused)}
    return {**row, "refused": refused} if refused else row
