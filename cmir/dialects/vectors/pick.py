"""Selection of elements of a vector by indices that are data."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar, cast

from xdsl.dialects.builtin import StringAttr, VectorType, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.syntax import parse_attributes, print_attributes, verify_word
from cmir.support.counts import count_of


@irdl_op_definition
class PickOp(IRDLOperation):
    """Picks elements, or parts, of a vector along its first dimensions by indices that are data, one for each of them.

    ```mlir
    %y = cmcore.pick %table at %i : vector<20x6xf32>, vector<5xi64> -> vector<5x6xf32>
    %z = cmcore.pick %image at %h, %w : vector<8x8x3xf32>, vector<5xi64>, vector<5xi64> -> vector<5x3xf32>
    ```

    Negative indices count from the end. An index that is out of range is an error of the program: a run stops. The
    vector holds everything that the indices may select, so an iteration waits for all of it, and control logic does not
    depend on data. The picked elements alone pass through the SRAM port and the vector unit.
    """

    name = "cmcore.pick"

    vector = operand_def(VectorType)
    indices = var_operand_def(VectorType)
    result = result_def(VectorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$vector `at` $indices attr-dict `:` type($vector) `,` type($indices) `->` type($result)"
    )

    def __init__(self, vector: SSAValue | Operation, *indices: SSAValue | Operation):
        values = [SSAValue.get(value, type=VectorType) for value in (vector, *indices)]
        result = self.infer([value.type for value in values])
        super().__init__(operands=[values[0], values[1:]], result_types=[result])

    @staticmethod
    def infer(types: Sequence[VectorType[Attribute]]) -> VectorType[Attribute]:
        """Return the type of the result, given those of the vector and of the indices."""
        vector, *indices = types
        kept = vector.get_shape()[len(indices) :]
        return VectorType(vector.element_type, [*indices[0].get_shape(), *kept])

    def verify_(self) -> None:
        types = [cast(VectorType[Attribute], operand.type) for operand in self.operands]
        verify_indices(types[0], types[1:])
        if self.result.type != (expected := self.infer(types)):
            raise VerifyException(f"the result must have type {expected}, got {self.result.type}")


def verify_indices(vector: VectorType[Attribute], indices: Sequence[VectorType[Attribute]]) -> None:
    """Raise VerifyException unless the indices are integers, of one type, for dimensions of the vector."""
    rank = len(vector.get_shape())
    if not rank:
        raise VerifyException("the vector must have a dimension to pick along")
    if not 0 < len(indices) <= rank:
        raise VerifyException(
            f"there must be indices for 1 to {count_of(rank, 'dimension')} of the vector, got {len(indices)}"
        )
    if any(index != indices[0] for index in indices):
        got = " and ".join(map(str, dict.fromkeys(indices)))
        raise VerifyException(f"the indices must have one type, got {got}")
    if indices[0].element_type not in (i32, i64):
        raise VerifyException(
            f"the indices must have elements of i32 or i64, got {indices[0].element_type}"
        )


@irdl_op_definition
class PlaceOp(IRDLOperation):
    """Replaces elements, or parts, of a vector at indices that are data, one for each of its first dimensions.

    ```mlir
    %y = cmcore.place %u into %x at %i : vector<5x6xf32>, vector<20x6xf32>, vector<5xi64>
    %z = cmcore.place add %u into %x at %i : vector<5x6xf32>, vector<20x6xf32>, vector<5xi64>
    ```

    The last of several updates of one element counts; with `add`, `mul`, `max` or `min`, all of them and the element
    are combined, one after the other. Negative indices count from the end. An index that is out of range is an error of
    the program: a run stops.
    """

    name = "cmcore.place"

    KINDS: ClassVar = ("add", "mul", "max", "min")

    kind = opt_prop_def(StringAttr)
    updates = operand_def(VectorType)
    vector = operand_def(VectorType)
    indices = var_operand_def(VectorType)
    result = result_def(VectorType)

    traits = traits_def(Pure())

    def __init__(
        self,
        updates: SSAValue | Operation,
        vector: SSAValue | Operation,
        indices: Sequence[SSAValue | Operation],
        kind: str | None = None,
    ):
        vector = SSAValue.get(vector, type=VectorType)
        super().__init__(
            operands=[updates, vector, indices],
            properties={"kind": None if kind is None else StringAttr(kind)},
            result_types=[vector.type],
        )

    @classmethod
    def parse(cls, parser: Parser) -> PlaceOp:
        kind = next((kind for kind in cls.KINDS if parser.parse_optional_keyword(kind)), None)
        operands = [parser.parse_unresolved_operand()]
        parser.parse_keyword("into")
        operands.append(parser.parse_unresolved_operand())
        parser.parse_keyword("at")
        operands += parser.parse_comma_separated_list(
            parser.Delimiter.NONE, parser.parse_unresolved_operand
        )
        attributes = parse_attributes(parser)
        parser.parse_punctuation(":")
        start = parser.pos
        types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        return cls.create(
            operands=parser.resolve_operands(operands, types, start),
            result_types=types[1:2],
            properties={} if kind is None else {"kind": StringAttr(kind)},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        if self.kind is not None:
            printer.print_string(f" {self.kind.data}")
        printer.print_string(" ")
        printer.print_ssa_value(self.updates)
        printer.print_string(" into ")
        printer.print_ssa_value(self.vector)
        printer.print_string(" at ")
        printer.print_list(self.indices, printer.print_ssa_value)
        print_attributes(printer, self)
        printer.print_string(" : ")
        printer.print_list(self.operand_types, printer.print_attribute)

    def verify_(self) -> None:
        if self.kind is not None:
            verify_word("the kind", self.kind.data, self.KINDS)
        updates, vector, *indices = (cast(VectorType[Attribute], t) for t in self.operand_types)
        verify_indices(vector, indices)
        if updates != (expected := PickOp.infer([vector, *indices])):
            raise VerifyException(f"the updates must have type {expected}, got {updates}")
        if self.result.type != vector:
            raise VerifyException(f"the result must have type {vector}, got {self.result.type}")


def elements_used(vector: SSAValue) -> int:
    """Return the number of elements of a vector that an iteration uses: the picked ones if it only picks from it."""
    uses = list(vector.uses)
    picks = [op for use in uses if isinstance(op := use.operation, PickOp) and use.index == 0]
    picked = sum(_elements(op.result) for op in picks)
    return picked if picks and len(picks) == len(uses) else _elements(vector)


def index_operands(op: Operation) -> range:
    """Return the positions of the operands that are indices into another operand."""
    match op:
        case PickOp():
            return range(1, len(op.operands))
        case PlaceOp():
            return range(2, len(op.operands))
        case _:
            return range(0)


def _elements(value: SSAValue) -> int:
    return prod(value.type.get_shape()) if isinstance(value.type, VectorType) else 1
