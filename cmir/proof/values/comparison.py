"""Comparison of a compiled network with its source over the field, and the confidence in its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.dialects.func import FuncOp

from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.nn.carried import (
    CarriedPair,
    carried_pairs,
    input_arguments,
    output_indices,
)
from cmir.dialects.nn.operation import NNOp
from cmir.dialects.polyhedral import symbol
from cmir.elaboration.network import ElaboratedNetwork
from cmir.proof.values.chance import ZERO, Chance
from cmir.proof.values.evaluation import (
    FieldMemory,
    FieldNumbers,
    Given,
    KnownChances,
    Recurrences,
    recurrent_results,
)
from cmir.proof.values.field import P
from cmir.proof.values.induction import WORLDS, Induction, Sighting, arrays_in_circles
from cmir.proof.values.interpretation import Interpretation
from cmir.proof.values.residues import NoInterpretationError, Residues, lift
from cmir.proof.values.streams import State, random_inputs, run_source
from cmir.proof.values.workload import inferences_of
from cmir.semantics.elements import dense_values
from cmir.simulator.simulator import Simulator
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.timing.control import DeadlockError
from cmir.timing.network import unit_actors

ROUNDS = 8
"""Default number of interpretations of a proof."""


@dataclass(frozen=True)
class ValuesVerdict:
    """Verdict of the proof of values.

    rounds: number of interpretations under which network and source agree. chance: probability that different ones
    agree under one interpretation. uncovered: the reason if nothing was proved; None otherwise. state: True if the
    network has state. inferences: number of inferences that were compared if nothing is proved about later ones; None
    otherwise.
    """

    rounds: int
    chance: Chance = ZERO
    uncovered: str | None = None
    state: bool = False
    inferences: int | None = None

    @property
    def bits(self) -> int:
        """Different values are found equal with a probability below 2 to the power of minus this."""
        return int(self.rounds * -log2(max(1, self.chance.total) / P))

    def __str__(self) -> str:
        if self.uncovered is not None:
            return f"values not proved: {self.uncovered}"
        many = count_of(self.rounds, "random interpretation")
        bound = f"error below 2^-{self.bits}" if self.bits > 0 else "error not bounded"
        where = " in endless streams" if self.state else ""
        if self.inferences is not None:
            where = f" in the first {count_of(self.inferences, 'inference')}"
        return f"values equal{where} over {many} ({bound})"


def prove_values(
    network: ElaboratedNetwork, function: FuncOp, rounds: int = ROUNDS, seed: int = 0
) -> ValuesVerdict:
    """Compare a network with the function that it was compiled from under random interpretations.

    seed: of the first interpretation; the others have consecutive seeds.
    Raises CompileError at the first element that differs, if inputs and outputs of the two do not match, or if the
    network does not run.
    """
    _check_ends(network.op, function)
    actors, numbers = unit_actors(network), FieldNumbers(Interpretation(seed))
    simulator = Simulator(network, actors, numbers=numbers, memory=FieldMemory)
    comparison = _Comparison(function, simulator)
    try:
        for number in range(rounds):
            comparison.run(number, Interpretation(seed + number))
        by_induction = comparison.by_induction(rounds, seed)
    except NoInterpretationError as error:
        return ValuesVerdict(0, uncovered=f"{error} is not covered")
    except DeadlockError as deadlock:
        raise CompileError(network.op, deadlock.message) from None
    state, chance = comparison.has_state, comparison.chance
    if by_induction is not None:
        # Without state, both bounds hold.
        smaller = state or by_induction.total < chance.total
        return ValuesVerdict(rounds, by_induction if smaller else chance, state=state)
    compared = comparison.inferences if state else None
    return ValuesVerdict(rounds, chance, state=state, inferences=compared)


class _Comparison:
    """A network and its source. chance: the largest so far, see `Chance`."""

    def __init__(self, function: FuncOp, simulator: Simulator):
        self.network, self.function, self.simulator = simulator.network, function, simulator
        self.inferences = inferences_of(self.network.op)
        _ = simulator.memory_plan  # shared by all interpretations
        self.chance, self.known = Chance(), KnownChances()
        arrays = self.network.arrays.values()
        self.has_state = bool(carried_pairs(function)) or any(array.initial for array in arrays)
        ops = function.body.block.ops
        self.is_recurrent = any(recurrent_results(op) for op in ops)
        self.circles = arrays_in_circles(self.network) if self.is_recurrent else []
        self.sightings: list[Sighting] = []

    def run(self, number: int, world: Interpretation) -> None:
        """Compare all outputs of all inferences under an interpretation. Raises CompileError if one differs."""
        inputs = random_inputs(self.network, world, self.inferences)
        seen = number < WORLDS and (self.has_state or self.is_recurrent)
        numbers = FieldNumbers(world, self.known, Given(watched=self.circles if seen else ()))
        report = self.simulator.over(numbers).run(inputs)
        assert report.outputs is not None
        chances = [Chance.of_any(numbers.chances[name] for name in self.network.outputs)]
        state: State = {
            pair.argument: _initial(pair, world) for pair in carried_pairs(self.function)
        }
        recurrences = Recurrences()
        expected = run_source(self.function, inputs, state, world, recurrences)
        for n, ((wanted, after), found) in enumerate(zip(expected, report.outputs, strict=True)):
            state = after
            for name, output in zip(self.network.outputs, wanted, strict=True):
                chances.append(output.chance)
                self._compare(name, output.values, found[name], n, number)
        self.chance = Chance.of_any((self.chance, *chances))
        if seen:
            arrays = [{**given, **own} for given, own in zip(inputs, report.outputs, strict=True)]
            steps = {result: residues.values for result, residues in recurrences.found.items()}
            states = {argument: residues.values for argument, residues in state.items()}
            self.sightings.append(Sighting(states, self._held(arrays), steps, numbers.found))

    def _held(self, arrays: Sequence[Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
        """Return what the next inference reads of earlier ones. arrays: those of each inference."""
        counts = {name: a.initial_inferences() for name, a in self.network.arrays.items()}
        return {
            name: np.stack([held[name] for held in arrays[-count:]])
            for name, count in counts.items()
            if count
        }

    def by_induction(self, rounds: int, seed: int) -> Chance | None:
        """Return the bound of a proof by induction over inferences and over steps, or None if there is none."""
        if not self.sightings:
            return None
        induction = Induction(self.function, self.network, self.sightings)
        # The steps are independent of the interpretations by which elements were paired.
        worlds = [Interpretation(seed + rounds + number) for number in range(rounds)]
        for within in induction.ways():
            induction.within, found = within, list[Chance]()
            for world in worlds:
                chance = induction.holds(self.simulator, self.known, world, self._are_equal)
                if chance is None:
                    break
                found.append(chance)
            else:
                return Chance.of_any(found)
        return None

    def _are_equal(self, wanted: Sequence[Residues], found: Mapping[str, np.ndarray]) -> bool:
        return all(
            np.array_equal(output.values, found[name])
            for name, output in zip(self.network.outputs, wanted, strict=True)
        )

    def _compare(
        self, name: str, expected: np.ndarray, found: np.ndarray, inference: int, number: int
    ) -> None:
        if np.isnan(expected).any():
            raise NoInterpretationError(f"an element of output @{name} that is infinite or NaN")
        different = expected != found
        if different.any():
            if others := _of_other_packages(self.function):
                raise NoInterpretationError(f"{', '.join(others)}, which may need more laws,")
            element = list(map(int, np.unravel_index(int(np.argmax(different)), found.shape)))
            raise CompileError(
                self.network.op,
                f"values differ from those of the source: element {element} of output @{name} in inference "
                f"{inference}, under random interpretation {number + 1}",
            )


def _initial(pair: CarriedPair, world: Interpretation) -> Residues:
    """Return an initial value. Raises NoInterpretationError for one in the weights file.

    The network has its elements in another parameter, in another order.
    """
    if not isinstance(pair.initial, DenseIntOrFPElementsAttr):
        raise NoInterpretationError(f"the initial value {pair.initial} in the weights file")
    return lift(world, dense_values(pair.initial))


def _of_other_packages(function: FuncOp) -> list[str]:
    """Return the operators defined by other packages.

    Their definitions may rely on laws that an interpretation does not preserve, such as max(a, a) = a.
    """
    ops = (op for op in function.walk() if isinstance(op, NNOp))
    return sorted({op.name for op in ops if not type(op).__module__.startswith("cmir.")})


def _check_ends(network: NetworkOp, function: FuncOp) -> None:
    """Check that inputs and outputs have the same shapes and types. Raises CompileError."""
    block = function.body.block
    assert block.last_op is not None
    results = [block.last_op.operands[index] for index in output_indices(function)]
    for what, names, values in (
        ("input", network.inputs, input_arguments(function)),
        ("output", network.outputs, results),
    ):
        if len(names) != len(values):
            raise CompileError(
                network, f"the source has {len(values)} {what}s, the network has {len(names)}"
            )
        for index, (name, value) in enumerate(zip(names, values, strict=True)):
            array = network.arrays[symbol(name)]
            if array.type != value.type:
                raise CompileError(
                    network,
                    f"{what} {index} of the source is {value.type}, that of the network is {array.type}",
                )
