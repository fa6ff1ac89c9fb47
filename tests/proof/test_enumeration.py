"""The functions that the proof of control is made of, against brute force that goes step by step."""

from __future__ import annotations

from collections.abc import Callable

import islpy as isl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof.mutants import mutants
from proof.networks_to_prove import (
    NETWORKS,
    fan_out,
    in_columns,
    padded,
    shared_slots,
    split,
    split_concatenation,
    streamed,
    textbook,
)
from proof.test_mutations import refusal, why_wrong
from xdsl.dialects.builtin import ModuleOp

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.elaboration import automata as engine
from cmir.elaboration.network import ElaboratedNetwork
from cmir.isl import dependences
from cmir.isl.evaluate import compile_function
from cmir.isl.memo import kept_by_text
from cmir.passes.cmcore_verify_control import CmcoreVerifyControlPass
from cmir.proof.control import enumeration, prove_control
from cmir.proof.control.enumeration import NEVER, NOTHING
from cmir.proof.control.slots import Slots
from cmir.proof.control.space import AccessMembers
from cmir.support.diagnostics import CompileError

INFERENCES = 5


def control_unit(
    events: list[int], limits: list[int], iterations: int, count: int, happened: int
) -> int:
    """The limit of a literal control unit, -1 for none, when so many events of the neighbour have happened."""
    limit, n = -1, 0
    while limits and n < 4 * INFERENCES:
        for event, upto in zip(events, limits, strict=True):
            if event != NOTHING and event + n * count >= happened:
                return limit
            limit = max(limit, upto + n * iterations)
        n += 1
    return limit


@given(st.data(), st.integers(1, 4), st.integers(1, 4))
def test_automata_from_reset(data: st.DataObject, iterations: int, count: int) -> None:
    steps = data.draw(
        st.lists(
            st.tuples(
                st.one_of(st.just(NOTHING), st.integers(0, count - 1)),
                st.integers(-iterations, 2 * iterations - 1),
            ),
            max_size=5,
        )
    )
    events, limits = [e for e, _ in steps], [u for _, u in steps]
    arrays = np.array(events, np.int64), np.array(limits, np.int64)
    waits = enumeration.released(*arrays, iterations, count, INFERENCES).reshape(-1)
    literal = [
        control_unit(events, limits, iterations, count, happened)
        for happened in range((INFERENCES + 3) * count + 1)
    ]
    for i, event in enumerate(waits.tolist()):
        if event == NEVER:
            assert max(literal) < i
            continue
        for happened, limit in enumerate(literal):
            assert (i <= limit) == (event < happened)
    needs, first = engine.awaited_events(
        np.where(arrays[0] == NOTHING, engine.ALWAYS, arrays[0]), arrays[1], iterations, count
    )
    for n in range(INFERENCES):
        row = first[n] if n < len(first) else needs
        absolute = np.where(row == engine.NEVER, NEVER, np.maximum(row + n * count, -1))
        expected = np.maximum(waits[n * iterations : (n + 1) * iterations], -1)
        assert (absolute == expected).all()


@st.composite
def storage_maps(draw: st.DrawFn) -> tuple[str, int]:
    """A storage map of an array with one axis, and the slots of the buffer."""
    a, b, c, size = (draw(st.integers(low, 4)) for low in (0, 1, 1, 1))
    value = f"{a}n + {b}i"
    if draw(st.booleans()):
        value = f"floor(({value}) / {c})"
    return f"({value}) mod {size}", size


@settings(max_examples=200)
@given(st.data(), storage_maps(), st.booleans(), st.integers(0, 2))
def test_room_from_reset(
    data: st.DataObject, storage: tuple[str, int], initial: bool, late: int
) -> None:
    """Room for elements of a stream, kept by a random map; with initial values, and read up to two inferences later."""
    elements, events = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4))
    writer = np.array(data.draw(st.permutations(range(elements))), np.int64)
    reads = st.integers(-1, (late + 1) * events - 1)
    last_read = np.array([data.draw(reads) for _ in range(elements)], np.int64)
    first = -1 if initial else 0
    relation = isl.Map(f"{{ [n, i] -> [{storage[0]}] }}")
    function = compile_function(relation, isl.Set("{ [n, i] }"))
    n, i = np.arange(first, INFERENCES), np.arange(elements)
    (slots,), _ = function([n[:, None], i[None, :]])
    slots = np.broadcast_to(slots, (len(n), elements))
    times = writer + (n - first)[:, None] * elements
    found = enumeration.room_needs(slots, times, last_read, events, first)
    # What is in each slot, and until when it is read, as the stores come one after the other.
    read_until: dict[int, int] = {}
    for inference in n.tolist():
        for e in np.argsort(writer).tolist():
            slot = int(slots[inference - first, e])
            expected = read_until.get(slot, NOTHING)
            assert found[inference - first, e] == (expected if expected >= 0 else NOTHING)
            last = int(last_read[e])
            read_until[slot] = last + inference * events if last >= 0 else NOTHING


