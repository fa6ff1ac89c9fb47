"""An elaborated cmcore network: its programs over arrays of iterations, its cores, and their automata."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral import symbol
from cmir.elaboration.automata import Automaton, automata_of
from cmir.elaboration.program import Core, Program
from cmir.isl.dependence_kind import DependenceKind
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError


@dataclass(frozen=True)
class CoreWait:
    """An automaton of a core: `core` waits for `source`. Copies that run iterations in turn are one core here."""

    core: CoreName
    source: CoreName
    automaton: Automaton


class ElaboratedNetwork:
    """A network with its loops evaluated and its relations compiled, independent of chip and data.

    Automata and accesses are evaluated on demand.

    cores: by name; copies that run iterations in turn are one core here. turns: number of these copies, by program.
    positions: place of each core, by name; each copy has one, and programs of the global control unit have none.
    Programs that share a core have one place.
    Raises CompileError if the IR cannot be executed.
    """

    def __init__(self, network: NetworkOp):
        self.op = network
        self.inputs = [symbol(ref) for ref in network.inputs]
        self.outputs = [symbol(ref) for ref in network.outputs]
        self.arrays = network.arrays
        self.positions: dict[CoreName, tuple[int, ...]] = {}
        self.turns: dict[str, int] = dict.fromkeys(network.programs, 1)
        if not network.programs:
            raise CompileError(network, "the network has no program to run")
        coordinates = self._coordinates()
        self.programs = {
            name: Program(op, self.arrays, np.array(sorted(coordinates[name]), np.int64))
            for name, op in network.programs.items()
        }
        self.cores = {
            core.name: core
            for program in self.programs.values()
            for core in (Core(program, k) for k in range(len(program.core_coordinates)))
        }
        self._check_turns()

    def _check_turns(self) -> None:
        for core in self.cores.values():
            if (turns := self.turns[core.name.program]) > core.iterations:
                raise CompileError(
                    core.program.op,
                    f"@{core.name} has {count_of(core.iterations, 'iteration')}, which cannot run in {turns} turns",
                )

    def copies(self, core: CoreName) -> list[CoreName]:
        """Return the names of the copies of a core; the core itself if it has none."""
        return core.copies(self.turns[core.program])

    def evaluate(self) -> None:
        """Evaluate what is otherwise evaluated on demand. Raises CompileError if the IR cannot be executed."""
        _ = self.waits
        for program in self.programs.values():
            _ = program.buffers, program.loads, program.stores

    @cached_property
    def single_cores(self) -> dict[CoreName, Core]:
        """The cores with their own iterations only, each copy by itself, and programs of the GCU."""
        return {
            name: core if turns == 1 else core.on_turn(turn, turns)
            for core in self.cores.values()
            for turns in [self.turns[core.name.program]]
            for turn, name in enumerate(core.name.copies(turns))
        }

    def _coordinates(self) -> dict[str, list[tuple[int, ...]]]:
        """Return the coordinates of the cores that run each program."""
        network = self.op
        coordinates: dict[str, list[tuple[int, ...]]] = {name: [] for name in network.programs}
        for core, instance in network.instances:
            name = instance.core_name
            if name in self.positions:
                raise CompileError(core, f"program @{name} runs on two cores")
            self.positions[name] = core.place
            self.turns[name.program] = instance.turns
            if not name.turn:
                coordinates[name.program].append(name.coordinates)
        for name, op in network.programs.items():
            if op.gcu is not None:
                coordinates[name].append(())
            if not coordinates[name]:
                raise CompileError(op, f"no core runs @{name}")
        return coordinates

    @property
    def core_count(self) -> int:
        """Number of cores in use, without the global control unit. Programs can share a core."""
        return len(self.op.cores)

    @property
    def waits(self) -> list[CoreWait]:
        """Automata of all cores."""
        return [*self.data_waits, *self.room_waits]

    @cached_property
    def data_waits(self) -> list[CoreWait]:
        """Automata of all cores that wait for data."""
        return self._waits(DependenceKind.RAW)

    @cached_property
    def room_waits(self) -> list[CoreWait]:
        """Automata of all cores that wait for room."""
        return self._waits(DependenceKind.WAR)

    def _waits(self, kind: DependenceKind) -> list[CoreWait]:
        names = {
            name: [CoreName(name, tuple(core)) for core in program.core_coordinates.tolist()]
            for name, program in self.programs.items()
        }
        return [
            CoreWait(names[name][found.core], names[found.source][found.source_core], found)
            for name, program in self.programs.items()
            for found in automata_of(kind, program, self.programs)
        ]
