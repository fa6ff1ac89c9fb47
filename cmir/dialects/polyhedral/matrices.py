"""Matrices of parameters."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import islpy as isl
from xdsl.dialects.builtin import FlatSymbolRefAttrConstr, SymbolRefAttr, TensorType
from xdsl.ir import Attribute
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import HasParent, MemoryReadEffect
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.polyhedral.arrays import ArrayOp, find_array
from cmir.dialects.polyhedral.relations import (
    RELATION,
    MapAttr,
    box,
    core_parameters_problem,
    sample,
)
from cmir.dialects.polyhedral.stages import StageOp
from cmir.dialects.polyhedral.syntax import COUNT
from cmir.dialects.symbols import symbol
from cmir.support.counts import count_of


@irdl_op_definition
class MatrixOp(IRDLOperation):
    """A matrix of the elements of a parameter, to be programmed into crossbars once.

    ```mlir
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, 0, c] : … }"> : tensor<16x3xf32>
    ```

    The relation maps each cell to an element. A rank-3 type is block-diagonal: `[block, row, column]`.
    If the stage is spread over cores, p0, p1, … are the coordinates of the core that holds the matrix, as in
    `[p0] -> { cell[r, c] -> w[64p0 + r, 0, c] : … }`, and cells without an element are 0.

    A core can hold the matrices of its stage several times. These *ways* take turns: iteration i, counted through all
    inferences, uses set i mod ways. All matrices of a stage have the same ways:

    ```mlir
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, 0, c] : … }"> ways 4 : tensor<16x3xf32>
    ```
    """

    name = "polyhedral.matrix"

    array = prop_def(FlatSymbolRefAttrConstr)
    cells = prop_def(RELATION)
    ways = opt_prop_def(COUNT)
    result = result_def(TensorType)

    traits = traits_def(HasParent(StageOp), MemoryReadEffect())

    assembly_format = "$array $cells (`ways` $ways^)? attr-dict `:` type($result)"

    def __init__(self, array: str, cells: MapAttr, result_type: TensorType[Attribute]):
        super().__init__(
            properties={"array": SymbolRefAttr(array), "cells": cells}, result_types=[result_type]
        )

    @property
    def sets(self) -> int:
        """Number of sets of crossbars that hold the matrix."""
        return 1 if self.ways is None else self.ways.value.data

    def verify_(self) -> None:
        stage = self.parent_op()
        assert isinstance(stage, StageOp)
        array = find_array(self, symbol(self.array))
        verify_cells(array, self.cells, self.result.type, stage.core_dims)
        matrices = (op for op in stage.body.block.ops if isinstance(op, MatrixOp))
        verify_ways(self.sets, (matrix.sets for matrix in matrices))


def verify_ways(ways: int, all_ways: Iterable[int]) -> None:
    """Check that a matrix is there at least once, and as often as the others of a core. Raises VerifyException."""
    if ways < 1:
        raise VerifyException(f"`ways` must be at least 1, got {ways}")
    if (other := next((n for n in all_ways if n != ways), None)) is not None:
        raise VerifyException(
            f"the matrices of a core take turns together: they must have the same `ways`, got {ways} and {other}"
        )


def verify_cells(
    array: ArrayOp, cells: MapAttr, type: TensorType[Attribute], core_dims: int
) -> None:
    """Check that a matrix has rank 2 or 3, and that every cell has one element of the parameter.

    The matrices of several cores may differ in size; the smaller ones have cells without elements. Raises
    VerifyException.
    """
    name, shape = array.sym_name.data, type.get_shape()
    if array.source is None:
        raise VerifyException(f"a matrix has elements of a parameter, and @{name} is none")
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise VerifyException(
            f"a matrix has a static shape of rank 2, or 3 when block-diagonal; got {type}"
        )
    if type.element_type != array.type.element_type:
        raise VerifyException(
            f"the matrix has elements of type {type.element_type}, @{name} of "
            f"{array.type.element_type}"
        )
    if message := cells_problem(cells, shape, name, array.shape, core_dims):
        raise VerifyException(message)


@lru_cache(maxsize=16384)
def cells_problem(
    cells: MapAttr, matrix: tuple[int, ...], array: str, shape: tuple[int, ...], core_dims: int
) -> str | None:
    """Return a description of the error in the relation from cells to the elements of an array, or None."""
    relation = cells.relation
    if message := core_parameters_problem(relation, core_dims):
        return message
    locations = box(shape, array)
    if not relation.get_space().range().has_equal_tuples(locations.get_space()):
        return f"the cells must be elements of {locations}, got {cells.data}"
    if relation.domain().is_wrapping() or relation.dim(isl.dim_type.in_) != len(matrix):
        return f"a cell must have {count_of(len(matrix), 'coordinate')}, the rank of the matrix, got {cells.data}"
    if not relation.is_single_valued():
        return "a cell must have one element"
    inside = box(matrix, relation.get_tuple_name(isl.dim_type.in_) or "")
    if not core_dims and not inside.is_subset(relation.domain()):
        return f"a cell without an element: {sample(inside.subtract(relation.domain()))}"
    elements = relation.intersect_domain(inside).range()
    if not elements.is_subset(locations):
        return f"elements outside the array: {sample(elements.subtract(locations))}"
    return None
