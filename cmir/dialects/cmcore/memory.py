"""Memories of a core: buffers and crossbars."""

from __future__ import annotations

from xdsl.dialects.builtin import (
    FlatSymbolRefAttrConstr,
    IntegerAttr,
    MemRefType,
    SymbolRefAttr,
    TensorType,
)
from xdsl.ir import Attribute
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.cmcore.iteration import core_dims_around
from cmir.dialects.polyhedral.arrays import find_array
from cmir.dialects.polyhedral.matrices import verify_cells, verify_ways
from cmir.dialects.polyhedral.relations import RELATION, MapAttr
from cmir.dialects.polyhedral.storage import verify_storage
from cmir.dialects.polyhedral.syntax import COUNT
from cmir.dialects.symbols import symbol
from cmir.dialects.traits import HasParentNamed


@irdl_op_definition
class BufferOp(IRDLOperation):
    """SRAM of this core that holds an array that the core reads; the writers of the array store directly into it.

    ```mlir
    %b = cmcore.buffer @b : memref<1x8xf32>
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, c, w] -> slot[c, w] }"> : memref<1x8xf32>
    ```

    The storage relation maps the elements of each inference n to slots. Without it, the buffer has a slot for each
    element of one inference. A buffer of a parameter array is filled once, before the start.
    """

    name = "cmcore.buffer"

    array = prop_def(FlatSymbolRefAttrConstr)
    storage = opt_prop_def(RELATION)
    result = result_def(MemRefType)

    traits = traits_def(HasParentNamed("cmcore.program"))

    assembly_format = "$array (`storage` $storage^)? attr-dict `:` type($result)"

    def __init__(self, array: str, type: MemRefType[Attribute], storage: MapAttr | None = None):
        super().__init__(
            properties={"array": SymbolRefAttr(array), "storage": storage}, result_types=[type]
        )

    def verify_(self) -> None:
        array, type = find_array(self, symbol(self.array)), self.result.type
        if self.storage is not None:
            verify_storage(self.storage, array, type, core_dims_around(self))
        elif (type.get_shape(), type.element_type) != (array.shape, array.type.element_type):
            raise VerifyException(f"a buffer without `storage` is like its array, {array.type}")


@irdl_op_definition
class CrossbarOp(IRDLOperation):
    """Crossbars of this core, programmed once, that hold a matrix.

    ```mlir
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, 0, c] : … }"> : tensor<16x3xf32>
    ```

    A rank-3 type `[block, row, column]` is a block-diagonal matrix. Cells without an element are 0.

    `ways 4` are four sets of such crossbars: iteration i of the program, counted through all inferences, uses set
    i mod 4. All matrices of a program have the same ways.
    """

    name = "cmcore.crossbar"

    array = prop_def(FlatSymbolRefAttrConstr)
    cells = prop_def(RELATION)
    ways = opt_prop_def(COUNT)
    result = result_def(TensorType)

    traits = traits_def(HasParentNamed("cmcore.program"))

    assembly_format = "$array $cells (`ways` $ways^)? attr-dict `:` type($result)"

    def __init__(
        self,
        array: str,
        cells: MapAttr,
        type: TensorType[Attribute],
        ways: IntegerAttr | None = None,
    ):
        super().__init__(
            properties={"array": SymbolRefAttr(array), "cells": cells, "ways": ways},
            result_types=[type],
        )

    @property
    def sets(self) -> int:
        """Number of sets of crossbars that hold the matrix."""
        return 1 if self.ways is None else self.ways.value.data

    def verify_(self) -> None:
        array = find_array(self, symbol(self.array))
        verify_cells(array, self.cells, self.result.type, core_dims_around(self))
        program = self.parent_block()
        assert program is not None
        crossbars = (op for op in program.ops if isinstance(op, CrossbarOp))
        verify_ways(self.sets, (crossbar.sets for crossbar in crossbars))
