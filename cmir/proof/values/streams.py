"""Streams of inferences of a source over the field, with its state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.carried import carried_pairs, input_arguments, output_indices
from cmir.elaboration.network import ElaboratedNetwork
from cmir.proof.values.evaluation import Recurrences, evaluate_residues
from cmir.proof.values.interpretation import Interpretation
from cmir.proof.values.residues import Residues

State = Mapping[SSAValue, Residues]
"""The values of the carried arguments of a function."""


def random_inputs(
    network: ElaboratedNetwork, world: Interpretation, count: int
) -> list[dict[str, np.ndarray]]:
    """Return random inputs for so many inferences."""
    return [
        {
            name: world.array(f"input {index} of inference {n}", network.arrays[name].shape)
            for index, name in enumerate(network.inputs)
        }
        for n in range(count)
    ]


def run_source(
    function: FuncOp,
    inputs: Sequence[Mapping[str, np.ndarray]],
    state: State,
    world: Interpretation,
    recurrences: Recurrences | None = None,
) -> Iterator[tuple[Sequence[Residues], State]]:
    """Yield the outputs of each inference of a stream, and the state after it. state: at its beginning."""
    arguments, pairs = input_arguments(function), carried_pairs(function)
    for given in inputs:
        values = dict(state)
        for argument, array in zip(arguments, given.values(), strict=True):
            values[argument] = Residues(world, array, dtype_of(argument))
        ordered = [values[argument] for argument in function.body.block.args]
        results = evaluate_residues(function, ordered, world, recurrences)
        state = {pair.argument: results[pair.result] for pair in pairs}
        yield [results[index] for index in output_indices(function)], state
