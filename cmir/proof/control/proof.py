"""Proof of the control logic of a network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cmir.cost.pace import Pace
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral import symbol
from cmir.isl.dependence_kind import DependenceKind
from cmir.proof.control import symbolic
from cmir.proof.control.arrays import ArrayUses, Reads
from cmir.proof.control.automata import Automata, AutomatonFamily, automaton_operations
from cmir.proof.control.enumeration import data_needs
from cmir.proof.control.given import check_given
from cmir.proof.control.pairs import Need, Pair
from cmir.proof.control.rooms import RoomNeeds
from cmir.proof.control.slots import AperiodicStorageError
from cmir.proof.control.stages import Budget, PointBudgetError, Stage
from cmir.support.diagnostics import CompileError
from cmir.timing.actors import Actor, Dependence
from cmir.timing.control import DeadlockError
from cmir.timing.liveness import UntimedRun

MOST_POINTS = 1 << 28
"""Maximum number of points to enumerate: elements accessed by iterations, slots, and iterations of pairs of cores."""


@dataclass(frozen=True)
class ControlVerdict:
    """Result of a successful proof.

    points: number of enumerated points; None if the proof was symbolic.
    """

    points: int | None

    def __str__(self) -> str:
        if self.points is not None:
            return "control proved for endless streams"
        return (
            "control proved for endless streams, symbolically: trusts ISL, the needs and maxima from which "
            "dependences are derived, and the timing recurrence for the absence of deadlock"
        )


def prove_control(network: NetworkOp, most_points: int = MOST_POINTS) -> ControlVerdict:
    """Prove the control logic of a network. Raises CompileError with a counterexample."""
    cores = program_cores(network)
    budget = Budget(most_points)
    try:
        turns = {instance.core_name.program: instance.turns for _, instance in network.instances}
        stages = {
            name: Stage(op, cores[name], budget, turns.get(name, 1))
            for name, op in network.programs.items()
        }
        _Proof(network, stages, budget).run()
    except (PointBudgetError, AperiodicStorageError):
        symbolic.prove_symbolically(network, cores)
        return ControlVerdict(None)
    return ControlVerdict(budget.spent)


def program_cores(network: NetworkOp) -> dict[str, list[tuple[int, ...]]]:
    """Return the cores of each program; the turns of one are one core.

    Raises CompileError if a program has no core, or a core has two programs.
    """
    cores: dict[str, list[tuple[int, ...]]] = {
        name: [()] if op.gcu is not None else [] for name, op in network.programs.items()
    }
    for core, instance in network.instances:
        name = instance.core_name
        if name.turn:
            continue  # control is that of one core that runs the iterations of all turns (Theorem 10)
        if name.coordinates in cores[name.program]:
            raise CompileError(core, f"program @{name} runs on two cores")
        cores[name.program].append(name.coordinates)
    for name, op in network.programs.items():
        if not cores[name]:
            raise CompileError(op, f"no core runs @{name}")
    return cores


class _Proof:
    def __init__(self, network: NetworkOp, stages: dict[str, Stage], budget: Budget):
        self.network, self.stages, self.budget = network, stages, budget
        self.pairs: list[Pair] = []

    def run(self) -> None:
        self._check_needless()
        computed = [array for array in self._arrays() if not self._check_given(array)]
        reads = [[Reads(array, stage, True) for stage in array.readers] for array in computed]
        for array in computed:
            array.check_complete(self.network)
        for array, of_array in zip(computed, reads, strict=True):
            self.pairs += self._pairs(array, of_array)
        for pair in self.pairs:
            pair.check()
        self._check_live()

    def _arrays(self) -> Iterator[ArrayUses]:
        """Yield the arrays that a stage stores or reads."""
        for name, op in self.network.arrays.items():
            writers = [stage for stage in self.stages.values() if name in stage.stores]
            readers = [stage for stage in self.stages.values() if name in stage.loads]
            if writers or readers:
                yield ArrayUses(op, writers, readers, self.budget)

    def _check_given(self, array: ArrayUses) -> bool:
        """Return True for an input or a parameter, after checking its buffers."""
        parameter = array.op.source is not None
        given = parameter or array.name in {symbol(ref) for ref in self.network.inputs}
        for reader in array.readers if given else ():
            check_given(array, Reads(array, reader, computed=False), parameter)
        return given

    def _pairs(self, array: ArrayUses, reads: list[Reads]) -> Iterator[Pair]:
        """Yield the pairs of every writer with every reader, in both directions.

        No element of an array without a writer is read, or `Reads` would have rejected it.
        """
        for of_reader in reads if array.writers else ():
            room = RoomNeeds(array, of_reader)
            for writer in array.writers:
                yield self._pair(_data(array, of_reader, writer), array)
                yield self._pair(_room(array, room, writer), array)

    def _pair(self, need: Need, array: ArrayUses) -> Pair:
        stage, source = need.stage, need.source
        ops = self.automata[stage.name].get((need.kind, need.array, source.name), [])

        def arrival(at: np.ndarray) -> np.ndarray:
            """Return the iteration of the writer that stores a location."""
            event = array.writer[array.space.find(at)] - array.first[source.name]
            return np.where((event >= 0) & (event < len(source.points)), event, -1)

        find = arrival if need.kind is DependenceKind.RAW else source.index.find
        automata = [AutomatonFamily(op, stage, source, find, self.budget) for op in ops]
        return Pair(need, automata, ops[0] if ops else stage.op, self.budget)

    @cached_property
    def automata(self) -> dict[str, Automata]:
        """The automata of each stage."""
        return {stage.name: automaton_operations(stage.op) for stage in self.stages.values()}

    def _check_needless(self) -> None:
        """Check that automata only follow neighbours that store what the stage reads, or read what it stores."""
        for stage in self.stages.values():
            for (kind, array, name), ops in self.automata[stage.name].items():
                own, theirs = (
                    (stage.loads, self.stages[name].stores)
                    if kind is DependenceKind.RAW
                    else (stage.stores, self.stages[name].loads)
                )
                if array not in own or array not in theirs:
                    raise CompileError(
                        ops[0],
                        f"{ops[0].name} of @{array} from @{name}: @{stage.name} needs nothing of it",
                    )

    def _check_live(self) -> None:
        """Check that the network runs from reset through the inferences that differ from later ones, and one more."""
        dependences: dict[CoreName, list[Dependence]] = defaultdict(list)
        for pair in self.pairs:
            for core, dependence in pair.dependences(_core_name):
                dependences[core].append(dependence)
        actors = {
            name: Actor(name, int(stage.counts[k]), Pace(1), 1, dependences[name])
            for stage in self.stages.values()
            for k in range(len(stage.cores))
            for name in [_core_name(stage, k)]
        }
        inferences = max((len(pair.first) for pair in self.pairs), default=0) + 1
        try:
            UntimedRun(actors, inferences).run_all()
        except DeadlockError as deadlock:
            raise CompileError(self.network, deadlock.message) from None


def _core_name(stage: Stage, core: int) -> CoreName:
    return CoreName(stage.name, tuple(stage.cores[core].tolist()))


def _data(array: ArrayUses, reads: Reads, writer: Stage) -> Need:
    """Return the needs of a reader for a writer: data must be stored before it is read."""
    first = array.first_core[writer.name]
    local = reads.data[first : first + len(writer.cores)]

    def element(core: int, iteration: int, inference: int, event: int) -> str | None:
        stored_in, position = divmod(event, int(writer.counts[core]))
        stored = array.first[writer.name] + int(writer.starts[core]) + position
        for e, m in reads.elements_of(iteration):
            if array.writer[e] == stored and inference + m == stored_in:
                return array.space.text(e)
        return None

    def at(inference: int) -> np.ndarray:
        return data_needs(local, writer.counts, inference)

    return Need(DependenceKind.RAW, array.name, reads.stage, writer, at, reads.back, 1, element)


def _room(array: ArrayUses, room: RoomNeeds, writer: Stage) -> Need:
    """Return the needs of a writer for a reader: data must be read before it is overwritten."""
    first = array.first[writer.name]
    run = slice(first, first + len(writer.points))

    def element(core: int, iteration: int, inference: int, event: int) -> str | None:
        read_in, position = divmod(event, int(room.events[core]))
        read = room.reads.elements_of(int(room.reader.starts[core]) + position)
        for n, e in room.overwritten(core, first + iteration, inference):
            if (e, n - read_in) in read:
                return array.space.text(e)
        return None

    def at(inference: int) -> np.ndarray:
        return room.at(inference)[:, run]

    return Need(
        DependenceKind.WAR, array.name, writer, room.reader, at, room.settled, room.period, element
    )
