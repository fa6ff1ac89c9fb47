"""Small changes to the turns of programs: which copy of a core runs which iterations, and how many copies there are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from proof.mutants import Mutant, NoMutantError
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.cmcore import CoreOp, InstanceAttr, NetworkOp

TOO_MANY = 100
"""More turns than a program of the small networks has iterations."""


def edits_of_turns(network: NetworkOp) -> Iterator[Mutant]:
    """All such mutants of a network whose cores run one program each."""
    seen: set[str] = set()
    for at, op in enumerate(network.walk()):
        if not isinstance(op, CoreOp):
            continue
        yield from _edits_of_core(at, op)
        program, turns = op.instances[0].core_name.program, op.instances[0].turns
        if program not in seen:
            seen.add(program)
            for into in {turns + 1, max(1, turns - 1), 1, TOO_MANY} - {turns}:
                yield Mutant(
                    "run a program in other turns",
                    at,
                    f"@{program} in {into}",
                    lambda ops, name=program, into=into: _redivide(ops, name, into),
                )


def _edits_of_core(at: int, op: CoreOp) -> Iterator[Mutant]:
    """Changes to one copy, and to no other."""
    turn, turns = op.instances[0].turn or (0, 1)
    others = {(turn + 1, turns), (turn - 1, turns), (turn, turns + 1), (turn, turns - 1), (0, 1)}
    for new in sorted(new for new in others if new != (turn, turns) and (new[1] > 1 or not new[0])):
        yield Mutant(
            "change a turn",
            at,
            "{} of {}".format(*new),
            lambda ops, new=new: _set(ops[at], new),
        )
    yield Mutant("run two turns on one core", at, "", lambda ops: _join(ops, at))


def _copy(instance: InstanceAttr, turn: tuple[int, int]) -> InstanceAttr:
    """One turn of all. Raises NoMutantError for a number that no text can have."""
    name = instance.core_name
    try:
        return InstanceAttr.of(
            name.program, name.coordinates, instance.shares, None if turn[1] == 1 else turn
        )
    except VerifyException as error:
        raise NoMutantError from error


def _put(op: CoreOp, name: str, instances: list[InstanceAttr], position: list[int]) -> None:
    block = op.parent
    assert block is not None
    block.insert_op_before(CoreOp(name, instances, position, op.table_size), op)


def _set(op: Operation, turn: tuple[int, int]) -> None:
    assert isinstance(op, CoreOp)
    _put(op, op.sym_name.data, [_copy(op.instances[0], turn)], [*op.place])
    _drop(op)


def _join(ops: list[Operation], at: int) -> None:
    """Let a core run another copy of its program, too, and the other core nothing."""
    op = ops[at]
    assert isinstance(op, CoreOp)
    other = next((o for o in _copies(ops, op) if o is not op), None)
    if other is None:
        raise NoMutantError
    _put(op, op.sym_name.data, [op.instances[0], other.instances[0]], [*op.place])
    _drop(op)
    _drop(other)


def run_in_turns(network: NetworkOp, program: str, turns: int) -> None:
    """Let so many copies of each core of a program run its iterations in turn."""
    _redivide(list(network.walk()), program, turns)


def _redivide(ops: list[Operation], program: str, turns: int) -> None:
    cores = [o for o in ops if isinstance(o, CoreOp)]
    places = count(max(max(op.place) for op in cores) + 1)
    for old in (o for o in cores if o.instances[0].core_name.program == program):
        for turn in range(turns) if not old.instances[0].core_name.turn else ():
            place = [next(places)] * len(old.place)
            _put(old, f"new{place[0]}", [_copy(old.instances[0], (turn, turns))], place)
        _drop(old)


def _copies(ops: list[Operation], op: CoreOp) -> list[CoreOp]:
    """The cores that run a core's iterations in turn."""
    name = op.instances[0].core_name.undivided
    cores = (o for o in ops if isinstance(o, CoreOp))
    return [o for o in cores if o.instances[0].core_name.undivided == name]


def _drop(op: Operation) -> None:
    op.detach()
    op.erase()
