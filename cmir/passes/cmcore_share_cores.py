"""cmcore-share-cores: run several programs on a core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np
from xdsl.context import Context
from xdsl.rewriter import Rewriter

from cmir.analysis.capacity import check_crossbars, check_sram, sram_bytes
from cmir.cost.firing import Firing
from cmir.cost.program_cost import firing_cost, uses_of
from cmir.cost.sharing import fixed_time
from cmir.cost.slots import TABLE_SLOTS, apportion, slots_needed
from cmir.cost.traffic import flows_of, traffic_matrix
from cmir.dialects.cmcore import SHARED_RESOURCES, CoreOp, InstanceAttr, NetworkOp
from cmir.dialects.cmcore.network import MOST_SLOTS
from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral import symbol
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.description import Hardware
from cmir.passes.base import NetworkPass
from cmir.passes.hardware import HardwarePass
from cmir.passes.planned import planned_interval
from cmir.placement.packing import PackingError, PackingProblem, pack
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, emit_remark
from cmir.support.statistics import tally

_DIVIDED = dict(
    zip(SHARED_RESOURCES, ("issue of products", "DPUs", "SRAM ports", "links"), strict=True)
)
"""Resources that programs of a core divide, with the names of those of all cores."""


@dataclass(frozen=True)
class CmcoreShareCoresPass(HardwarePass, NetworkPass):
    """Run several programs on a core, if there are more programs than cores.

    The programs of a core have their own control units, buffers and crossbars, which add up. They divide the issue of
    products, the DPU, the SRAM port and the link: each gets slots of a table of `slots`, at least as many as it needs
    to take no more than `interval` cycles for an inference. By default, that is the interval which
    polyhedral-plan-copies has planned for, or else what the busiest program takes now.

    Programs are spread over all cores. The largest have one of their own; others join cores that have room where they
    slow their company down least, and then where they communicate most. Copies that run iterations in turn are on
    different cores.

    hardware: the machine, which defines crossbars, SRAM and times; by default the one that the network carries, or
    `ideal`. The pass rejects a network that has no room on the cores, and places no cores: cmcore-place-cores does.
    """

    name = "cmcore-share-cores"

    cores: int | None = None
    """Number of available cores; by default, the machine's."""
    interval: int | None = None
    """Cycles between inferences to keep."""
    slots: int = TABLE_SLOTS
    """Number of slots of a table."""

    def apply_to(self, ctx: Context, network: NetworkOp) -> None:
        hardware = self.hardware_for(network)
        available = hardware.core.count if self.cores is None else self.cores
        if available is None:
            raise CompileError(network, "give the number of `cores`, or a `hardware` that has one")
        if available < 1:
            raise CompileError(network, f"`cores` must be >= 1, got {available}")
        if self.interval is not None and self.interval < 1:
            raise CompileError(network, f"`interval` must be >= 1, got {self.interval}")
        if not 1 <= self.slots <= MOST_SLOTS:
            raise CompileError(
                network, f"`slots` must be one of 1 to {MOST_SLOTS}, got {self.slots}"
            )
        instances = [instance for _, instance in network.instances]
        if len(network.cores) <= available:
            return
        _check_not_fixed(network, hardware)
        # Each program has a core of its own first, so that traffic and what does not fit are those of programs.
        _set_cores(network, [[_alone(instance)] for instance in instances])
        check_crossbars(network, hardware)
        check_sram(network, hardware)
        interval = planned_interval(network) if self.interval is None else self.interval
        programs = _Programs(network, hardware, self.slots, interval)
        shared = programs.shared(programs.packed(available))
        _set_cores(network, shared, self.slots)
        tally("cores that run several programs", sum(len(core) > 1 for core in shared))
        emit_remark(
            network,
            f"{count_of(len(instances), 'program')} on {count_of(len(shared), 'core')}, at most "
            f"{max(map(len, shared))} on one, for an interval of {programs.interval} cycles",
        )


