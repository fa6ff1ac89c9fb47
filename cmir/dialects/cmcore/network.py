"""Networks of programs, and the cores that run them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    IntegerAttr,
    StringAttr,
    SymbolNameConstraint,
    UnitAttr,
    i64,
)
from xdsl.ir import Operation, Region
from xdsl.irdl import (
    BaseAttr,
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
from cmir.dialects.cmcore.instances import InstanceAttr, parse_instance, print_instance
from cmir.dialects.cmcore.iteration import IterationOp
from cmir.dialects.cmcore.loops import LoopNestOp
from cmir.dialects.cmcore.memory import BufferOp, CrossbarOp
from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral.arrays import ArrayOp, ArraysOp, verify_ends, verify_holds_only
from cmir.dialects.polyhedral.syntax import COUNT, verify_takes_cores
from cmir.dialects.symbols import find_symbol, symbol
from cmir.dialects.syntax import parse_attributes, print_attributes
from cmir.dialects.traits import HasParentNamed
from cmir.support.counts import count_of

MOST_SLOTS = 2**16
"""Most slots of a table by which programs divide a resource of their core."""


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

    @property
    def instances(self) -> Iterator[tuple[CoreOp, InstanceAttr]]:
        """The programs as cores run them, core by core: each with its core."""
        return ((core, instance) for core in self.cores for instance in core.instances)

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
            place, name = core.place, core.sym_name.data
            if (other := taken.setdefault(place, name)) != name:
                where = f"({', '.join(map(str, place))})"
                raise VerifyException(f"cores @{other} and @{name} are both at {where}")
        self._verify_turns()

    def _verify_turns(self) -> None:
        """Check that each turn of a program is that of one core, and that its cores have one number of turns."""
        programs: dict[str, tuple[CoreOp, InstanceAttr]] = {}
        found: dict[CoreName, set[int]] = {}
        for core, instance in self.instances:
            name = instance.core_name
            other, first = programs.setdefault(name.program, (core, instance))
            if instance.turns != first.turns:
                raise VerifyException(
                    f"the cores of @{name.program} must have one number of turns: @{other.sym_name.data} has "
                    f"{first.turns}, @{core.sym_name.data} has {instance.turns}"
                )
            if name.turn is None:
                continue
            turns = found.setdefault(name.undivided, set())
            if name.turn in turns:
                raise VerifyException(f"two cores run @{name}")
            turns.add(name.turn)
        for name, turns in found.items():
            for turn in range(programs[name.program][1].turns):
                if turn not in turns:
                    raise VerifyException(f"no core runs @{name} turn {turn}")


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
    """A core of the chip and the programs that it runs.

    ```mlir
    cmcore.core @core1 runs @conv2 at (0, 1)
    cmcore.core @core2 runs @conv3[0] at (0, 2)
    cmcore.core @core3 runs [@conv1[2] dpu 5 link 2, @max_pool1 dpu 11 link 14 of 16] at (0, 3)
    cmcore.core @core4 runs @conv4 turn 2 of 5 at (0, 4)
    cmcore.core @core5 runs [@conv4 turn 3 of 5 dpu 3, @max_pool2 dpu 5 of 8] at (0, 5)
    ```

    Brackets after a program hold the coordinates of the core in a program that several cores share. `at` gives its
    place on the interconnect, in the coordinates of the hardware's topology. `turn` gives the iterations that the core
    runs of a program whose iterations several cores run in turn: those i with i mod 5 = 2.

    Each of several programs of a core has its own control unit, buffers and crossbars. They divide the other resources
    by tables of slots, one slot a cycle: `issue` (of products), `dpu` (the vector unit), `sram` (its port) and `link`
    (for results). `of` gives the number of slots of all tables, and a share is a number of these. A program may use a
    resource in its slots only. A resource that one of the programs uses needs no share: all cycles are that program's.
    """

    name = "cmcore.core"

    sym_name = prop_def(SymbolNameConstraint())
    programs = prop_def(ArrayAttr.constr(BaseAttr(InstanceAttr)))
    slots = opt_prop_def(COUNT)
    position = prop_def(DenseArrayBase.constr(i64))

    traits = traits_def(SymbolOpInterface(), HasParentNamed("cmcore.network"))

    def __init__(
        self,
        name: str,
        instances: Sequence[InstanceAttr],
        position: Sequence[int],
        slots: int | None = None,
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "programs": ArrayAttr(instances),
                "slots": None if slots is None else IntegerAttr(slots, i64),
                "position": DenseArrayBase.from_list(i64, position),
            }
        )

    @property
    def instances(self) -> tuple[InstanceAttr, ...]:
        """The programs that the core runs, in order, with their shares of its resources."""
        return self.programs.data

    @property
    def place(self) -> tuple[int, ...]:
        return tuple(self.position.get_values())

    @property
    def divides(self) -> bool:
        """True if a program of the core may have less than all of a resource."""
        return len(self.instances) > 1 or self.slots is not None

    @property
    def table_size(self) -> int | None:
        """Number of slots of the tables by which programs divide resources; None if they divide none."""
        return None if self.slots is None else self.slots.value.data

    @classmethod
    def parse(cls, parser: Parser) -> CoreOp:
        name = parser.parse_symbol_name().data
        parser.parse_keyword("runs")
        slots: int | None = None
        if parser.parse_optional_punctuation("[") is None:
            instances = [parse_instance(parser)]
        else:
            instances = parser.parse_comma_separated_list(
                parser.Delimiter.NONE, lambda: parse_instance(parser)
            )
            if parser.parse_optional_keyword("of") is not None:
                slots = parser.parse_integer(context_msg=": the slots of a table")
            expected = "expected a share (issue, dpu, sram or link), `of`, `,` or `]`"
            parser.expect(lambda: parser.parse_optional_punctuation("]"), expected)
        parser.parse_keyword("at")
        position = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_integer)
        op = cls(name, instances, position, slots)
        op.attributes = parse_attributes(parser)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" runs ")
        if len(self.instances) == 1 and self.slots is None:
            print_instance(printer, self.instances[0])
        else:
            with printer.in_square_brackets():
                printer.print_list(self.instances, lambda each: print_instance(printer, each))
                if self.slots is not None:
                    printer.print_string(f" of {self.table_size}")
        printer.print_string(f" at ({', '.join(map(str, self.place))})")
        print_attributes(printer, self)

    def verify_(self) -> None:
        if not self.instances:
            raise VerifyException("a core runs at least one program")
        for instance in self.instances:
            self._verify_instance(instance)
        names = [instance.core_name for instance in self.instances]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise VerifyException(f"program @{name} is listed twice")
            if name.undivided in (other.undivided for other in names[:number]):
                raise VerifyException(
                    f"copies of @{name.undivided} on one core are ways of its crossbars, not turns"
                )
        self._verify_shares()

    def _verify_instance(self, instance: InstanceAttr) -> None:
        network, name = self.parent_op(), instance.core_name
        assert isinstance(network, NetworkOp)
        program = find_symbol(network.body.block, ProgramOp, name.program)
        if program is None:
            raise VerifyException(f"there is no cmcore.program @{name.program}")
        if program.gcu is not None:
            raise VerifyException(f"@{name.program} is run by the global control unit")
        if len(name.coordinates) != program.core_dims:
            raise VerifyException(
                f"a core of @{name.program} has {count_of(program.core_dims, 'coordinate')}, "
                f"got {list(name.coordinates)}"
            )

    def _verify_shares(self) -> None:
        total: Counter[str] = Counter()
        for instance in self.instances:
            for resource, slots in instance.shares.items():
                if slots < 1:
                    raise VerifyException(
                        f"the share of `{resource}` of @{instance.core_name} must be >= 1, got {slots}"
                    )
                total[resource] += slots
        size = self.table_size
        if size is None:
            if total:
                raise VerifyException("shares need the number of slots that they are of: `of 16`")
            return
        if not 1 <= size <= MOST_SLOTS:
            raise VerifyException(f"a table has 1 to {MOST_SLOTS} slots, got {size}")
        if not total:
            raise VerifyException(f"no program has a share of the {count_of(size, 'slot')}")
        for resource, slots in total.items():
            if slots > size:
                raise VerifyException(f"the shares of `{resource}` are {slots} of {size} slots")
