"""Loads and stores of an iteration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xdsl.dialects.builtin import (
    ArrayAttr,
    FlatSymbolRefAttrConstr,
    FloatAttr,
    IntegerAttr,
    MemRefType,
    SymbolRefAttr,
    UnitAttr,
    VectorType,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import HasParent
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.cmcore.iteration import IterationOp
from cmir.dialects.cmcore.memory import BufferOp
from cmir.dialects.polyhedral.accesses import (
    Number,
    access_problem,
    overlap_problem,
    parse_access_tail,
    print_access_tail,
    verify_element_types,
    verify_pad,
)
from cmir.dialects.polyhedral.arrays import find_array
from cmir.dialects.polyhedral.relations import RELATION, MapAttr
from cmir.dialects.polyhedral.syntax import parse_attribute_as
from cmir.dialects.symbols import symbol
from cmir.dialects.syntax import parse_defined_operand
from cmir.support.counts import count_of


@irdl_op_definition
class LoadOp(IRDLOperation):
    """The lanes that the current iteration reads, gathered from buffers of this core.

    ```mlir
    %x = cmcore.load %b at #polyhedral.map<"{ [conv2[w] -> lane[c, k]] -> b[c, w + k] : … }"> : vector<1x3xf32>
    ```

    Like `polyhedral.read`, with buffers instead of arrays. It can read `across` inferences, too.
    """

    name = "cmcore.load"

    buffers = var_operand_def(MemRefType)
    maps = prop_def(ArrayAttr[MapAttr])
    pad = prop_def(FloatAttr | IntegerAttr)
    across = opt_prop_def(UnitAttr)
    result = result_def(VectorType)

    traits = traits_def(HasParent(IterationOp))

    def __init__(
        self,
        sources: Iterable[tuple[SSAValue, MapAttr]],
        result_type: VectorType[Attribute],
        pad: Number,
        across: bool = False,
    ):
        sources = tuple(sources)
        super().__init__(
            operands=[[buffer for buffer, _ in sources]],
            properties={
                "maps": ArrayAttr(access for _, access in sources),
                "pad": pad,
                "across": UnitAttr() if across else None,
            },
            result_types=[result_type],
        )

    def buffers_and_maps(self) -> Iterator[tuple[SSAValue, MapAttr]]:
        return zip(self.buffers, self.maps, strict=True)

    @classmethod
    def parse(cls, parser: Parser) -> LoadOp:
        def source() -> tuple[SSAValue, MapAttr]:
            buffer = parse_defined_operand(parser)
            parser.parse_keyword("at")
            return buffer, parse_attribute_as(parser, MapAttr)

        sources = parser.parse_comma_separated_list(parser.Delimiter.NONE, source)
        across = parser.parse_optional_keyword("across") is not None
        pad, attributes, type = parse_access_tail(parser)
        op = cls(sources, type, pad, across)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        def source(item: tuple[SSAValue, MapAttr]) -> None:
            printer.print_ssa_value(item[0])
            printer.print_string(" at ")
            printer.print_attribute(item[1])

        printer.print_string(" ")
        printer.print_list(self.buffers_and_maps(), source)
        if self.across is not None:
            printer.print_string(" across")
        print_access_tail(printer, self, self.pad, self.result.type)

    def verify_(self) -> None:
        if len(self.buffers) != len(self.maps):
            raise VerifyException(
                f"{count_of(len(self.buffers), 'buffer')} for {len(self.maps)} access relations"
            )
        if not self.buffers:
            raise VerifyException("a load must read a cmcore.buffer")
        for buffer, access in self.buffers_and_maps():
            if not isinstance(buffer.owner, BufferOp):
                raise VerifyException("a load must read a cmcore.buffer")
            across = self.across is not None
            _verify_access(self, symbol(buffer.owner.array), access, self.result.type, across)
        verify_pad(self.pad, self.result.type)
        if message := overlap_problem(tuple(self.maps)):
            raise VerifyException(message)


def _verify_access(
    op: Operation, name: str, access: MapAttr, type: VectorType[Attribute], across: bool = False
) -> None:
    """Check that an access fits the array, the vector, and the coordinates of the iteration. Raises VerifyException."""
    array, iteration = find_array(op, name), op.parent_op()
    assert isinstance(iteration, IterationOp)
    coordinates = len(iteration.body.block.args)
    held = array.initial_inferences() if across else None
    shape = type.get_shape()
    if message := access_problem(access, coordinates, shape, name, array.shape, held=held):
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
