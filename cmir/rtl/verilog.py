"""Export of `hw`, `comb` and `seq` as SystemVerilog.

An operation becomes an expression of its user if it has one user, and a wire otherwise. The text avoids what simulators
and synthesis tools disagree about: no memories, no `initial`, one clock, synchronous resets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from xdsl.dialects import comb, hw, seq
from xdsl.dialects.builtin import IntegerType, ModuleOp
from xdsl.ir import Operation, SSAValue

from cmir.rtl.verilog_keywords import KEYWORDS
from cmir.support.diagnostics import CompileError
from cmir.support.naming import UniqueNames, suffixed


def export_verilog(module: ModuleOp) -> str:
    """Return the modules of a circuit as SystemVerilog.

    Raises CompileError for an operation that is not of the form that convert-cmcore-to-hw gives.
    """
    circuits = [op for op in module.body.block.ops if isinstance(op, hw.HWModuleOp)]
    if not circuits:
        raise CompileError(module, "there is no hw.module to export: run convert-cmcore-to-hw")
    for op in module.body.block.ops:
        if not isinstance(op, hw.HWModuleOp):
            raise CompileError(op, f"{op.name} cannot be exported as Verilog")
    return "\n".join(_Module(circuit).text() for circuit in circuits)


def names_in(circuit: hw.HWModuleOp) -> Mapping[SSAValue, str]:
    """Return the names of wires and registers of a module in its text."""
    return _Module(circuit).names


class _Module:
    """The text of one module."""

    def __init__(self, circuit: hw.HWModuleOp):
        self.circuit = circuit
        self.ops = list(circuit.body.block.ops)
        ports = circuit.module_type.ports.data
        taken = [*KEYWORDS, *(_port(port.port_name.data) for port in ports)]
        self.unique = UniqueNames(taken, suffixed("_"))
        self.names: dict[SSAValue, str] = {}
        inputs = [port for port in ports if port.dir.data is hw.Direction.INPUT]
        for port, value in zip(inputs, circuit.body.block.args, strict=True):
            self.names[value] = _port(port.port_name.data)
        self.outputs = [p for p in ports if p.dir.data is hw.Direction.OUTPUT]
        for op in self.ops:
            for result in op.results:
                if self._is_wire(op, result):
                    self.names[result] = self.unique.take(_identifier(result.name_hint or "wire_"))

    def _is_wire(self, op: Operation, result: SSAValue) -> bool:
        """Return True if a value has a name: what is stored, comes from an instance, or has several uses."""
        if isinstance(op, seq.CompRegOp | hw.InstanceOp):
            return True
        if isinstance(op, hw.ConstantOp):
            return False
        users = [use.operation for use in result.uses]
        return len(users) > 1 or any(isinstance(user, comb.ExtractOp) for user in users)

    def text(self) -> str:
        ports = [
            f"  {'input' if port.dir.data is hw.Direction.INPUT else 'output'} logic "
            f"{_range(port.type)}{_port(port.port_name.data)}"
            for port in self.circuit.module_type.ports.data
        ]
        lines = [f"module {_port(self.circuit.sym_name.data)} (", ",\n".join(ports), ");"]
        lines += [
            f"  logic {_range(value.type)}{name};"
            for value, name in self.names.items()
            if value.owner is not self.circuit.body.block
        ]
        for op in self.ops:
            lines += (f"  {line}" for line in self._lines(op))
        return "\n".join([*lines, "endmodule", ""])

    def _lines(self, op: Operation) -> Iterator[str]:
        match op:
            case seq.CompRegOp():
                yield from self._register(op)
            case hw.InstanceOp():
                names = [*op.arg_names, *op.result_names]
                wires = [*map(self._value, op.inputs), *(self.names[r] for r in op.outputs)]
                ports = [f".{_port(n.data)}({wire})" for n, wire in zip(names, wires, strict=True)]
                module = _port(op.module_name.string_value())
                instance = self.unique.take(_identifier(op.instance_name.data))
                yield f"{module} {instance} ({', '.join(ports)});"
            case hw.OutputOp():
                for port, value in zip(self.outputs, op.operands, strict=True):
                    yield f"assign {_port(port.port_name.data)} = {self._value(value)};"
            case _:
                for result in op.results:
                    if result in self.names:
                        yield f"assign {self.names[result]} = {self._expression(op)};"

    def _register(self, op: seq.CompRegOp) -> Iterator[str]:
        if op.power_on_value is not None:
            raise CompileError(
                op, "a value at power-on cannot be exported: give the register a reset"
            )
        name, following = self.names[op.data], self._value(op.input)
        yield f"always_ff @(posedge {self._value(op.clk)})"
        if op.reset is None or op.reset_value is None:
            yield f"  {name} <= {following};"
        else:
            yield f"  if ({self._value(op.reset)}) {name} <= {self._value(op.reset_value)};"
            yield f"  else {name} <= {following};"

    def _value(self, value: SSAValue) -> str:
        """Return a value as an operand: its name, or its expression in parentheses."""
        if value in self.names:
            return self.names[value]
        op = value.owner
        assert isinstance(op, Operation)
        text = self._expression(op)
        return (
            text if isinstance(op, hw.ConstantOp | comb.ConcatOp | comb.ExtractOp) else f"({text})"
        )

    def _expression(self, op: Operation) -> str:
        form = _FORMS.get(type(op))
        if form is None:
            raise CompileError(op, f"{op.name} cannot be exported as Verilog")
        return form(op, [self._value(operand) for operand in op.operands])


def _identifier(name: str) -> str:
    """Return a name of MLIR, which may have more characters, as a name of Verilog."""
    legal = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{legal}" if legal[0].isdigit() else legal


def _port(name: str) -> str:
    """Return the name of a port, the same wherever the module is used."""
    legal = _identifier(name)
    return f"{legal}_" if legal in KEYWORDS else legal


def _joined(sign: str) -> Callable[[Operation, list[str]], str]:
    return lambda op, operands: f" {sign} ".join(operands)


def _xor(op: Operation, operands: list[str]) -> str:
    """Return the text of an exclusive or; with a constant of ones, that is the negation."""
    last = op.operands[-1].owner
    if len(operands) == 2 and isinstance(last, hw.ConstantOp) and last.value.value.data == -1:
        return f"~{operands[0]}"
    return " ^ ".join(operands)


def _constant(op: Operation, operands: list[str]) -> str:
    assert isinstance(op, hw.ConstantOp)
    width = _width(op.result.type)
    return f"{width}'d{op.value.value.data % (1 << width)}"


def _extract(op: Operation, operands: list[str]) -> str:
    assert isinstance(op, comb.ExtractOp)
    low, width = op.low_bit.value.data, _width(op.result.type)
    if _width(op.input.type) == 1:
        return operands[0]
    return f"{operands[0]}[{low}]" if width == 1 else f"{operands[0]}[{low + width - 1}:{low}]"


def _compare(op: Operation, operands: list[str]) -> str:
    assert isinstance(op, comb.ICmpOp)
    sign, signed = _COMPARISONS[op.predicate.value.data]
    return f" {sign} ".join([f"$signed({o})" for o in operands] if signed else operands)


_COMPARISONS = [
    ("==", False),
    ("!=", False),
    *((sign, signed) for signed in (True, False) for sign in ("<", "<=", ">", ">=")),
]
"""Of each predicate, by its number: the sign, and whether it compares signed numbers."""

_FORMS: dict[type[Operation], Callable[[Operation, list[str]], str]] = {
    hw.ConstantOp: _constant,
    comb.AddOp: _joined("+"),
    comb.SubOp: _joined("-"),
    comb.MulOp: _joined("*"),
    comb.AndOp: _joined("&"),
    comb.OrOp: _joined("|"),
    comb.XorOp: _xor,
    comb.ICmpOp: _compare,
    comb.MuxOp: lambda op, operands: f"{operands[0]} ? {operands[1]} : {operands[2]}",
    comb.ExtractOp: _extract,
    comb.ConcatOp: lambda op, operands: "{" + ", ".join(operands) + "}",
}


def _width(type: object) -> int:
    """Return the bits of a type. Clocks are one bit."""
    return type.width.data if isinstance(type, IntegerType) else 1


def _range(type: object) -> str:
    width = _width(type)
    return f"[{width - 1}:0] " if width > 1 else ""
