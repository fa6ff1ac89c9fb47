"""ONNX's conformance suite: the backend tests that ship with the `onnx` package.

    python -m cmir.testing.onnx_conformance [NAME ...] [--kind KIND ...] [--list STATUS ...] [--jobs N]

Every case ends in one of four ways:

* passed: the simulator's outputs have the expected types and shapes, and values within tolerances;
* failed: they do not, or an error other than the compiler's refusal was raised;
* refused: the compiler rejected the model with a reason (a `CompileError`);
* not applicable: the case tests a feature out of this compiler's scope, as determined by `not_applicable` without
compiling: an operator of `NOT_STATIC`, training, random numbers, strings, sequences and other element types.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests

from cmir.checking import (
    default_tolerances,
    difference,
    evaluator_of,
    needs_exact_integers,
)
from cmir.checking.scales import integer_limits
from cmir.frontends.onnx import operators as importable
from cmir.frontends.onnx.folding import is_random
from cmir.frontends.onnx.loading import INPUTS
from cmir.frontends.onnx.table import schemas
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.support.numerics import NARROW_INTEGERS, is_float
from cmir.testing.onnx_backend import CmirBackend, static_inputs

KINDS = ("node", "pytorch-converted", "pytorch-operator", "simple")
STATUSES = ("passed", "failed", "refused", "not applicable")

SHAPES = {"Shape", "Size"}
"""Operators whose results are known at import for all inputs."""
CONTROL_FLOW = {"SequenceMap"}
NOT_STATIC = {
    "ImageDecoder": "accesses depend on the bytes of a compressed image",
    "NonMaxSuppression": "the number of boxes that are kept depends on data",
    "NonZero": "the number of elements other than zero depends on data",
    "Unique": "the number of different elements depends on data",
}
"""Operators whose results have a shape, or accesses a relation, that only data determines, with the reason."""
TRAINING = {"SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"}


@dataclass(frozen=True)
class Result:
    """Result of a case. `reason` is empty for one that passed."""

    kind: str
    operator: str
    name: str
    status: str
    reason: str


def cases(kinds: Iterable[str] = KINDS) -> Iterator[tuple[str, TestCase]]:
    """Yield the cases of these kinds, each with its operator (for networks, their name)."""
    with warnings.catch_warnings():
        # The suite's own generation of data divides by zero, among others.
        warnings.simplefilter("ignore")
        loaded = [case for kind in kinds for case in load_model_tests(kind=kind)]
    single = {
        case.name: node.op_type
        for case in loaded
        if case.kind == "node"
        for node in [case_model(case).graph.node[-1]]
        if len(case_model(case).graph.node) == 1
    }
    for case in loaded:
        # `…_expanded` is the function body of the operator of the case without that suffix.
        name = case.name.partition("_expanded")[0]
        named = single.get(case.name) or single.get(name)
        if named is None:
            nodes = Counter(
                n.op_type for n in case_model(case).graph.node if n.op_type != "Constant"
            )
            named = next(iter(nodes)) if len(nodes) == 1 else "networks"
        yield named, case


def run_case(operator: str, case: TestCase) -> Result:
    """Run one case."""

    def result(status: str, reason: str = "") -> Result:
        return Result(case.kind, operator, case.name, status, " ".join(reason.split()))

    model = case_model(case)
    if reason := not_applicable(model):
        return result("not applicable", reason)
    representation = CmirBackend.prepare(model)
    for inputs, expected in case_data(case, model):
        data = [x for n, x in zip(representation.inputs, inputs) if n not in static_inputs(model)]
        if any(np.size(x) == 0 for x in (*data, *expected)):
            return result("not applicable", "tensors without elements")
        try:
            with collect_diagnostics():  # remarks
                outputs = representation.run(inputs)
        except CompileError as error:
            return result("refused", error.message)
        except Exception as error:
            return result("failed", f"{type(error).__name__}: {error}")
        if (problem := _difference(case, model, inputs, expected, outputs)) is not None:
            return result("failed", problem)
    return result("passed")


def _difference(
    case: TestCase,
    model: onnx.ModelProto,
    inputs: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
) -> str | None:
    """Describe the difference of the outputs, or of the suite's if integers can be computed exactly, or return None.

    Tolerances are the larger of the suite's and those of `cm-run --check`, relative to the largest element: sums of
    products near zero differ between processors by more than the suite's 1e-7, and half-precision numbers by a unit in
    the last place.
    """
    if _casts_to_integers(model, inputs[0], outputs[0]):
        low, high = integer_limits(outputs[0].dtype)
        held = (low - 1 < inputs[0]) & (inputs[0] < high + 1)
        expected = [np.where(held, expected[0], outputs[0])]
    references = {"ONNX's": expected}
    if needs_exact_integers(model):
        references["the exact"] = evaluator_of(model)(*inputs)
    for whose, arrays in references.items():
        for index, (output, wanted) in enumerate(zip(outputs, arrays, strict=True)):
            if (output.dtype, output.shape) != (wanted.dtype, wanted.shape):
                return (
                    f"output {index} is {output.shape} of {output.dtype}, and {whose} result {wanted.shape}"
                    f" of {wanted.dtype}"
                )
            rtol, atol = default_tolerances(wanted.dtype)
            if rtol or atol:  # not of integers
                rtol, atol = max(rtol, case.rtol), max(atol, case.atol)
            if (found := difference(output, wanted, rtol, atol)) is not None:
                return f"output {index}, against {whose} result: {found}"
    return None


def _casts_to_integers(model: onnx.ModelProto, before: np.ndarray, after: np.ndarray) -> bool:
    """Return True if a case casts floats to integers.

    ONNX leaves open what becomes of floats that the integer type cannot hold. The suite computes it with NumPy and
    ml_dtypes, whose releases differ.
    """
    casts = {node.op_type for node in model.graph.node} <= {"Cast", "CastLike"}
    integers = after.dtype.kind in "iu" or after.dtype in NARROW_INTEGERS
    return casts and is_float(before.dtype) and integers and before.shape == after.shape


@cache
def _random_operators() -> Set[str]:
    """Return the operators that draw random numbers. Those with an importer, like Dropout, draw none at inference."""
    return {schema.name for schema in schemas() if is_random(schema)} - {*importable()}


def not_applicable(model: onnx.ModelProto) -> str | None:
    """Return the feature of the model that is out of scope for this compiler, or None."""
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    operators = {node.op_type for node in nodes}
    domains = {node.domain for node in nodes} - {function.domain for function in model.functions}
    if domains - {"", "ai.onnx"}:
        return f"operators of the domain {min(domains - {'', 'ai.onnx'})}"
    if operators & TRAINING or any(map(_trains, nodes)):
        return "training"
    out_of_scope = {
        **dict.fromkeys(CONTROL_FLOW, "control flow"),
        **dict.fromkeys(_random_operators(), "random numbers"),
        **NOT_STATIC,
    }
    if found := operators & out_of_scope.keys():
        return f"{out_of_scope[min(found)]}: {min(found)}"
    known = static_inputs(model) | {tensor.name for tensor in model.graph.initializer}
    for info in (*model.graph.input, *model.graph.output):
        kind = info.type.WhichOneof("value")
        if kind != "tensor_type":
            return f"values that are no tensors: {kind.removesuffix('_type')}"
        element = info.type.tensor_type.elem_type
        if element not in INPUTS and info.name not in known:
            return f"tensors of {TensorProto.DataType.Name(element).lower()}"
    for node in model.graph.node:
        if node.op_type in SHAPES or known.issuperset(filter(None, node.input)):
            known.update(node.output)
    if all(info.name in known for info in model.graph.output):
        return "nothing to run: outputs that are known at import"
    return None


def _trains(node: onnx.NodeProto) -> bool:
    """Return True if the node is in training mode, for an operator that is also used in inference."""
    if node.op_type == "Dropout" and len(node.input) == 3:
        return True
    return any(a.name == "training_mode" and a.i for a in node.attribute)


def case_model(case: TestCase) -> onnx.ModelProto:
    """Return the model of a case, which some releases of onnx only provide as a file."""
    if case.model is None:
        assert case.model_dir is not None
        return onnx.load(Path(case.model_dir) / "model.onnx")
    assert isinstance(case.model, onnx.ModelProto)
    return case.model


def case_data(
    case: TestCase, model: onnx.ModelProto
) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    """Yield inputs and expected outputs of each data set."""
    if case.data_sets is not None:
        for inputs, outputs in case.data_sets:
            yield [_array(x) for x in inputs], [_array(x) for x in outputs]
        return
    assert case.model_dir is not None
    for directory in sorted(Path(case.model_dir).glob("test_data_set_*")):
        yield tuple(  # pyright: ignore[reportReturnType]
            [
                numpy_helper.to_array(onnx.load_tensor(directory / f"{what}_{i}.pb"))
                for i in range(len([*directory.glob(f"{what}_*.pb")]))
            ]
            for what in ("input", "output")
        )


def _array(x: Any) -> np.ndarray:
    return numpy_helper.to_array(x) if isinstance(x, TensorProto) else np.asarray(x)


_loaded: list[tuple[str, TestCase]] = []


def _run_loaded(index: int) -> Result:
    return run_case(*_loaded[index])


def run(
    kinds: Iterable[str] = KINDS, names: Sequence[str] = (), jobs: int | None = None
) -> list[Result]:
    """Run the cases whose name contains one of `names`, in separate processes."""
    _loaded[:] = [
        (operator, case)
        for operator, case in cases(kinds)
        if not names or any(name in case.name for name in names)
    ]
    if jobs == 1:
        return [*map(_run_loaded, range(len(_loaded)))]
    # Loading the cases takes long, so the processes inherit them.
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        return pool.map(_run_loaded, range(len(_loaded)), chunksize=8)


def conformance_summary(results: Iterable[Result]) -> dict[str, dict[str, dict[str, int]]]:
    """Return the number of cases by kind, operator and result."""
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for result in results:
        counts[result.kind][result.operator][result.status] += 1
    return {
        kind: {
            operator: {s: counts[kind][operator][s] for s in STATUSES if counts[kind][operator][s]}
            for operator in sorted(counts[kind])
        }
        for kind in sorted(counts)
    }


def not_applicable_reasons(results: Iterable[Result]) -> dict[str, dict[str, int]]:
    """Return the number of cases that do not apply, by operator and reason."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        if result.status == "not applicable":
            counts[result.operator][result.reason] += 1
    return {operator: dict(sorted(counts[operator].items())) for operator in sorted(counts)}


