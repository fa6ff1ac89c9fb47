"""cmcore-verify-control: prove the generated control logic."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context

from cmir.dialects.cmcore import NetworkOp
from cmir.passes.base import NetworkPass
from cmir.proof.control import MOST_POINTS, prove_control
from cmir.support.diagnostics import emit_remark


@dataclass(frozen=True)
class CmcoreVerifyControlPass(NetworkPass):
    """Prove that control units start each iteration exactly when its loads and stores allow it, for endless streams.

    The pass evaluates loops and automata from reset, iteration by iteration, and compares them with what loads, stores
    and storage maps demand. The proof shows that the network is safe: no iteration starts before its data has arrived,
    or overwrites data still to be read; tight: none waits for more than that; live: each is released, and the network
    does not deadlock; and well-formed: every access is inside its array, every element that is read has a slot, and
    each element is stored once. The pass changes nothing. It refuses with a counterexample of concrete iterations and
    elements.

    Networks with more than `most-points` points are proved symbolically, which a remark reports.
    """

    name = "cmcore-verify-control"

    most_points: int = MOST_POINTS

    def apply_to(self, ctx: Context, network: NetworkOp) -> None:
        verdict = prove_control(network, self.most_points)
        if verdict.points is None:
            emit_remark(network, str(verdict))
