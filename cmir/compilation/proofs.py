"""The complete proofs of a compiled network: of control, and of values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from cmir.compilation.model import Model
from cmir.dialects.cmcore import NetworkOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.proof import control
from cmir.proof.values import comparison
from cmir.proof.values.source import find_source
from cmir.support.diagnostics import CompileError


@dataclass(frozen=True)
class ProofVerdict:
    """The verdict of both proofs. Control is proved; true if values are, too. values: None if the source is unknown."""

    control: str
    values: comparison.ValuesVerdict | None

    def __bool__(self) -> bool:
        return self.values is not None and self.values.uncovered is None

    def __str__(self) -> str:
        values = self.values or (
            "values not proved: the nn IR that the network was compiled from is not known;"
            " give --check-against NET.mlir"
        )
        return f"{self.control}; {values}"


def verify_network(
    model: Model,
    network: NetworkOp,
    progress: Callable[[str], None] | None = None,
    sources: Sequence[FuncOp] = (),
) -> tuple[ProofVerdict, ElaboratedNetwork]:
    """Prove control and values of the network of a model. Return the verdicts and the elaborated network.

    sources: forms of the function that the network must compute; one that it is proved equal to suffices. By default,
    the function that `find_source` finds. Raises CompileError if a proof fails.
    """
    show = progress or (lambda _: None)
    show("cmcore-verify-control")
    verdict = str(control.prove_control(network))
    elaborated = ElaboratedNetwork(network)
    if not sources:
        found = find_source(model.context, model.module, network)
        sources = () if found is None else (found,)
    show("cmcore-verify-values")
    return ProofVerdict(verdict, _prove_values(elaborated, sources)), elaborated


def _prove_values(
    network: ElaboratedNetwork, sources: Sequence[FuncOp]
) -> comparison.ValuesVerdict | None:
    """Return the verdict on the first source that the network is equal to. Raises the error about the first one."""
    first: CompileError | None = None
    for source in sources:
        try:
            return comparison.prove_values(network, source)
        except CompileError as error:
            first = first or error
    if first is not None:
        raise first
    return None
