"""Point-wise operators that give one narrow value wider elements, such as `nn.dequantize` of integers to floats.

Arrays hold the narrow elements: the stage that reads a value widens it.
"""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.ir import Operation, SSAValue

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.interface import LayoutOp
from cmir.dialects.nn.operation import shape_of
from cmir.dialects.nn.parameter import ParameterOp, parameter_of
from cmir.dialects.nn.pointwise import ElementwiseOp

MOST_BYTES = 2
"""Elements of more bytes are not narrow."""


def narrow_operand(op: Operation) -> int | None:
    """Return the index of the value that `op` widens, or None if `op` does not widen one value.

    The other operands are parameters, and the value has the shape of the result.
    """
    if not isinstance(op, ElementwiseOp):
        return None
    values = [i for i, operand in enumerate(op.operands) if parameter_of(operand) is None]
    if len(values) != 1 or shape_of(op.operands[values[0]]) != op.result_shape:
        return None
    size = dtype_of(op.operands[values[0]]).itemsize
    return values[0] if size <= MOST_BYTES and size < dtype_of(op.result).itemsize else None


def inline_number(value: SSAValue) -> np.ndarray | None:
    """Return the only element of an inline parameter, as an array without dimensions, or None."""
    owner = value.owner
    if not isinstance(owner, ParameterOp):
        return None
    source = owner.source
    if not isinstance(source, DenseIntOrFPElementsAttr) or owner.result.type.get_shape() not in (
        (),
        (1,) * len(shape_of(value)),
    ):
        return None
    return owner.evaluate({}).reshape(())


def preimage(op: ElementwiseOp, number: float) -> float | None:
    """Return an element that a widening operator maps to `number`, or None.

    None, too, if the other operands are not single inline numbers.
    """
    index = narrow_operand(op)
    assert index is not None
    parameters = [inline_number(o) for i, o in enumerate(op.operands) if i != index]
    known = [parameter for parameter in parameters if parameter is not None]
    if len(known) < len(parameters):
        return None
    elements = _elements(dtype_of(op.operands[index]))
    found = elements[op.evaluate(*known[:index], elements, *known[index:]) == number]
    return float(found[0]) if found.size else None


def _elements(dtype: np.dtype) -> np.ndarray:
    """Return all elements of a narrow type."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return np.arange(limits.min, limits.max + 1).astype(dtype)
    unsigned = np.arange(2 if dtype == np.bool_ else 1 << 8 * dtype.itemsize)
    return unsigned.astype(f"u{dtype.itemsize}").view(dtype)


def below(op: ElementwiseOp, layout: LayoutOp) -> LayoutOp | None:
    """Return `layout` applied to what `op`, its operand, widens: layout(op(x)) is op(layout(x)).

    None if padding of the layout has no preimage, or if the widening depends on the position.
    """
    index = narrow_operand(op)
    if index is None or len(layout.operands) != 1:
        return None
    if any(inline_number(o) is None for i, o in enumerate(op.operands) if i != index):
        return None
    pad = preimage(op, layout.pad_value) if layout.has_padding else 0.0
    return None if pad is None else layout.on([op.operands[index]], pad)
