"""Hostile inputs: a few drawn ones of each kind, the runner itself, and what it has found."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hostile import mutations, seeds
from hostile.cases import KINDS
from hostile.fuzz import Campaign
from hostile.sandbox import Limits, run_case

CASES = 4
"""Cases of each kind that are run here; `make fuzz` goes on from there."""


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_inputs_end_well(kind: str, tmp_path: Path):
    campaign = Campaign(0, tmp_path, Limits())
    for number in range(CASES):
        campaign.run(kind, number)
    assert campaign.outcomes[kind].total() == CASES
    assert not campaign.faults, "\n".join(campaign.table())


@pytest.mark.parametrize("kind", KINDS)
def test_cases_are_the_same_in_each_run(kind: str, tmp_path: Path):
    inputs: list[dict[str, bytes]] = []
    for name in "ab":
        (folder := tmp_path / name).mkdir()
        KINDS[kind](folder, Random("5"))
        inputs.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert inputs[0] == inputs[1] != {}


def complain(text: str, code: int) -> int:
    os.write(2, text.encode())
    return code


def fail() -> int:
    raise KeyError("oops")


def sleep() -> int:
    time.sleep(60)
    return 0


def spin() -> int:
    while True:
        pass


def allocate() -> int:
    return complain("error: too large\n", 1) if not bytearray(1 << 40) else 0


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        (lambda: 0, "accepted"),
        (lambda: complain("a: error: no\n", 1), "refused"),
        (lambda: complain("tool: internal error in tool\n", 70), "internal"),
        (fail, "internal"),
        (allocate, "internal"),
        (lambda: complain("a: error: there is not enough memory\n", 1), "memory"),
        (lambda: complain("check failed: 1 is not 2\n", 3), "wrong"),
        (sleep, "hang"),
        (spin, "hang"),
        (os.abort, "crash"),
        (lambda: 1, "unclean"),
        (lambda: complain("error: \x1b[31m\n", 1), "unclean"),
        (lambda: complain("error: \u202e\n", 1), "unclean"),
    ],
)
def test_outcomes(case: Callable[[], int], kind: str, tmp_path: Path):
    outcome = run_case(case, Limits(seconds=1 if kind == "hang" else 20), tmp_path)
    assert outcome.kind == kind


def test_mutants_are_others():
    """Most mutants differ from what they were made from."""
    draw = Random(0)
    texts = seeds.ir_texts()
    assert sum(mutations.mutate_text(text, texts, draw) != text for text in texts) > len(texts) / 2
    model = seeds.layered_model()
    assert sum(mutations.mutate_model(model, draw) != model for _ in range(50)) > 25
    data = model.SerializeToString()
    assert sum(mutations.mutate_bytes(data, draw) != data for _ in range(50)) > 25
    assert "".join(mutations.TOKEN.findall("".join(texts))) == "".join(texts)
