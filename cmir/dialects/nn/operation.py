"""Base of all operators: tensors in, one tensor or several of one type out, and a common syntax."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar, Self, cast

import numpy as np
from xdsl.dialects.builtin import (
    I64,
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    Signedness,
    StringAttr,
    TensorType,
    UnitAttr,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrConstraint,
    AttrSizedOperandSegments,
    EqAttrConstraint,
    IRDLOperation,
    OpDef,
    OptOperandDef,
    VarOperandDef,
    result_def,
    traits_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.element_types import dtype_of
from cmir.support.counts import count_of

Shape = tuple[int, ...]

ui8 = IntegerType(8, Signedness.UNSIGNED)
ui16 = IntegerType(16, Signedness.UNSIGNED)

ELEMENT_TYPES = (f32, f16, bf16, f64, i8, ui8, i16, ui16, i32, i64, i1)
"""The element types: floats, integers (`i8` to `i64` are signed), and truth values."""
ELEMENT_TYPE_OF: Mapping[np.dtype[Any], Attribute] = {dtype_of(e): e for e in ELEMENT_TYPES}
"""The element types by NumPy type."""
FLOATS = (f32, f16, bf16, f64)
NARROW_FLOATS = (f16, bf16)
"""The floats that are computed in `f32`, and rounded once."""
QUANTIZED = (i8, ui8, i16, ui16)
"""The element types of quantised values."""
INTEGERS = (*QUANTIZED, i32)
"""The integers of quantised networks, whose products are summed in `i32`."""
WHOLE = (*INTEGERS, i64)
"""All integers."""

TENSOR = TensorType.constr()
INTS = DenseArrayBase.constr(EqAttrConstraint(i64))
INT = IntegerAttr.constr(EqAttrConstraint(i64))
FLOAT = FloatAttr.constr(EqAttrConstraint(f32))
NUMBERS = DenseArrayBase.constr(EqAttrConstraint(f32))
NAMES = ArrayAttr.constr(StringAttr)

SEGMENTS = AttrSizedOperandSegments.attribute_name
"""The property with the number of operands (0 or 1) for each operand of a definition with several optional ones."""


def tensor_type(shape: Sequence[int], element: Attribute = f32) -> TensorType[Any]:
    """Return `tensor<…xf32>` of this shape, or the tensor type with another element type."""
    return TensorType(element, shape)


def element_of(value: SSAValue | Attribute) -> Attribute:
    """Return the element type of a tensor or of its type."""
    type = value.type if isinstance(value, SSAValue) else value
    assert isinstance(type, TensorType)
    return type.element_type


def shape_of(value: SSAValue | Attribute) -> Shape:
    """Return the shape of a tensor or of its type. Raises VerifyException if it is not static or has a high rank."""
    type = value.type if isinstance(value, SSAValue) else value
    if not isinstance(type, TensorType) or not type.has_static_shape():
        raise VerifyException(f"expected a tensor with a static shape, got {type}")
    if (rank := type.get_num_dims()) > MOST_DIMENSIONS:
        raise VerifyException(f"a tensor has {MOST_DIMENSIONS} dimensions at most, got {rank}")
    return type.get_shape()


MOST_DIMENSIONS = 16
"""Limit of the dimensions of a tensor: NumPy takes 32 in all, and one array holds iterations and lanes."""


def check_elements(taken: Sequence[Attribute], operands: Sequence[Attribute]) -> None:
    """Raise VerifyException if an operand has an element type that is not in `taken`."""
    if any(operand not in taken for operand in operands):
        known, got = (", ".join(map(str, those)) for those in (taken, dict.fromkeys(operands)))
        one = "one of " if len(taken) > 1 else ""
        raise VerifyException(f"the operands must have elements of {one}{known}, got {got}")


def accumulator(operands: Sequence[Attribute]) -> Attribute | None:
    """Return `i32` if products of elements of these types (input, weight, perhaps bias) are summed in it, or None."""
    *factors, bias = operands if len(operands) == 3 else (*operands, i32)
    return i32 if bias == i32 and all(factor in INTEGERS for factor in factors) else None


def ints(values: Sequence[int] | None) -> DenseArrayBase[I64] | None:
    """Return a list of numbers as an operator's option; None stays None. Raises VerifyException if one is too large."""
    if large := [value for value in values or () if not -(1 << 63) <= value < 1 << 63]:
        raise VerifyException(f"{large[0]} is no integer of 64 bits")
    return None if values is None else DenseArrayBase.from_list(i64, list(values))


def numbers(options: Mapping[str, Attribute], name: str) -> tuple[int, ...]:
    """Return the numbers in an option that is a list."""
    return cast(DenseArrayBase[I64], options[name]).get_values()


def number(options: Mapping[str, Attribute], name: str) -> int:
    """Return the number in an option."""
    return cast(IntegerAttr, options[name]).value.data


def flag(value: bool) -> UnitAttr | None:
    """Return a flag as an operator's option: a unit attribute, or None."""
    return UnitAttr() if value else None


