"""The `cmcore` dialect: programs for the cores of a computational-memory accelerator.

A network holds arrays, programs, and the cores that run them. A program has buffers, crossbars, a loop nest
that fires iterations, the body of one iteration, and the automata of its local control unit (LCU): a *snoop*
for each (buffer, writer) it reads and a *credit* for each (array, reader) it writes to.

The vector operations of bodies that upstream dialects lack, `cmcore.mxv` and `cmcore.reduce`, are here too and
appear at the `polyhedral` level as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import ClassVar

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    FlatSymbolRefAttrConstr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    TensorType,
    UnitAttr,
    VectorType,
    i1,
    i32,
    i64,
)
from xdsl.ir import Attribute, Block, Dialect, Operation, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    BaseAttr,
    EqAttrConstraint,
    IRDLOperation,
    RangeOf,
    VarConstraint,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    IsolatedFromAbove,
    NoTerminator,
    Pure,
    SymbolOpInterface,
)
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.polyhedral import (
    CORE_DIMS,
    RELATION,
    ArrayOp,
    ArraysOp,
    DependenceOp,
    MapAttr,
    Number,
    PipelineOp,
    StageOp,
    access_problem,
    find_array,
    overlap_problem,
    parse_access_tail,
    parse_attribute_as,
    parse_attributes,
    parse_block,
    parse_controlled,
    parse_iteration,
    print_access_tail,
    print_attributes,
    print_controlled,
    print_iteration,
    spread_attr,
    symbol,
    verify_cells,
    verify_element_types,
    verify_ends,
    verify_holds_only,
    verify_pad,
    verify_storage,
    verify_takes_cores,
)
from cmir.dialects.symbols import find_symbol


@irdl_op_definition
class NetworkOp(ArraysOp):
    """A network as programs on cores, with the arrays it takes and gives in order.

    ```mlir
    cmcore.network @main (@a) -> (@c) {
      polyhedral.array @a : tensor<1x10xf32>
      cmcore.program @conv1 { … }
      cmcore.core @core0 runs @conv1 at (0)
    }
    ```

    Arrays give the location spaces of access relations; they occupy no memory, buffers do.
    """

    name = "cmcore.network"

    @property
    def programs(self) -> dict[str, ProgramOp]:
        return {op.sym_name.data: op for op in self.body.block.ops if isinstance(op, ProgramOp)}

    @property
    def cores(self) -> list[CoreOp]:
        return [op for op in self.body.block.ops if isinstance(op, CoreOp)]

    def verify_(self) -> None:
        verify_holds_only(self, (ArrayOp, ProgramOp, CoreOp))
        verify_ends(self, self.inputs, self.outputs, self.arrays)
        stored = {symbol(op.array) for program in self.programs.values() for op in program.stores()}
        for name in map(symbol, self.inputs):
            if name in stored:
                raise VerifyException(f"input @{name} is stored by a program")
        for name in map(symbol, self.outputs):
            if name not in stored:
                raise VerifyException(f"output @{name} is stored by no program")
        if len({len(core.position) for core in self.cores}) > 1:
            raise VerifyException("the places of cores must have one number of coordinates")
        taken: dict[tuple[int, ...], str] = {}
        for core in self.cores:
            place, name = tuple(core.position.get_values()), core.sym_name.data
            if (other := taken.setdefault(place, name)) != name:
                where = f"({', '.join(map(str, place))})"
                raise VerifyException(f"cores @{other} and @{name} are both at {where}")


@irdl_op_definition
class ProgramOp(IRDLOperation):
    """What a core runs for every inference: declarations, LCU automata, a loop nest and its iteration.

    ```mlir
    cmcore.program @conv2 {
      %b = cmcore.buffer @b : memref<1x8xf32>
      cmcore.snoop %b from @conv1 { … }
      cmcore.credit @c from @conv3 { … }
      cmcore.loop_nest { scf.for … { cmcore.fire(%w) } }
      cmcore.iteration (%w) { … }
    }
    ```

    Several cores can share a program. The first coordinates of an iteration then are those of the core that runs it,
    as `cmcore.core` gives them; loops and automata take them as arguments, and relations that are for one core have
    them as parameters p0, p1, …

    ```mlir
    cmcore.program @conv2 {
      %m = cmcore.crossbar @w #polyhedral.map<"[p0] -> { cell[r, c] -> w[64p0 + r, c] : … }"> : …
      cmcore.snoop %b from @conv1 (%p, %q) { … }
      cmcore.loop_nest (%p) { scf.for … { cmcore.fire(%p, %w) } }
      cmcore.iteration [%p] (%w) { … }
    }
    ```

    A program marked `gcu` is run by the global control unit, which streams the network's inputs to the cores or its
    outputs from them; no `cmcore.core` runs it.
    """

    name = "cmcore.program"

    sym_name = prop_def(SymbolNameConstraint())
    gcu = opt_prop_def(UnitAttr)
    body = region_def("single_block")

    traits = traits_def(
        IsolatedFromAbove(), NoTerminator(), SymbolOpInterface(), HasParent(NetworkOp)
    )

    assembly_format = "$sym_name (`gcu` $gcu^)? $body attr-dict"

    def __init__(self, name: str, body: Region, gcu: bool = False):
        super().__init__(
            properties={"sym_name": StringAttr(name), "gcu": UnitAttr() if gcu else None},
            regions=[body],
        )

    def _only(self, cls: type[Operation]) -> Operation:
        found = [op for op in self.body.block.ops if isinstance(op, cls)]
        if len(found) != 1:
            raise VerifyException(
                f"program @{self.sym_name.data} must have one {cls.name}, got {len(found)}"
            )
        return found[0]

    @property
    def loop_nest(self) -> LoopNestOp:
        op = self._only(LoopNestOp)
        assert isinstance(op, LoopNestOp)
        return op

    @property
    def iteration(self) -> IterationOp:
        op = self._only(IterationOp)
        assert isinstance(op, IterationOp)
        return op

    @property
    def core_dims(self) -> int:
        """How many coordinates of an iteration, the first ones, say which core runs it."""
        return self.iteration.core_dims

    @property
    def buffers(self) -> list[BufferOp]:
        return [op for op in self.body.block.ops if isinstance(op, BufferOp)]

    @property
    def snoops(self) -> list[SnoopOp]:
        return [op for op in self.body.block.ops if isinstance(op, SnoopOp)]

    @property
    def credits(self) -> list[CreditOp]:
        return [op for op in self.body.block.ops if isinstance(op, CreditOp)]

    def stores(self) -> Iterator[StoreOp]:
        return (op for op in self.iteration.body.block.ops if isinstance(op, StoreOp))

    def verify_(self) -> None:
        verify_holds_only(self, (BufferOp, CrossbarOp, SnoopOp, CreditOp, LoopNestOp, IterationOp))
        for cls in (LoopNestOp, IterationOp):
            self._only(cls)
        arrays: set[str] = set()
        for buffer in self.buffers:
            if (name := symbol(buffer.array)) in arrays:
                raise VerifyException(
                    f"program @{self.sym_name.data} has two buffers of @{name}; one holds all that is read of it"
                )
            arrays.add(name)
        if self.gcu is not None and self.core_dims:
            raise VerifyException(
                f"there is one global control unit: program @{self.sym_name.data} on it has no cores"
            )
        verify_takes_cores("the loop nest", self.loop_nest.body, self.core_dims)


def _core_dims(op: Operation) -> int:
    """How many coordinates a core of the program around `op` has."""
    program = op.parent_op()
    assert isinstance(program, ProgramOp)
    iteration = _iteration_of(program)
    return 0 if iteration is None else iteration.core_dims


def _holder(op: Operation, where: tuple[type[Operation], ...]) -> Operation:
    """The operation of one of these classes around `op`. Raises VerifyException."""
    holder = op.parent_op()
    while holder is not None and not isinstance(holder, where):
        holder = holder.parent_op()
    if holder is None:
        raise VerifyException(f"must be in {' or '.join(cls.name for cls in where)}")
    return holder


def _verify_count(what: str, body: Block | None, values: Sequence[SSAValue]) -> None:
    """As many values as the body of an iteration takes coordinates, if there is one."""
    if body is not None and len(values) != len(body.args):
        raise VerifyException(f"{what} has {len(body.args)} coordinates, got {len(values)}")


def _iteration_body(holder: Operation) -> Block | None:
    """The body of an iteration of the stage or program that a control loop is for, if it has one."""
    outer = holder.parent_op()
    match holder, outer:
        case StageOp(), _:
            return holder.body.block
        case DependenceOp(), PipelineOp():
            stage = find_symbol(outer.body.block, StageOp, symbol(holder.target))
            return None if stage is None else stage.body.block
        case _, ProgramOp():
            return _body_of(outer)
        case _:
            return None


def _iteration_of(program: ProgramOp) -> IterationOp | None:
    """The iteration of a program, which might not be well-formed."""
    ops = reversed(program.body.block.ops)  # it comes last as a rule
    return next((op for op in ops if isinstance(op, IterationOp)), None)


def _body_of(program: ProgramOp) -> Block | None:
    """The body of an iteration of a program, if it has one."""
    iteration = _iteration_of(program)
    return None if iteration is None else iteration.body.block


def _verify_automaton(
    op: SnoopOp | CreditOp, array: str, verb: str, cls: type[StoreOp] | type[BufferOp]
) -> None:
    """What an automaton follows is a program of the network that touches the array."""
    name = symbol(op.source)
    source = _program_of(op, name)
    if source is None:
        raise VerifyException(f"there is no cmcore.program @{name}")
    iteration = _iteration_of(source)
    inside = [*source.body.block.ops, *(() if iteration is None else iteration.body.block.ops)]
    if all(symbol(o.array) != array for o in inside if isinstance(o, cls)):
        raise VerifyException(f"program @{name} does not {verb} @{array}")
    theirs = 0 if iteration is None else iteration.core_dims
    verify_takes_cores("an automaton", op.body, _core_dims(op) + theirs)


def _program_of(automaton: SnoopOp | CreditOp, name: str) -> ProgramOp | None:
    """The program of this name in the network around an automaton, if there is one."""
    program = automaton.parent_op()
    network = program.parent_op() if program is not None else None
    if not isinstance(network, NetworkOp):
        return None
    return find_symbol(network.body.block, ProgramOp, name)


@irdl_op_definition
class BufferOp(IRDLOperation):
    """SRAM of this core that holds an array it reads; the array's writers write straight into it.

    ```mlir
    %b = cmcore.buffer @b : memref<1x8xf32>
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, c, w] -> slot[c, w] }"> : memref<1x8xf32>
    ```

    The storage relation says which slot holds which element of which inference n; without one, the buffer has
    a slot for each element of one inference. A buffer of a parameter array is filled once, before the start.
    """

    name = "cmcore.buffer"

    array = prop_def(FlatSymbolRefAttrConstr)
    storage = opt_prop_def(RELATION)
    result = result_def(MemRefType)

    traits = traits_def(HasParent(ProgramOp))

    assembly_format = "$array (`storage` $storage^)? attr-dict `:` type($result)"

    def __init__(self, array: str, type: MemRefType[Attribute], storage: MapAttr | None = None):
        super().__init__(
            properties={"array": SymbolRefAttr(array), "storage": storage}, result_types=[type]
        )

    def verify_(self) -> None:
        array, type = find_array(self, symbol(self.array)), self.result.type
        if self.storage is not None:
            verify_storage(self.storage, array, type, _core_dims(self))
        elif (type.get_shape(), type.element_type) != (array.shape, array.type.element_type):
            raise VerifyException(f"a buffer without `storage` is like its array, {array.type}")


@irdl_op_definition
class CrossbarOp(IRDLOperation):
    """Crossbars of this core that hold a matrix, programmed once.

    ```mlir
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, 0, c] : … }"> : tensor<16x3xf32>
    ```

    A rank-3 type `[block, row, column]` is a block-diagonal matrix. Cells without an element are 0.
    """

    name = "cmcore.crossbar"

    array = prop_def(FlatSymbolRefAttrConstr)
    cells = prop_def(RELATION)
    result = result_def(TensorType)

    traits = traits_def(HasParent(ProgramOp))

    assembly_format = "$array $cells attr-dict `:` type($result)"

    def __init__(self, array: str, cells: MapAttr, type: TensorType[Attribute]):
        super().__init__(
            properties={"array": SymbolRefAttr(array), "cells": cells}, result_types=[type]
        )

    def verify_(self) -> None:
        array = find_array(self, symbol(self.array))
        verify_cells(array, self.cells, self.result.type, _core_dims(self))


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

    traits = traits_def(NoTerminator(), HasParent(ProgramOp))

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
        holder = _holder(self, (LoopNestOp, StageOp))
        _verify_count("the iteration", _iteration_body(holder), self.coordinates)


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

    traits = traits_def(NoTerminator(), HasParent(ProgramOp))

    def __init__(self, body: Region, core_dims: int = 0):
        super().__init__(properties={"spread": spread_attr(core_dims)}, regions=[body])

    @property
    def core_dims(self) -> int:
        """How many of the coordinates, the first ones, say which core runs the iteration."""
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

    It visits the arrivals it waits for in the order in which the writer writes, once per inference.
    """

    name = "cmcore.snoop"

    buffer = operand_def(MemRefType)
    source = prop_def(FlatSymbolRefAttrConstr)
    body = region_def("single_block", entry_args=RangeOf(IndexType))

    traits = traits_def(NoTerminator(), HasParent(ProgramOp))

    def __init__(self, buffer: SSAValue, source: str, body: Region):
        super().__init__(
            operands=[buffer], properties={"source": SymbolRefAttr(source)}, regions=[body]
        )

    @classmethod
    def parse(cls, parser: Parser) -> SnoopOp:
        buffer = parser.parse_operand()
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
    """The automaton that follows a reader of an array this core writes (write after read).

    ```mlir
    cmcore.credit @b from @conv2 {
      cmcore.release upto (%c7)
      scf.for %w = %c0 to %c6 step %c1 { cmcore.release at (%w) upto (%w) ahead %c1 }
    }
    ```

    It visits the reader's iterations it waits for in the reader's order, once per inference.
    """

    name = "cmcore.credit"

    array = prop_def(FlatSymbolRefAttrConstr)
    source = prop_def(FlatSymbolRefAttrConstr)
    body = region_def("single_block", entry_args=RangeOf(IndexType))

    traits = traits_def(NoTerminator(), HasParent(ProgramOp))

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


