"""The reference machine: right programs run under all delays, and what is wrong with wrong ones is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from io import StringIO

import numpy as np
import pytest
from networks import Builder
from proof.networks_to_prove import NETWORKS, RINGS, lower
from tolerance import assert_close
from xdsl.printer import Printer

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.reference import Deadlock, Finding, ProgramFault, ReferenceMachine, Violation
from cmir.support.parsing import parse_module

INFERENCES = 4
SCHEDULES = 12


def text_of(network: NetworkOp) -> str:
    text = StringIO()
    Printer(text).print_op(network)
    return text.getvalue()


def parsed(text: str) -> NetworkOp:
    (network,) = parse_module(text, make_context()).body.block.ops
    assert isinstance(network, NetworkOp)
    return network


@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
def test_right_networks(build: Callable[[], NetworkOp]) -> None:
    machine = ReferenceMachine(parsed(text_of(build())), INFERENCES)
    for schedule in machine.schedules(SCHEDULES):
        machine.run(schedule)


@cache
def textbook() -> str:
    """Two convolutions of three weights, [1, 2, 3] and [1, 0, -1], with a ring of three elements between them."""
    net = Builder(1, 10)
    text = text_of(lower(net, net.conv(net.conv("x", 1, 3), 1, 3), passes=RINGS))
    for name, weights in (("w0", "1.0, 2.0, 3.0"), ("w2", "1.0, 0.0, -1.0")):
        text = changed(
            text, f'@{name} parameter "{name}" : ', f"@{name} parameter dense<[[[{weights}]]]> : "
        )
    return re.sub(r"(@w[13] parameter dense)<.*?>", r"\1<0.0>", text)


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


INPUTS = [
    {"x": np.random.default_rng(n).standard_normal((1, 10), np.float32)} for n in range(INFERENCES)
]


def outputs(text: str) -> list[np.ndarray]:
    """Return the outputs, which are the same under all delays. Raises the first Finding."""
    machine = ReferenceMachine(parsed(text), INFERENCES)
    runs = [machine.run(schedule, INPUTS) for schedule in machine.schedules(SCHEDULES)]
    for run in runs:
        for sample, first in zip(run, runs[0], strict=True):
            np.testing.assert_array_equal(sample["conv1_1"], first["conv1_1"])
    return [sample["conv1_1"] for sample in runs[0]]


def expected(first: list[float], second: list[float]) -> list[np.ndarray]:
    """The same by NumPy."""
    return [np.correlate(np.correlate(sample["x"][0], first), second)[None] for sample in INPUTS]


def test_values() -> None:
    assert_close(outputs(textbook()), expected([1, 2, 3], [1, 0, -1]))


def test_values_of_wrong_relations() -> None:
    """A window read back to front, and cells in reverse order: control is right, values are not."""
    window = changed(textbook(), "-> conv0[0, w + kw]", "-> conv0[0, w + 2 - kw]")
    assert_close(outputs(window), expected([1, 2, 3], [-1, 0, 1]))
    cells = changed(textbook(), "-> w0[0, 0, col]", "-> w0[0, 0, 2 - col]")
    assert_close(outputs(cells), expected([3, 2, 1], [1, 0, -1]))


def refused(text: str, kind: type[Finding], message: str) -> None:
    with pytest.raises(kind) as caught:
        outputs(text)
    assert re.search(message, str(caught.value)), str(caught.value)


START = "      cmcore.release upto (%c2) ahead %c0\n"
"""The limit of the first convolution before anything has been read."""


def test_no_limit_at_reset() -> None:
    refused(
        changed(textbook(), START, ""),
        Deadlock,
        r"iteration \(0,\) of @conv1 in inference 0 waits for iteration \(0,\) of @conv2 in inference 0",
    )


def test_a_limit_at_reset_that_is_too_low() -> None:
    refused(
        changed(textbook(), START, START.replace("c2", "c0")),
        Deadlock,
        r"iteration \(1,\) of @conv1 in inference 0 waits for iteration \(0,\) of @conv2 in inference 0; "
        r"iteration \(0,\) of @conv2 in inference 0 waits for iteration \(2,\) of @conv1 in inference 0",
    )


def test_a_limit_at_reset_that_is_too_high() -> None:
    refused(
        changed(textbook(), START, START.replace("c2", "c5")),
        Violation,
        r"iteration \(0,\) of @conv2 in inference 0 reads @conv0 and finds conv0\[0, \d\] of inference 0 "
        r"in the slot of conv0\[0, \d\] of inference 0",
    )


def test_data_that_has_not_arrived() -> None:
    release = "cmcore.release at (%c0, %i0) upto (%0)\n"
    early = changed(textbook(), release, "cmcore.release at (%c0, %0) upto (%0)\n")
    refused(early, Violation, r"reads @conv0 and finds .* in the slot of conv0\[0, \d\]")


def test_two_buffers_of_an_array() -> None:
    """Each holds what arrives; it is the one that is read that matters."""
    buffer = re.search(r"    %conv0 = cmcore.buffer @conv0 storage .*\n", textbook())
    assert buffer is not None
    one_slot = (
        '    %conv0 = cmcore.buffer @conv0 storage #polyhedral.map<"{ conv0[n, i, j] -> slot[0, 0] }">'
        " : memref<1x1xf32>\n"
    )
    other = buffer[0].replace("%conv0 =", "%other =")
    refused(changed(textbook(), buffer[0], one_slot + other), Violation, "in the slot of conv0")
    outputs(changed(textbook(), buffer[0], buffer[0] + one_slot.replace("%conv0 =", "%other =")))


def test_an_input_in_one_slot() -> None:
    buffer = '%x = cmcore.buffer @x storage #polyhedral.map<"{ x[n, i, j] -> slot[i, 0] }"> : memref<1x1xf32>'
    refused(
        changed(textbook(), "%x = cmcore.buffer @x : memref<1x10xf32>", buffer),
        Violation,
        r"iteration \(0,\) of @conv1 in inference 0 reads @x and finds x\[0, 9\] of inference 0 in the slot "
        r"of x\[0, 0\] of inference 0",
    )


def test_an_element_without_a_slot() -> None:
    text = changed(
        textbook(),
        "conv0[n, d0, d1] -> slot[d0, o1] : ",
        "conv0[n, d0, d1] -> slot[d0, o1] : d1 < 7 and ",
    )
    refused(text, Violation, r"finds no slot in the slot of conv0\[0, 7\]")


def test_stored_twice() -> None:
    store = re.search(r"      cmcore.store .*@conv1_1 .*\n", textbook())
    assert store is not None
    refused(
        changed(textbook(), store[0], 2 * store[0]),
        ProgramFault,
        r"conv1_1\[0, 0\] of inference 0 is stored more than once",
    )


def test_cores() -> None:
    core = "  cmcore.core @core1 runs @conv2 at (1)\n"
    refused(changed(textbook(), core, ""), ProgramFault, "is stored by no core")
    twice = core + core.replace("core1", "core2").replace("(1)", "(2)")
    refused(changed(textbook(), core, twice), ProgramFault, "two cores run @conv2")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cmcore.fire(%i0_1)", "cmcore.fire(%c0_1)", "fires iteration .* twice"),
        ("-> conv0[0, w + kw]", "-> conv0[0, w + kw + 1]", "outside the array"),
        ("0 <= o1 <= 2", "1 <= o1 <= 3", "outside the buffer"),
    ],
)
def test_faults(old: str, new: str, message: str) -> None:
    text = textbook()
    assert old in text
    refused(text.replace(old, new), ProgramFault, message)