class NNOp(IRDLOperation, ABC):
    """An operator on tensors whose results have one type, which is inferred from operands and options.

    Most operators have one result.

    Options are properties. All of them are present in the IR, so passes need not know defaults. The text leaves out
    options that have their default:

    ```mlir
    %y = nn.name %a, %b optional %c {numbers = [1, 2], number = 3, flag} : (…) -> …
    ```
    """

    result = result_def(TENSOR)

    TAKES: ClassVar[Sequence[Attribute]] = (f32,)
    """The element types that the operator takes."""

    traits = traits_def(Pure())

    def __init__(
        self,
        operands: Sequence[SSAValue | Operation | Sequence[SSAValue | Operation] | None],
        options: Mapping[str, Attribute | None],
    ):
        """Build the operator and infer the type of its result.

        operands: an entry for each operand of the definition: None for an absent one, a list for a variadic one.
        options: by name; None stands for the default. Raises VerifyException if operands and options do not fit
        together.
        """
        values = [SSAValue.get(operand) for operand in _flat(operands)]
        shapes = [shape_of(value) for value in values]
        given = {name: value for name, value in options.items() if value is not None}
        properties = {**self.defaults(shapes), **given}
        definition = self.get_irdl_definition()
        if _has_segments(definition):
            properties[SEGMENTS] = _segments([operand is not None for operand in operands])
        type = tensor_type(
            self._inferred(shapes, properties), self.element([*map(element_of, values)])
        )
        super().__init__(
            operands=operands,
            properties=properties,
            result_types=[type] * len(definition.results),
        )

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        """Return the defaults of optional options, given the shapes of the operands, which may be invalid."""
        return {}

    @classmethod
    @abstractmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        """Return the shape of each result. Raises VerifyException if operands and options do not fit."""

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        """Return the element type of the result, given those of the operands.

        By default, all operands have the same element type, one of `TAKES`, and so has the result. Raises
        VerifyException for types that the operator does not take.
        """
        check_elements(cls.TAKES, operands)
        kinds = [*dict.fromkeys(operands)]
        if len(kinds) > 1:
            got = " and ".join(map(str, kinds))
            raise VerifyException(f"the operands must have elements of one type, got {got}")
        return kinds[0]

    @abstractmethod
    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        """Return the result for these operands, computed by NumPy in the types of the operands."""

    def evaluate_all(self, *operands: np.ndarray) -> Sequence[np.ndarray]:
        """Return all results. An operator with several results defines it; `evaluate` then returns the first one."""
        return [self.evaluate(*operands)]

    def is_identity(self) -> bool:
        """Return True if the result is known to equal the operand."""
        return False

    def inferred_type(self) -> TensorType[Any]:
        """Return the type of the result, given the operands and options. Raises VerifyException if they do not fit."""
        shapes = [shape_of(operand) for operand in self.operands]
        element = self.element([element_of(operand) for operand in self.operands])
        return tensor_type(self._inferred(shapes, self.properties), element)

    @classmethod
    def _inferred(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        """Return the shape that `infer` returns. Raises VerifyException if that is none."""
        shape: Any = cls.infer(shapes, options)
        if isinstance(shape, Sequence) and all(isinstance(size, Integral) for size in shape):
            return tuple(shape)
        raise VerifyException(f"`infer` of {cls.name} must return a shape, got {shape!r}")

    def verify_(self) -> None:
        expected = self.inferred_type()
        for type in self.result_types:
            if type != expected:
                raise VerifyException(f"result type must be {expected}, got {type}")

    @property
    def result_shape(self) -> Shape:
        """The shape of each result."""
        return self.result.type.get_shape()

    def print(self, printer: Printer) -> None:
        definition = self.get_irdl_definition()
        for index, (name, operand_definition) in enumerate(definition.operands):
            operand = getattr(self, name)
            if operand is None:
                continue
            if isinstance(operand_definition, OptOperandDef):
                printer.print_string(f" {name}")
            elif isinstance(operand_definition, VarOperandDef):
                printer.print_string(" ")
                printer.print_list(operand, printer.print_ssa_value)
                continue
            elif index:
                printer.print_string(",")
            printer.print_string(" ")
            printer.print_ssa_value(operand)
        defaults = self.defaults([shape_of(operand) for operand in self.operands])
        options = [
            (name, value)
            for name in definition.properties
            if name != SEGMENTS
            and (value := self.properties.get(name)) is not None
            and value != defaults.get(name)
        ]
        # Flags come last because they qualify the numbers.
        options.sort(key=lambda option: isinstance(option[1], UnitAttr))
        options += self.attributes.items()
        if options:
            printer.print_string(" ")
            with printer.in_braces():
                printer.print_list(options, lambda option: _print_option(printer, *option))
        printer.print_string(" : ")
        printer.print_function_type(self.operand_types, self.result_types)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        definition = cls.get_irdl_definition()
        operands: list[UnresolvedOperand] = []
        present: list[bool] = []
        for index, (name, operand_definition) in enumerate(definition.operands):
            present.append(True)
            if isinstance(operand_definition, OptOperandDef):
                if parser.parse_optional_keyword(name) is None:
                    present[-1] = False
                    continue
            elif isinstance(operand_definition, VarOperandDef):
                operands += parser.parse_comma_separated_list(
                    parser.Delimiter.NONE, parser.parse_unresolved_operand
                )
                continue
            elif index:
                parser.parse_punctuation(",")
            operands.append(parser.parse_unresolved_operand())
        options = _parse_options(parser, definition)
        parser.parse_punctuation(":")
        start = parser.pos
        type = parser.parse_function_type()
        results = len(definition.results)
        if len(type.inputs) != len(operands) or len(type.outputs) != results:
            parser.raise_error(
                f"expected the types of {count_of(len(operands), 'operand')} and of"
                f" {count_of(results, 'result')}, got"
                f" {len(type.inputs)} and {len(type.outputs)}",
                start,
                parser.pos,
            )
        try:
            defaults = cls.defaults([shape_of(operand) for operand in type.inputs])
        except VerifyException as error:
            parser.raise_error(str(error), start, parser.pos)
        known = {name: options.pop(name) for name in definition.properties if name in options}
        if _has_segments(definition):
            known[SEGMENTS] = _segments(present)
        return cls.create(
            operands=parser.resolve_operands(operands, type.inputs.data, start),
            result_types=type.outputs.data,
            properties={**defaults, **known},
            attributes=options,
        )


def _has_segments(definition: OpDef) -> bool:
    return any(isinstance(option, AttrSizedOperandSegments) for option in definition.options)


def _segments(present: Sequence[bool]) -> Attribute:
    return DenseArrayBase.from_list(i32, [int(given) for given in present])


def _flat(
    operands: Sequence[SSAValue | Operation | Sequence[SSAValue | Operation] | None],
) -> Iterator[SSAValue | Operation]:
    for operand in operands:
        if isinstance(operand, SSAValue | Operation):
            yield operand
        elif operand is not None:
            yield from operand


def _print_option(printer: Printer, name: str, value: Attribute) -> None:
    printer.print_string(name)
    match value:
        case UnitAttr():
            return
        case DenseArrayBase() if "." not in name:
            values = cast(DenseArrayBase[Any], value).get_values()
            if value.elt_type == f32:  # the shortest decimals that read back as the same numbers
                values = (np.float32(number) for number in values)
            printer.print_string(f" = [{', '.join(map(str, values))}]")
        case IntegerAttr() | FloatAttr() if "." not in name:
            printer.print_string(" = ")
            value.print_without_type(printer)
        case _:
            printer.print_string(" = ")
            printer.print_attribute(value)


def _parse_options(parser: Parser, definition: OpDef) -> dict[str, Attribute]:
    """Parse the options of the operator, and attributes attached to it.

    The names of attached attributes contain a dot, after the dialect, so a misspelt option is not mistaken for one.
    """
    options: dict[str, Attribute] = {}

    def parse_entry() -> None:
        start = parser.pos
        name = parser.parse_identifier()
        if name in options:
            parser.raise_error(f"option `{name}` is given twice", start, parser.pos)
        option = definition.properties.get(name)
        if option is not None:
            options[name] = _parse_value(parser, option.constr)
        elif "." in name:
            given = parser.parse_optional_punctuation("=") is not None
            options[name] = parser.parse_attribute() if given else UnitAttr()
        else:
            known = ", ".join(f"`{known}`" for known in definition.properties if known != SEGMENTS)
            parser.raise_error(
                f"{definition.name} has no option `{name}`; it has {known or 'none'}",
                start,
                parser.pos,
            )

    parser.parse_optional_comma_separated_list(parser.Delimiter.BRACES, parse_entry)
    return options


def _parse_value(parser: Parser, constraint: AttrConstraint) -> Attribute:
    """Parse the value of an option; the constraint determines its kind."""
    if constraint not in (INTS, INT, FLOAT, NUMBERS, NAMES):
        return UnitAttr()
    parser.parse_punctuation("=")
    if constraint == NAMES:
        names = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_str_literal)
        return ArrayAttr([StringAttr(name) for name in names])
    if constraint == NUMBERS:
        values = parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: _parse_float(parser)
        )
        return DenseArrayBase.from_list(f32, values)
    if constraint == INTS:
        values = parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: parser.parse_integer(allow_boolean=False)
        )
        return DenseArrayBase.from_list(i64, values)
    if constraint == INT:
        return IntegerAttr(parser.parse_integer(allow_boolean=False), i64)
    return FloatAttr(_parse_float(parser), f32)


def _parse_float(parser: Parser) -> float:
    # As everywhere in MLIR, infinities are written as the bits of the number in hexadecimal.
    start = parser.pos
    hexadecimal = parser.lexer.input.content.startswith("0x", start)
    value = parser.parse_number()
    if not hexadecimal:
        return float(value)
    if value > 0xFFFFFFFF:
        parser.raise_error(f"{int(value):#x} has more bits than f32", start, parser.pos)
    return _from_bits(int(value))


def _from_bits(bits: int) -> float:
    return float(np.uint32(bits).view(np.float32))
