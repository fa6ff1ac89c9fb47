"""Automata of a core's local control unit."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    FlatSymbolRefAttrConstr,
    IndexType,
    MemRefType,
    SymbolRefAttr,
    UnitAttr,
)
from xdsl.ir import Block, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    RangeOf,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import NoTerminator
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.cmcore.accesses import StoreOp
from cmir.dialects.cmcore.iteration import core_dims_around, iteration_in
from cmir.dialects.cmcore.loops import controlled_iteration, enclosing, verify_count
from cmir.dialects.cmcore.memory import BufferOp
from cmir.dialects.polyhedral.arrays import find_array
from cmir.dialects.polyhedral.pipelines import DependenceOp
from cmir.dialects.polyhedral.syntax import parse_controlled, print_controlled, verify_takes_cores
from cmir.dialects.symbols import find_symbol, symbol
from cmir.dialects.syntax import parse_attributes, parse_defined_operand, print_attributes
from cmir.dialects.traits import HasParentNamed
from cmir.support.counts import count_of


@irdl_op_definition
class SnoopOp(IRDLOperation):
    """The automaton that watches a writer's elements arrive in a buffer (read after write).

    ```mlir
    cmcore.snoop %b from @conv1 {
      scf.for %w = %c2 to %c8 step %c1 {
        %last = arith.subi %w, %c2 : index
        cmcore.release at (%c0, %w) upto (%last)
      }
    }
    ```

    The automaton visits the awaited arrivals in the order in which the writer stores them, once per inference.
    """

    name = "cmcore.snoop"

    buffer = operand_def(MemRefType)
    source = prop_def(FlatSymbolRefAttrConstr)
    body = region_def("single_block", entry_args=RangeOf(IndexType))

    traits = traits_def(NoTerminator(), HasParentNamed("cmcore.program"))

    def __init__(self, buffer: SSAValue, source: str, body: Region):
        super().__init__(
            operands=[buffer], properties={"source": SymbolRefAttr(source)}, regions=[body]
        )

    @classmethod
    def parse(cls, parser: Parser) -> SnoopOp:
        buffer = parse_defined_operand(parser)
        parser.parse_keyword("from")
        source = parser.parse_symbol_name().data
        attributes = parse_attributes(parser)
        op = cls(buffer, source, parse_controlled(parser))
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.buffer)
        printer.print_string(" from ")
        printer.print_symbol_name(symbol(self.source))
        print_attributes(printer, self)
        printer.print_string(" ")
        print_controlled(printer, self.body)

    def verify_(self) -> None:
        if not isinstance(self.buffer.owner, BufferOp):
            raise VerifyException("a snoop must watch a cmcore.buffer")
        _verify_automaton(self, symbol(self.buffer.owner.array), "store", StoreOp)


@irdl_op_definition
class CreditOp(IRDLOperation):
    """The automaton that follows a reader of an array that this core writes (write after read).

    ```mlir
    cmcore.credit @b from @conv2 {
      cmcore.release upto (%c7)
      scf.for %w = %c0 to %c6 step %c1 { cmcore.release at (%w) upto (%w) ahead %c1 }
    }
    ```

    The automaton visits the awaited iterations of the reader in the reader's order, once per inference.
    """

    name = "cmcore.credit"

    array = prop_def(FlatSymbolRefAttrConstr)
    source = prop_def(FlatSymbolRefAttrConstr)
    body = region_def("single_block", entry_args=RangeOf(IndexType))

    traits = traits_def(NoTerminator(), HasParentNamed("cmcore.program"))

    def __init__(self, array: str, source: str, body: Region):
        super().__init__(
            properties={"array": SymbolRefAttr(array), "source": SymbolRefAttr(source)},
            regions=[body],
        )

    @classmethod
    def parse(cls, parser: Parser) -> CreditOp:
        array = parser.parse_symbol_name().data
        parser.parse_keyword("from")
        source = parser.parse_symbol_name().data
        attributes = parse_attributes(parser)
        op = cls(array, source, parse_controlled(parser))
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(symbol(self.array))
        printer.print_string(" from ")
        printer.print_symbol_name(symbol(self.source))
        print_attributes(printer, self)
        printer.print_string(" ")
        print_controlled(printer, self.body)

    def verify_(self) -> None:
        find_array(self, symbol(self.array))
        _verify_automaton(self, symbol(self.array), "buffer", BufferOp)


def _verify_automaton(
    op: SnoopOp | CreditOp, array: str, verb: str, cls: type[StoreOp] | type[BufferOp]
) -> None:
    """Check that an automaton follows a program of the network that touches the array. Raises VerifyException."""
    name = symbol(op.source)
    source = _body_of_program(op, name)
    if source is None:
        raise VerifyException(f"there is no cmcore.program @{name}")
    iteration = iteration_in(source)
    inside = [*source.ops, *(() if iteration is None else iteration.body.block.ops)]
    if all(symbol(o.array) != array for o in inside if isinstance(o, cls)):
        raise VerifyException(f"program @{name} does not {verb} @{array}")
    theirs = 0 if iteration is None else iteration.core_dims
    verify_takes_cores("an automaton", op.body, core_dims_around(op) + theirs)


def _body_of_program(automaton: SnoopOp | CreditOp, name: str) -> Block | None:
    """Return the body of the program of this name in the network around an automaton, or None."""
    program = automaton.parent_op()
    network = program.parent_op() if program is not None else None
    if program is None or network is None or network.name != "cmcore.network":
        return None
    found = find_symbol(network.regions[0].block, type(program), name)
    return None if found is None else found.regions[0].block


@irdl_op_definition
class ReleaseOp(IRDLOperation):
    """One step of an automaton: waits for an event, then releases iterations of this core.

    ```mlir
    cmcore.release at (%c0, %w) upto (%last)
    cmcore.release at (%h, %w) upto (%h2, %w2) ahead %n
    cmcore.release upto (%c3)
    ```

    at: in a snoop, the location whose arrival is awaited; in a credit, the reader's iteration whose end is
    awaited. A step without `at` waits for nothing: it gives the limit before the first event.
    upto: the last iteration released, in execution order.
    ahead: the inference of the released iterations, counted from that of the event; 0 if absent.
    """

    name = "cmcore.release"

    at = var_operand_def(IndexType())
    upto = var_operand_def(IndexType())
    ahead = opt_operand_def(IndexType())
    unconditional = opt_prop_def(UnitAttr)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def __init__(
        self,
        at: Sequence[SSAValue] | None,
        upto: Sequence[SSAValue],
        ahead: SSAValue | None = None,
    ):
        # An event without coordinates (of a zero-dimensional iteration domain) differs from no event.
        super().__init__(
            operands=[at or (), upto, ahead],
            properties={"unconditional": UnitAttr() if at is None else None},
        )

    @property
    def awaits(self) -> bool:
        """True if the step waits for an event."""
        return self.unconditional is None

    @classmethod
    def parse(cls, parser: Parser) -> ReleaseOp:
        def coordinates() -> list[SSAValue]:
            return parser.parse_comma_separated_list(
                parser.Delimiter.PAREN, lambda: parse_defined_operand(parser)
            )

        at = coordinates() if parser.parse_optional_keyword("at") else None
        parser.parse_keyword("upto")
        upto = coordinates()
        ahead = parse_defined_operand(parser) if parser.parse_optional_keyword("ahead") else None
        attributes = parser.parse_optional_attr_dict()
        op = cls(at, upto, ahead)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        def coordinates(values: Sequence[SSAValue]) -> None:
            with printer.in_parens():
                printer.print_list(values, printer.print_ssa_value)

        if self.awaits:
            printer.print_string(" at ")
            coordinates(self.at)
        printer.print_string(" upto ")
        coordinates(self.upto)
        if self.ahead is not None:
            printer.print_string(" ahead ")
            printer.print_ssa_value(self.ahead)
        printer.print_op_attributes(self.attributes)

    def verify_(self) -> None:
        if self.at and not self.awaits:
            raise VerifyException("an unconditional step must not have `at`")
        holder = enclosing(self, (SnoopOp, CreditOp, DependenceOp))
        verify_count("the iteration", controlled_iteration(holder), self.upto)
        if isinstance(holder, SnoopOp) and isinstance(holder.buffer.owner, BufferOp):
            rank = len(find_array(self, symbol(holder.buffer.owner.array)).shape)
            if self.awaits and len(self.at) != rank:
                raise VerifyException(
                    f"the location has {count_of(rank, 'coordinate')}, got {len(self.at)}"
                )
        if isinstance(holder, CreditOp) and self.awaits:
            iteration = iteration_in(_body_of_program(holder, symbol(holder.source)))
            if iteration is not None:
                verify_count("the reader's iteration", iteration.body.block, self.at)
