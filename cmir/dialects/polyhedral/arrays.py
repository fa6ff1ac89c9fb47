"""Arrays, and the operations that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import islpy as isl
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    FlatSymbolRefAttrConstr,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    TensorType,
)
from xdsl.ir import Attribute, Block, Operation, Region
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, NoTerminator, SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.polyhedral.relations import box
from cmir.dialects.symbols import find_symbol, symbol
from cmir.dialects.syntax import (
    parse_attributes,
    parse_block,
    parse_symbol_list,
    print_attributes,
    print_symbol_list,
)
from cmir.isl import is_tuple_name

ParameterSource = StringAttr | DenseIntOrFPElementsAttr
"""Source of a parameter's elements: a name in the weights file, or inline."""


@irdl_op_definition
class ArrayOp(IRDLOperation):
    """A named tensor of one inference, with the location space `name[d0, d1, …]` of access relations.

    ```mlir
    polyhedral.array @b : tensor<1x8xf32>
    polyhedral.array @w parameter "conv1.weight" : tensor<1x1x3xf32>
    polyhedral.array @ones parameter dense<1.0> : tensor<4x4xf32>
    ```

    Each element is written once per inference. The elements of a parameter are never written: they are those of the
    named tensor in the weights file, or inline.

    An array that is read across inferences has initial values: a parameter with an additional first dimension, whose
    entries stand for the inferences before the first, the last entry for inference −1.

    ```mlir
    polyhedral.array @h0 parameter dense<0.0> : tensor<1x6x4xf32>
    polyhedral.array @h : tensor<6x4xf32> initial @h0
    ```
    """

    name = "polyhedral.array"

    sym_name = prop_def(SymbolNameConstraint())
    type = prop_def(TensorType)
    source = opt_prop_def(StringAttr | DenseIntOrFPElementsAttr)
    initial = opt_prop_def(FlatSymbolRefAttrConstr)

    traits = traits_def(SymbolOpInterface())

    def __init__(
        self,
        name: str,
        type: TensorType[Attribute],
        source: ParameterSource | None = None,
        initial: str | None = None,
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "type": type,
                "source": source,
                "initial": None if initial is None else SymbolRefAttr(initial),
            }
        )

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.get_shape()

    @property
    def locations(self) -> isl.Set:
        return box(self.shape, self.sym_name.data)

    def initial_inferences(self) -> int:
        """Return the number of inferences before the first in which the array has values."""
        if self.initial is None:
            return 0
        return find_array(self, symbol(self.initial)).shape[0]

    @classmethod
    def parse(cls, parser: Parser) -> ArrayOp:
        name = parser.parse_symbol_name().data
        source, start = None, parser.pos
        if parser.parse_optional_keyword("parameter"):
            start = parser.pos
            source = parse_source(parser)
        if isinstance(source, DenseIntOrFPElementsAttr):
            type = source.type
        else:
            parser.parse_punctuation(":")
            start = parser.pos
            type = parser.parse_type()
        if not isinstance(type, TensorType):
            parser.raise_error(f"an array must have a tensor type, got {type}", start, parser.pos)
        has_initial = parser.parse_optional_keyword("initial")
        initial = parser.parse_symbol_name().data if has_initial else None
        op = cls(name, type, source, initial)
        op.attributes = parse_attributes(parser)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        if self.source is not None:
            printer.print_string(" parameter ")
            printer.print_attribute(self.source)
        if not isinstance(self.source, DenseIntOrFPElementsAttr):
            printer.print_string(" : ")
            printer.print_attribute(self.type)
        if self.initial is not None:
            printer.print_string(" initial ")
            printer.print_symbol_name(symbol(self.initial))
        print_attributes(printer, self)

    def verify_(self) -> None:
        if not is_tuple_name(self.sym_name.data):
            raise VerifyException(f"an array's name must be an identifier, got {self.sym_name}")
        if self.source == StringAttr(""):
            raise VerifyException("the name of a parameter must not be empty")
        if any(size <= 0 for size in self.shape):
            raise VerifyException(f"an array must have a static, non-empty shape, got {self.type}")
        if isinstance(self.source, DenseIntOrFPElementsAttr) and self.source.type != self.type:
            raise VerifyException(
                f"inline elements have type {self.source.type}, the array has {self.type}"
            )
        if self.initial is not None:
            self._verify_initial(find_array(self, symbol(self.initial)))

    def _verify_initial(self, initial: ArrayOp) -> None:
        if self.source is not None:
            raise VerifyException(
                "a parameter is the same in all inferences: it has no initial values"
            )
        name = initial.sym_name.data
        if initial.source is None:
            raise VerifyException(f"initial values @{name} must be a parameter")
        if initial.shape[1:] != self.shape or initial.type.element_type != self.type.element_type:
            raise VerifyException(
                f"initial values @{name} have type {initial.type}; they must have the elements of "
                f"{self.type} for each inference before the first"
            )