@settings(max_examples=200)
@given(st.data(), storage_maps(), st.integers(0, 2))
def test_room_of_a_reader_that_stores(
    data: st.DataObject, storage: tuple[str, int], held: int
) -> None:
    """Room in the buffer of the core that stores the elements: an iteration needs nothing of itself.

    Each element is stored by an iteration of its own, and read by some iterations up to two inferences later.
    """
    elements = data.draw(st.integers(1, 5))
    writer = np.array(data.draw(st.permutations(range(elements))), np.int64)
    later = st.sets(st.integers(0, 3 * elements - 1), max_size=4)
    reads = [sorted(data.draw(later)) for _ in range(elements)]
    last, but_one = (
        np.array([read[-k] if len(read) >= k else -1 for read in reads], np.int64) for k in (1, 2)
    )
    function = compile_function(isl.Map(f"{{ [n, i] -> [{storage[0]}] }}"), isl.Set("{ [n, i] }"))
    n, i = np.arange(-held, INFERENCES), np.arange(elements)
    (slots,), _ = function([n[:, None], i[None, :]])
    slots = np.broadcast_to(slots, (len(n), elements))
    own = writer + n[:, None] * elements
    found = enumeration.room_needs(
        slots, own + held * elements, last, elements, -held, (own, but_one)
    )
    # By definition: an iteration, or one before it, needs the last read of any older occupant, except its own.
    read_by: dict[int, set[int]] = {}
    latest = needed = NOTHING
    for inference in n.tolist():
        for e in np.argsort(writer).tolist():
            slot, event = int(slots[inference + held, e]), int(own[inference + held, e])
            older = read_by.setdefault(slot, set())
            latest = max(latest, max(older - {event}, default=NOTHING))
            needed = max(needed, int(found[inference + held, e]))
            assert max(needed, -1) == max(latest, -1)
            older.update(read + inference * elements for read in reads[e])


@given(st.data(), st.integers(1, 3), st.integers(1, 4))
def test_data_from_reset(data: st.DataObject, sources: int, iterations: int) -> None:
    """Reads of the same inference and of the two before; what is older than the stream is there at reset."""
    events = np.array([data.draw(st.integers(1, 4)) for _ in range(sources)])
    reads = [
        [
            data.draw(st.none() | st.tuples(st.integers(-2, 0), st.integers(0, int(count) - 1)))
            for _ in range(iterations)
        ]
        for count in events
    ]
    needs = [
        [NOTHING if read is None else read[0] * int(count) + read[1] for read in row]
        for row, count in zip(reads, events, strict=True)
    ]
    for inference in range(4):
        found = enumeration.data_needs(np.array(needs), events, inference)
        for s, row in enumerate(reads):
            for i, read in enumerate(row):
                there = read is None or inference + read[0] < 0
                stored = (0, 0) if read is None else (inference + read[0], read[1])
                expected = NOTHING if there else stored[0] * int(events[s]) + stored[1]
                assert found[s, i] == expected


@given(st.data(), st.integers(1, 4), st.integers(1, 3))
def test_running_maxima(data: st.DataObject, cores: int, sources: int) -> None:
    counts = data.draw(st.lists(st.integers(1, 4), min_size=cores, max_size=cores))
    starts = np.concatenate(([0], np.cumsum(counts)))
    values = st.one_of(st.just(NOTHING), st.integers(0, 9))
    needs = np.array([[data.draw(values) for _ in range(starts[-1])] for _ in range(sources)])
    before = np.array([[data.draw(values) for _ in range(cores)] for _ in range(sources)])
    found = enumeration.running_maxima(needs, starts, before)
    for s in range(sources):
        for k in range(cores):
            latest = before[s, k]
            for i in range(starts[k], starts[k + 1]):
                latest = max(latest, needs[s, i])
                assert found[s, i] == latest


@given(storage_maps())
def test_storage_repeats(storage: tuple[str, int]) -> None:
    """After a period, and no later than that, slots are what they were."""
    relation = isl.Map(f"{{ [n, i] -> [{storage[0]}] }}")
    function = compile_function(relation, isl.Set("{ [n, i] }"))
    period = function.cycle(0)
    assert period is not None
    n, i = np.arange(2 * period + 3)[:, None], np.arange(7)[None, :]
    (slots,), _ = function([n, i])
    slots = np.broadcast_to(slots, (len(n), 7))
    assert (slots[period:] == slots[:-period]).all()


