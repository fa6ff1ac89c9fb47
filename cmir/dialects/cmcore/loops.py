"""The loop nest of a program."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    RangeOf,
    irdl_op_definition,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import NoTerminator
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.cmcore.iteration import iteration_in
from cmir.dialects.polyhedral.pipelines import DependenceOp, PipelineOp
from cmir.dialects.polyhedral.stages import StageOp
from cmir.dialects.polyhedral.syntax import parse_controlled, print_controlled
from cmir.dialects.symbols import find_symbol, symbol
from cmir.dialects.syntax import parse_attributes, print_attributes
from cmir.dialects.traits import HasParentNamed
from cmir.support.counts import count_of


@irdl_op_definition
class LoopNestOp(IRDLOperation):
    """The iterations of one inference in execution order: `scf` loops around `cmcore.fire`.

    ```mlir
    cmcore.loop_nest {
      scf.for %w = %c0 to %c6 step %c1 {
        cmcore.fire(%w)
      }
    }
    ```
    """

    name = "cmcore.loop_nest"

    body = region_def("single_block", entry_args=RangeOf(IndexType))

    traits = traits_def(NoTerminator(), HasParentNamed("cmcore.program"))

    def __init__(self, body: Region):
        super().__init__(regions=[body])

    @classmethod
    def parse(cls, parser: Parser) -> LoopNestOp:
        attributes = parse_attributes(parser)
        op = cls(parse_controlled(parser))
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        print_attributes(printer, self)
        printer.print_string(" ")
        print_controlled(printer, self.body)


def enclosing(op: Operation, where: tuple[type[Operation], ...]) -> Operation:
    """Return the innermost operation of one of these classes around `op`. Raises VerifyException."""
    holder = op.parent_op()
    while holder is not None and not isinstance(holder, where):
        holder = holder.parent_op()
    if holder is None:
        raise VerifyException(f"must be in {' or '.join(cls.name for cls in where)}")
    return holder


def verify_count(what: str, body: Block | None, values: Sequence[SSAValue]) -> None:
    """Check that there is one value for each coordinate of an iteration. Raises VerifyException."""
    if body is not None and len(values) != len(body.args):
        raise VerifyException(
            f"{what} has {count_of(len(body.args), 'coordinate')}, got {len(values)}"
        )


def controlled_iteration(holder: Operation) -> Block | None:
    """Return the body of an iteration of the stage or program that `holder` controls, if it has one."""
    outer = holder.parent_op()
    match holder, outer:
        case StageOp(), _:
            return holder.body.block
        case DependenceOp(), PipelineOp():
            stage = find_symbol(outer.body.block, StageOp, symbol(holder.target))
            return None if stage is None else stage.body.block
        case _:
            iteration = iteration_in(holder.parent)
            return None if iteration is None else iteration.body.block


@irdl_op_definition
class FireOp(IRDLOperation):
    """Waits until the LCU allows the iteration with these coordinates, then runs it.

    ```mlir
    cmcore.fire(%h, %w)
    ```
    """

    name = "cmcore.fire"

    coordinates = var_operand_def(IndexType())

    assembly_format = "`(` $coordinates `)` attr-dict"

    def __init__(self, coordinates: Sequence[SSAValue]):
        super().__init__(operands=[coordinates])

    def verify_(self) -> None:
        holder = enclosing(self, (LoopNestOp, StageOp))
        verify_count("the iteration", controlled_iteration(holder), self.coordinates)
