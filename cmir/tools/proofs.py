"""The proofs of cm-run --verify."""

from __future__ import annotations

from collections.abc import Callable

from cmir.elaboration.network import ElaboratedNetwork
from cmir.proof import control
from cmir.proof.values import comparison
from cmir.proof.values.source import find_source
from cmir.tools.model import Model


def verify_network(
    model: Model, network: ElaboratedNetwork, progress: Callable[[str], None] | None = None
) -> str:
    """Prove control and values of the network of a model, and say what is proved.

    Raises CompileError if one of them is wrong.
    """
    show = progress or (lambda _: None)
    show("cmcore-verify-control")
    verdict = control.prove_control(network.op)
    source = find_source(model.context, model.module, network.op)
    if source is None:
        return f"{verdict}; values not checked: the nn IR of the network is not known"
    show("cmcore-verify-values")
    return f"{verdict}; {comparison.prove_values(network.op, source, elaborated=network)}"
