"""Groups of operators that become stages of the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import StringAttr, SymbolNameConstraint
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    lazy_traits_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    IsolatedFromAbove,
    IsTerminator,
    Pure,
    RecursiveMemoryEffect,
    SingleBlockImplicitTerminator,
)
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.interface import IterationOp, PointwiseOp
from cmir.dialects.nn.operation import TENSOR, shape_of


@irdl_op_definition
class StageOp(IRDLOperation):
    """The operators of one stage of the pipeline, with the parameters they use.

    The body is isolated from above: its arguments stand for the operands. The symbol names the stage. Its *root* is the
    first operator that is not point-wise. Point-wise operators before the root compute what the root reads, lane by
    lane; those after it have the shape of its result.

    ```mlir
    %y = nn.stage @conv1(%a = %x : tensor<3x8x8xf32>) -> (tensor<16x8x8xf32>) {
      %w = nn.parameter "conv1.weight" : tensor<16x3x3x3xf32>
      %c = nn.conv %a, %w {pads = [1, 1, 1, 1]}
          : (tensor<3x8x8xf32>, tensor<16x3x3x3xf32>) -> tensor<16x8x8xf32>
      %r = nn.relu %c : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
      nn.yield %r : tensor<16x8x8xf32>
    }
    ```
    """

    name = "nn.stage"

    inputs = var_operand_def(TENSOR)
    outputs = var_result_def(TENSOR)
    sym_name = prop_def(SymbolNameConstraint())
    body = region_def("single_block")

    traits = lazy_traits_def(
        lambda: (
            IsolatedFromAbove(),
            RecursiveMemoryEffect(),
            SingleBlockImplicitTerminator(YieldOp),
        )
    )

    def __init__(
        self,
        name: str,
        inputs: Sequence[SSAValue | Operation],
        result_types: Sequence[Attribute],
        body: Region,
    ):
        super().__init__(
            operands=[inputs],
            result_types=[result_types],
            properties={"sym_name": StringAttr(name)},
            regions=[body],
        )

    @property
    def terminator(self) -> YieldOp:
        """The operation that yields the results of the stage."""
        terminator = self.body.block.last_op
        assert isinstance(terminator, YieldOp)
        return terminator

    @property
    def root(self) -> IterationOp | None:
        """The operator whose iterations the stage has; None if there is none.

        It is the first one that is not point-wise. If all are, it is the first one that has the shape of the results.
        """
        ops = [op for op in self.body.block.ops if isinstance(op, IterationOp)]
        shapes = {shape_of(value) for value in self.terminator.values}
        sized = (op for op in ops if not shapes or op.result_shape in shapes)
        others = (op for op in ops if not isinstance(op, PointwiseOp))
        return next(others, next(sized, None))

    def before_root(self) -> set[Operation]:
        """Return the operators that compute, lane by lane, what the root or operators that broadcast it read."""
        root = self.root
        if root is None:
            return set()
        shape = root.result_shape
        found = set[Operation](
            op
            for op in self.body.block.ops
            if isinstance(op, IterationOp) and op is not root and op.result_shape != shape
        )
        stack: list[Operation] = [root]
        while stack:
            owners = [operand.owner for operand in stack.pop().operands]
            fresh = [o for o in owners if isinstance(o, IterationOp) and o not in found]
            found.update(fresh)
            stack += fresh
        return found

    def verify_(self) -> None:
        _verify_types("argument", self.body.block.arg_types, "operand", self.inputs.types)
        _verify_types("yielded value", self.terminator.values.types, "result", self.outputs.types)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)

        def print_input(pair: tuple[SSAValue, SSAValue]) -> None:
            argument, operand = pair
            printer.print_ssa_value(argument)
            printer.print_string(" = ")
            printer.print_ssa_value(operand)
            printer.print_string(" : ")
            printer.print_attribute(operand.type)

        with printer.in_parens():
            printer.print_list(zip(self.body.block.args, self.inputs, strict=True), print_input)
        printer.print_string(" -> ")
        with printer.in_parens():
            printer.print_list(self.outputs.types, printer.print_attribute)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        def parse_input() -> tuple[Parser.Argument, SSAValue]:
            argument = parser.parse_argument(expect_type=False)
            parser.parse_punctuation("=")
            operand = parser.parse_unresolved_operand()
            parser.parse_punctuation(":")
            type = parser.parse_type()
            return argument.resolve(type), parser.resolve_operand(operand, type)

        name = parser.parse_symbol_name()
        inputs = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parse_input)
        parser.parse_punctuation("->")
        result_types = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        body = parser.parse_region([argument for argument, _ in inputs])
        return cls.create(
            operands=[operand for _, operand in inputs],
            result_types=result_types,
            properties={"sym_name": name},
            attributes=dict(attributes.data) if attributes else {},
            regions=[body],
        )


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Terminator of a stage; its operands are the results of the stage.

    ```mlir
    nn.yield %r : tensor<16x8x8xf32>
    ```
    """

    name = "nn.yield"

    values = var_operand_def(TENSOR)

    traits = traits_def(IsTerminator(), HasParent(StageOp), Pure())

    assembly_format = "attr-dict ($values^ `:` type($values))?"

    def __init__(self, *values: SSAValue | Operation):
        super().__init__(operands=[values])


def _verify_types(
    what: str, types: Sequence[Attribute], of: str, expected: Sequence[Attribute]
) -> None:
    """Check that the types are the expected ones. Raises VerifyException."""
    if len(types) != len(expected):
        raise VerifyException(
            f"a stage must have one {what} per {of}, {len(expected)}, got {len(types)}"
        )
    for index, (got, wanted) in enumerate(zip(types, expected, strict=True)):
        if got != wanted:
            raise VerifyException(
                f"{what} {index} must have the type of {of} {index}, {wanted}, got {got}"
            )