def passed_share(results: Iterable[Result]) -> float:
    """Return the share of the cases that apply, those of static operators, that pass."""
    applicable = [result for result in results if result.status != "not applicable"]
    return sum(result.status == "passed" for result in applicable) / len(applicable)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m cmir.testing.onnx_conformance")
    parser.add_argument("names", nargs="*", help="run cases whose name has one of these in it")
    parser.add_argument("--kind", action="append", choices=KINDS, help="run cases of this kind")
    parser.add_argument(
        "--list", action="append", choices=STATUSES, default=[], help="list cases that ended so"
    )
    parser.add_argument("--jobs", type=int, help="processes (default: one for each CPU)")
    parser.add_argument("--output", type=Path, help="write all results to this JSON file")
    options = parser.parse_args(arguments)
    results = run(options.kind or KINDS, options.names, options.jobs)
    if options.output:
        options.output.write_text(json.dumps([asdict(r) for r in results], indent=1) + "\n")
    _print(results, options.list)
    return int(any(result.status == "failed" for result in results))


def _print(results: Sequence[Result], listed: Sequence[str]) -> None:
    print(f"{'kind':18} {'operator':28}" + "".join(f"{status:>15}" for status in STATUSES))
    for kind, operators in conformance_summary(results).items():
        for operator, counts in operators.items():
            numbers = "".join(f"{counts.get(status, 0):15}" for status in STATUSES)
            print(f"{kind:18} {operator:28}{numbers}")
    totals = Counter(result.status for result in results)
    print(f"{'':18} {'':28}" + "".join(f"{totals[status]:15}" for status in STATUSES))
    if any(result.status != "not applicable" for result in results):
        print(f"\n{passed_share(results):.1%} of the cases that apply pass")
    for status in ("not applicable", "refused"):
        print(f"\n{status}, by reason:")
        reasons = Counter(result.reason for result in results if result.status == status)
        for reason, count in reasons.most_common():
            print(f"{count:6}  {reason}")
    for result in results:
        if result.status in listed or result.status == "failed":
            print(f"\n{result.status}: {result.name} ({result.operator}): {result.reason}")


if __name__ == "__main__":
    sys.exit(main())
