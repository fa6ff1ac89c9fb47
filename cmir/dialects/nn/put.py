"""Operators that replace parts of a tensor at indices that are data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import IntegerAttr, UnitAttr, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn import formula
from cmir.dialects.nn.interface import Access, IterationOp
from cmir.dialects.nn.operation import TENSOR, Shape, flag, number, shape_of
from cmir.dialects.nn.relations import Box
from cmir.dialects.nn.take import ONE, ElementsOp, check_indices, index_errors
from cmir.dialects.vectors import PlaceOp
from cmir.support.numerics import place


@irdl_op_definition
class PutElementsOp(ElementsOp):
    """A copy of a tensor with elements along `axis` replaced, by an update and an index for each of them.

    ```mlir
    %y = nn.put_elements %x, %i, %u {axis = 1}
        : (tensor<3x8xf32>, tensor<3x2xi64>, tensor<3x2xf32>) -> tensor<3x8xf32>
    ```

    The last of several updates of an element counts. With one of the flags `add`, `mul`, `max` and `min`, all of them
    and the element are combined. Negative indices count from the end. An index that is out of range is an error of the
    run.

    ONNX: ScatterElements.
    """

    name = "nn.put_elements"

    x = operand_def(TENSOR)
    indices = operand_def(TENSOR)
    updates = operand_def(TENSOR)
    add = opt_prop_def(UnitAttr)
    mul = opt_prop_def(UnitAttr)
    max = opt_prop_def(UnitAttr)
    min = opt_prop_def(UnitAttr)

    def __init__(
        self,
        x: SSAValue | Operation,
        indices: SSAValue | Operation,
        updates: SSAValue | Operation,
        axis: int,
        kind: str | None = None,
    ):
        """kind: add, mul, max or min."""
        options = {"axis": IntegerAttr(axis, i64), **combination(kind)}
        super().__init__([x, indices, updates], options)

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        x, indices, updates = shapes
        axis = number(options, "axis")
        cls.check(x, indices, axis)
        if updates != indices or any(
            a != b for d, (a, b) in enumerate(zip(x, indices, strict=True)) if d != axis
        ):
            raise VerifyException(
                f"indices and updates must have the sizes of the tensor, {list(x)}, in all dimensions"
                f" but {axis}, got {list(indices)} and {list(updates)}"
            )
        kind_of(options)
        return x

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        return check_updates(*operands)

    def reads(self) -> Sequence[Access]:
        return [self._row(shape_of(operand)) for operand in self.operands]

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        x, indices, updates = values
        return builder.insert(PlaceOp(updates, x, [indices], kind_of(self.properties))).result

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        x, indices, updates = (self._rows(operand, self.result_shape) for operand in operands)
        with index_errors(self):
            return self._from_rows(place(x, updates, indices, kind=kind_of(self.properties)))


@irdl_op_definition
class PutSlicesOp(IterationOp):
    """A copy of a tensor with slices replaced, by an update for each and a vector of indices for the first dimensions.

    The last dimension of the indices holds the vectors.

    ```mlir
    %y = nn.put_slices %x, %i, %u
        : (tensor<8x8x3xf32>, tensor<5x2xi64>, tensor<5x3xf32>) -> tensor<8x8x3xf32>
    ```

    The last of several updates of a slice counts. With one of the flags `add`, `mul`, `max` and `min`, all of them and
    the slice are combined. Negative indices count from the end. An index that is out of range is an error of the run.
    There is one iteration.

    ONNX: ScatterND.
    """

    name = "nn.put_slices"

    x = operand_def(TENSOR)
    indices = operand_def(TENSOR)
    updates = operand_def(TENSOR)
    add = opt_prop_def(UnitAttr)
    mul = opt_prop_def(UnitAttr)
    max = opt_prop_def(UnitAttr)
    min = opt_prop_def(UnitAttr)

    def __init__(
        self,
        x: SSAValue | Operation,
        indices: SSAValue | Operation,
        updates: SSAValue | Operation,
        kind: str | None = None,
    ):
        """kind: add, mul, max or min."""
        super().__init__([x, indices, updates], combination(kind))

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        x, indices, updates = shapes
        if not indices or not 1 <= indices[-1] <= len(x):
            raise VerifyException(
                f"indices of shape {list(indices)} do not select slices of a tensor of shape {list(x)}"
            )
        if updates != (expected := (*indices[:-1], *x[indices[-1] :])):
            raise VerifyException(
                f"the updates must have the shape {list(expected)}, got {list(updates)}"
            )
        kind_of(options)
        return x

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        return check_updates(*operands)

    def iterations(self) -> Box:
        return {}

    def reads(self) -> Sequence[Access]:
        x, at, updates = (shape_of(operand) for operand in self.operands)
        indices = {f"i{d}": size for d, size in enumerate(at[:-1])}
        lanes, updated = {"k": at[-1], **(indices or ONE)}, self._whole(updates)
        if not indices:
            kept = {f"b{d}": size for d, size in enumerate(updates)}
            updated = Access.build({}, {**ONE, **kept}, [*kept], updates)
        return [self._whole(x), Access.build({}, lanes, [*indices, "k"], at), updated]

    def write(self) -> Access:
        return self._whole(self.result_shape)

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        x, indices, updates = values[0], formula.Vector(builder, values[1]), values[2]
        places = [indices[k].value for k in range(indices.shape[0])]
        return builder.insert(PlaceOp(updates, x, places, kind_of(self.properties))).result

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        x, indices, updates = (operand.reshape((1, *operand.shape)) for operand in operands)
        places = (indices[..., k] for k in range(indices.shape[-1]))
        with index_errors(self):
            result = place(x, updates, *places, kind=kind_of(self.properties))
        return result.reshape(self.result_shape)

    @staticmethod
    def _whole(shape: Shape) -> Access:
        lanes = {f"b{d}": size for d, size in enumerate(shape)}
        return Access.build({}, lanes, [*lanes], shape)


def check_updates(x: Attribute, indices: Attribute, updates: Attribute) -> Attribute:
    """Like `check_indices`. The updates must have the element type of the tensor, too."""
    if updates != x:
        raise VerifyException(f"the updates must have elements of {x}, got {updates}")
    return check_indices(x, indices)


KINDS = PlaceOp.KINDS


def combination(kind: str | None) -> dict[str, Attribute | None]:
    """Return the flags of an operator that combines updates in this way."""
    return {name: flag(name == kind) for name in KINDS}


def kind_of(options: Mapping[str, Attribute]) -> str | None:
    """Return how an operator with these options combines updates. Raises VerifyException if there are several ways."""
    found = [name for name in KINDS if name in options]
    if len(found) > 1:
        raise VerifyException(f"updates are combined in one way, got {' and '.join(found)}")
    return found[0] if found else None
