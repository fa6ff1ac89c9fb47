"""The occupancy of buffers that are read across inferences."""

from __future__ import annotations

import numpy as np
from networks import run_passes

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.description import Hardware
from cmir.report.occupancy import occupancies
from cmir.support.parsing import parse_module
from cmir.timing.network import TimedNetwork

PASSES = "polyhedral-derive-dependences,polyhedral-generate-loops,convert-polyhedral-to-cmcore"

WINDOW = """
polyhedral.pipeline @main (@x) -> (@y) {
  polyhedral.array @x : tensor<1xf32>
  polyhedral.array @k0 parameter dense<0.0> : tensor<3x1xf32>
  polyhedral.array @k : tensor<1xf32> initial @k0
  polyhedral.array @y : tensor<1xf32>
  polyhedral.stage @key (%i) domain #polyhedral.set<"{ key[i] : i = 0 }"> {
    %x = polyhedral.read @x #polyhedral.map<"{ [key[i] -> lane[0]] -> x[i] : i = 0 }"> : vector<1xf32>
    polyhedral.write %x, @k #polyhedral.map<"{ [key[i] -> lane[0]] -> k[i] : i = 0 }"> : vector<1xf32>
  }
  polyhedral.stage @last (%i) domain #polyhedral.set<"{ last[i] : i = 0 }"> {
    %w = polyhedral.read @k #polyhedral.map<"{ [last[i] -> lane[t]] -> k[m = t - 3, i] : i = 0 and 0 <= t < 4 }"> across : vector<4xf32>
    %y = cmcore.reduce add %w along [0] : vector<4xf32> -> vector<f32>
    %z = vector.broadcast %y : vector<f32> to vector<1xf32>
    polyhedral.write %z, @y #polyhedral.map<"{ [last[i] -> lane[0]] -> y[i] : i = 0 }"> : vector<1xf32>
  }
}
"""  # noqa: E501


def test_elements_stay_until_a_later_inference_reads_them() -> None:
    """A window of four: from the fourth inference on, four elements are there whenever it is read."""
    module = parse_module(WINDOW, make_context())
    run_passes(module, PASSES, make_context())
    (network,) = module.body.block.ops
    assert isinstance(network, NetworkOp)
    timed = TimedNetwork.of(network, Hardware.load("ideal"))
    report = timed.time(9)
    (found,) = occupancies(timed, report)
    reader = next(core for core in report.cores if core.name.program == "last")
    live = [
        int(found.live.values[np.searchsorted(found.live.times, t, side="right") - 1])
        for t in reader.start[:, 0]
    ]
    assert live[:4] == [1, 2, 3, 4] and set(live[3:]) == {4}
    assert found.live.values[-1] == 0
