"""An elaborated network on a chip: costs of iterations, delays between cores, and start times of iterations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache, cached_property, partial

from cmir.cost.firing import Firing
from cmir.cost.pace import Pace
from cmir.cost.program_cost import Cost, firing_cost, program_cost, uses_of
from cmir.cost.sharing import slots_of
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.core_name import CoreName
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.chip import Places, check_places, chip_of
from cmir.hardware.description import Hardware
from cmir.isl.dependence_kind import DependenceKind
from cmir.timing.actors import Actor, Dependence
from cmir.timing.interval import steady_interval
from cmir.timing.report import RunReport
from cmir.timing.steady import time_stream


class TimedNetwork:
    """A network with the costs and delays of a chip.

    places: positions of the cores. costs: cost of an iteration, by core, each copy by itself. Raises CompileError if a
    core is not placed on the chip, or if its programs do not divide its resources.
    """

    def __init__(self, network: ElaboratedNetwork, hardware: Hardware):
        check_places(network.op, hardware)
        self.network, self.hardware = network, hardware
        self.places = Places(chip_of(hardware), network.positions)
        self.costs = self._costs()

    @staticmethod
    def of(network: NetworkOp, hardware: Hardware) -> TimedNetwork:
        """Return a network on a chip. Raises CompileError if it cannot be executed there."""
        return TimedNetwork(ElaboratedNetwork(network), hardware)

    @cached_property
    def actors(self) -> dict[CoreName, Actor]:
        """The cores as actors of the timing recurrence; copies that run iterations in turn are one actor.

        Raises CompileError for an automaton that cannot be evaluated.
        """
        return _actors(self.network, self._pace_and_latency, self.delay)

    @cached_property
    def interval(self) -> float:
        """Cycles between successive inferences of an endless stream. Raises DeadlockError."""
        return float(steady_interval(self.actors))

    @cached_property
    def firings(self) -> dict[CoreName, Firing]:
        """The firing of each core with a place."""
        of_program = {
            name: Firing.of(program.op) for name, program in self.network.programs.items()
        }
        return {name: of_program[name.program] for name in self.network.positions}

    @property
    def control_units(self) -> set[CoreName]:
        """Names of what runs on the global control unit, which sends inputs and receives outputs."""
        return set(self.network.single_cores) - set(self.network.positions)

    def _costs(self) -> dict[CoreName, Cost]:
        """Return the cost of an iteration of each core, which depends on where the core sends its results.

        Of copies that run iterations in turn, each has the time to send what any of them sends.
        """
        crossing: dict[CoreName, set[str]] = {name: set() for name in self.network.cores}
        copies = self.network.copies
        for wait in self.network.data_waits:
            if any(
                self.places.crosses(source, core)
                for source in copies(wait.source)
                for core in copies(wait.core)
            ):
                crossing[wait.source].add(wait.automaton.array)
        cost = cache(
            lambda name, arrays: program_cost(self.network.programs[name].op, self.hardware, arrays)
        )
        shared = self._shared_costs(crossing)
        return {
            copy: shared[copy] if copy in shared else cost(name.program, frozenset(crossing[name]))
            for name in self.network.cores
            for copy in copies(name)
        }

    def _shared_costs(self, crossing: Mapping[CoreName, Collection[str]]) -> dict[CoreName, Cost]:
        """Return the costs of programs on cores with several, or with shares. crossing: arrays to other chips."""
        found: dict[CoreName, Cost] = {}
        shared = [core for core in self.network.op.cores if core.divides]
        staying = self._staying() if shared else {}
        for core in shared:
            names = [instance.core_name for instance in core.instances]
            firings = [self.firings[name] for name in names]
            goes = [(crossing[n.undivided], staying.get(n.undivided, ())) for n in names]
            uses = [
                uses_of(firing, self.hardware, *to)
                for firing, to in zip(firings, goes, strict=True)
            ]
            slots = slots_of(core, uses, self.hardware)
            for name, firing, to, own in zip(names, firings, goes, slots, strict=True):
                found[name] = firing_cost(firing, self.hardware, *to, slots=own)
        return found

    def _staying(self) -> dict[CoreName, set[str]]:
        """Return the arrays that each program stores for other programs of its core alone; they use no link.

        Results that only the program itself reads are sent as on a core of its own.
        """
        readers: dict[tuple[CoreName, str], set[CoreName]] = {}
        for wait in self.network.data_waits:
            readers.setdefault((wait.source, wait.automaton.array), set()).add(wait.core)
        staying: dict[CoreName, set[str]] = {}
        for (source, array), those in readers.items():
            places = self._places_of(source)
            if array in self.network.outputs or None in places or those == {source}:
                continue
            if len(places.union(*map(self._places_of, those))) == 1:
                staying.setdefault(source, set()).add(array)
        return staying

    def _places_of(self, core: CoreName) -> set[tuple[int, ...] | None]:
        """Return the places of the copies of a core; None for the global control unit."""
        return {self.network.positions.get(copy) for copy in self.network.copies(core)}

    def delay(self, kind: DependenceKind, core: CoreName, source: CoreName) -> int:
        """Return the cycles from the start of an iteration of `source` until `core` sees its result or credit."""
        first = self.hardware.core.credit_latency
        if kind is DependenceKind.RAW:
            first = self.costs[source].latency
        hops = self.places.hops(source, core)
        return first + hops * self.hardware.interconnect.hop_cycles

    def _pace_and_latency(self, core: CoreName) -> tuple[Pace, int]:
        return self.costs[core].pace, self.costs[core].latency

    def time(self, inferences: int, chunk: int | None = None) -> RunReport:
        """Return the timing of a stream of inferences, without data; it is identical to that of an execution.

        Raises DeadlockError if no core can continue.
        """
        return time_stream(self.actors, inferences, chunk)


def unit_actors(network: ElaboratedNetwork) -> dict[CoreName, Actor]:
    """Return the cores of a network in which everything takes one cycle.

    They determine what does not depend on latencies: whether the network deadlocks, and what it computes.
    """
    return _actors(network, lambda core: (Pace(1), 1), lambda kind, core, source: 1)


def _actors(
    network: ElaboratedNetwork,
    pace_and_latency: Callable[[CoreName], tuple[Pace, int]],
    delay: Callable[[DependenceKind, CoreName, CoreName], int],
) -> dict[CoreName, Actor]:
    """Return the cores as actors. pace_and_latency, delay: of cores, each copy by itself."""
    dependences: dict[CoreName, list[Dependence]] = {name: [] for name in network.cores}
    for wait in network.waits:
        found = wait.automaton
        dependence = Dependence.between(
            found.kind,
            network.copies(wait.core),
            wait.source,
            network.copies(wait.source),
            found.array,
            found.needs,
            partial(delay, found.kind),
            found.first,
        )
        dependences[wait.core].append(dependence)
    return {
        name: Actor.of_copies(
            name, core.iterations, [*map(pace_and_latency, network.copies(name))], dependences[name]
        )
        for name, core in network.cores.items()
    }
