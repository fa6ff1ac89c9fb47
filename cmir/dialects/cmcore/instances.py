"""Programs as a core runs them: one instance of a program, and its shares of what the core's programs divide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import (
    I64,
    DenseArrayBase,
    DictionaryAttr,
    IntegerAttr,
    SymbolRefAttr,
    i64,
)
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.core_name import CoreName
from cmir.dialects.symbols import symbol

SHARED_RESOURCES = ("issue", "dpu", "sram", "link")
"""Resources of a core that its programs divide among each other: the issue slot of products, the vector unit (DPU),
the port of the SRAM, and the link for results."""


@irdl_attr_definition
class InstanceAttr(ParametrizedAttribute):
    """A program that a core runs: `#cmcore.instance<@conv1[2] dpu 5 link 2>`.

    Brackets hold the coordinates of the core in a program that several cores share. A resource and a number are a
    share: so many slots of the table by which the programs of the core divide the resource.

    `turn 2 of 5` means that five cores run the iterations in turn: those of each inference are counted from 0 in the
    order of the loop nest, and this core runs the iterations i with i mod 5 = 2. Text and control are those of one core
    that runs all iterations. Readers take the results of the cores in the order of the iterations.
    """

    name = "cmcore.instance"

    program: SymbolRefAttr
    coordinates: DenseArrayBase[I64]
    turn_of: DenseArrayBase[I64]
    slots: DictionaryAttr

    @staticmethod
    def of(
        program: str,
        coordinates: Sequence[int] = (),
        shares: Mapping[str, int] | None = None,
        turn: tuple[int, int] | None = None,
    ) -> InstanceAttr:
        """Return an instance of a program.

        shares: numbers of slots by resource. turn: the number of the turn, and how many turns there are.
        """
        given = shares or {}
        slots = {name: IntegerAttr(given[name], i64) for name in SHARED_RESOURCES if name in given}
        return InstanceAttr(
            SymbolRefAttr(program),
            DenseArrayBase.from_list(i64, coordinates),
            DenseArrayBase.from_list(i64, turn or ()),
            DictionaryAttr(slots),
        )

    @property
    def core_name(self) -> CoreName:
        turn, _ = self.turn or (None, 1)
        return CoreName(symbol(self.program), tuple(self.coordinates.get_values()), turn)

    @property
    def turn(self) -> tuple[int, int] | None:
        """The number of the turn, and how many turns there are; None if the core runs all iterations."""
        match tuple(self.turn_of.get_values()):
            case (turn, turns):
                return turn, turns
            case _:
                return None

    @property
    def turns(self) -> int:
        """Number of cores that run the iterations in turn."""
        return 1 if self.turn is None else self.turn[1]

    def verify(self) -> None:
        numbers = self.turn_of.get_values()
        if numbers and not (len(numbers) == 2 and 0 <= numbers[0] < numbers[1] and numbers[1] > 1):
            raise VerifyException(
                "a turn is a number below that of all turns, which is at least 2, got "
                + " of ".join(map(str, numbers))
            )

    @property
    def shares(self) -> dict[str, int]:
        """Numbers of slots by resource, for the resources of which the program has a share."""
        return {
            name: slots.value.data
            for name, slots in self.slots.data.items()
            if isinstance(slots, IntegerAttr)
        }

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return parse_instance(parser).parameters

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_instance(printer, self)


def parse_instance(parser: AttrParser) -> InstanceAttr:
    """Parse `@conv1[2] turn 2 of 5 dpu 5 link 2`."""
    program = parser.parse_symbol_name().data
    coordinates = parser.parse_optional_comma_separated_list(
        parser.Delimiter.SQUARE, parser.parse_integer
    )
    turn = None
    if parser.parse_optional_keyword("turn") is not None:
        number = parser.parse_integer(context_msg=": the number of the turn")
        parser.parse_keyword("of")
        turn = number, parser.parse_integer(context_msg=": the number of turns")
    shares: dict[str, int] = {}
    while (resource := _parse_optional_resource(parser)) is not None:
        if resource in shares:
            parser.raise_error(f"@{program} has two shares of `{resource}`")
        shares[resource] = parser.parse_integer(context_msg=f": the slots of `{resource}`")
    try:
        return InstanceAttr.of(program, coordinates or (), shares, turn)
    except VerifyException as error:
        parser.raise_error(str(error))


def _parse_optional_resource(parser: AttrParser) -> str | None:
    found = (name for name in SHARED_RESOURCES if parser.parse_optional_keyword(name) is not None)
    return next(found, None)


def print_instance(printer: Printer, instance: InstanceAttr) -> None:
    name = instance.core_name
    printer.print_symbol_name(name.program)
    if name.coordinates:
        printer.print_string(f"[{', '.join(map(str, name.coordinates))}]")
    if instance.turn is not None:
        printer.print_string(" turn {} of {}".format(*instance.turn))
    for resource, slots in instance.shares.items():
        printer.print_string(f" {resource} {slots}")