@pytest.mark.parametrize("slope", [1, -3])
def test_storage_that_does_not_repeat(slope: int) -> None:
    relation = isl.Map(f"{{ [n, i] -> [{slope}n + i] }}")
    assert compile_function(relation, isl.Set("{ [n, i] }")).cycle(0) is None


@pytest.mark.parametrize("build", [padded, split, in_columns, streamed, fan_out])
def test_what_is_alike(build: Callable[[], NetworkOp], monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements that are alike can be taken as one: without that, every mutant is judged the same."""
    network = build()
    tried = list(mutants(network))[::61]
    judged = [refusal(mutant.of(network)) is None for mutant in tried]
    monkeypatch.setattr(AccessMembers, "members", lambda *_: None)
    assert judged == [refusal(mutant.of(network)) is None for mutant in tried]


@pytest.mark.parametrize("build", [padded, split, in_columns, streamed, fan_out])
def test_sharing_alike(build: Callable[[], NetworkOp], monkeypatch: pytest.MonkeyPatch) -> None:
    """Going through two periods of the storage map finds nothing else, where sharing is alike in all inferences."""
    network = build()
    tried = list(mutants(network))[::61]
    judged = [refusal(mutant.of(network)) is None for mutant in tried]
    monkeypatch.setattr(Slots, "alike", lambda *_: False)
    assert judged == [refusal(mutant.of(network)) is None for mutant in tried]


@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
def test_proved_automata_repeat_from_reset(build: Callable[[], NetworkOp]) -> None:
    """Elaboration finds one row of needs for each automaton of a network that is proved."""
    network = ElaboratedNetwork(build())
    assert network.waits
    assert not any(wait.automaton.first for wait in network.waits)


def test_cores_that_read_nothing() -> None:
    """A core of a reader may have no coordinates in an array that others read."""
    assert str(prove_control(split_concatenation())) == "control proved for endless streams"


def test_shared_slots_symbolically() -> None:
    with pytest.raises(CompileError, match="@A and @B store, in no order"):
        prove_control(shared_slots(), most_points=0)


@pytest.mark.parametrize(
    "build", [b for b in NETWORKS if b is not shared_slots], ids=lambda build: build.__name__
)
def test_symbolic_proof(build: Callable[[], NetworkOp]) -> None:
    """The proof that takes over where there are too many points says the same of some mutants."""
    network = build()
    assert "symbolically" in str(prove_control(network, most_points=0))
    found = list(mutants(network))
    for mutant in found[:: len(found) // 3]:
        mutated = mutant.of(network)
        message = refusal(mutated, most_points=0)
        if message is None or "cannot be proved" not in message:
            assert (message is None) == (why_wrong(mutated) is None), mutant


def _off_by_one(function: Callable[..., isl.Map]) -> Callable[..., isl.Map]:
    """The result, one iteration earlier in the innermost dimension where there is one."""

    def wrong(*args: isl.Map) -> isl.Map:
        result = function(*args)
        dims = [f"t{d}" for d in range(result.dim(isl.dim_type.out))]
        if not dims:
            return result
        earlier = f"{{ [{', '.join(dims)}] -> [{', '.join([*dims[:-1], dims[-1] + ' - 1'])}] }}"
        moved = result.apply_range(isl.Map(earlier))
        moved = moved.intersect_range(result.range())
        return moved.union(result.subtract_domain(moved.domain()))

    return wrong


@pytest.mark.parametrize("name", ["raw_needs", "war_needs", "prefix_maximum", "maximum"])
@pytest.mark.parametrize("build", [textbook, padded], ids=lambda build: build.__name__)
def test_faults_of_the_derivation(
    build: Callable[[], NetworkOp], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An off-by-one in what dependences are derived with is refused."""
    monkeypatch.setattr(dependences, name, _off_by_one(getattr(dependences, name)))
    derived = (
        "arrival_order",
        "prefix_maximum",
        "raw_needs",
        "_war_needs",
        "allowed_after",
        "last_allowed",
        "_limits",
        "_limits_in_stream",
    )
    for kept in derived:
        original = getattr(dependences, kept)
        if hasattr(original, "__wrapped__"):  # what has been derived already does not count
            monkeypatch.setattr(dependences, kept, kept_by_text(original.__wrapped__))
    network = build()
    with pytest.raises(CompileError, match=r"not (safe|tight|live)|deadlock"):
        CmcoreVerifyControlPass().apply(make_context(), ModuleOp([network]))
