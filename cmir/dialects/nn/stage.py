"""Operations with operators in their bodies: groups that become stages of the pipeline, and steps of a sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from xdsl.dialects.builtin import StringAttr, SymbolNameConstraint, TensorType
from xdsl.ir import Attribute, BlockArgument, Operation, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
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

Array = Any
"""An array of numbers, or something else that computes like one."""


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

        _print_inputs(printer, self.body.block.args, self.inputs)
        printer.print_string(" -> ")
        with printer.in_parens():
            printer.print_list(self.outputs.types, printer.print_attribute)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_symbol_name()
        inputs = _parse_inputs(parser)
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
class ScanOp(IRDLOperation):
    """The same operators in each step of a sequence, with values that are carried from step to step.

    The body computes one step. It is isolated from above, and its arguments stand for the operands: *carried* ones are
    the operand in the first step, and what the body yielded in the step before in the others. Those *over* a tensor are
    the elements of its first dimension, one in each step. Those *with* a tensor are the whole tensor in all steps. The
    body yields the carried values of the next step, in order, and then others. Results are the yielded values of all
    steps, along a new first dimension.

    ```mlir
    %h, %y = nn.scan carried(%s = %h0 : tensor<4xf32>) over(%x = %xs : tensor<20x4xf32>)
        -> (tensor<20x4xf32>, tensor<20x4xf32>) {
      %w = nn.parameter "recurrent.weight" : tensor<4x4xf32>
      %a = nn.gemm %s, %w : (tensor<4xf32>, tensor<4x4xf32>) -> tensor<4xf32>
      %b = nn.add %a, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      %n = nn.tanh %b : (tensor<4xf32>) -> tensor<4xf32>
      %r = nn.relu %n : (tensor<4xf32>) -> tensor<4xf32>
      nn.yield %n, %r : tensor<4xf32>, tensor<4xf32>
    }
    ```

    The operators of the body become stages, as those of a function do. The step is the first coordinate of their
    iterations and of the elements that they write, so that a carried value is a read of the step before.

    ONNX: Scan, and Loop with a known number of iterations.
    """

    name = "nn.scan"

    carried = var_operand_def(TENSOR)
    over = var_operand_def(TENSOR)
    others = var_operand_def(TENSOR)
    outputs = var_result_def(TENSOR)
    body = region_def("single_block")

    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    traits = lazy_traits_def(
        lambda: (
            IsolatedFromAbove(),
            RecursiveMemoryEffect(),
            SingleBlockImplicitTerminator(YieldOp),
        )
    )

    def __init__(
        self,
        carried: Sequence[SSAValue],
        over: Sequence[SSAValue],
        others: Sequence[SSAValue],
        steps: int,
        body: Region,
    ):
        """body: its last operation yields values of one step."""
        end = body.block.last_op
        assert isinstance(end, YieldOp)
        super().__init__(
            operands=[carried, over, others],
            result_types=[[_of_all_steps(steps, value) for value in end.values]],
            regions=[body],
        )

    @property
    def terminator(self) -> YieldOp:
        """The operation that yields the values of a step."""
        terminator = self.body.block.last_op
        assert isinstance(terminator, YieldOp)
        return terminator

    @property
    def steps(self) -> int:
        """Number of steps."""
        return shape_of(self.outputs[0])[0]

    def arguments(
        self,
    ) -> tuple[Sequence[BlockArgument], Sequence[BlockArgument], Sequence[BlockArgument]]:
        """Return the arguments of the body: for carried operands, those over which it goes, and others."""
        arguments, first = self.body.block.args, len(self.carried)
        last = first + len(self.over)
        return arguments[:first], arguments[first:last], arguments[last:]

    def run(
        self,
        operands: Sequence[Array],
        step: Callable[[Sequence[Array]], Sequence[Array]],
        before: Sequence[Array] | None = None,
    ) -> Sequence[Array]:
        """Return the results for these operands, which are arrays.

        step: function from the arguments of the body to what it yields. before: results that steps take as carried
        values instead of those of the step before.
        """
        first, last = len(self.carried), len(self.carried) + len(self.over)
        carried, over, others = operands[:first], operands[first:last], operands[last:]
        found: list[Sequence[Array]] = []
        for number in range(self.steps):
            found.append(step([*carried, *(x[number] for x in over), *others]))
            carried = found[-1][:first] if before is None else [x[number] for x in before]
        return [np.stack(values) for values in zip(*found, strict=True)]

    def verify_(self) -> None:
        yielded = self.terminator.values
        if not yielded:
            raise VerifyException("a scan must yield a value")
        sequences = (*self.over, *self.outputs)
        if not all(map(shape_of, sequences)) or len({shape_of(v)[0] for v in sequences} | {0}) != 2:
            raise VerifyException(
                "results, and operands that a scan goes over, must have the same first dimension, > 0"
            )
        elements = [TensorType(_element(value), shape_of(value)[1:]) for value in self.over]
        operands = [*self.carried.types, *elements, *self.others.types]
        _verify_types("argument", self.body.block.arg_types, "operand", operands, "a scan")
        expected = [_of_all_steps(self.steps, value) for value in yielded]
        _verify_types("result", self.outputs.types, "yielded value", expected, "a scan")
        begun = yielded.types[: len(self.carried)]
        _verify_types("carried value", self.carried.types, "first yielded value", begun, "a scan")

    def print(self, printer: Printer) -> None:
        for word, arguments, operands in zip(
            _GROUPS, self.arguments(), self._groups(), strict=True
        ):
            if arguments:
                printer.print_string(f" {word}")
                _print_inputs(printer, arguments, operands)
        printer.print_string(" -> ")
        with printer.in_parens():
            printer.print_list(self.outputs.types, printer.print_attribute)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)

    def _groups(self) -> Sequence[Sequence[SSAValue]]:
        return self.carried, self.over, self.others

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        arguments: list[Parser.Argument] = []
        operands: list[list[SSAValue]] = []
        for word in _GROUPS:
            given: list[tuple[Parser.Argument, SSAValue]] = []
            if parser.parse_optional_keyword(word) is not None:
                given = _parse_inputs(parser, sliced=word == "over")
            arguments += [argument for argument, _ in given]
            operands.append([operand for _, operand in given])
        parser.parse_punctuation("->")
        result_types = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        body = parser.parse_region(arguments)
        return cls.build(
            operands=operands,
            result_types=[result_types],
            attributes=dict(attributes.data) if attributes else {},
            regions=[body],
        )


_GROUPS = ("carried", "over", "with")
"""The keywords in front of the operands of a scan."""


def _element(value: SSAValue) -> Attribute:
    assert isinstance(value.type, TensorType)
    return value.type.element_type


def _of_all_steps(steps: int, value: SSAValue) -> TensorType[Any]:
    """Return the type of the values of all steps, given the value of one."""
    return TensorType(_element(value), (steps, *shape_of(value)))


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Terminator of a stage, whose results it gives, or of the body of a scan.

    ```mlir
    nn.yield %r : tensor<16x8x8xf32>
    ```
    """

    name = "nn.yield"

    values = var_operand_def(TENSOR)

    traits = traits_def(IsTerminator(), HasParent(StageOp, ScanOp), Pure())

    assembly_format = "attr-dict ($values^ `:` type($values))?"

    def __init__(self, *values: SSAValue | Operation):
        super().__init__(operands=[values])


