"""Bases of operators that apply a formula to elements, broadcast as in NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import FloatAttr, f32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import operand_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn import formula
from cmir.dialects.nn.interface import PointwiseOp
from cmir.dialects.nn.operation import FLOATS, TENSOR, Shape
from cmir.support.numerics import as_type, convert, wrap

WIDE = np.dtype(np.int32)
"""The type in which formulas of unsigned integers are computed."""


class ElementwiseOp(PointwiseOp):
    """An operator defined by a formula of one element of each operand and of the numbers in its options."""

    TAKES: ClassVar[Sequence[Attribute]] = FLOATS

    DEFAULTS: ClassVar[Mapping[str, float]] = {}
    """The defaults of the options that are numbers."""

    UFUNC: ClassVar[np.ufunc]
    """The formula, if it is a single NumPy ufunc."""

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return {name: FloatAttr(value, f32) for name, value in cls.DEFAULTS.items()}

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        try:
            return np.broadcast_shapes(*shapes)
        except ValueError:
            texts = " and ".join(str(list(shape)) for shape in shapes)
            raise VerifyException(f"shapes {texts} do not broadcast to one shape") from None

    def formula(self, *operands: Any) -> Any:
        """Apply the formula to these arrays or `Vector`s."""
        return self.UFUNC(*operands)

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return formula.build_formula(builder, self._widened, values)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return formula.compute(self._widened, *operands)

    def _widened(self, *operands: Any) -> Any:
        """Apply the formula. That of unsigned integers is computed in `i32`, which represents them.

        The low bits of its result are those of the result: unsigned integers have at most 16 bits.
        """
        dtype = dtype_of(self.result)
        if dtype.kind != "u":
            return self.formula(*operands)
        return wrap(self.formula(*(convert(x, WIDE) for x in operands)), dtype)

    def is_increasing(self) -> bool:
        """Return True if the formula is known to keep the order of the elements of its only operand with several."""
        return False

    def number(self, option: str) -> float:
        """Return the number in an option."""
        value = self.properties[option]
        assert isinstance(value, FloatAttr)
        return value.value.data


class ExactOp(ElementwiseOp):
    """An operator that only rounds to the element type of its result, which may differ from that of the operands."""

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return self.formula(*(formula.Vector(builder, value) for value in values)).value

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return as_type(self.formula(*operands), dtype_of(self.result))


class UnaryOp(ElementwiseOp):
    """An operator on one tensor. Options are given by name, as numbers."""

    x = operand_def(TENSOR)

    def __init__(self, x: SSAValue | Operation, **options: float):
        super().__init__([x], {name: FloatAttr(value, f32) for name, value in options.items()})


class BinaryOp(ElementwiseOp):
    """An operator on two tensors."""

    lhs = operand_def(TENSOR)
    rhs = operand_def(TENSOR)

    def __init__(self, lhs: SSAValue | Operation, rhs: SSAValue | Operation):
        super().__init__([lhs, rhs], {})
