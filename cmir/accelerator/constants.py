"""The elements of parameter arrays, and the matrices that are programmed from them."""

from __future__ import annotations

from collections.abc import Mapping

import islpy as isl
import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, StringAttr

from cmir.accelerator.elements import dense_values
from cmir.diagnostics import CompileError
from cmir.dialects.cmcore import CrossbarOp
from cmir.dialects.polyhedral import ArrayOp, MatrixOp, box
from cmir.isl.cores import at_core
from cmir.isl.evaluate import compile_function


def parameter_elements(
    array: ArrayOp, parameters: Mapping[str, np.ndarray] | None = None
) -> np.ndarray:
    """The elements of a parameter array, in its shape: inline, or those of `parameters` that it names.

    Raises CompileError if there are none.
    """
    source = array.source
    if isinstance(source, DenseIntOrFPElementsAttr):
        return dense_values(source)
    assert isinstance(source, StringAttr)
    value = (parameters or {}).get(source.data)
    if value is None:
        raise CompileError(array, f"there is no parameter '{source.data}' in the weights")
    if value.shape != array.shape:
        raise CompileError(
            array,
            f"parameter '{source.data}' has shape {list(value.shape)}, "
            f"expected {list(array.shape)}",
        )
    return value


def program_cells(
    matrix: CrossbarOp | MatrixOp, elements: np.ndarray, core: tuple[int, ...] = ()
) -> np.ndarray:
    """The matrix that a cell relation picks, for a core, from the elements of a parameter.

    Of matrices of several cores, cells without an element are 0.
    """
    shape = matrix.result.type.get_shape()
    cells = at_core(matrix.cells.relation, core).reset_tuple_id(isl.dim_type.in_)
    function = compile_function(cells, box(shape))
    location, defined = function(np.ix_(*(np.arange(size) for size in shape)))
    if defined is None or defined.all():
        spread = tuple(np.broadcast_arrays(*location))
        index = np.broadcast_to(np.ravel_multi_index(spread, elements.shape), shape)
        flat = index.reshape(-1)
        if len(flat) == elements.size and flat[0] == 0 and bool((np.diff(flat) == 1).all()):
            return elements.reshape(shape)  # the usual case: the matrix is a view of the weights
        return elements.reshape(-1)[index]
    if not core:
        raise CompileError(matrix, "some cells of the matrix have no element")
    inside = [np.where(defined, x, 0) for x in location]
    return np.where(defined, elements[tuple(inside)], elements.dtype.type(0))
