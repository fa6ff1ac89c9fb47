"""Numbers on ties in double precision: rounded as another evaluation does, there and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import numpy_helper, parser

from cmir.checking import Guide, double_evaluator
from cmir.checking.ties import preferring, settled

HEAD = '<ir_version: 8, opset_import: ["": 13, "qonnx.custom_op.general": 1]>\n'
NEAR = 1e-6
"""A distance that errors of floats explain; twenty times as much is too far."""


def test_only_near_ties_are_settled() -> None:
    quotient = np.array([1.5 + NEAR, 1.5 - NEAR, 1.5 - 20 * NEAR, 2.2, 1.5, 2.5 + NEAR])
    with preferring(np.array([1, 2, 2, 3, 1, 1]), atol=1e-6):
        result = settled(quotient, np.rint(quotient))
    # The last one prefers an integer that is not the next one.
    assert result.tolist() == [1, 2, 1, 2, 1, 3]
    with preferring(np.array([1, 2, 2, 3, 1, 1]), atol=1e-6, exact=True):
        assert settled(quotient, np.rint(quotient)).tolist() == [1, 2, 1, 2, 2, 3]
    assert settled(quotient, np.rint(quotient)).tolist() == [2, 1, 1, 2, 2, 3]


def test_zero_points_steps_and_other_shapes() -> None:
    with preferring(np.array([[8], [-3]], np.int8), atol=1e-5):
        assert settled(np.array([3.0]) - 0.5 + NEAR, np.array([3.0]), offset=6).tolist() == [3]
        two = np.full((2, 2), 1.5 - NEAR)
        assert settled(two, np.rint(two), offset=6).tolist() == [[2, 2], [1, 1]]
    with preferring(np.array(-1, np.int8), atol=1e-5):
        assert settled(np.array([NEAR, 0.1]), np.array([1, 1]), step=2).tolist() == [-1, 1]


MODELS = {
    "linear": "y = QuantizeLinear(x, s, z)",
    "qonnx": "y = qonnx.custom_op.general.Quant(x, s, n, b)",
    "qonnx, rounded up": 'y = qonnx.custom_op.general.Quant<rounding_mode = "CEIL">(x, s, n, b)',
    "bipolar": "y = qonnx.custom_op.general.BipolarQuant(x, s)",
}
CONSTANTS = {
    "s": np.array(0.5, np.float32),
    "z": np.array(3, np.int8),
    "n": np.array(0, np.float32),
    "b": np.array(6, np.float32),
}
BORDERS = {"linear": 2.5, "qonnx": 2.5, "qonnx, rounded up": 2.0, "bipolar": 0.0}
"""Quotients between two results."""
SIDES = {"linear": (5, 6), "qonnx": (2, 3), "qonnx, rounded up": (2, 3), "bipolar": (-1, 1)}
"""The integers of these results."""


@pytest.mark.parametrize(
    ("nodes", "free"),
    [
        ("y = QuantizeLinear(x, s, z)", False),
        (
            "a = QuantizeLinear(x, r, z) b = DequantizeLinear(a, r, z) y = QuantizeLinear(b, s, z)",
            False,
        ),
        ("a = Add(x, o) y = QuantizeLinear(a, s, z)", True),
    ],
)
def test_the_rule_for_ties_holds_for_numbers_without_errors(nodes: str, free: bool) -> None:
    """A sum may only be on the border because float64 has more digits than the sums that are compared."""
    model = parser.parse_model(f"{HEAD}main (float[1,2] x) => (int8[1,2] y) {{ {nodes} }}")
    numbers = {**CONSTANTS, "r": np.array(0.25, np.float32), "o": np.zeros((), np.float32)}
    model.graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in numbers.items() if name in "rosz"
    )
    guide = Guide({"y": np.array([6, 6], np.int8)}, 1e-5)
    (found,) = double_evaluator(model).guided(guide, np.array([[1.25, 1.0]]))
    assert found.tolist() == [[6 if free else 5, 5]]


@pytest.mark.parametrize("kind", MODELS)
def test_models(kind: str) -> None:
    """Numbers near a border take either side; others are rounded by the rule whatever the guide says."""
    nodes = MODELS[kind]
    model = parser.parse_model(f"{HEAD}main (float[1,4] x) => (float[1,4] y) {{ {nodes} }}")
    model.graph.initializer.extend(
        numpy_helper.from_array(x, name) for name, x in CONSTANTS.items() if name in nodes
    )
    model.graph.node[0].name = "q"
    evaluate = double_evaluator(model)
    x = 0.5 * (BORDERS[kind] + np.array([[-0.1, -NEAR, NEAR, 0.1]]))
    low, high = SIDES[kind]
    (ruled,) = evaluate(x)
    for side in (low, high):
        guide = Guide({"q": np.full(4, side, np.int8)}, 1e-5)
        (found,) = evaluate.guided(guide, x)
        expected = ruled.copy()
        expected[0, 1:3] = ruled[0, 0 if side == low else 3]
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(evaluate(x)[0], ruled)
    far = Guide({"q": np.full(4, 99, np.int8), "other": np.zeros(1, np.int8)}, 1e-5)
    (found,) = evaluate.guided(far, x)
    np.testing.assert_array_equal(found, ruled)