def _print_inputs(
    printer: Printer, arguments: Sequence[SSAValue], operands: Sequence[SSAValue]
) -> None:
    """Print operands with the arguments of the body that stand for them."""

    def print_input(pair: tuple[SSAValue, SSAValue]) -> None:
        argument, operand = pair
        printer.print_ssa_value(argument)
        printer.print_string(" = ")
        printer.print_ssa_value(operand)
        printer.print_string(" : ")
        printer.print_attribute(operand.type)

    with printer.in_parens():
        printer.print_list(zip(arguments, operands, strict=True), print_input)


def _parse_inputs(parser: Parser, sliced: bool = False) -> list[tuple[Parser.Argument, SSAValue]]:
    """Parse operands with the arguments that stand for them, or for elements of their first dimension."""

    def parse_input() -> tuple[Parser.Argument, SSAValue]:
        argument = parser.parse_argument(expect_type=False)
        parser.parse_punctuation("=")
        operand = parser.parse_unresolved_operand()
        parser.parse_punctuation(":")
        start = parser.pos
        type = parser.parse_type()
        value = parser.resolve_operand(operand, type)
        if sliced:
            if not isinstance(type, TensorType) or not type.get_num_dims():
                parser.raise_error("expected a tensor with a first dimension", start, parser.pos)
            type = TensorType(type.element_type, type.get_shape()[1:])
        return argument.resolve(type), value

    return parser.parse_comma_separated_list(parser.Delimiter.PAREN, parse_input)


def _verify_types(
    what: str,
    types: Sequence[Attribute],
    of: str,
    expected: Sequence[Attribute],
    where: str = "a stage",
) -> None:
    """Check that the types are the expected ones. Raises VerifyException."""
    if len(types) != len(expected):
        raise VerifyException(
            f"{where} must have one {what} per {of}, {len(expected)}, got {len(types)}"
        )
    for index, (got, wanted) in enumerate(zip(types, expected, strict=True)):
        if got != wanted:
            raise VerifyException(
                f"{what} {index} must have the type of {of} {index}, {wanted}, got {got}"
            )
