"""Proof of values of endless streams with state and of recurrences, by induction over inferences and steps.

The state of a source is in elements of arrays that the network reads across inferences. Nothing says in which: elements
are paired with those that hold the same residues after some inferences from reset. If pairs are equal at reset, and if
one inference from random values that are equal in pairs gives equal outputs and equal pairs again, then all outputs of
endless streams are equal (`docs/mathematics.md`, §7). Pairs that do not belong together make the induction fail, never
succeed. Results that the steps of a recurrence read are paired and replaced in the same way, so that all values have
the degrees of one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import TypeVar

import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.carried import carried_pairs
from cmir.dialects.nn.operation import shape_of
from cmir.dialects.nn.stage import ScanOp
from cmir.dialects.polyhedral import symbol
from cmir.elaboration.network import ElaboratedNetwork
from cmir.proof.values.chance import Chance
from cmir.proof.values.evaluation import FieldNumbers, Given, KnownChances, Recurrences
from cmir.proof.values.field import P
from cmir.proof.values.interpretation import Interpretation
from cmir.proof.values.residues import Residues
from cmir.proof.values.streams import State, random_inputs, run_source
from cmir.semantics.elements import dense_values
from cmir.simulator.simulator import Simulator
from cmir.support.graphs import reachable

Key = TypeVar("Key")

WORLDS = 3
"""Number of interpretations by whose residues elements are paired: different ones then rarely have the same."""


MOST_WAYS = 16
"""Maximum number of choices of which results are read from memory in the same step."""


@dataclass
class Sighting:
    """What source and network hold under one interpretation after the same number of inferences.

    state: that of the source. held: for each array that is read across inferences, its elements in the last inferences,
    as many as it has initial values. steps: results of the source, in the last inference, that their own steps read.
    circles: arrays of the network, in the last inference, that depend on themselves.
    """

    state: Mapping[SSAValue, np.ndarray]
    held: Mapping[str, np.ndarray]
    steps: Mapping[SSAValue, np.ndarray]
    circles: Mapping[str, np.ndarray]


class Induction:
    """Pairs of elements of the state of a source and of arrays of a network."""

    def __init__(self, function: FuncOp, network: ElaboratedNetwork, sightings: Sequence[Sighting]):
        self.function, self.network = function, network
        self.first = {
            name: dense_values(source)
            for name, array in network.arrays.items()
            if array.initial is not None
            and isinstance(
                source := network.arrays[symbol(array.initial)].source, DenseIntOrFPElementsAttr
            )
        }
        """Initial values of the arrays that are read across inferences."""
        self.pairs = self._pairs(sightings[:WORLDS])
        self.steps, self.circles = sightings[0].steps, sightings[0].circles
        self.cuts = _split(
            _matched(
                _keys([_flat(s.steps, self.steps) for s in sightings]),
                _keys([_flat(s.circles, self.circles) for s in sightings]),
            ),
            self.steps,
        )
        """For each element of results that their own steps read, its place in the arrays of circles, or -1."""
        self.within: Sequence[SSAValue] = ()
        """Results that other operators of the same step read from memory, see `Recurrences`."""

    def ways(self) -> Iterator[Sequence[SSAValue]]:
        """Yield the choices of `within`. In the network, it depends on which operators are in one stage."""
        of_scans = [result for result in self.cuts if isinstance(result.owner, ScanOp)]
        for chosen in islice(product((False, True), repeat=len(of_scans)), MOST_WAYS):
            yield [result for result, is_chosen in zip(of_scans, chosen, strict=True) if is_chosen]

    def _pairs(self, sightings: Sequence[Sighting]) -> Mapping[SSAValue, np.ndarray]:
        """Return, for each element of each carried argument, its place in `_flat`, or -1; equal at reset."""
        pairs = carried_pairs(self.function)
        starts: dict[SSAValue, np.ndarray] = {}
        for pair in pairs:
            assert isinstance(pair.initial, DenseIntOrFPElementsAttr)
            starts[pair.argument] = dense_values(pair.initial)
        places = _matched(
            _keys([_flat(s.state, starts) for s in sightings]),
            _keys([_flat(s.held, self.first) for s in sightings]),
        )
        known = places >= 0
        known[known] = _flat(starts, starts)[known] == _flat(self.first, self.first)[places[known]]
        places = np.where(known, places, -1)
        return _split(places, starts)

    def holds(
        self,
        simulator: Simulator,
        known: KnownChances,
        world: Interpretation,
        compare: Callable[[Sequence[Residues], Mapping[str, np.ndarray]], bool],
    ) -> Chance | None:
        """Run one inference from random values. Return the bound of what was compared, or None if something differs.

        compare: True if outputs are equal.
        """
        before = {
            name: world.array(f"array {index} before", values.shape)
            for index, (name, values) in enumerate(self.first.items())
        }
        state = self._state(_flat(before, self.first), world)
        inputs = random_inputs(self.network, world, 1)
        stored = self._stored(world)
        numbers = FieldNumbers(world, known, Given(before, self.circles, stored))
        report = simulator.over(numbers).run(inputs)
        assert report.outputs is not None
        recurrences = Recurrences(self._before(stored, world), self.within)
        ((outputs, after),) = run_source(self.function, inputs, state, world, recurrences)
        found = {**inputs[0], **report.outputs[0]}
        if not compare(outputs, found):
            return None
        held = {name: np.stack([*x[1:], found[name]]) for name, x in before.items()}
        flat = _flat(held, self.first)
        for argument, places in self.pairs.items():
            paired = places >= 0
            values = after[argument].values.reshape(-1)
            if (values[paired] != flat[places[paired]]).any():
                return None
        computed = _flat(numbers.found, self.circles)
        for result, places in self.cuts.items():
            paired = places >= 0
            values = recurrences.found[result].values.reshape(-1)
            if (values[paired] != computed[places[paired]]).any():
                return None
        names = [*self.network.outputs, *self.first, *self.circles]
        chances = [numbers.chances[name] for name in names if name in numbers.chances]
        sources = *outputs, *after.values(), *recurrences.found.values()
        return Chance.of_any([*chances, *(residues.chance for residues in sources)])

    def _stored(self, world: Interpretation) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
        """Return random values for the elements of arrays of circles that have a partner."""
        sizes = sum(array.size for array in self.circles.values())
        mask = np.zeros(sizes, bool)
        for places in self.cuts.values():
            mask[places[places >= 0]] = True
        masks = _split(mask, self.circles)
        return {
            name: (masks[name].reshape(array.shape), world.array(f"circle {index}", array.shape))
            for index, (name, array) in enumerate(self.circles.items())
            if masks[name].any()
        }

    def _before(
        self, stored: Mapping[str, tuple[np.ndarray, np.ndarray]], world: Interpretation
    ) -> Mapping[SSAValue, Residues]:
        """Return what steps of the source read of the steps before; elements without a partner are random."""
        flat = _flat(
            {n: stored[n][1] if n in stored else x for n, x in self.circles.items()}, self.circles
        )
        found: dict[SSAValue, Residues] = {}
        for index, (result, places) in enumerate(self.cuts.items()):
            values, paired = world.array(f"steps {index}", places.shape), places >= 0
            values[paired] = flat[places[paired]]
            found[result] = Residues(world, values.reshape(shape_of(result)), dtype_of(result))
        return found

    def _state(self, flat: np.ndarray, world: Interpretation) -> State:
        """Return the state of the source: paired elements from the network, others random."""
        found: dict[SSAValue, Residues] = {}
        for index, (argument, places) in enumerate(self.pairs.items()):
            values, paired = world.array(f"state {index}", places.shape), places >= 0
            values[paired] = flat[places[paired]]
            found[argument] = Residues(
                world, values.reshape(shape_of(argument)), dtype_of(argument)
            )
        return found


def _matched(wanted: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Return the place in `held` of each number of `wanted`, or -1. Equal numbers have places in order."""
    by_held, by_wanted = (np.argsort(keys, kind="stable") for keys in (held, wanted))
    firsts, ends = (np.searchsorted(held[by_held], wanted, side) for side in ("left", "right"))
    ranks = np.empty(len(wanted), np.int64)
    ordered = wanted[by_wanted]
    ranks[by_wanted] = np.arange(len(wanted)) - np.searchsorted(ordered, ordered)
    found = ends > firsts
    places = np.full(len(wanted), -1)
    places[found] = by_held[np.minimum(firsts + ranks, ends - 1)[found]]
    return places


