"""Networks whose iterations run in turns: as right as those without, in control, values and time (Theorem 10).

Turns say which core runs which iteration, and nothing else. So any network can be divided into any turns, with the text
that it has. The reference machine runs the copies literally.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, islice
from typing import Any

import pytest
from proof.brute_force import Core, Enumeration
from proof.edits_of_turns import edits_of_turns, run_in_turns
from proof.judge import Judge, control_refusal, pairwise, values_refusal
from proof.mutants import NoMutantError
from proof.networks_to_prove import NETWORKS, in_turns, shared_slots
from proof.random_cases import Case, draw_case
from unit_times import literal_starts

from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.core_name import CoreName
from cmir.elaboration.network import ElaboratedNetwork
from cmir.isl import IslError
from cmir.reference import Finding, ReferenceMachine
from cmir.reference.state import InTurn
from cmir.support.diagnostics import CompileError
from cmir.timing.network import unit_actors
from cmir.timing.recurrence import Recurrence

INFERENCES = 4


def divided(network: NetworkOp, rng: random.Random, most: int = 4) -> NetworkOp:
    """The network with random turns, at most `most` of each program, in place of those that it has."""
    network = network.clone()
    enumeration = Enumeration(network)
    for name in sorted({core.program for core in enumeration.turns}):
        cores = [core for core in enumeration.cores.values() if core.program == name]
        run_in_turns(network, name, rng.randint(1, min(most, *(core.count for core in cores))))
    network.verify()
    return network


def run_under(machine: ReferenceMachine, schedules: int) -> None:
    for schedule in machine.schedules(schedules):
        machine.run(schedule)


def right(network: NetworkOp) -> None:
    """Control is accepted, is right under all delays, and starts iterations when the recurrence says."""
    assert control_refusal(network) is None
    assert pairwise(network) is None
    run_under(ReferenceMachine(network, INFERENCES), 6)
    report = Recurrence(unit_actors(ElaboratedNetwork(network)), INFERENCES).run()
    starts = {str(core.name): core.start.reshape(-1).tolist() for core in report.cores}
    assert starts == literal_starts(network, INFERENCES)


@pytest.mark.parametrize(
    "build", [b for b in NETWORKS if b is not shared_slots], ids=lambda build: build.__name__
)
def test_any_network_runs_in_any_turns(build: Callable[[], NetworkOp]) -> None:
    network, rng = build(), random.Random(build.__name__)
    right(network)
    for _ in range(3):
        right(divided(network, rng))


def test_slots_that_writers_share_need_one_reader() -> None:
    """What one copy reads does not order what comes into the buffer of another."""
    network = shared_slots()
    reader = next(name for name in network.programs if network.programs[name].buffers[0].storage)
    for name in network.programs:
        other = network.clone()
        run_in_turns(other, name, 2)
        if name != reader:
            right(other)
            continue
        assert "what one copy reads does not order" in (control_refusal(other) or "")
        assert "does not order" in (pairwise(other) or "")


def test_messages_that_are_taken_as_they_come_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies are one neighbour because receivers take what they send in turn, see (M6)."""

    def take(self: InTurn, stamp: int, message: list[Any]) -> Iterator[tuple[int, list[Any]]]:
        yield stamp, message

    machine = ReferenceMachine(in_turns(), INFERENCES)
    run_under(machine, 30)
    monkeypatch.setattr(InTurn, "take", take)
    with pytest.raises(Finding):
        run_under(machine, 30)


def drawn(kind: str) -> Iterator[Case]:
    """Random networks whose compiler did not refuse them, and whose control is right."""
    for number in count():
        try:
            case = draw_case(random.Random(f"turns/{number}"), kind)
        except (CompileError, IslError):
            continue
        if control_refusal(case.network) is None:
            yield case


@pytest.mark.parametrize("kind", ["convolutions", "relations", "state", "scan"])
def test_random_networks_in_turns(kind: str) -> None:
    """Those that compile into turns, or are divided afterwards. Results are those of the undivided network."""
    turned = 0
    for number, case in enumerate(islice(drawn(kind), 12)):
        network = divided(case.network, random.Random(number))
        if (refusal := control_refusal(network)) is not None:
            assert "does not order" in refusal and "does not order" in (pairwise(network) or "")
            continue
        right(network)
        verdict = Judge(case, 4, values=values_refusal).verdict(network)
        assert verdict.name == "right", verdict
        turned += 1
    assert turned > 6


@pytest.mark.parametrize("kind", ["convolutions", "state"])
def test_mutants_of_turns(kind: str) -> None:
    """Each is refused, or right because every iteration runs on one core of the same program."""
    verdicts: Counter[str] = Counter()
    for number, case in enumerate(islice(drawn(kind), 4)):
        network = divided(case.network, random.Random(number))
        if control_refusal(network) is not None:
            continue
        case = replace(case, network=network)
        judge = Judge(case, 2, values=values_refusal)
        for mutant in edits_of_turns(network):
            try:
                mutated = mutant.of(network)
            except NoMutantError:  # no text has such a turn
                continue
            verdict = judge.verdict(mutated)
            assert verdict.failure is None, (mutant, verdict)
            complete = covers(mutated)
            assert (verdict.name == "right") == complete or "order" in str(verdict.detail), mutant
            verdicts[verdict.name] += 1
    assert min(verdicts[name] for name in ("right", "no program", "refused, shown wrong")) > 3


def covers(network: NetworkOp) -> bool:
    """Whether the copies of each core together run each of its iterations once, and none of them nothing."""
    runs: dict[CoreName, list[tuple[int, int]]] = defaultdict(list)
    for core in network.cores:
        for instance in core.instances:
            runs[instance.core_name.undivided].append(instance.turn or (0, 1))
        if len({instance.core_name.undivided for instance in core.instances}) < len(core.instances):
            return False
    counts: dict[str, set[int]] = defaultdict(set)
    for name, turns in runs.items():
        counts[name.program].update(of for _, of in turns)
        iterations = Core(network.programs[name.program], name.coordinates).count
        ran = [i for turn, of in turns for i in range(turn, iterations, of)]
        if sorted(ran) != list(range(iterations)):
            return False
        if len(turns) != turns[0][1] or iterations < len(
            turns
        ):  # a copy is missing, or has nothing to do
            return False
    return all(len(of) == 1 for of in counts.values())
