"""Simulate the control units of networks as circuits, and compare every start with the timing model.

    python benchmarks/circuits.py [--simulator icarus|verilator] [--quick] [NETWORK …]

Prints a line for each network: its units, the cycles of four inferences, and how many starts were compared. NETWORK is
an ONNX file or IR; by default, examples/digits in several forms, two convolutions of 224×224, and ResNet-20.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zoo

import cmir

DIGITS = Path(__file__).parents[1] / "examples" / "digits" / "digits.onnx"

INFERENCES = 4

Case = tuple[str, Any, dict[str, Any]]
"""A name, what to compile, and options."""


def cases(quick: bool) -> Iterator[Case]:
    yield "digits", DIGITS, {}
    yield "digits, rings", DIGITS, {"storage": "live"}
    yield "digits, puma", DIGITS, {"hardware": "puma"}
    if quick:
        return
    for copies in "columns", "rows", "bands", "runs", "turns":
        yield f"digits, {copies}", DIGITS, {"replicate": copies, "hardware": "pimcomp-evaluator"}
    yield "pair of 224×224, rings", zoo.build("chain:2,1,224"), {"storage": "live"}
    resnet = zoo.build("resnet20")
    yield "ResNet-20, rings", resnet, {"storage": "live"}
    yield "ResNet-20, hermes", resnet, {"hardware": "hermes"}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--simulator", choices=("icarus", "verilator"))
    parser.add_argument("--quick", action="store_true", help="only examples/digits")
    parser.add_argument("networks", nargs="*", type=Path, metavar="NETWORK")
    options = parser.parse_args()
    failed = 0
    given: list[Case] = [(path.name, path, {}) for path in options.networks]
    for name, source, settings in given or cases(options.quick):
        network = cmir.compile(source, progress=False, **settings)
        begun = time.perf_counter()
        verdict = network.simulate_control(INFERENCES, options.simulator)
        seconds = time.perf_counter() - begun
        failed += not verdict
        print(f"{name:<24} {seconds:6.1f} s  {verdict}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
