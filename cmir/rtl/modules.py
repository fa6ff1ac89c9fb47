"""Control units as modules: an automaton each, the walk, and the condition to start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from xdsl.dialects import hw
from xdsl.ir import SSAValue

from cmir.cost.pace import Pace
from cmir.rtl.bounds import unsigned_width
from cmir.rtl.circuit import Circuit, connect, drive, width_of
from cmir.rtl.delays import INPUT, OUTPUT, DelayLine
from cmir.rtl.trees import Leaf, Split, Test, Tree, Value
from cmir.rtl.units import Automaton, ControlUnit
from cmir.rtl.walks import Register

HOLD, FIRE = "hold", "fire"
"""Ports of a unit: it starts no iteration while the former is 1, and starts one when the latter is."""


def event_port(number: int) -> str:
    """Return the name of the input for events of an automaton."""
    return f"event{number}"


def unit_modules(
    name: str, unit: ControlUnit, labels: Sequence[str]
) -> Iterator[hw.HWModuleOp | DelayLine]:
    """Yield the modules of a kind of control unit, and the delay lines that they use.

    labels: names of the automata.
    """
    automata = [f"{name}_{label}" for label in labels]
    for module, automaton in zip(automata, unit.automata, strict=True):
        yield _automaton(module, automaton, unit.registers)
    paces = paces_of(unit.pace)
    for label, (line, automaton) in paces.items():
        yield line
        yield _automaton(f"{name}_{label}", automaton, ())
    lines = {label: line for label, (line, _) in paces.items()}
    yield _unit(name, unit, dict(zip(labels, automata, strict=True)), lines)


def paces_of(pace: Pace) -> dict[str, tuple[DelayLine, Automaton]]:
    """Return what holds a unit to its pace, by label: a delay line of its own starts, and a counter of those."""
    always = Value(Leaf.SET, 1)
    return {
        "pace" if back == 1 else "ways": (
            DelayLine.of(cycles - 1, pace),
            Automaton(back - 1, -1, back - 1, always),
        )
        for back, cycles in pace.bounds
        if cycles > 1
    }


def _used(tree: Tree, registers: Sequence[Register]) -> dict[str, int]:
    """Return the registers that a tree tests, with the number of low bits that it needs of each."""
    needed: dict[int, int] = {}
    for test in _tests(tree):
        bits = unsigned_width(registers[test.register].high)
        if test.kind == "mod":
            bits = min(bits, test.modulus.bit_length() - 1)
        needed[test.register] = max(needed.get(test.register, 0), bits)
    return {registers[number].name: needed[number] for number in sorted(needed)}


def _tests(tree: Tree) -> Iterator[Test]:
    if isinstance(tree, Split):
        yield tree.test
        yield from _tests(tree.then)
        yield from _tests(tree.other)


def _automaton(name: str, automaton: Automaton, registers: Sequence[Register]) -> hw.HWModuleOp:
    """Return the module of a token counter. registers: of the unit; those that its word depends on are inputs."""
    circuit = Circuit(name, {INPUT: 1, FIRE: 1, **_used(automaton.consumed, registers)})
    width = automaton.width
    tokens = circuit.register("tokens", width, automaton.reset)
    wires = [circuit.inputs.get(register.name) for register in registers]
    taken = wire_of(circuit, automaton.consumed, wires, width)
    taken = circuit.choose(circuit.inputs[FIRE], taken, circuit.constant(0, width))
    gained = circuit.add(tokens, circuit.extend(circuit.inputs[INPUT], width))
    drive(tokens, circuit.subtract(gained, taken))
    return circuit.module({"ready": circuit.invert(circuit.bits(tokens, width - 1, 1))})


def _unit(
    name: str, unit: ControlUnit, automata: Mapping[str, str], paces: Mapping[str, DelayLine]
) -> hw.HWModuleOp:
    """Return the module of a unit. automata: modules by label. paces: the delay lines of its own starts, by label."""
    events = [event_port(number) for number in range(len(automata))]
    circuit = Circuit(name, {HOLD: 1, **dict.fromkeys(events, 1)})
    wires = [
        circuit.register(register.name, register.width, register.reset)
        for register in unit.registers
    ]
    of_register = {
        register.name: wire for register, wire in zip(unit.registers, wires, strict=True)
    }
    later = circuit.inputs[HOLD]  # stands for what is connected below
    instances = []
    for (label, module), event, automaton in zip(
        automata.items(), events, unit.automata, strict=True
    ):
        bits = _used(automaton.consumed, unit.registers)
        used = {n: circuit.bits(of_register[n], 0, width) for n, width in bits.items()}
        inputs = {INPUT: circuit.inputs[event], FIRE: later, **used}
        instances.append(circuit.instance(label, module, inputs, {"ready": 1}))
    lines = []
    for label, line in paces.items():
        lines.append(circuit.instance(f"{label}_line", line.name, {INPUT: later}, {OUTPUT: 1}))
        inputs = {INPUT: lines[-1][OUTPUT], FIRE: later}
        instances.append(circuit.instance(label, f"{name}_{label}", inputs, {"ready": 1}))
    free = [circuit.invert(circuit.inputs["rst"]), circuit.invert(circuit.inputs[HOLD])]
    fire = circuit.all_of([*free, *(outputs["ready"] for outputs in instances)])
    fire.name_hint = FIRE
    for outputs in instances:
        connect(outputs.values(), FIRE, fire)
    for outputs in lines:
        connect(outputs.values(), INPUT, fire)
    for register, wire in zip(unit.registers, wires, strict=True):
        following = wire_of(circuit, register.next, wires, width_of(wire), wire)
        drive(wire, circuit.choose(fire, following, wire))
    coordinates = {r.name: of_register[r.name] for r in unit.coordinates}
    return circuit.module({FIRE: fire, **coordinates})


def wire_of(
    circuit: Circuit,
    tree: Tree,
    registers: Sequence[SSAValue | None],
    width: int,
    driven: SSAValue | None = None,
) -> SSAValue:
    """Return the output of a tree as multiplexers. registers: those that it tests. driven: the one that it drives."""
    if isinstance(tree, Value):
        constant = circuit.constant(tree.value, width)
        if tree.kind is Leaf.SET:
            return constant
        assert driven is not None
        return circuit.add(driven, constant) if tree.value else driven
    then, other = (
        wire_of(circuit, branch, registers, width, driven) for branch in (tree.then, tree.other)
    )
    if then is other:
        return then
    tested = registers[tree.test.register]
    assert tested is not None
    return circuit.choose(_passes(circuit, tree.test, tested), then, other)


def _passes(circuit: Circuit, test: Test, wire: SSAValue) -> SSAValue:
    if test.kind == "eq":
        return circuit.equal(wire, test.value)
    if test.kind == "ge":
        return circuit.at_least(wire, test.value)
    return circuit.equal(circuit.bits(wire, 0, test.modulus.bit_length() - 1), test.value)