@irdl_op_definition
class ReleaseOp(IRDLOperation):
    """One step of an automaton: waits for an event, then allows iterations of this core.

    ```mlir
    cmcore.release at (%c0, %w) upto (%last)
    cmcore.release at (%h, %w) upto (%h2, %w2) ahead %n
    cmcore.release upto (%c3)
    ```

    at: in a snoop, the location whose arrival is awaited; in a credit, the reader's iteration whose end is
    awaited. Without it the step waits for nothing: it gives the limit before the first event.
    upto: the last iteration allowed, in execution order, of the inference that lies `ahead` of the event's
    (none: the same inference).
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
        # An event with no coordinates, of an iteration domain with none, is not the same as no event.
        super().__init__(
            operands=[at or (), upto, ahead],
            properties={"unconditional": UnitAttr() if at is None else None},
        )

    @property
    def awaits(self) -> bool:
        """Whether the step waits for an event."""
        return self.unconditional is None

    @classmethod
    def parse(cls, parser: Parser) -> ReleaseOp:
        def coordinates() -> list[SSAValue]:
            return parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_operand)

        at = coordinates() if parser.parse_optional_keyword("at") else None
        parser.parse_keyword("upto")
        upto = coordinates()
        ahead = parser.parse_operand() if parser.parse_optional_keyword("ahead") else None
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
        holder = _holder(self, (SnoopOp, CreditOp, DependenceOp))
        _verify_count("the iteration", _iteration_body(holder), self.upto)
        if isinstance(holder, SnoopOp) and isinstance(holder.buffer.owner, BufferOp):
            rank = len(find_array(self, symbol(holder.buffer.owner.array)).shape)
            if self.awaits and len(self.at) != rank:
                raise VerifyException(f"the location has {rank} coordinates, got {len(self.at)}")
        if isinstance(holder, CreditOp) and self.awaits:
            reader = _program_of(holder, symbol(holder.source))
            if reader is not None:
                _verify_count("the reader's iteration", _body_of(reader), self.at)


@irdl_op_definition
class LoadOp(IRDLOperation):
    """The lanes that the current iteration reads, gathered from buffers of this core.

    ```mlir
    %x = cmcore.load %b at #polyhedral.map<"{ [conv2[w] -> lane[c, k]] -> b[c, w + k] : … }"> : vector<1x3xf32>
    ```

    As `polyhedral.read`, with buffers for arrays.
    """

    name = "cmcore.load"

    buffers = var_operand_def(MemRefType)
    maps = prop_def(ArrayAttr[MapAttr])
    pad = prop_def(FloatAttr | IntegerAttr)
    result = result_def(VectorType)

    traits = traits_def(HasParent(IterationOp))

    def __init__(
        self,
        sources: Iterable[tuple[SSAValue, MapAttr]],
        result_type: VectorType[Attribute],
        pad: Number,
    ):
        sources = tuple(sources)
        super().__init__(
            operands=[[buffer for buffer, _ in sources]],
            properties={"maps": ArrayAttr(access for _, access in sources), "pad": pad},
            result_types=[result_type],
        )

    def buffers_and_maps(self) -> Iterator[tuple[SSAValue, MapAttr]]:
        return zip(self.buffers, self.maps, strict=True)

    @classmethod
    def parse(cls, parser: Parser) -> LoadOp:
        def source() -> tuple[SSAValue, MapAttr]:
            buffer = parser.parse_operand()
            parser.parse_keyword("at")
            return buffer, parse_attribute_as(parser, MapAttr)

        sources = parser.parse_comma_separated_list(parser.Delimiter.NONE, source)
        pad, attributes, type = parse_access_tail(parser)
        op = cls(sources, type, pad)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        def source(item: tuple[SSAValue, MapAttr]) -> None:
            printer.print_ssa_value(item[0])
            printer.print_string(" at ")
            printer.print_attribute(item[1])

        printer.print_string(" ")
        printer.print_list(self.buffers_and_maps(), source)
        print_access_tail(printer, self, self.pad, self.result.type)

    def verify_(self) -> None:
        if len(self.buffers) != len(self.maps):
            raise VerifyException(
                f"{len(self.buffers)} buffers for {len(self.maps)} access relations"
            )
        if not self.buffers:
            raise VerifyException("a load must read a cmcore.buffer")
        for buffer, access in self.buffers_and_maps():
            if not isinstance(buffer.owner, BufferOp):
                raise VerifyException("a load must read a cmcore.buffer")
            _verify_access(self, symbol(buffer.owner.array), access, self.result.type)
        verify_pad(self.pad, self.result.type)
        if message := overlap_problem(tuple(self.maps)):
            raise VerifyException(message)


def _verify_access(op: Operation, name: str, access: MapAttr, type: VectorType[Attribute]) -> None:
    """An access must fit the array, the vector, and the coordinates of the iteration."""
    array, iteration = find_array(op, name), op.parent_op()
    assert isinstance(iteration, IterationOp)
    coordinates = len(iteration.body.block.args)
    if message := access_problem(access, coordinates, type.get_shape(), name, array.shape):
        raise VerifyException(message)
    verify_element_types(type, array)


@irdl_op_definition
class StoreOp(IRDLOperation):
    """Sends the lanes of a vector to every core that has a buffer of the array.

    ```mlir
    cmcore.store %y, @b #polyhedral.map<"{ [conv1[w] -> lane[c]] -> b[c, w] : … }"> : vector<1xf32>
    ```
    """

    name = "cmcore.store"

    value = operand_def(VectorType)
    array = prop_def(FlatSymbolRefAttrConstr)
    map = prop_def(RELATION)

    traits = traits_def(HasParent(IterationOp))

    assembly_format = "$value `,` $array $map attr-dict `:` type($value)"

    def __init__(self, value: SSAValue, array: str, map: MapAttr):
        super().__init__(operands=[value], properties={"array": SymbolRefAttr(array), "map": map})

    def verify_(self) -> None:
        assert isinstance(self.value.type, VectorType)
        _verify_access(self, symbol(self.array), self.map, self.value.type)
        if find_array(self, symbol(self.array)).source is not None:
            raise VerifyException(f"@{symbol(self.array)} is a parameter, which is never written")
        if not self.map.relation.is_injective():
            raise VerifyException(f"two lanes or iterations write one location: {self.map.data}")


@irdl_op_definition
class MxvOp(IRDLOperation):
    """The product of a matrix and a vector, y = M·x, on crossbars.

    ```mlir
    %y = cmcore.mxv %m, %x : tensor<16x27xf32>, vector<3x3x3xf32> -> vector<16xf32>
    ```

    x is taken in row-major order of its lanes. With a rank-3 matrix `[block, row, column]` the product is
    block-diagonal: block b takes the b-th run of columns of x and gives the b-th run of rows of y.
    Integers of any types are multiplied exactly and summed in `i32`. Products of `f16` are summed in `f32`, and the
    sums are rounded.
    """

    name = "cmcore.mxv"

    matrix = operand_def(TensorType)
    vector = operand_def(VectorType)
    result = result_def(VectorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$matrix `,` $vector attr-dict `:` type($matrix) `,` type($vector) `->` type($result)"
    )

    def __init__(
        self,
        matrix: SSAValue | Operation,
        vector: SSAValue | Operation,
        result_type: VectorType[Attribute] | None = None,
    ):
        matrix = SSAValue.get(matrix, type=TensorType)
        if result_type is None:
            *rows, _ = matrix.type.get_shape()
            element = matrix.type.element_type
            element = i32 if isinstance(element, IntegerType) else element
            result_type = VectorType(element, [prod(rows)])
        super().__init__(operands=[matrix, vector], result_types=[result_type])

    def verify_(self) -> None:
        assert isinstance(self.matrix.type, TensorType)
        assert isinstance(self.vector.type, VectorType)
        shape = self.matrix.type.get_shape()
        if len(shape) not in (2, 3):
            raise VerifyException(f"the matrix must have rank 2 or 3, got rank {len(shape)}")
        elements = {self.matrix.type.element_type, self.vector.type.element_type}
        result = self.result.type.element_type
        integers = all(isinstance(element, IntegerType) for element in elements)
        if elements != {result} and not (integers and result == i32):
            raise VerifyException(
                "the matrix, the vector and the result must have one element type, or integers with"
                " a result of i32"
            )
        *blocks, rows, columns = shape
        inputs, outputs = prod(blocks) * columns, prod(blocks) * rows
        if prod(self.vector.type.get_shape()) != inputs:
            raise VerifyException(
                f"the matrix takes {inputs} elements, the vector has "
                f"{prod(self.vector.type.get_shape())}"
            )
        if prod(self.result.type.get_shape()) != outputs:
            raise VerifyException(
                f"the matrix gives {outputs} elements, the result has "
                f"{prod(self.result.type.get_shape())}"
            )


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
        kind = parser.parse_identifier("a kind of reduction")
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
        print_attributes(printer, self)
        printer.print_string(" : ")
        printer.print_attribute(self.vector.type)
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)

    def verify_(self) -> None:
        if self.kind.data not in self.KINDS:
            raise VerifyException(
                f"the kind must be one of {', '.join(self.KINDS)}, got {self.kind.data}"
            )
        assert isinstance(self.vector.type, VectorType)
        rank, dims = len(self.vector.type.get_shape()), self.dims.get_values()
        if len(set(dims)) != len(dims) or any(not 0 <= d < rank for d in dims):
            raise VerifyException(f"`along` must name dimensions of rank {rank}, got {list(dims)}")
        if self.result.type != (expected := self.infer(self.vector.type, dims)):
            raise VerifyException(f"the result must have type {expected}, got {self.result.type}")


@irdl_op_definition
class ArgReduceOp(IRDLOperation):
    """Where along one of its dimensions the largest or smallest elements of a vector are, on the DPU.

    ```mlir
    %y = cmcore.arg_reduce maximumf %x along 0 : vector<10x16xf32> -> vector<16xi32>
    ```

    Of equal elements it is the first one that counts, with `last` the last one. NaN is larger than all numbers
    for `maximumf`, and smaller for `minimumf`.
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
        kind = parser.parse_identifier("a kind of reduction")
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
        print_attributes(printer, self)
        printer.print_string(" : ")
        printer.print_attribute(self.vector.type)
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)

    def verify_(self) -> None:
        if self.kind.data not in self.KINDS:
            raise VerifyException(
                f"the kind must be one of {', '.join(self.KINDS)}, got {self.kind.data}"
            )
        assert isinstance(self.vector.type, VectorType)
        rank, dim = len(self.vector.type.get_shape()), self.dim.value.data
        if not 0 <= dim < rank:
            raise VerifyException(f"`along` must name a dimension of rank {rank}, got {dim}")
        if self.result.type != (expected := self.infer(self.vector.type, dim)):
            raise VerifyException(f"the result must have type {expected}, got {self.result.type}")


