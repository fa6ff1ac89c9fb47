"""Element-wise vector operations that upstream dialects lack."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import IntegerType, StringAttr, UnitAttr, VectorType, i1
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    BaseAttr,
    IRDLOperation,
    VarConstraint,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.syntax import parse_attributes, parse_word, print_attributes, verify_word


@irdl_op_definition
class CompareOp(IRDLOperation):
    """Compares the elements of two vectors, on the DPU.

    ```mlir
    %y = cmcore.compare lt %a, %b : vector<16xf32>
    ```

    The comparison is unsigned if the elements are unsigned. Comparisons with NaN are false, except `ne`. (`arith.cmpf`
    and `arith.cmpi` take vectors in MLIR, but not in xDSL.)
    """

    name = "cmcore.compare"

    RELATIONS: ClassVar = ("eq", "ne", "lt", "le", "gt", "ge")

    relation = prop_def(StringAttr)
    lhs = operand_def(VectorType)
    rhs = operand_def(VectorType)
    result = result_def(VectorType)

    traits = traits_def(Pure())

    def __init__(self, relation: str, lhs: SSAValue | Operation, rhs: SSAValue | Operation):
        lhs = SSAValue.get(lhs, type=VectorType)
        super().__init__(
            operands=[lhs, rhs],
            properties={"relation": StringAttr(relation)},
            result_types=[VectorType(i1, lhs.type.get_shape())],
        )

    @classmethod
    def parse(cls, parser: Parser) -> CompareOp:
        relation = parse_word(parser, "a relation", cls.RELATIONS)
        lhs = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        rhs = parser.parse_unresolved_operand()
        attributes = parse_attributes(parser)
        parser.parse_punctuation(":")
        type = parser.parse_type()
        shape = type.get_shape() if isinstance(type, VectorType) else ()
        return cls.create(
            operands=[parser.resolve_operand(operand, type) for operand in (lhs, rhs)],
            result_types=[VectorType(i1, shape)],
            properties={"relation": StringAttr(relation)},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.relation.data} ")
        printer.print_list(self.operands, printer.print_ssa_value)
        print_attributes(printer, self)
        printer.print_string(" : ")
        printer.print_attribute(self.lhs.type)

    def verify_(self) -> None:
        verify_word("the relation", self.relation.data, self.RELATIONS)
        assert isinstance(self.lhs.type, VectorType)
        if self.rhs.type != self.lhs.type:
            raise VerifyException(
                f"the operands must have one type, got {self.lhs.type} and {self.rhs.type}"
            )
        if self.result.type != (expected := VectorType(i1, self.lhs.type.get_shape())):
            raise VerifyException(f"the result must have type {expected}, got {self.result.type}")


@irdl_op_definition
class RemainderOp(IRDLOperation):
    """Remainders of the division of one vector by another, rounded towards zero, on the DPU.

    ```mlir
    %y = cmcore.remainder %a, %b : vector<16xf32>
    ```

    A remainder is exact, and has the sign of the dividend. That of a division by 0 is NaN, or 0 for integers.
    (`arith.remf` does not exist in xDSL.)
    """

    name = "cmcore.remainder"

    _T: ClassVar = VarConstraint("_T", BaseAttr(VectorType))

    lhs = operand_def(_T)
    rhs = operand_def(_T)
    result = result_def(_T)

    traits = traits_def(Pure())

    assembly_format = "$lhs `,` $rhs attr-dict `:` type($result)"

    def __init__(self, lhs: SSAValue | Operation, rhs: SSAValue | Operation):
        super().__init__(operands=[lhs, rhs], result_types=[SSAValue.get(lhs).type])


@irdl_op_definition
class SelectOp(IRDLOperation):
    """Selects the elements of one vector where a condition holds, those of another elsewhere, on the DPU.

    ```mlir
    %y = cmcore.select %c, %a, %b : vector<16xi1>, vector<16xf32>
    ```
    """

    name = "cmcore.select"

    _T: ClassVar = VarConstraint("_T", BaseAttr(VectorType))

    condition = operand_def(VectorType)
    lhs = operand_def(_T)
    rhs = operand_def(_T)
    result = result_def(_T)

    traits = traits_def(Pure())

    assembly_format = (
        "$condition `,` $lhs `,` $rhs attr-dict `:` type($condition) `,` type($result)"
    )

    def __init__(
        self,
        condition: SSAValue | Operation,
        lhs: SSAValue | Operation,
        rhs: SSAValue | Operation,
    ):
        super().__init__(operands=[condition, lhs, rhs], result_types=[SSAValue.get(lhs).type])

    def verify_(self) -> None:
        assert isinstance(self.result.type, VectorType)
        if self.condition.type != (expected := VectorType(i1, self.result.type.get_shape())):
            raise VerifyException(
                f"the condition must have type {expected}, got {self.condition.type}"
            )


@irdl_op_definition
class ConvertOp(IRDLOperation):
    """Converts the elements of a vector to the nearest numbers of another type, on the DPU.

    ```mlir
    %y = cmcore.convert %x : vector<16xf32> -> vector<16xi8>
    ```

    Conversion to an integer type rounds to the nearest integer, ties to even, and saturates at the bounds of the type.
    NaN becomes 0. Integers that are converted `wrapping` keep their low bits instead of saturating:

    ```mlir
    %y = cmcore.convert %x wrapping : vector<16xi64> -> vector<16xi32>
    ```
    """

    name = "cmcore.convert"

    vector = operand_def(VectorType)
    wrapping = opt_prop_def(UnitAttr)
    result = result_def(VectorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$vector (`wrapping` $wrapping^)? attr-dict `:` type($vector) `->` type($result)"
    )

    def __init__(self, vector: SSAValue | Operation, element: Attribute, wrapping: bool = False):
        vector = SSAValue.get(vector, type=VectorType)
        result = VectorType(element, vector.type.get_shape())
        super().__init__(
            operands=[vector],
            properties={"wrapping": UnitAttr() if wrapping else None},
            result_types=[result],
        )

    def verify_(self) -> None:
        assert isinstance(self.vector.type, VectorType)
        elements = self.vector.type.element_type, self.result.type.element_type
        if self.wrapping is not None and not all(isinstance(e, IntegerType) for e in elements):
            got = " and ".join(map(str, elements))
            raise VerifyException(f"`wrapping` is for integers, got {got}")
        expected = VectorType(self.result.type.element_type, self.vector.type.get_shape())
        if self.result.type != expected:
            raise VerifyException(f"the result must have type {expected}, got {self.result.type}")
