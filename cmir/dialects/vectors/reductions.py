"""Reductions of a vector along some of its dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    DenseArrayBase,
    IntegerAttr,
    StringAttr,
    UnitAttr,
    VectorType,
    i32,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    EqAttrConstraint,
    IRDLOperation,
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


def _print_end(printer: Printer, op: ReduceOp | ArgReduceOp) -> None:
    print_attributes(printer, op)
    printer.print_string(" : ")
    printer.print_attribute(op.vector.type)
    printer.print_string(" -> ")
    printer.print_attribute(op.result.type)


@irdl_op_definition
class ReduceOp(IRDLOperation):
    """Combines the elements of a vector along some of its dimensions, on the DPU.

    ```mlir
    %y = cmcore.reduce maximumf %x along [0, 1] : vector<2x2x16xf32> -> vector<16xf32>
    ```
    """

    name = "cmcore.reduce"

    KINDS: ClassVar = ("add", "mul", "maximumf", "minimumf", "maxsi", "maxui", "minsi", "minui")

    kind = prop_def(StringAttr)
    vector = operand_def(VectorType)
    dims = prop_def(DenseArrayBase.constr(i64))
    result = result_def(VectorType)

    traits = traits_def(Pure())

    def __init__(self, kind: str, vector: SSAValue | Operation, dims: Sequence[int]):
        vector = SSAValue.get(vector, type=VectorType)
        super().__init__(
            operands=[vector],
            properties={"kind": StringAttr(kind), "dims": DenseArrayBase.from_list(i64, dims)},
            result_types=[self.infer(vector.type, dims)],
        )

    @staticmethod
    def infer(vector: VectorType[Attribute], dims: Sequence[int]) -> VectorType[Attribute]:
        kept = [size for i, size in enumerate(vector.get_shape()) if i not in dims]
        return VectorType(vector.element_type, kept)

    @classmethod
    def parse(cls, parser: Parser) -> ReduceOp:
        kind = parse_word(parser, "a kind of reduction", cls.KINDS)
        vector = parser.parse_unresolved_operand()
        parser.parse_keyword("along")
        dims = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
        attributes = parse_attributes(parser)
        parser.parse_punctuation(":")
        operand = parser.resolve_operand(vector, parser.parse_type())
        parser.parse_punctuation("->")
        return cls.create(
            operands=[operand],
            result_types=[parser.parse_type()],
            properties={"kind": StringAttr(kind), "dims": DenseArrayBase.from_list(i64, dims)},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.kind.data} ")
        printer.print_ssa_value(self.vector)
        printer.print_string(f" along {list(self.dims.get_values())}")
        _print_end(printer, self)

    def verify_(self) -> None:
        verify_word("the kind", self.kind.data, self.KINDS)
        assert isinstance(self.vector.type, VectorType)
        rank, dims = len(self.vector.type.get_shape()), self.dims.get_values()
        if len(set(dims)) != len(dims) or any(not 0 <= d < rank for d in dims):
            raise VerifyException(f"`along` must name dimensions of rank {rank}, got {list(dims)}")
        if self.result.type != (expected := self.infer(self.vector.type, dims)):
            raise VerifyException(f"the result must have type {expected}, got {self.result.type}")


@irdl_op_definition
class ArgReduceOp(IRDLOperation):
    """Finds the positions of the largest or smallest elements of a vector along one dimension, on the DPU.

    ```mlir
    %y = cmcore.arg_reduce maximumf %x along 0 : vector<10x16xf32> -> vector<16xi32>
    ```

    Among equal elements the first one counts, or the last one with `last`. NaN is larger than all numbers for
    `maximumf`, and smaller than all numbers for `minimumf`.
    """

    name = "cmcore.arg_reduce"

    KINDS: ClassVar = ("maximumf", "minimumf", "maxsi", "maxui", "minsi", "minui")

    kind = prop_def(StringAttr)
    vector = operand_def(VectorType)
    dim = prop_def(IntegerAttr.constr(EqAttrConstraint(i64)))
    last = opt_prop_def(UnitAttr)
    result = result_def(VectorType)

    traits = traits_def(Pure())

    def __init__(self, kind: str, vector: SSAValue | Operation, dim: int, last: bool = False):
        vector = SSAValue.get(vector, type=VectorType)
        super().__init__(
            operands=[vector],
            properties={
                "kind": StringAttr(kind),
                "dim": IntegerAttr(dim, i64),
                "last": UnitAttr() if last else None,
            },
            result_types=[self.infer(vector.type, dim)],
        )

    @staticmethod
    def infer(vector: VectorType[Attribute], dim: int) -> VectorType[Attribute]:
        return VectorType(i32, [size for i, size in enumerate(vector.get_shape()) if i != dim])

    @classmethod
    def parse(cls, parser: Parser) -> ArgReduceOp:
        kind = parse_word(parser, "a kind of reduction", cls.KINDS)
        vector = parser.parse_unresolved_operand()
        parser.parse_keyword("along")
        properties: dict[str, Attribute] = {
            "kind": StringAttr(kind),
            "dim": IntegerAttr(parser.parse_integer(), i64),
        }
        if parser.parse_optional_keyword("last"):
            properties["last"] = UnitAttr()
        attributes = parse_attributes(parser)
        parser.parse_punctuation(":")
        operand = parser.resolve_operand(vector, parser.parse_type())
        parser.parse_punctuation("->")
        return cls.create(
            operands=[operand],
            result_types=[parser.parse_type()],
            properties=properties,
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.kind.data} ")
        printer.print_ssa_value(self.vector)
        printer.print_string(f" along {self.dim.value.data}")
        if self.last is not None:
            printer.print_string(" last")
        _print_end(printer, self)

    def verify_(self) -> None:
        verify_word("the kind", self.kind.data, self.KINDS)
        assert isinstance(self.vector.type, VectorType)
        rank, dim = len(self.vector.type.get_shape()), self.dim.value.data
        if not 0 <= dim < rank:
            raise VerifyException(f"`along` must name a dimension of rank {rank}, got {dim}")
        if self.result.type != (expected := self.infer(self.vector.type, dim)):
            raise VerifyException(f"the result must have type {expected}, got {self.result.type}")


@irdl_op_definition
class ArgTopKOp(IRDLOperation):
    """Finds the positions of the smallest elements of a vector in ascending order, or of the largest in descending.

    ```mlir
    %i = cmcore.arg_top_k %x largest : vector<10xf32> -> vector<3xi32>
    ```

    Equal elements have the order of their positions. NaN is larger than all numbers.
    """

    name = "cmcore.arg_top_k"

    vector = operand_def(VectorType)
    largest = opt_prop_def(UnitAttr)
    result = result_def(VectorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$vector (`largest` $largest^)? attr-dict `:` type($vector) `->` type($result)"
    )

    def __init__(self, vector: SSAValue | Operation, count: int, largest: bool = False):
        super().__init__(
            operands=[vector],
            properties={"largest": UnitAttr() if largest else None},
            result_types=[VectorType(i32, [count])],
        )

    def verify_(self) -> None:
        assert isinstance(self.vector.type, VectorType)
        vector, result = self.vector.type.get_shape(), self.result.type
        if len(vector) != 1:
            raise VerifyException(f"the vector must have 1 dimension, got {len(vector)}")
        shape = result.get_shape()
        if result.element_type != i32 or len(shape) != 1 or not 0 < shape[0] <= vector[0]:
            raise VerifyException(
                f"the result must have type vector<Kxi32> with 1 <= K <= {vector[0]}, got {result}"
            )
