"""The complete proofs of a compiled network: of control, and of values."""

from __future__ import annotations

from collections.abc import Callable

from cmir.compilation.model import Model
from cmir.dialects.cmcore import NetworkOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.proof import control
from cmir.proof.values import comparison
from cmir.proof.values.source import find_source


def verify_network(
    model: Model, network: NetworkOp, progress: Callable[[str], None] | None = None
) -> tuple[str, ElaboratedNetwork]:
    """Prove control and values of the network of a model. Return the verdicts and the elaborated network.

    Raises CompileError if a proof fails.
    """
    show = progress or (lambda _: None)
    show("cmcore-verify-control")
    verdict = str(control.prove_control(network))
    elaborated = ElaboratedNetwork(network)
    source = find_source(model.context, model.module, network)
    if source is None:
        text = f"{verdict}; values not checked: the nn IR of the network is not known"
        return text, elaborated
    show("cmcore-verify-values")
    values = comparison.prove_values(elaborated, source)
    return f"{verdict}; {values}", elaborated
