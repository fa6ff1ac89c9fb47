"""Check of batch normalisation folded into the weights and bias of a linear operator.

The proof of values starts from the `nn` IR after folding, where the folded weights are parameters. This module checks
folding itself, element by element, in floating point: over the field, folded parameters could only be computed in the
same way as in the pass.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from ml_dtypes import finfo
from xdsl.ir import Operation

from cmir.support.diagnostics import CompileError


class NormalizationParameters(NamedTuple):
    """Parameters of a linear operator and of the subsequent normalisation, in double precision."""

    weight: np.ndarray
    constant: np.ndarray
    scale: np.ndarray
    bias: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    epsilon: float


def check_folding(
    where: Operation,
    before: NormalizationParameters,
    weight: np.ndarray,
    bias: np.ndarray,
    axis: int,
) -> None:
    """Check that folded weight and bias are equivalent to operator and normalisation, up to one rounding per element.

    Both are affine in the operator's input, so they are equal for all inputs if coefficients and constants are equal.
    With r = sqrt(variance + epsilon), that is the case if folded weight · r = scale · weight, and (folded bias − bias)
    · r = scale · (constant − mean). axis: the axis of the output channels in the weight. Raises CompileError at the
    first element that differs.
    """
    shape = [-1 if d == axis else 1 for d in range(weight.ndim)]
    with np.errstate(all="ignore"):
        root = np.sqrt(before.variance + before.epsilon)
        exact = before.weight * before.scale.reshape(shape)
        _compare(where, "weight", weight, root.reshape(shape), exact, exact)
        constant, shift = before.scale * (before.constant - before.mean), before.bias * root
        size = np.abs(before.scale) * (np.abs(before.constant) + np.abs(before.mean)) + abs(shift)
        _compare(where, "bias", bias, root, constant + shift, size)


def _compare(
    where: Operation,
    what: str,
    folded: np.ndarray,
    root: np.ndarray,
    exact: np.ndarray,
    size: np.ndarray,
) -> None:
    """Check that folded · root = exact, to a unit in the last place. size: magnitude of the terms of `exact`."""
    limits = finfo(folded.dtype)
    got = folded.astype(np.float64) * root
    margin = float(limits.eps) * np.maximum(np.abs(got), np.abs(exact))
    margin = margin + 2.0**-50 * np.abs(size) + float(limits.smallest_subnormal) * root
    wrong = np.abs(got - exact) > margin  # infinities and NaN pass, as before folding
    if wrong.any():
        element = [int(i) for i in np.argwhere(wrong)[0]]
        raise CompileError(
            where, f"the folded {what} is not that of the normalisation: element {element}"
        )
