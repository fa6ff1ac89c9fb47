"""The campaign of mutants: the judge tells right proofs from wrong ones, and some mutants are judged.

All of them: `make mutants`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from networks import Builder
from proof.edits import edits
from proof.judge import Judge, Refusal, Verdict
from proof.mutants import Mutant, mutants
from proof.mutation_campaign import Campaign
from proof.networks_to_prove import RINGS, lower
from proof.random_cases import Case
from xdsl.dialects.func import FuncOp

from cmir.dialects.cmcore import NetworkOp
from cmir.support.parameters import Parameters


@cache
def case() -> Case:
    """Two convolutions without biases that matter, and parameters for them."""
    net = Builder(1, 6)
    network = lower(net, net.conv(net.conv("x", 1, 3), 1, 2), passes=RINGS)
    values = {name: net.random.standard_normal(shape) for name, shape in (("w0", 3), ("w2", 2))}
    parameters = {name: x.astype("float32").reshape(1, 1, -1) for name, x in values.items()}
    return Case(network, Parameters(parameters), [], set(), FuncOp("main", ((), ())))


def accept(*_: object) -> Refusal:
    return None


def refuse(*_: object) -> Refusal:
    return "refused"


def mutant(kind: str, detail: str = "") -> NetworkOp:
    """The first mutant of a kind."""
    network = case().network
    found: list[Mutant] = [*mutants(network), *edits(network)]
    return next(m for m in found if m.kind == kind and detail in m.detail).of(network)


@pytest.mark.parametrize(
    "kind",
    [
        "drop a step without `at`",
        "change `ahead`",
        "repeat a store",
        "delete a core",
        "double a core",
        "wait for nothing",
        "keep what is given otherwise",
    ],
)
def test_wrong_control(kind: str) -> None:
    verdict = Judge(case(), control=accept).verdict(mutant(kind))
    assert (verdict.name, verdict.failure) == ("wrong", "accepted by control though wrong")
    verdict = Judge(case(), control=refuse).verdict(mutant(kind))
    assert (verdict.name, verdict.failure) == ("refused, shown wrong", None)


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("move a core", ""),
        ("repeat a load", ""),
        ("repeat a step without `at`", ""),
        ("keep what is given otherwise", "reversed"),
    ],
)
def test_right_control(kind: str, detail: str) -> None:
    assert Judge(case(), control=accept).verdict(mutant(kind, detail)) == Verdict("right")
    verdict = Judge(case(), control=refuse).verdict(mutant(kind, detail))
    assert (verdict.name, verdict.failure) == ("right", "refused by control though right")


def test_waits_that_are_too_long() -> None:
    """No schedule shows them: it is a pair of neighbours that is wrong."""
    later = mutant("enlarge a shape")
    assert Judge(case(), control=accept).verdict(later) == Verdict("right")
    full = mutant("drop the storage")
    assert Judge(case(), control=refuse).verdict(full).name == "refused, a pair is wrong"


def test_values() -> None:
    wrong, right = mutant("reverse a cells relation", "axis 1"), case().network
    believing = Judge(case(), control=accept, values=accept)
    assert believing.verdict(wrong).failure == "accepted by values though wrong"
    assert believing.verdict(right).failure is None
    doubting = Judge(case(), control=accept, values=refuse)
    assert doubting.verdict(wrong).name == "refused by values"
    assert doubting.verdict(right).failure == "refused by values though right"


def test_no_program() -> None:
    assert Judge(case()).verdict(mutant("mark a program `gcu`")).name == "no program"


def test_campaign(tmp_path: Path) -> None:
    campaign = Campaign(3, tmp_path, 6)
    number = 0
    while campaign.judged < 120:
        campaign.run(number, 20)
        number += 1
    assert campaign.failures == 0, [path.read_text()[:1000] for path in tmp_path.iterdir()]
    names = {name for counts in campaign.verdicts.values() for name in counts}
    assert {"right", "refused, shown wrong", "refused, a pair is wrong", "no program"} <= names
