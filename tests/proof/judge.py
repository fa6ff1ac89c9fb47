"""Verdicts on mutants: what the proofs say, and whether they are right to.

The reference machine shows what is wrong. It sees only what some schedule does, so a refusal that it cannot confirm may
be due to a wait that is too long, or to a fault that the rest of the network makes harmless. These are confirmed by
enumeration of each pair of neighbours (brute_force.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from proof.brute_force import Enumeration, Wrong
from proof.random_cases import Case
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from cmir.context import make_context
from cmir.dialects.cmcore import CrossbarOp, IterationOp, NetworkOp
from cmir.dialects.polyhedral import symbol
from cmir.passes.cmcore_verify_control import CmcoreVerifyControlPass
from cmir.reference import Finding, ProgramFault, ReferenceMachine
from cmir.support.diagnostics import CompileError

Refusal = str | None
"""Why a proof refuses a network; None if it accepts it."""

Sample = Mapping[str, np.ndarray]

Values = Callable[[NetworkOp, Case, int], Refusal]
"""A proof of values, in a number of rounds."""

ROUNDS = 8
"""Rounds within which what is wrong must be found; to confirm what is right, one will do here."""

INFERENCES = 6
"""Inferences of a schedule: rings of the small networks repeat before that."""

SCALES = (1, 1, 1, 10, 100)
"""Sizes of random parameters: what is equal with those of the network may differ with others."""


def control_refusal(network: NetworkOp) -> Refusal:
    """Return the message of `cmcore-verify-control`, or None."""
    module = ModuleOp([network])
    try:
        CmcoreVerifyControlPass().apply(make_context(), module)
    except CompileError as error:
        return error.message
    finally:
        network.detach()
    return None


def values_refusal(network: NetworkOp, case: Case, rounds: int) -> Refusal:
    """Return the message of the proof of values against the function that the case was compiled from, or None."""
    assert case.source is not None
    comparison = import_module("cmir.proof.values.comparison")
    try:
        comparison.prove_values(network, case.source, rounds)
    except CompileError as error:
        return error.message
    return None


def values_proof() -> Values | None:
    """The proof of values, if there is one."""
    found = find_spec("cmir.proof") is not None and find_spec("cmir.proof.values") is not None
    return values_refusal if found else None


@dataclass
class Verdict:
    """A judgement of a mutant. `failure` is what a proof got wrong, None if nothing.

    name: a few words, for counts. detail: messages of whoever refused it.
    """

    name: str
    failure: str | None = None
    detail: list[str] = field(default_factory=list)


class Judge:
    """Judges mutants of one network.

    schedules: how many of them an accepted mutant must survive. control, values: the proofs.
    """

    def __init__(
        self,
        case: Case,
        schedules: int = 10,
        control: Callable[[NetworkOp], Refusal] = control_refusal,
        values: Values | None = None,
    ):
        self.case, self.schedules, self.control = case, schedules, control
        self.values = values if case.source is not None else None
        shapes = {
            symbol(ref): case.network.arrays[symbol(ref)].shape for ref in case.network.inputs
        }
        self.samples = [_random(shapes, number) for number in range(INFERENCES)]
        self.expected = self._outputs(case.network, case.parameters)

    def _outputs(self, network: NetworkOp, parameters: Sample) -> list[dict[str, np.ndarray]]:
        machine = ReferenceMachine(network, INFERENCES, parameters)
        return machine.run(machine.schedules(1)[0], self.samples)

    def verdict(self, network: NetworkOp) -> Verdict:
        """Judge a mutant."""
        try:
            network.verify()
        except VerifyException as error:
            return Verdict("no program", detail=[str(error)])
        if not _defined(network, set()):
            return Verdict("no program", detail=["a value is used before it is defined"])
        refusal = self.control(network)
        if refusal is not None:
            return self._refused(network, refusal)
        if (shown := self._shown(network, self.schedules)) is not None:
            return Verdict("wrong", "accepted by control though wrong", [shown])
        return self._accepted(network)

    def _refused(self, network: NetworkOp, refusal: str) -> Verdict:
        if (shown := self._shown(network, 4)) is not None:
            return Verdict("refused, shown wrong", detail=[refusal, shown])
        if (wrong := pairwise(network)) is not None:
            return Verdict("refused, a pair is wrong", detail=[refusal, wrong])
        return Verdict("right", "refused by control though right", [refusal])

    def _shown(self, network: NetworkOp, schedules: int) -> Refusal:
        """Return the first finding of the machine, or None."""
        try:
            machine = ReferenceMachine(network, INFERENCES)
            for schedule in machine.schedules(schedules):
                machine.run(schedule)
        except ProgramFault as fault:
            return str(fault)
        except Finding as finding:
            return f"{schedule.name}: {finding}"  # pyright: ignore[reportPossiblyUnboundVariable]
        return None

    def _accepted(self, network: NetworkOp) -> Verdict:
        equal = _equal(self._outputs(network, self.case.parameters), self.expected)
        if self.values is None:
            return Verdict("right" if equal else "wrong values, not judged")
        refusal = self.values(network, self.case, 1 if equal else ROUNDS)
        if refusal is None:
            return (
                Verdict("right") if equal else Verdict("wrong", "accepted by values though wrong")
            )
        if _computation(network) == _computation(self.case.network):
            return Verdict("right", "refused by values though right", [refusal])
        if equal and self._equal_with_others(network):
            return Verdict("refused by values, equal in numbers", detail=[refusal])
        return Verdict("refused by values", detail=[refusal])

    def _equal_with_others(self, network: NetworkOp) -> bool:
        """True if outputs are the same with other parameters, too."""
        shapes = {name: value.shape for name, value in self.case.parameters.items()}
        for number, scale in enumerate(SCALES):
            parameters = {name: scale * x for name, x in _random(shapes, 100 + number).items()}
            both = (self._outputs(n, parameters) for n in (network, self.case.network))
            if not _equal(*both):
                return False
        return True


def _defined(op: Operation, before: set[SSAValue]) -> bool:
    """True if all values inside `op` are used after their definitions, which xDSL does not verify."""
    for block in (block for region in op.regions for block in region.blocks):
        known = before | set(block.args)
        for inner in block.ops:
            if not known.issuperset(inner.operands) or not _defined(inner, known):
                return False
            known |= set(inner.results)
    return True


def _random(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.standard_normal(shape, np.float32) for name, shape in shapes.items()}


def _equal(one: Sequence[Sample], other: Sequence[Sample]) -> bool:
    return all(
        np.allclose(new[name], old[name], rtol=1e-4, atol=1e-6)
        for new, old in zip(one, other, strict=True)
        for name in old
    )


def _computation(network: NetworkOp) -> list[str]:
    """The matrices and bodies of all programs as text, which leaves out order and buffers."""
    return [
        str(op)
        for program in network.programs.values()
        for op in program.body.block.ops
        if isinstance(op, CrossbarOp | IterationOp)
    ]


def pairwise(network: NetworkOp) -> Refusal:
    """Return what enumeration finds wrong with a pair of neighbours, or with the network as a whole; or None."""
    try:
        Enumeration(network).check()
    except Wrong as wrong:
        return str(wrong)
    return None