@irdl_op_definition
class CompareOp(IRDLOperation):
    """Whether the elements of two vectors are in a relation to each other, on the DPU.

    ```mlir
    %y = cmcore.compare lt %a, %b : vector<16xf32>
    ```

    The relations are those of numbers: of unsigned ones if the elements are unsigned, and false for NaN, but for
    `ne`. (`arith.cmpf` and `arith.cmpi` take vectors in MLIR, but not in xDSL.)
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
        relation = parser.parse_identifier("a relation")
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
        if self.relation.data not in self.RELATIONS:
            raise VerifyException(
                f"the relation must be one of {', '.join(self.RELATIONS)}, got {self.relation.data}"
            )
        assert isinstance(self.lhs.type, VectorType)
        if self.rhs.type != self.lhs.type:
            raise VerifyException(
                f"the operands must have one type, got {self.lhs.type} and {self.rhs.type}"
            )
        if self.result.type != (expected := VectorType(i1, self.lhs.type.get_shape())):
            raise VerifyException(f"the result must have type {expected}, got {self.result.type}")


@irdl_op_definition
class SelectOp(IRDLOperation):
    """The elements of one vector where a condition holds, those of another one elsewhere, on the DPU.

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
    """The elements of a vector as numbers of another type, as near as that type has them, on the DPU.

    ```mlir
    %y = cmcore.convert %x : vector<16xf32> -> vector<16xi8>
    ```

    Fractions are rounded to the nearest integer, to the even one of two; what is beyond the largest or the
    smallest number of an integer type becomes that number. NaN becomes 0.
    """

    name = "cmcore.convert"

    vector = operand_def(VectorType)
    result = result_def(VectorType)

    traits = traits_def(Pure())

    assembly_format = "$vector attr-dict `:` type($vector) `->` type($result)"

    def __init__(self, vector: SSAValue | Operation, element: Attribute):
        vector = SSAValue.get(vector, type=VectorType)
        result = VectorType(element, vector.type.get_shape())
        super().__init__(operands=[vector], result_types=[result])

    def verify_(self) -> None:
        assert isinstance(self.vector.type, VectorType)
        expected = VectorType(self.result.type.element_type, self.vector.type.get_shape())
        if self.result.type != expected:
            raise VerifyException(f"the result must have type {expected}, got {self.result.type}")


