"""Hostile inputs for the tools, as many as there is time for.

    make fuzz FUZZ_SECONDS=3600

runs cases of all kinds in turn, each in a process with limits of memory and time, prints what became of them, writes
those that went wrong to build/hostile, and fails if there are any. Case k of a kind is the same in every run with the
same seed: `--kind ir-tokens --case 17` runs one again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hostile.cases import KINDS, warm_up
from hostile.sandbox import OUTCOMES, Limits, Outcome, run_case

FINE = ("accepted", "refused")
"""Outcomes that hostile inputs may have."""


class Campaign:
    """Runs cases, counts what becomes of them, and keeps those that went wrong.

    folder: for the inputs and messages of these.
    """

    def __init__(self, seed: int, folder: Path, limits: Limits):
        self.seed, self.folder, self.limits = seed, folder, limits
        self.outcomes: dict[str, Counter[str]] = defaultdict(Counter)
        self.faults: list[tuple[str, int, Outcome]] = []

    def run(self, kind: str, number: int) -> Outcome:
        """Run one case."""
        with TemporaryDirectory(prefix="hostile-") as name:
            folder = Path(name)
            case = KINDS[kind](folder, Random(f"{self.seed}/{kind}/{number}"))
            outcome = run_case(case, self.limits, folder)
            left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
            if left and outcome.kind in FINE:
                outcome = Outcome("unclean", f"{outcome.message}\nleft behind: {', '.join(left)}")
            self.outcomes[kind][outcome.kind] += 1
            if outcome.kind not in FINE:
                self.faults.append((kind, number, outcome))
                shutil.copytree(folder, self.folder / f"{kind}-{number}", dirs_exist_ok=True)
        return outcome

    def run_for(self, kinds: Sequence[str], seconds: float) -> None:
        """Run cases of these kinds in turn until the time is over."""
        end = time.monotonic() + seconds
        for kind, number in _cases(kinds):
            if time.monotonic() >= end:
                return
            self.run(kind, number)

    def table(self) -> Iterator[str]:
        """Yield the lines of a table of outcomes by kind."""
        yield f"{'kind':<14}" + "".join(f"{name:>10}" for name in ("cases", *OUTCOMES))
        for kind, counts in self.outcomes.items():
            numbers = [counts.total(), *(counts[name] for name in OUTCOMES)]
            yield f"{kind:<14}" + "".join(f"{number:>10}" for number in numbers)


def _cases(kinds: Sequence[str]) -> Iterator[tuple[str, int]]:
    for number in count():
        for kind in kinds:
            yield kind, number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="fuzz", description="Hostile inputs for the tools.")
    parser.add_argument("--seconds", type=float, default=120, help="time for cases (default: 120)")
    parser.add_argument("--seed", type=int, default=0, help="(default: 0)")
    parser.add_argument("--kind", choices=[*KINDS], help="cases of one kind only")
    parser.add_argument("--case", type=int, help="one case of that kind only")
    parser.add_argument("--folder", type=Path, default=Path("build/hostile"))
    options = parser.parse_args(arguments)
    warm_up()
    campaign = Campaign(options.seed, options.folder, Limits())
    kinds = [options.kind] if options.kind else [*KINDS]
    if options.case is not None:
        for kind in kinds:
            print(
                f"{kind}: {(outcome := campaign.run(kind, options.case)).kind}\n{outcome.message}"
            )
    else:
        campaign.run_for(kinds, options.seconds)
    for line in campaign.table():
        print(line)
    for kind, number, outcome in campaign.faults:
        last = (outcome.message.strip().splitlines() or [""])[-1]
        print(f"{kind}-{number}: {outcome.kind}: {last[:300]!a}")
    return 1 if campaign.faults else 0


if __name__ == "__main__":
    sys.exit(main())
