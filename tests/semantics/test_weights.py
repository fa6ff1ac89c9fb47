"""Matrices of parameters: each cell the element that the relation says, however many are looked up at a time."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import TensorType, f32

from cmir.dialects.polyhedral import MapAttr, MatrixOp
from cmir.semantics import weights
from cmir.semantics.weights import program_cells

WEIGHTS = np.arange(4 * 3 * 5, dtype=np.float32).reshape(4, 3, 5)

MATRICES: dict[str, tuple[str, np.ndarray]] = {
    "rows as they are": ("[r, c] -> w[r, k, c - 5k] : 0 <= c - 5k < 5", WEIGHTS.reshape(4, 15)),
    "the first rows": ("[r, c] -> w[r, k, c - 5k] : 0 <= c - 5k < 5", WEIGHTS.reshape(4, 15)[:2]),
    "transposed": ("[r, c] -> w[c, 1, r]", WEIGHTS[:, 1].T),
    "the last row elsewhere": (
        "[r, c] -> w[r', 0, c] : (r < 2 and r' = r) or (r = 2 and r' = 3)",
        WEIGHTS[[0, 1, 3], 0],
    ),
    "blocks": ("[b, r, c] -> w[b, r, c]", WEIGHTS),
    "blocks backwards": ("[b, r, c] -> w[3 - b, r, c]", WEIGHTS[::-1]),
}

VIEWS = {"rows as they are", "the first rows", "transposed", "blocks"}
"""Those with contiguous rows or columns, so that no copy is made."""


@pytest.mark.parametrize("most", [1, 7, 20, 1 << 18])
@pytest.mark.parametrize("name", MATRICES)
def test_cells(name: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "CELLS_AT_ONCE", most)
    relation, expected = MATRICES[name]
    cells = MapAttr.of(f"{{ cell{relation} }}")
    matrix = MatrixOp("w", cells, TensorType(f32, expected.shape))
    result = program_cells(matrix, WEIGHTS)
    np.testing.assert_array_equal(result, expected)
    assert np.shares_memory(result, WEIGHTS) == (name in VIEWS)
