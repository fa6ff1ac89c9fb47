"""cmcore-place-cores: place each core on the chip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, i64

from cmir.analysis.capacity import check_sram
from cmir.context import report_progress
from cmir.cost.traffic import flows_of
from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.chip import chip_of
from cmir.hardware.description import Hardware
from cmir.hardware.topology import link_text, topology
from cmir.passes.base import NetworkPass
from cmir.passes.hardware import HardwarePass
from cmir.placement.problem import Problem, greedy, lower_bound, snake
from cmir.placement.search import PlacementSolution, optimize
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, emit_remark
from cmir.support.statistics import tally

_SEEDS = 2**31


@dataclass(frozen=True)
class CmcorePlaceCoresPass(HardwarePass, NetworkPass):
    """Place cores so that the traffic of an inference makes few hops.

    The pass minimises Σ traffic × hops: the bytes that one core computes and another reads, times the hops between the
    two. Each core has its own place. `strategy=optimal` improves the result of `greedy` with OR-tools until no change
    helps or a limit is reached, which the remark reports. By default, the limit is `work_limit`, in deterministic units
    of about a second each, so the `seed` determines the result. With `time_limit`, it is that number of seconds, and
    the result also depends on the computer. `greedy` takes negligible time. `snake` places cores in order, row by row,
    every other row backwards.

    hardware: the machine, which provides the places and the SRAM for the buffers of a core; by default the one that the
    network carries, or `ideal`. topology, shape: instead of a machine, a `mesh`, `torus`, `ring`, or `all-to-all`, and
    its number of places in each dimension. chips: the number of chips in each dimension, if there are several.
    link_capacity: the maximum number of bytes that a link carries in an inference, counting a multicast once.
    chip_link_capacity: the same for links between chips, if different.

    The pass rejects networks that need more cores than the chip has, and placements that exceed the capacity of a link
    or a core. A remark gives the cost, the known lower bound, and the most loaded link.
    """

    name = "cmcore-place-cores"

    topology: str = "mesh"
    """Interconnect, instead of a machine: mesh, torus, ring or all-to-all."""
    shape: tuple[int, ...] | None = None
    """Number of places in each dimension, instead of a machine."""
    chips: tuple[int, ...] | None = None
    """Number of chips in each dimension."""
    link_capacity: int | None = None
    """Bytes that a link carries in an inference."""
    chip_link_capacity: int | None = None
    """Bytes that a link between chips carries in an inference."""
    strategy: Literal["optimal", "greedy", "snake"] = "optimal"
    """Search with OR-tools, greedy construction, or row by row."""
    work_limit: float = 10.0
    """Limit of the search, in deterministic units of about a second."""
    time_limit: float | None = None
    """Limit of the search in seconds, instead of `work-limit`."""
    seed: int = 0
    """Seed of the search."""

    def apply_to(self, ctx: Context, network: NetworkOp) -> None:
        if network.cores:
            self._check_options(network)
            hardware = self.hardware_for(network)
            check_sram(network, hardware)
            self._place(network, hardware, lambda text: report_progress(ctx, text))

    @property
    def _limit(self) -> str:
        return "work-limit" if self.time_limit is None else "time-limit"

    def _check_options(self, network: NetworkOp) -> None:
        for option in ("work_limit", "time_limit"):
            if (limit := getattr(self, option)) is not None and not limit >= 0:
                raise CompileError(network, f"`{option}` must be >= 0, got {limit:g}")
        for option in ("link_capacity", "chip_link_capacity"):
            if (given := getattr(self, option)) is not None and given < 1:
                raise CompileError(network, f"`{option}` must be >= 1, got {given}")
        if not 0 <= self.seed < _SEEDS:
            raise CompileError(network, f"`seed` must be one of 0 to {_SEEDS - 1}, got {self.seed}")

    def _place(self, network: NetworkOp, hardware: Hardware, tell: Callable[[str], None]) -> None:
        try:
            chip = chip_of(hardware)
            if self.shape is not None:
                chip = topology(self.topology, self.shape, self.chips)
            if chip is None:
                raise CompileError(
                    network,
                    "give the `shape` of the chip, as in shape=8,8, or a `hardware` that has one",
                )
            flows = flows_of(network, hardware)
            capacities = self.link_capacity, self.chip_link_capacity
            problem = Problem(chip, len(network.cores), flows, *capacities)
        except ValueError as error:
            raise CompileError(network, str(error)) from None
        found = self._search(problem, tell)
        tell("")
        if found.overload:
            raise CompileError(network, self._too_much(problem, found))
        for core, place in zip(network.cores, problem.positions(found.placement), strict=True):
            core.properties["position"] = DenseArrayBase.from_list(i64, place)
        tally("cores placed", len(network.cores))
        tally("traffic × hops", found.cost)
        emit_remark(network, _summary(problem, found, self._limit))

    def _search(self, problem: Problem, tell: Callable[[str], None]) -> PlacementSolution:
        if self.strategy == "optimal":
            return optimize(
                problem,
                self.time_limit,
                self.seed,
                lambda cost, bound: tell(f"placing: traffic × hops = {cost}, bound {bound}"),
                self.work_limit if self.time_limit is None else float("inf"),
            )
        placement = greedy(problem) if self.strategy == "greedy" else snake(problem)
        cost, overload = problem.cost(placement), problem.overload(placement)
        return PlacementSolution(placement, cost, lower_bound(problem), overload, False, True)

    def _too_much(self, problem: Problem, found: PlacementSolution) -> str:
        (link, excess), *_ = problem.excesses(found.placement).items()
        capacity = problem.capacity(link) or 0
        within = f"every link within {capacity} bytes an inference"
        if self.chip_link_capacity is not None:
            within = "every link within its capacity"
        best = f"{link_text(link)} carries {capacity + excess}, {excess} more"
        if found.impossible:
            return f"no placement keeps {within}; in the best one, link {best}"
        help = f"a larger {self._limit} might find one"
        if self.strategy != "optimal":
            help = "strategy=optimal might find one"
        elif found.settled:
            help = "another seed might find one"
        return f"found no placement that keeps {within}: link {best}; {help}"


def _summary(problem: Problem, found: PlacementSolution, limit: str) -> str:
    parts = [
        f"{count_of(problem.cores, 'core')} on {problem.topology.title}: traffic × hops = {found.cost} bytes"
        f" an inference, bound {found.bound}; {problem.cost(snake(problem))} with strategy=snake"
    ]
    if loads := problem.loads(found.placement):
        link, load = next(iter(loads.items()))
        parts.append(f"the most loaded link, {link_text(link)}, carries {load}")
    if not found.settled:
        parts.append(f"the {limit} was reached")
    return "; ".join(parts)