def _split(flat: np.ndarray, arrays: Mapping[Key, np.ndarray]) -> dict[Key, np.ndarray]:
    """Return the parts of an array that belong to the elements of several, one after the other."""
    ends = np.cumsum([array.size for array in arrays.values()])
    return dict(zip(arrays, np.split(flat, ends[:-1]), strict=True)) if arrays else {}


def arrays_in_circles(network: ElaboratedNetwork) -> list[str]:
    """Return the arrays that depend on themselves within an inference, or may."""
    programs = network.op.programs.values()
    stored = [{symbol(store.array) for store in program.stores()} for program in programs]
    loaded = [{symbol(buffer.array) for buffer in program.buffers} for program in programs]
    leads = {
        name: {x for out, read in zip(stored, loaded, strict=True) if name in read for x in out}
        for name in set().union(*stored, *loaded)
    }

    return [name for name in network.arrays if name in leads and name in reachable(name, leads)]


def _flat(arrays: Mapping[Key, np.ndarray], order: Iterable[Key]) -> np.ndarray:
    """Return the elements of arrays, one after the other."""
    parts = [arrays[name].reshape(-1) for name in order]
    return np.concatenate(parts) if parts else np.zeros(0)


def _keys(worlds: Sequence[np.ndarray]) -> np.ndarray:
    """Return one number for the residues of each element under several interpretations."""
    keys = np.zeros(worlds[0].shape, np.int64)
    for residues in worlds:
        finite = np.where(np.isfinite(residues), residues, 0)
        keys = keys * P + finite.astype(np.int64)
    return keys
