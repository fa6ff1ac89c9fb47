"""Elements of parameter arrays, and the matrices that are programmed from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

import islpy as isl
import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, StringAttr

from cmir.dialects.cmcore import CrossbarOp
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import ArrayOp, MatrixOp, box
from cmir.isl.cores import at_core
from cmir.isl.evaluate import compile_function
from cmir.semantics.elements import dense_values
from cmir.support.diagnostics import CompileError
from cmir.support.numerics import ravel
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
    relation = at_core(matrix.cells.relation, core).reset_tuple_id(isl.dim_type.in_)
    function = compile_function(relation, box(shape))
    flat = elements.reshape(-1)
    cells: np.ndarray | None = None
    # Indices take twice the memory of the weights, so they are computed piece by piece.
    for piece, first in _pieces(shape, CELLS_AT_ONCE):
        location, defined = function(np.ix_(*piece))
        here = np.asarray(True) if defined is None else defined
        whole = bool(here.all())
        if not whole and not core:
            raise CompileError(matrix, "some cells of the matrix have no element")
        if not whole:
            location = [np.where(here, x, 0) for x in location]
        sizes = tuple(map(len, piece))
        index = np.broadcast_to(ravel(location, elements.shape), sizes).reshape(-1)
        in_order = whole and np.array_equal(index, np.arange(first, first + len(index)))
        if cells is None and not in_order:
            cells = np.empty(prod(shape), elements.dtype)
            cells[:first] = flat[:first]
        if cells is not None:
            found = np.broadcast_to(here, sizes).reshape(-1)
            cells[first : first + len(index)] = np.where(found, flat[index], elements.dtype.type(0))
    # The usual case: the matrix is a view of the weights.
    return (flat[: prod(shape)] if cells is None else cells).reshape(shape)


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
