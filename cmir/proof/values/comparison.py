"""Comparison of a compiled network with its source over the field, and the confidence in its result."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

import numpy as np
from xdsl.dialects.func import FuncOp

from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import NNOp
from cmir.dialects.polyhedral import symbol
from cmir.elaboration.network import ElaboratedNetwork
from cmir.proof.values.chance import ZERO, Chance
from cmir.proof.values.evaluation import FieldMemory, FieldNumbers, KnownChances, evaluate_residues
from cmir.proof.values.field import P
from cmir.proof.values.interpretation import Interpretation
from cmir.proof.values.residues import NoInterpretationError, Residues
from cmir.proof.values.workload import inferences_of
from cmir.simulator.simulator import Simulator
from cmir.support.diagnostics import CompileError
from cmir.timing.network import unit_actors
from cmir.timing.recurrence import DeadlockError

ROUNDS = 8
"""Default number of interpretations of a proof."""


@dataclass(frozen=True)
class ValuesVerdict:
    """Verdict of the proof of values.

    rounds: number of interpretations under which network and source agree. chance: probability that different ones
    agree under one interpretation. uncovered: the reason if nothing was proved; None otherwise.
    """

    rounds: int
    chance: Chance = ZERO
    uncovered: str | None = None

    @property
    def bits(self) -> int:
        """Different values are found equal with a probability below 2 to the power of minus this."""
        return int(self.rounds * -log2(max(1, self.chance.total) / P))

    def __str__(self) -> str:
        if self.uncovered is not None:
            return f"values not checked: {self.uncovered}"
        many = f"{self.rounds} random interpretation{'s' if self.rounds != 1 else ''}"
        bound = f"error below 2^-{self.bits}" if self.bits > 0 else "error not bounded"
        return f"values equal over {many} ({bound})"


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
    except NoInterpretationError as error:
        return ValuesVerdict(0, uncovered=f"{error} is not covered")
    except DeadlockError as deadlock:
        raise CompileError(network.op, deadlock.message) from None
    return ValuesVerdict(rounds, comparison.chance)


class _Comparison:
    """A network and its source. chance: the largest so far, see `Chance`."""

    def __init__(self, function: FuncOp, simulator: Simulator):
        self.network, self.function, self.simulator = simulator.network, function, simulator
        self.inferences = inferences_of(self.network.op)
        _ = simulator.memory_plan  # shared by all interpretations
        self.chance, self.known = Chance(), KnownChances()

    def run(self, number: int, world: Interpretation) -> None:
        """Compare all outputs of all inferences under an interpretation. Raises CompileError if one differs."""
        arrays = self.network.arrays
        inputs = [
            {
                name: world.array(f"input {index} of inference {n}", arrays[name].shape)
                for index, name in enumerate(self.network.inputs)
            }
            for n in range(self.inferences)
        ]
        numbers = FieldNumbers(world, self.known)
        report = self.simulator.over(numbers).run(inputs)
        assert report.outputs is not None
        chances = [Chance.of_any(numbers.chances[name] for name in self.network.outputs)]
        for n, (given, found) in enumerate(zip(inputs, report.outputs, strict=True)):
            arguments = self.function.body.block.args
            values = [
                Residues(world, array, dtype_of(argument))
                for array, argument in zip(given.values(), arguments, strict=True)
            ]
            for name, expected in zip(
                self.network.outputs, evaluate_residues(self.function, values, world), strict=True
            ):
                chances.append(expected.chance)
                self._compare(name, expected.values, found[name], n, number)
        self.chance = Chance.of_any((self.chance, *chances))

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
    for what, names, values in (
        ("input", network.inputs, block.args),
        ("output", network.outputs, block.last_op.operands),
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