def parse_source(parser: Parser) -> ParameterSource:
    """Parse `"name"` or `dense<…> : type`."""
    if (name := parser.parse_optional_str_literal()) is not None:
        return StringAttr(name)
    if parser.parse_optional_keyword("dense") is None:
        parser.raise_error("expected the name of a tensor in the weights file, or dense<…>")
    return parser.parse_dense_int_or_fp_elements_attr(None)


class ArraysOp(IRDLOperation):
    """Base of networks at the levels with arrays: a name, the input and output arrays in order, and a body.

    ```mlir
    @main (@a) -> (@c) { … }
    ```
    """

    sym_name = prop_def(SymbolNameConstraint())
    inputs = prop_def(ArrayAttr.constr(FlatSymbolRefAttrConstr))
    outputs = prop_def(ArrayAttr.constr(FlatSymbolRefAttrConstr))
    body = region_def("single_block")

    traits = traits_def(IsolatedFromAbove(), NoTerminator(), SymbolOpInterface(), SymbolTable())

    def __init__(
        self,
        name: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        body: Region | Sequence[Operation] = (),
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "inputs": ArrayAttr(SymbolRefAttr(i) for i in inputs),
                "outputs": ArrayAttr(SymbolRefAttr(o) for o in outputs),
            },
            regions=[body if isinstance(body, Region) else Region(Block(body))],
        )

    @property
    def arrays(self) -> dict[str, ArrayOp]:
        return {op.sym_name.data: op for op in self.body.block.ops if isinstance(op, ArrayOp)}

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_symbol_name().data
        inputs = parse_symbol_list(parser)
        parser.parse_punctuation("->")
        outputs = parse_symbol_list(parser)
        attributes = parse_attributes(parser)
        body = parse_block(parser)
        op = cls(name, [symbol(i) for i in inputs], [symbol(o) for o in outputs], body)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" ")
        print_symbol_list(printer, self.inputs)
        printer.print_string(" -> ")
        print_symbol_list(printer, self.outputs)
        print_attributes(printer, self)
        printer.print_string(" ")
        printer.print_region(self.body)


def verify_holds_only(op: Operation, classes: tuple[type[Operation], ...]) -> None:
    """Check that the body of `op` takes no arguments and holds operations of these classes only."""
    (block,) = op.regions[0].blocks
    if block.args:
        raise VerifyException("the body must not take arguments")
    for inner in block.ops:
        if not isinstance(inner, classes):
            *others, last = (cls.name for cls in classes)
            raise VerifyException(
                f"the body holds {', '.join(others)} and {last} only, got {inner.name}"
            )


def verify_ends(
    op: Operation,
    inputs: Iterable[SymbolRefAttr],
    outputs: Iterable[SymbolRefAttr],
    arrays: Mapping[str, ArrayOp],
) -> None:
    """Check that inputs and outputs are arrays of the network, not parameters, and that none is named twice."""
    for what, names in (("input", map(symbol, inputs)), ("output", map(symbol, outputs))):
        seen: set[str] = set()
        for name in names:
            if name not in arrays:
                raise VerifyException(f"{what} @{name} is not an array in the body")
            if arrays[name].source is not None:
                raise VerifyException(f"{what} @{name} is a parameter")
            if name in seen:
                raise VerifyException(f"{what} @{name} is named twice")
            seen.add(name)


def find_array(op: Operation, name: str) -> ArrayOp:
    """Return the array of this name in the pipeline or network around `op`. Raises VerifyException."""
    table = op.parent_op()
    while table is not None and not table.has_trait(SymbolTable):
        table = table.parent_op()
    for block in () if table is None else table.regions[0].blocks:
        if (found := find_symbol(block, ArrayOp, name)) is not None:
            return found
    raise VerifyException(f"there is no polyhedral.array @{name}")
