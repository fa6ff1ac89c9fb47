"""What cm-run --verify proves."""

from __future__ import annotations

from collections.abc import Callable

from cmir.dialects.cmcore import NetworkOp
from cmir.passes.cmcore_verify_control import CmcoreVerifyControlPass
from cmir.proof.values.comparison import prove
from cmir.proof.values.source import find_source
from cmir.tools.model import Model


def verify_network(
    model: Model, network: NetworkOp, progress: Callable[[str], None] | None = None
) -> str:
    """Prove control and values of the network of a model, and say what is proved.

    Raises CompileError if one of them is wrong.
    """
    show = progress or (lambda _: None)
    show(CmcoreVerifyControlPass.name)
    CmcoreVerifyControlPass().apply(model.context, model.module)
    control = "control proved for endless streams"
    source = find_source(model.context, model.module, network)
    if source is None:
        return f"{control}; values not checked: the nn IR of the network is not known"
    show("cmcore-verify-values")
    return f"{control}; {prove(network, source)}"
