"""Construction of a synchronous circuit as a `hw.module`: one clock, one synchronous reset.

Operations that are equal are built once. Operands of registers and instances may be connected later, as circuits have
cycles: the body of a `hw.module` is a graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from xdsl.dialects import comb, hw, seq
from xdsl.dialects.builtin import (
    ArrayAttr,
    IntegerAttr,
    IntegerType,
    StringAttr,
    SymbolRefAttr,
    i1,
    i32,
)
from xdsl.ir import Block, Operation, OpResult, Region, SSAValue, TypeAttribute

CLOCK, RESET = "clk", "rst"
"""Names of the clock and of the reset, inputs of every module."""


class Circuit:
    """A module in the making. Wires are SSA values of integer type.

    inputs: names and widths, without the clock and the reset, which every module has.
    """

    def __init__(self, name: str, inputs: Mapping[str, int]):
        types: dict[str, TypeAttribute] = {CLOCK: seq.clock, RESET: i1}
        types |= {port: IntegerType(width) for port, width in inputs.items()}
        self.name = name
        self.block = Block(arg_types=list(types.values()))
        self.inputs: dict[str, SSAValue] = dict(zip(types, self.block.args, strict=True))
        for port, value in self.inputs.items():
            value.name_hint = port
        self._ports = [hw.ModulePort(StringAttr(port), type, _IN) for port, type in types.items()]
        self._built: dict[tuple[object, ...], SSAValue] = {}

    def _add(self, op: Operation, key: tuple[object, ...]) -> SSAValue:
        """Return the result of an operation: of an equal one if there is one."""
        if key not in self._built:
            self.block.add_op(op)
            self._built[key] = op.results[0]
        return self._built[key]

    def constant(self, value: int, width: int) -> SSAValue:
        """Return a constant, modulo 2^width."""
        value %= 1 << width
        signed = value - (1 << width) if width > 1 and value >> (width - 1) else value
        op = hw.ConstantOp(signed, IntegerType(width), truncate_bits=width == 1)
        return self._add(op, (hw.ConstantOp, value, width))

    def add(self, one: SSAValue, other: SSAValue) -> SSAValue:
        return self._add(comb.AddOp([one, other]), (comb.AddOp, one, other))

    def subtract(self, one: SSAValue, other: SSAValue) -> SSAValue:
        return self._add(comb.SubOp(one, other), (comb.SubOp, one, other))

    def all_of(self, wires: Sequence[SSAValue]) -> SSAValue:
        """Return the conjunction of wires of one bit."""
        if len(wires) == 1:
            return wires[0]
        return self._add(comb.AndOp(list(wires)), (comb.AndOp, *wires))

    def any_of(self, wires: Sequence[SSAValue]) -> SSAValue:
        """Return the disjunction of wires of one bit."""
        if len(wires) == 1:
            return wires[0]
        return self._add(comb.OrOp(list(wires)), (comb.OrOp, *wires))

    def invert(self, wire: SSAValue) -> SSAValue:
        """Return the negation of a wire of one bit."""
        return self._add(comb.XorOp([wire, self.constant(1, 1)]), (comb.XorOp, wire))

    def equal(self, wire: SSAValue, value: int) -> SSAValue:
        return self._compare("eq", wire, value)

    def at_least(self, wire: SSAValue, value: int) -> SSAValue:
        """Return whether a number without sign is at least `value`."""
        return self._compare("uge", wire, value)

    def _compare(self, predicate: str, wire: SSAValue, value: int) -> SSAValue:
        constant = self.constant(value, width_of(wire))
        return self._add(comb.ICmpOp(wire, constant, predicate), (predicate, wire, value))

    def choose(self, condition: SSAValue, then: SSAValue, other: SSAValue) -> SSAValue:
        """Return a multiplexer."""
        op = comb.MuxOp(condition, then, other)
        return self._add(op, (comb.MuxOp, condition, then, other))

    def bits(self, wire: SSAValue, low: int, width: int) -> SSAValue:
        """Return `width` bits of a wire from bit `low` on."""
        if width == width_of(wire):
            return wire
        op = comb.ExtractOp(wire, IntegerAttr(low, i32), IntegerType(width))
        return self._add(op, (comb.ExtractOp, wire, low, width))

    def concatenate(self, high: SSAValue, low: SSAValue) -> SSAValue:
        op = comb.ConcatOp([high, low], IntegerType(width_of(high) + width_of(low)))
        return self._add(op, (comb.ConcatOp, high, low))

    def extend(self, wire: SSAValue, width: int) -> SSAValue:
        """Return a number without sign in more bits."""
        missing = width - width_of(wire)
        return self.concatenate(self.constant(0, missing), wire) if missing else wire

    def register(self, name: str, width: int, reset: int) -> SSAValue:
        """Return the output of a register with a value at reset; `drive` connects its input."""
        value = self.constant(reset, width)
        op = seq.CompRegOp(value, self.inputs[CLOCK], (self.inputs[RESET], value))
        op.data.name_hint = name
        self.block.add_op(op)
        return op.data

    def instance(
        self, name: str, module: str, inputs: Mapping[str, SSAValue], outputs: Mapping[str, int]
    ) -> dict[str, SSAValue]:
        """Return the outputs of an instance of a module. outputs: their widths."""
        op = hw.InstanceOp(
            name,
            SymbolRefAttr(module),
            [*((port, self.inputs[port]) for port in (CLOCK, RESET)), *inputs.items()],
            [(port, IntegerType(width)) for port, width in outputs.items()],
        )
        self.block.add_op(op)
        for port, result in zip(outputs, op.results, strict=True):
            result.name_hint = f"{name}_{port}"
        return dict(zip(outputs, op.results, strict=True))

    def module(self, outputs: Mapping[str, SSAValue], public: bool = False) -> hw.HWModuleOp:
        """Return the finished module."""
        self.block.add_op(hw.OutputOp(list(outputs.values())))
        ports = [
            *self._ports,
            *(hw.ModulePort(StringAttr(p), _type(wire), _OUT) for p, wire in outputs.items()),
        ]
        return hw.HWModuleOp(
            StringAttr(self.name),
            hw.ModuleType(ArrayAttr(ports)),
            Region(self.block),
            visibility=None if public else "private",
        )


_IN = hw.DirectionAttr(hw.Direction.INPUT)
_OUT = hw.DirectionAttr(hw.Direction.OUTPUT)


def drive(wire: SSAValue, value: SSAValue) -> None:
    """Connect the input of a register, given by its output."""
    assert isinstance(wire, OpResult) and isinstance(wire.op, seq.CompRegOp)
    wire.op.operands[0] = value


def connect(outputs: Iterable[SSAValue], port: str, value: SSAValue) -> None:
    """Connect an input of an instance, given by its outputs, in place of what it was built with."""
    wire = next(iter(outputs))
    assert isinstance(wire, OpResult) and isinstance(wire.op, hw.InstanceOp)
    names = [name.data for name in wire.op.arg_names]
    wire.op.operands[names.index(port)] = value


def width_of(wire: SSAValue) -> int:
    """Return the number of bits of a wire."""
    type = _type(wire)
    assert isinstance(type, IntegerType)
    return type.width.data


def _type(wire: SSAValue) -> TypeAttribute:
    assert isinstance(wire.type, TypeAttribute)
    return wire.type