@irdl_op_definition
class CoreOp(IRDLOperation):
    """A core of the chip and the program it runs.

    ```mlir
    cmcore.core @core1 runs @conv2 at (0, 1)
    cmcore.core @core2 runs @conv3[0] at (0, 2)
    ```

    Brackets hold the core's coordinates in a program that several cores run. `at` gives its place on the
    interconnect, in the coordinates of the hardware's topology.
    """

    name = "cmcore.core"

    sym_name = prop_def(SymbolNameConstraint())
    program = prop_def(FlatSymbolRefAttrConstr)
    coordinates = opt_prop_def(DenseArrayBase.constr(i64))
    position = prop_def(DenseArrayBase.constr(i64))

    traits = traits_def(SymbolOpInterface(), HasParent(NetworkOp))

    def __init__(
        self, name: str, program: str, position: Sequence[int], coordinates: Sequence[int] = ()
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "program": SymbolRefAttr(program),
                "coordinates": DenseArrayBase.from_list(i64, coordinates) if coordinates else None,
                "position": DenseArrayBase.from_list(i64, position),
            }
        )

    @property
    def core(self) -> tuple[int, ...]:
        """The coordinates among the cores that run the program."""
        return () if self.coordinates is None else tuple(self.coordinates.get_values())

    @classmethod
    def parse(cls, parser: Parser) -> CoreOp:
        name = parser.parse_symbol_name().data
        parser.parse_keyword("runs")
        program = parser.parse_symbol_name().data
        coordinates = parser.parse_optional_comma_separated_list(
            parser.Delimiter.SQUARE, parser.parse_integer
        )
        parser.parse_keyword("at")
        position = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_integer)
        op = cls(name, program, position, coordinates or ())
        op.attributes = parse_attributes(parser)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" runs ")
        printer.print_symbol_name(symbol(self.program))
        if self.core:
            printer.print_string(f"[{', '.join(map(str, self.core))}]")
        coordinates = ", ".join(map(str, self.position.get_values()))
        printer.print_string(f" at ({coordinates})")
        print_attributes(printer, self)

    def verify_(self) -> None:
        network = self.parent_op()
        assert isinstance(network, NetworkOp)
        # There can be thousands of cores, so no table of programs is made for each.
        name = self.program.root_reference
        programs = (op for op in network.body.block.ops if isinstance(op, ProgramOp))
        program = next((op for op in programs if op.sym_name == name), None)
        if program is None:
            raise VerifyException(f"there is no cmcore.program @{symbol(self.program)}")
        if program.gcu is not None:
            raise VerifyException(f"@{symbol(self.program)} is run by the global control unit")
        if len(self.core) != program.core_dims:
            raise VerifyException(
                f"a core of @{symbol(self.program)} has {program.core_dims} coordinates, "
                f"got {list(self.core)}"
            )


CMCORE = Dialect(
    "cmcore",
    [
        NetworkOp,
        ProgramOp,
        BufferOp,
        CrossbarOp,
        LoopNestOp,
        FireOp,
        IterationOp,
        SnoopOp,
        CreditOp,
        ReleaseOp,
        LoadOp,
        StoreOp,
        MxvOp,
        ReduceOp,
        ArgReduceOp,
        CompareOp,
        SelectOp,
        ConvertOp,
        CoreOp,
    ],
    [],
)
