"""The iteration of a program."""

from __future__ import annotations

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, Region
from xdsl.irdl import (
    IRDLOperation,
    RangeOf,
    irdl_op_definition,
    opt_prop_def,
    region_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import NoTerminator
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.polyhedral.syntax import CORE_DIMS, parse_iteration, print_iteration, spread_attr
from cmir.dialects.syntax import parse_attributes, parse_block, print_attributes
from cmir.dialects.traits import HasParentNamed


@irdl_op_definition
class IterationOp(IRDLOperation):
    """One iteration: loads, crossbar products, vector arithmetic, stores. `%h, %w` are its coordinates.

    ```mlir
    cmcore.iteration (%h, %w) {
      %x = cmcore.load %b at #polyhedral.map<"…"> : vector<16x3x3xf32>
      …
    }
    ```
    """

    name = "cmcore.iteration"

    spread = opt_prop_def(CORE_DIMS)
    body = region_def("single_block", entry_args=RangeOf(IndexType))

    traits = traits_def(NoTerminator(), HasParentNamed("cmcore.program"))

    def __init__(self, body: Region, core_dims: int = 0):
        super().__init__(properties={"spread": spread_attr(core_dims)}, regions=[body])

    @property
    def core_dims(self) -> int:
        """Number of leading coordinates that identify the core that runs the iteration."""
        return 0 if self.spread is None else self.spread.value.data

    @classmethod
    def parse(cls, parser: Parser) -> IterationOp:
        core_dims, arguments = parse_iteration(parser)
        attributes = parse_attributes(parser)
        op = cls(parse_block(parser, arguments), core_dims)
        op.attributes = attributes
        return op

    def verify_(self) -> None:
        if not 0 <= self.core_dims <= (rank := len(self.body.block.args)):
            raise VerifyException(
                f"`spread` must be one of 0 to {rank}, the coordinates of an iteration, "
                f"got {self.core_dims}"
            )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        print_iteration(printer, self.body.block, self.core_dims)
        print_attributes(printer, self)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)


def iteration_in(block: Block | None) -> IterationOp | None:
    """Return the iteration in the body of a program, or None if the program is malformed and has none."""
    ops = () if block is None else reversed(block.ops)  # usually the last operation
    return next((op for op in ops if isinstance(op, IterationOp)), None)


def core_dims_around(op: Operation) -> int:
    """Return the number of core coordinates of the program that contains `op`."""
    iteration = iteration_in(op.parent)
    return 0 if iteration is None else iteration.core_dims
