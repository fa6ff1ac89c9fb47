"""Random mutants of random networks, each judged by the proofs and by the reference machine.

    python tests/proof/mutation_campaign.py --mutants 10000 --seed 0

prints how many there were of each kind and what became of them, writes those that a proof got wrong to a folder, and
fails if there are any. `--network 17` takes mutants of that network only, all of them.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from io import StringIO
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from proof.edits import edits
from proof.judge import Judge, Verdict, control_refusal, pairwise, values_refusal
from proof.mutants import Mutant, NoMutantError, mutants
from proof.random_cases import KINDS, Case, draw_case
from xdsl.printer import Printer

from cmir.dialects.cmcore import NetworkOp
from cmir.isl import IslError
from cmir.reference import Finding
from cmir.support.diagnostics import CompileError

MUTANTS_EACH = 40
"""Mutants of one network."""

PATIENCE = 20
"""Seconds of the processor for a network to be compiled, and for a mutant to be judged."""


class Campaign:
    """Judges mutants, and counts verdicts by kind of mutant and networks by their structures.

    folder: for what a proof got wrong. schedules: that an accepted mutant must survive. only: the kind of networks.
    """

    def __init__(self, seed: int, folder: Path, schedules: int, only: str | None = None):
        self.seed, self.folder, self.schedules, self.only = seed, folder, schedules, only
        self.verdicts: dict[str, Counter[str]] = defaultdict(Counter)
        self.structures: Counter[str] = Counter()
        self.networks: Counter[str] = Counter()
        self.failures = 0
        self.judged = 0

    def run(self, number: int, most: int | None) -> None:
        """Judge mutants of one network, drawn anew for each number; at most so many."""
        rng = random.Random(f"{self.seed}/{number}")
        try:
            with patience():
                case = draw_case(rng, self.only)
        except (CompileError, IslError, TimeoutError) as error:
            slow = isinstance(error, TimeoutError)
            self.networks["not compiled in time" if slow else "refused by the compiler"] += 1
            return
        judge = self._begin(number, case)
        if judge is not None:
            self.networks["compiled"] += 1
            self.structures.update(case.structures)
            for mutant in chosen(rng, case.network, most):
                self._judge(number, case, judge, mutant)

    def _begin(self, number: int, case: Case) -> Judge | None:
        """The judge of a network's mutants; None if the network is not accepted."""
        judge, detail = None, []
        try:
            with patience():
                for problem in (control_refusal(case.network), pairwise(case.network)):
                    detail += [problem] if problem is not None else []
                judge = Judge(case, self.schedules, values=values_refusal)
                verdict = judge.verdict(case.network.clone())
        except TimeoutError:
            self.networks["not judged in time"] += 1
            return None
        except Finding as finding:
            if detail:  # rings of random sizes may be too small
                self.networks["refused by the proof, shown wrong"] += 1
                return None
            verdict = Verdict("wrong", "accepted by control though wrong", [str(finding)])
        except Exception:
            verdict = Verdict("failed", "raised", [traceback.format_exc()])
        if detail:
            verdict = Verdict("right", "refused though right", detail)
        unchanged = Mutant("no change", 0, "", lambda ops: None)
        self._note(number, case, unchanged, case.network, verdict)
        return judge if verdict.failure is None else None

    def _judge(self, number: int, case: Case, judge: Judge, mutant: Mutant) -> None:
        network = case.network
        try:
            with patience():
                network = mutant.of(case.network)
                verdict = judge.verdict(network)
        except NoMutantError:
            return
        except TimeoutError:
            verdict = Verdict("too slow", f"not judged in {PATIENCE} s")
        except Exception:
            verdict = Verdict("failed", "raised", [traceback.format_exc()])
        self._note(number, case, mutant, network, verdict)

    def _note(
        self, number: int, case: Case, mutant: Mutant, network: NetworkOp, verdict: Verdict
    ) -> None:
        self.judged += 1
        self.verdicts[mutant.kind][verdict.name] += 1
        if verdict.failure is None:
            return
        self.verdicts[mutant.kind]["FAILURES"] += 1
        self.failures += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        text = StringIO()
        Printer(text).print_op(network)
        about = [
            f"{verdict.failure}: {mutant.kind} at {mutant.at}, {mutant.detail}",
            f"network {number} of seed {self.seed}: {', '.join(case.passes)}",
            *verdict.detail,
        ]
        lines = [f"// {line}" for part in about for line in part.splitlines()]
        path = self.folder / f"{self.failures:03}-network-{number}.mlir"
        path.write_text("\n".join([*lines, "", text.getvalue(), ""]), encoding="utf-8")
        print(f"\r{path}: {about[0]}", file=sys.stderr)

    def table(self) -> str:
        """All counts, as a table."""
        names = sorted({name for counts in self.verdicts.values() for name in counts})
        total: Counter[str] = sum(self.verdicts.values(), Counter())
        width = max(map(len, [*self.verdicts, "all"]))
        rows = [f"{'':{width}}  " + "  ".join(names)]
        for kind, counts in [*sorted(self.verdicts.items()), ("all", total)]:
            cells = "  ".join(f"{counts[name]:>{len(name)}}" for name in names)
            rows.append(f"{kind:{width}}  {cells}")
        for what, counts in (("networks", self.networks), ("structures", self.structures)):
            rows.append(f"{what}: {', '.join(f'{n} {name}' for name, n in counts.most_common())}")
        return "\n".join(rows)


def chosen(rng: random.Random, network: NetworkOp, most: int | None) -> Iterator[Mutant]:
    """Mutants at random: a kind first, and then one of it, so that rare kinds are as frequent as others."""
    kinds: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in [*mutants(network), *edits(network)]:
        kinds[mutant.kind].append(mutant)
    for found in kinds.values():
        rng.shuffle(found)
    for _ in count() if most is None else range(most):
        if not (left := [kind for kind, found in kinds.items() if found]):
            return
        yield kinds[rng.choice(left)].pop()


@contextmanager
def patience() -> Generator[None]:
    """Raise TimeoutError in what takes too long."""

    def ring(*_: object) -> None:
        raise TimeoutError

    # Not seconds of the clock, which a busy machine divides.
    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--mutants", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--schedules", type=int, default=10, help="that an accepted mutant survives"
    )
    parser.add_argument("--network", type=int, help="judge all mutants of one network")
    parser.add_argument("--only", choices=KINDS, help="the kind of the networks; all by default")
    parser.add_argument("--output", type=Path, default=Path("build/mutants"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    started = time.monotonic()
    campaign = Campaign(options.seed, options.output, options.schedules, options.only)
    try:
        if options.network is not None:
            campaign.run(options.network, None)
        for number in count() if options.network is None else ():
            if (left := options.mutants - campaign.judged) <= 0:
                break
            campaign.run(number, min(MUTANTS_EACH, left))
            print(
                f"\r{campaign.judged} mutants, {campaign.failures} failures",
                end="",
                file=sys.stderr,
            )
    except KeyboardInterrupt:  # what has been counted so far is of use
        pass
    print(file=sys.stderr)
    print(campaign.table())
    print(
        f"{campaign.judged} mutants in {time.monotonic() - started:.0f} s, {campaign.failures} failures"
    )
    return 1 if campaign.failures else 0


if __name__ == "__main__":
    sys.exit(main())
