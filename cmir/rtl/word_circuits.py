"""Circuits of valid bits and counts of words, of which one is written and one is read in a cycle.

Banks of few words keep synthesis short; selectors wire as many of them as there are. What a bank leaves out makes the
scheme look smaller than it is: the address generators, and further read ports, without which an iteration with a window
of k × k words takes k² cycles to check them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from xdsl.dialects import hw
from xdsl.ir import SSAValue

from cmir.rtl.bounds import unsigned_width
from cmir.rtl.circuit import Circuit, drive
from cmir.rtl.word_states import WordStates

MOST_OF_A_GROUP = 32
"""The most words of a bank, and the most banks of a selector."""


def word_circuits(states: WordStates) -> list[tuple[int, hw.HWModuleOp]]:
    """Return the circuits of valid bits and counts, each with the number of its instances."""
    found = _groups(states.words, partial(bank, count_bits=states.count_bits))
    groups = -(-states.words // MOST_OF_A_GROUP)
    while groups > 1:
        found += _groups(groups, selector)
        groups = -(-groups // MOST_OF_A_GROUP)
    return found


def _groups(
    members: int, circuit: Callable[[int], hw.HWModuleOp]
) -> list[tuple[int, hw.HWModuleOp]]:
    """Return the circuits of groups of so many members in all, with the number of each. circuit: of a group."""
    full, rest = divmod(members, MOST_OF_A_GROUP)
    sizes = [(full, MOST_OF_A_GROUP), (1, rest)]
    return [(count, circuit(size)) for count, size in sizes if count and size]


def bank(words: int, count_bits: int) -> hw.HWModuleOp:
    """Return the circuit of some words.

    `write` makes the word `write_word` valid, to be read once more than `reads`; the word must be invalid, as
    `may_write` says. `read` reads the word `read_word`, which must be valid, as `may_read` says.
    """
    counted = {"reads": count_bits} if count_bits else {}
    address = {f"{port}_word": unsigned_width(words - 1) for port in ("write", "read") if words > 1}
    circuit = Circuit(f"words_{words}_{count_bits}", {"write": 1, "read": 1, **counted, **address})
    occupied: dict[str, list[SSAValue]] = {"write": [], "read": []}
    for word in range(words):
        chosen = {port: _chosen(circuit, port, word, words) for port in occupied}
        write, read = (circuit.all_of([circuit.inputs[p], *chosen[p]]) for p in ("write", "read"))
        valid = circuit.register(f"valid{word}", 1, 0)
        last = read
        if count_bits:
            left = circuit.register(f"left{word}", count_bits, 0)
            fewer = circuit.subtract(left, circuit.constant(1, count_bits))
            less = circuit.choose(read, fewer, left)
            drive(left, circuit.choose(write, circuit.inputs["reads"], less))
            last = circuit.all_of([read, circuit.equal(left, 0)])
        stays = circuit.all_of([valid, circuit.invert(last)])
        drive(valid, circuit.any_of([write, stays]))
        for port, found in occupied.items():
            found.append(circuit.all_of([valid, *chosen[port]]))
    free = circuit.invert(circuit.any_of(occupied["write"]))
    return circuit.module({"may_write": free, "may_read": circuit.any_of(occupied["read"])})


def _chosen(circuit: Circuit, port: str, word: int, words: int) -> list[SSAValue]:
    """Return the condition that a port has the address of a word; none if there is only one word."""
    return [circuit.equal(circuit.inputs[f"{port}_word"], word)] if words > 1 else []


def selector(banks: int) -> hw.HWModuleOp:
    """Return the circuit that passes requests on to one of some banks, or of some selectors, and its answers back."""
    width = unsigned_width(banks - 1)
    answers = {f"may_{port}{number}": 1 for port in ("write", "read") for number in range(banks)}
    requests = {"write": 1, "read": 1, "write_bank": width, "read_bank": width}
    circuit = Circuit(f"banks_{banks}", requests | answers)
    outputs: dict[str, SSAValue] = {}
    for port in ("write", "read"):
        passed: list[SSAValue] = []
        for number in range(banks):
            chosen = circuit.equal(circuit.inputs[f"{port}_bank"], number)
            outputs[f"{port}{number}"] = circuit.all_of([circuit.inputs[port], chosen])
            passed.append(circuit.all_of([circuit.inputs[f"may_{port}{number}"], chosen]))
        outputs[f"may_{port}"] = circuit.any_of(passed)
    return circuit.module(outputs)
