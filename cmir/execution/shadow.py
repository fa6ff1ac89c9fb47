"""Shadow execution: the network that ran, in double precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import cast

import numpy as np

from cmir.checking import default_tolerances
from cmir.dialects.cmcore import NetworkOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.execution.decisions import Follower, Recorder
from cmir.execution.interface import Interface
from cmir.execution.references import Arrays
from cmir.execution.streams import Sample
from cmir.semantics.precision import DoubleParameters, in_double
from cmir.simulator.numbers import NUMBERS, Numbers
from cmir.simulator.simulator import Simulator
from cmir.support.numerics import is_float
from cmir.timing.network import TimedNetwork


class Shadow:
    """The same programs on the same cores, with all floats in double precision.

    A quantised number on a tie may be rounded to one side in a run, and to the other in a more precise evaluation. So
    there are two evaluations: one by itself, which shows what the network computes, and one that decides as the run
    does at ties, which shows that the run computes it.
    """

    def __init__(
        self,
        timed: TimedNetwork,
        interface: Interface,
        parameters: Mapping[str, np.ndarray],
        narrowest: str | None,
        lanes: int = 1,
    ):
        """Prepare evaluations.

        narrowest: the least precise float type of the network, which tells how near numbers on ties are. lanes: number
        of inferences that the run had in lock-step, on which the order of its additions depends.
        """
        self.lanes = lanes
        self.timed, self.interface, self.parameters = timed, interface, parameters
        _, self.atol = default_tolerances(np.dtype(np.float32), narrowest)

    @cached_property
    def _network(self) -> ElaboratedNetwork:
        return ElaboratedNetwork(cast(NetworkOp, in_double(self.timed.network.op)))

    def evaluate(
        self, stream: Sequence[Arrays], first: Sequence[int] | None = None
    ) -> list[Sample]:
        """Return the outputs by itself. stream: the inputs of each inference, in order. first: see `Simulator.run`."""
        return self._run(stream, first, NUMBERS)

    def follow(
        self, stream: Sequence[Arrays], first: Sequence[int] | None = None
    ) -> tuple[list[Sample], int]:
        """Return the outputs when ties are decided as in the network, and how many that has changed."""
        recorder = Recorder()
        network, actors = self.timed.network, self.timed.actors
        simulator = Simulator(network, actors, self.parameters, recorder)
        simulator.run(self._inputs(stream), first=first, lanes=self._lanes(first))
        follower = Follower(recorder.decisions, self.atol)
        return self._run(stream, first, follower), follower.taken

    def _inputs(self, stream: Sequence[Arrays]) -> Sequence[Sample]:
        names = self.interface.inputs
        return self.interface.arrays([dict(zip(names, x, strict=True)) for x in stream])

    def _run(
        self, stream: Sequence[Arrays], first: Sequence[int] | None, numbers: Numbers
    ) -> list[Sample]:
        wide = [
            {name: x.astype(np.float64) if is_float(x.dtype) else x for name, x in sample.items()}
            for sample in self._inputs(stream)
        ]
        parameters = DoubleParameters(self.parameters)
        simulator = Simulator(self._network, self.timed.actors, parameters, numbers)
        report = simulator.run(wide, first=first, lanes=self._lanes(first))
        return self.interface.named(report.outputs)

    def _lanes(self, first: Sequence[int] | None) -> int:
        """Return the number of lanes; the first sequences of a stream may be fewer than those of the run."""
        return self.lanes if first is None else min(self.lanes, len(set(first)))
