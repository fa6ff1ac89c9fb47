"""cmcore-verify-control: prove the generated control logic."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context

from cmir.dialects.cmcore import NetworkOp
from cmir.passes.base import NetworkPass
from cmir.proof.control import MOST_POINTS, prove_control
from cmir.support.diagnostics import emit_remark
from cmir.support.statistics import tally


@dataclass(frozen=True)
class CmcoreVerifyControlPass(NetworkPass):
    """Prove that control units start each iteration exactly when its loads and stores allow it, for endless streams.

    The pass evaluates loops and automata from reset, iteration by iteration, and compares them with the requirements of
    loads, stores and storage maps. It proves four properties:

    - safe: no iteration starts before its data has arrived, or overwrites data that is still to be read;
    - tight: no iteration waits for more than that;
    - live: every iteration is released, and the network does not deadlock;
    - well-formed: every access is inside its array, every element that is read has a slot, and each element is
      stored once.

    The pass changes nothing. If a property fails, it reports a counterexample of concrete iterations and elements.

    It proves networks with more than `most-points` points symbolically, which a remark reports.
    """

    name = "cmcore-verify-control"

    most_points: int = MOST_POINTS
    """Number of points above which the proof is symbolic."""

    def apply_to(self, ctx: Context, network: NetworkOp) -> None:
        verdict = prove_control(network, self.most_points)
        tally("networks proved")
        if verdict.points is not None:
            tally("points compared", verdict.points)
        if verdict.points is None:
            emit_remark(network, str(verdict))
