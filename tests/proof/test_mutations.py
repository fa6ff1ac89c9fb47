"""Mutants of generated control logic: the proof refuses all that are wrong, and none that is harmless.

Which ones are wrong is found by enumeration (brute_force.py), which also confirms each counterexample. All mutants of
the small networks, and of the others some of each kind: `pytest --hypothesis-profile=thorough tests/proof` takes all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from proof.brute_force import ALWAYS, INFERENCES, Core, Enumeration, Pair, Wrong
from proof.mutants import Mutant, mutants
from proof.networks_to_prove import NETWORKS
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import VerifyException

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.passes.cmcore_verify_control import CmcoreVerifyControlPass
from cmir.proof.control import MOST_POINTS
from cmir.support.diagnostics import CompileError

_MANY = 200
"""Of a network with more mutants, so many are tried."""

Point = tuple[int, ...]


def chosen(network: NetworkOp) -> Iterator[Mutant]:
    """Mutants to try: where there are many, every so-manieth of each kind, and one of each kind at least."""
    found = list(mutants(network))
    thorough = settings.default is not None and settings.default.max_examples >= 1000
    every = 1 if thorough else -(-len(found) // _MANY)
    seen: Counter[str] = Counter()
    for mutant in found:
        if seen[mutant.kind] % every == 0:
            yield mutant
        seen[mutant.kind] += 1


@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
def test_mutants(build: Callable[[], NetworkOp]) -> None:
    network = build()
    Enumeration(network).check()
    assert refusal(network) is None
    results: Counter[str] = Counter()
    for mutant in chosen(network):
        mutated = mutant.of(network)
        wrong, message = why_wrong(mutated), refusal(mutated)
        about = f"{mutant.kind} at {mutant.at} {mutant.detail}: {wrong} | {message}"
        assert (wrong is None) == (message is None), about
        if message is not None:
            assert confirms(mutated, message), about
        results["harmless" if message is None else "refused"] += 1
    assert results["refused"] > results["harmless"] > 0
    print(build.__name__, dict(results))


def why_wrong(network: NetworkOp) -> str | None:
    try:
        Enumeration(network).check()
    except Wrong as wrong:
        return str(wrong)
    return None


def refusal(network: NetworkOp, most_points: int = MOST_POINTS) -> str | None:
    """What the verifier or the proof says of a network; None if nothing is wrong."""
    module = ModuleOp([network])
    try:
        module.verify()
        CmcoreVerifyControlPass(most_points).apply(make_context(), module)
    except VerifyException as error:
        return f"verifier: {error}"
    except CompileError as error:
        return error.message
    finally:
        network.detach()
    return None


def confirms(network: NetworkOp, message: str) -> bool:
    """Whether enumeration finds what the message says."""
    if message.startswith("verifier: "):
        return (
            "buffer" in message
        )  # only shapes of buffers are changed so that the verifier sees it
    for pattern, confirm in _CONFIRMATIONS.items():
        if found := re.fullmatch(pattern, message):
            return confirm(network, *found.groups())
    raise AssertionError(f"no way to confirm: {message}")


def _point(text: str) -> Point:
    return tuple(int(x) for x in re.findall(r"-?\d+", text))


def _element(text: str) -> Point:
    return _point(text[text.index("[") :])


def _pair(network: NetworkOp, name: str, other: str, kind: str) -> list[Pair]:
    found = [
        pair
        for pair in Enumeration(network).pairs()
        if (pair.core.program, pair.neighbour.program, pair.kind) == (name, other, kind)
    ]
    assert found
    return found


def _are(pair: Pair, name: str, iteration: str, other: str, event: str) -> bool:
    """Whether these are iterations of the two cores."""
    return (
        (pair.core.program, pair.neighbour.program) == (name, other)
        and _point(iteration) in pair.core.position
        and _point(event) in pair.neighbour.position
    )


def _event(
    pair: Pair, inference: int, event: str, inferences: str | None, direction: str | None
) -> int:
    """The time of an iteration of the neighbour that a message names."""
    n = inference + int(inferences or 0) * (-1 if direction == "earlier" else 1)
    return pair.neighbour.position[_point(event)] + n * pair.neighbour.count


def _unsafe(kind: str) -> Callable[..., bool]:
    def confirm(
        network: NetworkOp,
        iteration: str,
        name: str,
        element: str,
        event: str,
        other: str,
        inferences: str | None,
        direction: str | None,
        inference: str | None,
    ) -> bool:
        """The iteration needs the event for that element, and does not wait for it."""
        for pair in _pair(network, name, other, kind):
            if not _are(pair, name, iteration, other, event):
                continue
            at, here = pair.core.position[_point(iteration)], int(inference or 0)
            allowed, needed = pair.allowed[here], pair.needed[here]
            time = _event(pair, here, event, inferences, direction)
            waits = allowed[at]
            if waits is None or waits >= time or needed[at] != time:
                continue
            theirs = pair.neighbour.writes if kind == "snoop" else pair.neighbour.reads
            touched: list[Any] = theirs[pair.array][pair.neighbour.position[_point(event)]]
            if element.startswith("@"):  # needed by an iteration of an earlier inference
                return at == 0 or needed[at] == needed[0]
            location = _element(element)
            if kind == "snoop":
                read = pair.core.reads[pair.array][at]
                n = time // pair.neighbour.count
                return location in touched and (n - here, location) in read
            slot = Enumeration(network).slots(pair.neighbour, pair.array)
            n = time // pair.neighbour.count
            overwritten = {slot(here, x) for x in pair.core.writes[pair.array][at]}
            return any(x == location and slot(n + m, x) in overwritten for m, x in touched)
        return False

    return confirm


def _late(
    network: NetworkOp,
    iteration: str,
    name: str,
    event: str,
    other: str,
    inferences: str | None,
    direction: str | None,
    array: str,
    start: str | None,
    inference: str | None,
) -> bool:
    here = int(inference or 0)
    for kind in ("snoop", "credit"):
        for pair in Enumeration(network).pairs():
            if not _are(pair, name, iteration, other, event) or pair.kind != kind:
                continue
            at = pair.core.position[_point(iteration)]
            time = _event(pair, here, event, inferences, direction)
            needed, allowed = pair.needed[here][at], pair.allowed[here][at]
            if pair.array == array and allowed == time > needed:
                return start is None or needed == ALWAYS
    return False


def _dead(
    network: NetworkOp, iteration: str, name: str, other: str, array: str, inference: str | None
) -> bool:
    return any(
        pair.allowed[int(inference or 0)][pair.core.position[_point(iteration)]] is None
        for pair in Enumeration(network).pairs()
        if (pair.core.program, pair.neighbour.program, pair.array) == (name, other, array)
        and _point(iteration) in pair.core.position
    )


def _cores(network: NetworkOp, program: str) -> list[Core]:
    """The cores that run a program, also given by the name of one of them."""
    cores = Enumeration(network).cores.values()
    return [core for core in cores if program in (core.program, str(core.name))]


def _stores_again(network: NetworkOp, name: str, element: str) -> bool:
    array, _, _ = element.partition("[")
    stored = [
        x for core in _cores(network, name) for locations in core.writes[array] for x in locations
    ]
    return stored.count(_element(element)) > 1


def _reads_unstored(network: NetworkOp, iteration: str, name: str, element: str) -> bool:
    array, _, _ = element.partition("[")
    read = [
        x
        for core in _cores(network, name)
        if _point(iteration) in core.position
        for _, x in core.reads[array][core.position[_point(iteration)]]
    ]
    return _element(element) in read and not Enumeration(network).stores(array)[_element(element)]


def _output_missing(network: NetworkOp, element: str) -> bool:
    array, _, _ = element.partition("[")
    return not Enumeration(network).stores(array)[_element(element)]


def _at_once(network: NetworkOp, array: str, name: str, one: str, two: str, writer: str) -> bool:
    """Two elements, with their inference, have a slot and are written by one iteration."""
    (n, *x), (m, *y) = _element(one), _element(two)
    enumeration = Enumeration(network)
    (reader, *_), writers = _cores(network, name), _cores(network, writer)
    slot = enumeration.slots(reader, array)
    at_once = any(tuple(x) in w and tuple(y) in w for core in writers for w in core.writes[array])
    return n == m and x != y and at_once and _same(slot, n, tuple(x), tuple(y))


def _same(slot: Callable[[int, Point], Point | None], n: int, x: Point, y: Point) -> bool:
    return slot(n, x) == slot(n, y)


def _given(network: NetworkOp, array: str, name: str, one: str, two: str) -> bool:
    """Two elements of what is there from the start have a slot, in some inferences, and one of them is read."""
    x, y = _element(one), _element(two)
    enumeration, found = Enumeration(network), False
    for core in _cores(network, name):
        slot, read = enumeration.slots(core, array), core.reads_of(array)
        held = [{slot(n, element) for n in range(INFERENCES)} for element in (x, y)]
        found |= bool(held[0] & held[1]) and x != y and (x in read or y in read)
    return found


def _invalid(network: NetworkOp, *_: str) -> bool:
    """An automaton waits for, or releases, what is not there."""
    try:
        list(Enumeration(network).pairs())
    except Wrong as wrong:
        return "waits for" in str(wrong) or "releases" in str(wrong)
    return False


def _deadlock(network: NetworkOp, waits: str) -> bool:
    """Each one waits for the next, in a circle, and none of them gets through."""
    core = r"@(\w+(?:\[[\d, ]+\])?)"
    named = re.findall(rf"{core} waits for (?:data|room) in .*? (?:from|at) {core}", waits)
    circle = all(b == c for (_, b), (c, _) in zip(named, named[1:] + named[:1], strict=True))
    stuck = Enumeration(network).stuck()
    alone = len(named) == 1  # for one that has ended
    return (circle or alone) and all(waiter in stuck for waiter, _ in named)


_INFERENCE = r"(?: \(in inference (\d+)\))?"
_EVENT = r"(\(.*?\)) of @(\w+)(?:, (\d+) inferences? (earlier|later),)?"

_CONFIRMATIONS: dict[str, Callable[..., bool]] = {
    rf"not safe: iteration (\(.*?\)) of @(\w+) may read (.*) before iteration {_EVENT} has stored it{_INFERENCE}": (
        _unsafe("snoop")
    ),
    rf"not safe: iteration (\(.*?\)) of @(\w+) may overwrite (.*) before iteration {_EVENT} has read it{_INFERENCE}": (
        _unsafe("credit")
    ),
    rf"not tight: iteration (\(.*?\)) of @(\w+) waits for iteration {_EVENT} and needs nothing of it in @(\w+)"
    rf"(; no step without `at` releases it)?{_INFERENCE}": _late,
    rf"not live: iteration (\(.*?\)) of @(\w+) is never released by @(\w+) on account of @(\w+){_INFERENCE}": _dead,
    r"the step of a control loop must be positive": lambda network: (
        "makes no step" in (why_wrong(network) or "")
    ),
    r"@(\w+) fires iteration (\(.*\)) twice": lambda network, name, iteration: (
        max(core.iterations.count(_point(iteration)) for core in _cores(network, name)) > 1
    ),
    r"@(\w+)(\[.*\])? fires no iteration": lambda network, name, core: (
        not all(c.iterations for c in _cores(network, name + (core or "")))
    ),
    r"@(\w+)(\[.*\])? fires \d+ iterations?, which cannot run in \d+ turns": lambda network, *_: (
        "fewer iterations than turns" in (why_wrong(network) or "")
    ),
    r"@(\w+) fires iteration (\(.*\)) on a core that has other coordinates": lambda network, *_: (
        "of another core" in (why_wrong(network) or "")
    ),
    r"@(\w+) stores (.*) more than once": _stores_again,
    r"iteration (\(.*?\)) of @(\w+) reads (.*), which no program stores": _reads_unstored,
    r"output element (.*) is stored by no program": _output_missing,
    r"the buffer of @(\w+) at @(\w+) has one slot for (.*\]) and (.*\]) \(inference first\), "
    r"which @(\w+) stores at once": _at_once,
    r"the buffer of @(\w+) at @(\w+) has one slot for (.*\]) and (.*\]) \(inference first\), "
    r"which (two cores of @\w+|@\w+ and @\w+) store, in no order": lambda network, *_: (
        "into one slot" in (why_wrong(network) or "")
    ),
    r"the buffer of @(\w+) at @(.+) has one slot for (.*\]) and (.*\]) \(inference first\), and a later inference than "
    r"the second reads the first: the buffer must hold more inferences": lambda network, *_: (
        "in a later inference" in (why_wrong(network) or "")
    ),
    r"the buffer of @(\w+) at @(.+) has one slot for (.*\]) and (.*\]); what is read of an? "
    r"(?:input|parameter) needs a slot of its own": _given,
    r"cmcore\.\w+ waits for (\(.*\)), which @(.+) never brings about": _invalid,
    r"cmcore\.\w+ releases (\(.*\)), which is no iteration of @(.+)": _invalid,
    r"deadlock: (.*)": _deadlock,
}