class _Programs:
    """The programs of a network, a core for each, and what they take of a core that they share.

    interval: cycles between inferences. Costs are those within a chip: places decide later what crosses to others.
    """

    def __init__(self, network: NetworkOp, hardware: Hardware, slots: int, interval: int | None):
        self.network, self.hardware, self.slots = network, hardware, slots
        elaborated = ElaboratedNetwork(network)
        self.instances = [instance for _, instance in network.instances]
        self.names = [instance.core_name for instance in self.instances]
        self.iterations = [elaborated.single_cores[name].iterations for name in self.names]
        firings = {name: Firing.of(program.op) for name, program in elaborated.programs.items()}
        costs = {name: firing_cost(firing, hardware) for name, firing in firings.items()}
        uses = {name: uses_of(firing, hardware) for name, firing in firings.items()}
        self.costs = [costs[name.program] for name in self.names]
        self.uses = [uses[name.program] for name in self.names]
        self.sram = sram_bytes(elaborated, hardware)
        self.flows = flows_of(network, hardware)
        own = [ceil(c.pace.cycles(n)) for c, n in zip(self.costs, self.iterations, strict=True)]
        self.interval = max(own) if interval is None else interval
        slowest = int(np.argmax(own))
        if own[slowest] > self.interval:
            raise CompileError(
                network.programs[self.names[slowest].program],
                f"@{self.names[slowest]} takes {own[slowest]} cycles for an inference, more than the `interval` of "
                f"{self.interval}",
            )

    def needed(self, program: int, resource: str) -> int:
        """Return the slots with which the uses of a resource take no longer than the interval; 0 without a use.

        A use of b cycles in each of n iterations takes n·⌈b·slots / share⌉ cycles of an inference.
        """
        each = self.interval // self.iterations[program]
        return slots_needed(self.uses[program].get(resource, ()), each, self.slots)

    def packed(self, available: int) -> list[list[int]]:
        """Return the programs of each core. Raises CompileError if there is no room."""
        problem, names = self._problem(available)
        try:
            found = pack(problem)
        except PackingError as error:
            raise CompileError(self.network, self._too_few(problem, names, error.proved)) from None
        return [np.flatnonzero(found == core).tolist() for core in np.unique(found)]

    def _problem(self, available: int) -> tuple[PackingProblem, list[str]]:
        """Return the problem, and the names of its resources."""
        core, numbers = self.hardware.core, range(len(self.names))
        sizes = {
            "crossbars": (core.crossbars, [cost.crossbars for cost in self.costs]),
            "SRAM": (core.sram_bytes, [self.sram[name] for name in self.names]),
        }
        for resource, name in _DIVIDED.items():
            sizes[name] = self.slots, [self.needed(k, resource) for k in numbers]
        limited = {name: size for name, size in sizes.items() if size[0] is not None}
        talk = traffic_matrix(self.flows, len(self.names))
        problem = PackingProblem(
            np.array([each for _, each in limited.values()], np.int64).T,
            np.array([most for most, _ in limited.values()], np.int64),
            np.array([name in _DIVIDED.values() for name in limited]),
            talk + talk.T,
            available,
            self._apart(),
        )
        return problem, list(limited)

    def _apart(self) -> np.ndarray:
        """Return a number for each program: copies that run iterations in turn have one, and need several cores."""
        numbers: dict[CoreName, int] = {}
        return np.array([numbers.setdefault(n.undivided, len(numbers)) for n in self.names])

    def _too_few(self, problem: PackingProblem, names: Sequence[str], proved: bool) -> str:
        what = (
            f"no room for {count_of(len(self.names), 'program')} on {count_of(problem.cores, 'core')} at an interval "
            f"of {self.interval} cycles"
        )
        counts = np.bincount(problem.apart)
        if counts.max() > problem.cores:
            name = self.names[int(np.flatnonzero(problem.apart == counts.argmax())[0])].undivided
            return f"there is {what}: the turns of @{name} alone take {count_of(int(counts.max()), 'core')}"
        tightest = int(np.argmax(problem.fewest))
        if (fewest := int(problem.fewest[tightest])) > problem.cores:
            return f"there is {what}: their {names[tightest]} alone would take {count_of(fewest, 'core')}"
        found = "there is" if proved else "found"
        return f"{found} {what}; more or larger `cores`, or a longer `interval`, may give room"

    @cached_property
    def _read_in_turn(self) -> set[str]:
        """The arrays that copies read which run iterations in turn."""
        programs = {name.program for name in self.names if name.turn is not None}
        buffers = (buffer for name in programs for buffer in self.network.programs[name].buffers)
        return {symbol(buffer.array) for buffer in buffers}

    def shared(self, cores: list[list[int]]) -> list[list[InstanceAttr]]:
        """Return what each core runs, with the shares of the resources that several programs of the core use."""
        return [self._instances(programs) for programs in cores]

    def _instances(self, programs: list[int]) -> list[InstanceAttr]:
        shares: dict[int, dict[str, int]] = {program: {} for program in programs}
        for resource in SHARED_RESOURCES:
            users = [p for p in programs if resource != "link" or not self._stays(p, programs)]
            needed = {p: slots for p in users if (slots := self.needed(p, resource))}
            if len(needed) < 2:
                continue
            loads = [self.iterations[p] * sum(self.uses[p][resource]) for p in needed]
            slots = apportion(self.slots, loads, list(needed.values()))
            for program, mine in zip(needed, slots, strict=True):
                shares[program][resource] = mine
        return [_alone(self.instances[p], shares[p]) for p in programs]

    def _stays(self, program: int, programs: list[int]) -> bool:
        """Return True if all that a program computes goes to other programs of its core, and so takes no link.

        Copies are on several cores, and so is what each of them sends to and gets from.
        """
        own = self.names[program]
        stored = {symbol(op.array) for op in self.network.programs[own.program].stores()}
        if len(stored) > 1 or stored & {symbol(ref) for ref in self.network.outputs}:
            return False
        if own.turn is not None or stored & self._read_in_turn:
            return False
        targets = {
            target for flow in self.flows if flow.source == program for target in flow.targets
        }
        return bool(targets) and targets <= set(programs)


def _check_not_fixed(network: NetworkOp, hardware: Hardware) -> None:
    if (field := fixed_time(hardware)) is not None:
        raise CompileError(
            network,
            f"programs cannot share cores of '{hardware.name}', which fixes the time of an iteration: `{field}`",
        )


def _alone(instance: InstanceAttr, shares: Mapping[str, int] | None = None) -> InstanceAttr:
    """Return an instance with these shares, and no others."""
    name = instance.core_name
    return InstanceAttr.of(name.program, name.coordinates, shares, instance.turn)


def _set_cores(
    network: NetworkOp, runs: Sequence[Sequence[InstanceAttr]], slots: int | None = None
) -> None:
    """Replace the cores of a network by cores that run these programs. slots: of the tables of those with shares."""
    first = network.cores[0]
    for number, instances in enumerate(runs):
        divides = any(instance.shares for instance in instances)
        core = CoreOp(f"core{number}", list(instances), [number], slots if divides else None)
        core.location = network.programs[instances[0].core_name.program].location
        network.body.block.insert_op_before(core, first)
    for old in network.cores[len(runs) :]:
        Rewriter.erase_op(old)
