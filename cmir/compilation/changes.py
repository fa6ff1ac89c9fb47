"""Changes that need another compilation: more cores, copies of stages, other sizes of buffers. Each is tried."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from cmir.analysis.advice import HELP, Change
from cmir.analysis.binding import Binding, busiest_cycles
from cmir.analysis.capacity import check_capacity, check_sram
from cmir.analysis.inference_costs import costs_of
from cmir.compilation.choices import Copies, CopyBudget, Replication, Storage, division
from cmir.compilation.model import Model, lower, lower_to_mapped, lower_to_polyhedral
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.description import Hardware
from cmir.passes.polyhedral_replicate import By, PolyhedralReplicatePass
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.timing.network import TimedNetwork

_ROOM = 8
"""Copies are considered on as many times the cores of the machine."""


@dataclass(frozen=True)
class Compilation:
    """A network before it is lowered, and how it was compiled."""

    model: Model
    machine: Hardware
    storage: Storage | None
    replicate: Copies | None

    @staticmethod
    def of(
        model: Model, machine: Hardware, storage: Storage | None, replicate: Copies | None
    ) -> Compilation:
        """Return the compilation of a model that is about to be lowered. Raises CompileError if it has been lowered."""
        compilation = Compilation(model, machine, storage, replicate)
        kept = compilation._model()
        lower_to_polyhedral(dataclasses.replace(kept, module=kept.module.clone()), "--advise")
        return dataclasses.replace(compilation, model=kept)

    def changes_that_help(self, binding: Binding, interval: float) -> list[Change]:
        """Return the changes, among those that would help, that have been tried. interval: without them."""
        if binding.waits in ("room", "data"):
            # Data may be late because another core waits for room.
            tried = self._of_buffers()
        elif binding.waits is None and binding.kind == "core":
            tried = self._of_cores(binding, HELP * interval)
        else:
            return []
        return [change for change in tried if change.interval <= HELP * interval]

    def _of_buffers(self) -> Iterator[Change]:
        for storage in ("lossless", "full"):
            trial = dataclasses.replace(self, storage=storage)
            if (found := trial._interval()) is not None:
                yield Change(f"--storage {storage}", found)
                return

    @property
    def _by(self) -> By:
        """How stages are divided among cores, or would be."""
        return division(self.replicate)[0] or "columns"

    def _of_cores(self, binding: Binding, target: float) -> Iterator[Change]:
        """Yield ways and changes of copies, until one reaches the target."""
        before = self.replicate
        if isinstance(before, CopyBudget):
            return  # the plan is the fastest already, or as fast as was asked for
        known = self.machine.core.crossbars is not None
        if binding.work == "crossbar" and known and self.replicate is None:
            trial = dataclasses.replace(self, replicate="ways")
            if (found := trial._interval()) is not None:
                yield Change("--replicate ways", found)
                if found <= target:
                    return
        for by in dict.fromkeys((self._by, "runs")):
            for change in dataclasses.replace(self, replicate=by)._of_copies(before, target):
                yield change
                if change.interval <= target:
                    return

    def _of_copies(self, before: Replication | None, target: float) -> Iterator[Change]:
        """Yield copies on the cores that there are, and the fewest more cores whose copies may reach the target.

        before: the option of the run.
        """
        count = self.machine.core.count
        option = "" if before == self.replicate else f"--replicate {self.replicate}"
        if option and count is not None and (found := self._interval()) is not None:
            yield Change(option, found)
        needed = self._cores_for(target)
        if needed is None or (count is not None and needed <= count):
            return
        try:
            machine = _with_cores(self.machine, needed)
        except (
            CompileError
        ):  # the links are listed, and only the author knows where cores could be added
            return
        if (found := dataclasses.replace(self, machine=machine)._interval()) is not None:
            more = needed - (count or 0)
            cores = count_of(more, "more core") if count else f"`core.count` {more}"
            yield Change(" with ".join(filter(None, [cores, option])), found)

    def _interval(self) -> float | None:
        """Return the interval of the network, compiled in this way; None if it does not fit."""
        try:
            with collect_diagnostics():
                network = self._lowered()
                check_capacity(network.op, self.machine)
                check_sram(network.op, self.machine)
                timed = TimedNetwork(network, self.machine)
                found = timed.interval
        except CompileError:
            return None
        return max(found, busiest_cycles(timed, costs_of(timed, found)))

    def _lowered(self) -> ElaboratedNetwork:
        model = self._model()
        proofless = ElaboratedNetwork
        return lower(model, None, self.storage, self.machine, self.replicate, None, proofless)

    def _model(self) -> Model:
        module, context = self.model.module.clone(), self.model.context.clone()
        return dataclasses.replace(self.model, module=module, context=context)

    def _cores_for(self, target: float) -> int | None:
        """Return the fewest cores with which copies of stages can reach an interval, or None."""
        model = self._model()
        with collect_diagnostics():
            pipeline = lower_to_mapped(model, self.machine, None, "--advise")
        replication = PolyhedralReplicatePass(self.machine, by=self._by)
        needed = sum(stage.count_cores() for stage in pipeline.stages.values())
        stages = replication.choices(pipeline, _ROOM * (self.machine.core.count or needed))
        fewest = [next((c.cores for c in those if c.interval <= target), None) for those in stages]
        return None if None in fewest else sum(filter(None, fewest))


def _with_cores(machine: Hardware, count: int) -> Hardware:
    """Return a machine with that many cores, and with the places for them."""
    fields: dict[str, object] = {"core__count": count}
    shape, places = machine.interconnect.shape, machine.interconnect.places
    if shape is not None and places is not None and places < count:
        fields["interconnect__shape"] = (-(-count * shape[0] // places), *shape[1:])
    return machine.replace(**fields)
