"""Reference results of ONNX models, and the comparison of results with them.

`evaluator_of` implements the rule for references, which `cm-run --check`, `cm-sweep --run`, the conformance runner and
the tests share. The package shares no code with the code under test: the importers in `cmir.frontends` and the
semantics in `cmir.dialects.nn`.
"""

from cmir.checking.comparison import (
    compare,
    default_tolerances,
    deviation,
    difference,
    difference_of_output,
    fitted,
)
from cmir.checking.reference import (
    DoubleEvaluator,
    Evaluator,
    double_evaluator,
    evaluator_of,
    needs_exact_integers,
    onnxruntime_evaluator,
)
from cmir.checking.ties import Guide

__all__ = [
    "DoubleEvaluator",
    "Evaluator",
    "Guide",
    "compare",
    "default_tolerances",
    "deviation",
    "difference",
    "difference_of_output",
    "double_evaluator",
    "evaluator_of",
    "fitted",
    "needs_exact_integers",
    "onnxruntime_evaluator",
]
