"""Elements of parameter arrays, and the matrices that are programmed from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

import islpy as isl
import numpy as np
from numpy.lib.stride_tricks import as_strided
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, StringAttr

from cmir.dialects.cmcore import CrossbarOp
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import ArrayOp, MatrixOp, box
from cmir.isl.cores import at_core
from cmir.isl.evaluate import Function, compile_function
from cmir.semantics.elements import dense_values
from cmir.support.diagnostics import CompileError
from cmir.support.parameters import parameter_value

CELLS_AT_ONCE = 1 << 18
"""Number of cells of a matrix whose positions in the weights are computed at a time."""


def parameter_elements(
    array: ArrayOp, parameters: Mapping[str, np.ndarray] | None = None
) -> np.ndarray:
    """Return the elements of a parameter array, in its shape: inline ones, or those that it names in `parameters`.

    Raises CompileError if there are none, or they have another shape or type.
    """
    source = array.source
    if isinstance(source, DenseIntOrFPElementsAttr):
        return dense_values(source)
    assert isinstance(source, StringAttr)
    dtype = dtype_of(array.type)
    return parameter_value(parameters, source.data, array.shape, dtype, array)


def program_cells(
    matrix: CrossbarOp | MatrixOp, elements: np.ndarray, core: tuple[int, ...] = ()
) -> np.ndarray:
    """Return the matrix that a cell relation selects, for a core, from the elements of a parameter.

    If the matrix is spread over several cores, cells without an element are 0.
    """
    shape = matrix.result.type.get_shape()
    flat = elements.reshape(-1)
    relation = at_core(matrix.cells.relation, core)
    for side in (isl.dim_type.in_, isl.dim_type.out):
        relation = relation.reset_tuple_id(side)
    # As one number, the index is often affine where the coordinates are not, because floors cancel.
    function = compile_function(relation.apply_range(_row_major(elements.shape)), box(shape))
    if (view := _view(function, flat, shape)) is not None:
        return view
    cells = np.empty(prod(shape), elements.dtype)
    # Indices take twice the memory of the weights, so they are computed piece by piece.
    for piece, first in _pieces(shape, CELLS_AT_ONCE):
        (index,), defined = function(np.ix_(*piece))
        here = np.asarray(True) if defined is None else defined
        whole = bool(here.all())
        if not whole and not core:
            raise CompileError(matrix, "some cells of the matrix have no element")
        sizes = tuple(map(len, piece))
        index = np.broadcast_to(index if whole else np.where(here, index, 0), sizes).reshape(-1)
        found = np.broadcast_to(here, sizes).reshape(-1)
        cells[first : first + len(index)] = np.where(found, flat[index], elements.dtype.type(0))
    return cells.reshape(shape)


def _row_major(shape: Sequence[int]) -> isl.Map:
    """Return the map from the elements of an array to their row-major indices."""
    names = [f"i{d}" for d in range(len(shape))]
    index = " + ".join(f"{prod(shape[d + 1 :])} {name}" for d, name in enumerate(names))
    return isl.Map(f"{{ [{', '.join(names)}] -> [{index or 0}] }}")


def _view(function: Function, flat: np.ndarray, shape: Sequence[int]) -> np.ndarray | None:
    """Return the cells as a view of the elements that products read as fast as a copy; None if there is none."""
    if function.is_partial or (affine := function.affine()) is None:
        return None
    (first,), (steps,) = affine
    steps = [step if size > 1 else 1 for step, size in zip(steps, shape, strict=True)]
    reach = [step * (size - 1) for step, size in zip(steps, shape, strict=True)]
    low, high = (first + sum(bound(r, 0) for r in reach) for bound in (min, max))
    if not (0 <= low <= high < flat.size and min(steps) > 0 and 1 in steps[-2:]):
        return None
    strides = [step * flat.itemsize for step in steps]
    return as_strided(flat[first:], shape, strides, writeable=False)


def _pieces(shape: Sequence[int], most: int) -> Iterator[tuple[list[np.ndarray], int]]:
    """Yield runs of about `most` elements of an array: the indices along each axis, and the first element."""
    axis = next(d for d in range(len(shape)) if prod(shape[d + 1 :]) <= most)
    inner = prod(shape[axis + 1 :])
    step = max(1, most // inner)
    rest = [np.arange(size) for size in shape[axis + 1 :]]
    for number, outer in enumerate(np.ndindex(*shape[:axis])):
        for start in range(0, shape[axis], step):
            run = np.arange(start, min(start + step, shape[axis]))
            first = (number * shape[axis] + start) * inner
            yield [*(np.array([i]) for i in outer), run, *rest], first
