"""Networks of programs, and the cores that run them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects.builtin import (
    DenseArrayBase,
    FlatSymbolRefAttrConstr,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    UnitAttr,
    i64,
)
from xdsl.ir import Operation, Region
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
from xdsl.traits import IsolatedFromAbove, NoTerminator, SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.cmcore.accesses import StoreOp
from cmir.dialects.cmcore.automata import CreditOp, SnoopOp
from cmir.dialects.cmcore.iteration import IterationOp
from cmir.dialects.cmcore.loops import LoopNestOp
from cmir.dialects.cmcore.memory import BufferOp, CrossbarOp
from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral.arrays import ArrayOp, ArraysOp, verify_ends, verify_holds_only
from cmir.dialects.polyhedral.syntax import verify_takes_cores
from cmir.dialects.symbols import symbol
from cmir.dialects.syntax import parse_attributes, print_attributes
from cmir.dialects.traits import HasParentNamed
from cmir.support.counts import count_of


@irdl_op_definition
class NetworkOp(ArraysOp):
    """A network as programs on cores, with its input and output arrays in order.

    ```mlir
    cmcore.network @main (@a) -> (@c) {
      polyhedral.array @a : tensor<1x10xf32>
      cmcore.program @conv1 { … }
      cmcore.core @core0 runs @conv1 at (0)
    }
    ```

    Arrays define the location spaces of access relations. They occupy no memory; buffers do.
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
    """A program that a core runs for every inference: declarations, LCU automata, a loop nest and its iteration.

    ```mlir
    cmcore.program @conv2 {
      %b = cmcore.buffer @b : memref<1x8xf32>
      cmcore.snoop %b from @conv1 { … }
      cmcore.credit @c from @conv3 { … }
      cmcore.loop_nest { scf.for … { cmcore.fire(%w) } }
      cmcore.iteration (%w) { … }
    }
    ```

    Several cores can share a program. The leading coordinates of an iteration are then those of the core that runs it,
    as given by `cmcore.core`. Loops and automata take them as arguments, and relations that hold for one core have
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
        IsolatedFromAbove(), NoTerminator(), SymbolOpInterface(), HasParentNamed("cmcore.network")
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
        """Number of leading coordinates of an iteration that identify the core that runs it."""
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


@irdl_op_definition
class CoreOp(IRDLOperation):
    """A core of the chip and the program it runs.

    ```mlir
    cmcore.core @core1 runs @conv2 at (0, 1)
    cmcore.core @core2 runs @conv3[0] at (0, 2)
    ```

    Brackets hold the coordinates of the core in a program that several cores share. `at` gives its place on the
    interconnect, in the coordinates of the hardware's topology.
    """

    name = "cmcore.core"

    sym_name = prop_def(SymbolNameConstraint())
    program = prop_def(FlatSymbolRefAttrConstr)
    coordinates = opt_prop_def(DenseArrayBase.constr(i64))
    position = prop_def(DenseArrayBase.constr(i64))

    traits = traits_def(SymbolOpInterface(), HasParentNamed("cmcore.network"))

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
        """The coordinates of the core among the cores that run the program."""
        return () if self.coordinates is None else tuple(self.coordinates.get_values())

    @property
    def core_name(self) -> CoreName:
        return CoreName(symbol(self.program), self.core)

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
        # A network can have thousands of cores, so none builds a table of all programs for itself.
        name = self.program.root_reference
        programs = (op for op in network.body.block.ops if isinstance(op, ProgramOp))
        program = next((op for op in programs if op.sym_name == name), None)
        if program is None:
            raise VerifyException(f"there is no cmcore.program @{symbol(self.program)}")
        if program.gcu is not None:
            raise VerifyException(f"@{symbol(self.program)} is run by the global control unit")
        if len(self.core) != program.core_dims:
            raise VerifyException(
                f"a core of @{symbol(self.program)} has {count_of(program.core_dims, 'coordinate')}, "
                f"got {list(self.core)}"
            )
