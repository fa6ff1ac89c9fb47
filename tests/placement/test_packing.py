"""Assignments of programs to cores against all that there are."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmir.placement.packing import PackingError, PackingProblem, first_fit, pack

IN_TURN = (False, True, True)


@st.composite
def problems(draw: st.DrawFn) -> PackingProblem:
    """At most six programs, on at most three cores."""
    capacities = [draw(st.integers(1, 8)) for _ in IN_TURN]
    programs = draw(st.integers(1, 6))
    sizes = [[draw(st.integers(0, most)) for most in capacities] for _ in range(programs)]
    talk = np.zeros((programs, programs), np.int64)
    for a, b in product(range(programs), repeat=2):
        if a < b:
            talk[a, b] = talk[b, a] = draw(st.integers(0, 5))
    return PackingProblem(
        np.array(sizes, np.int64).reshape(programs, len(IN_TURN)),
        np.array(capacities, np.int64),
        np.array(IN_TURN),
        talk,
        draw(st.integers(1, 3)),
        np.array([draw(st.integers(0, 4)) for _ in range(programs)]),
    )


def fits(problem: PackingProblem, cores: tuple[int, ...]) -> bool:
    """Whether the programs of each core fit it, and may be there, with none of the code that is tested."""
    where = list(zip(cores, problem.apart.tolist(), strict=True))
    return len(set(where)) == len(where) and all(
        sum(size[r] for size, core in zip(problem.sizes, cores, strict=True) if core == k)
        <= problem.capacities[r]
        for k in range(problem.cores)
        for r in range(len(IN_TURN))
    )


@settings(max_examples=300)
@given(problems())
def test_an_assignment_is_found_if_there_is_one(problem: PackingProblem):
    possible = [
        c for c in product(range(problem.cores), repeat=problem.programs) if fits(problem, c)
    ]
    try:
        found = pack(problem)
    except PackingError as error:
        assert error.proved and not possible
        return
    assert fits(problem, tuple(found.tolist()))
    assert (problem.fewest <= problem.cores).all()


@settings(max_examples=300)
@given(problems(), st.lists(st.integers(1, 2), min_size=6, max_size=6))
def test_first_fit_takes_programs_one_by_one(problem: PackingProblem, repeated: list[int]):
    """Those of a kind together are put where they go one after the other, which is an assignment."""
    counts, capacities = repeated[: problem.programs], problem.capacities.tolist()
    largest = np.argsort(-(problem.sizes / problem.capacities).max(axis=1), kind="stable")
    sizes = [problem.sizes[kind] for kind in largest for _ in range(counts[kind])]
    free, cores = [problem.capacities.copy() for _ in range(problem.cores)], list[int]()
    for size in sizes:
        room = [k for k, left in enumerate(free) if (size <= left).all()]
        if not room:
            break
        cores.append(room[0])
        free[room[0]] -= size
    found = first_fit(problem.sizes, counts, capacities, problem.cores)
    assert found == (len(cores) == len(sizes))
    if found:
        whole = replace(problem, sizes=np.array(sizes), apart=np.arange(len(sizes)))
        assert fits(whole, tuple(cores))


@given(problems())
def test_programs_have_cores_of_their_own_if_there_are_enough(problem: PackingProblem):
    if problem.programs <= problem.cores:
        assert len(set(pack(problem).tolist())) == problem.programs


@settings(max_examples=200)
@given(problems())
def test_no_single_move_helps(problem: PackingProblem):
    """Neither a less crowded core, nor an equally crowded one with more traffic inside."""
    try:
        found = pack(problem).tolist()
    except PackingError:
        return

    def rating(cores: list[int]) -> tuple[int, int]:
        crowding = inside = 0
        for a, b in product(range(problem.programs), repeat=2):
            if a != b and cores[a] == cores[b]:
                pairs = zip(problem.sizes[a], problem.sizes[b], IN_TURN, strict=True)
                crowding += sum(int(x * y) for x, y, shared in pairs if shared)
                inside += int(problem.talk[a, b])
        return crowding, -inside

    if problem.programs <= problem.cores:
        return
    for program, core in product(range(problem.programs), range(problem.cores)):
        moved = [*found[:program], core, *found[program + 1 :]]
        if fits(problem, tuple(moved)):
            assert rating(moved) >= rating(found)


def test_largest_programs_are_alone_and_small_ones_join_whom_they_talk_to():
    sizes = np.array([[4, 6], [4, 6], [4, 6], [0, 0]])
    talk = np.zeros((4, 4), np.int64)
    talk[2, 3] = talk[3, 2] = 9
    problem = PackingProblem(
        sizes, np.array([8, 8]), np.array([False, True]), talk, 3, np.arange(4)
    )
    *large, small = pack(problem).tolist()
    assert len(set(large)) == 3 and small == large[2]


def test_a_tight_packing_is_found():
    """Spreading and best-fit decreasing fail here, CP-SAT does not: 3+3+2+2 and 4+3+3 are 10 each."""
    sizes = np.array([[4], [3], [3], [3], [3], [2], [2]])
    problem = PackingProblem(
        sizes, np.array([10]), np.array([False]), np.zeros((7, 7), np.int64), 2, np.arange(7)
    )
    found = pack(problem)
    assert np.bincount(found, sizes[:, 0]).tolist() == [10, 10]


def test_no_assignment_is_proved():
    sizes = np.array([[5], [5], [5]])
    problem = PackingProblem(
        sizes, np.array([9]), np.array([False]), np.zeros((3, 3), np.int64), 2, np.arange(3)
    )
    with pytest.raises(PackingError) as error:
        pack(problem)
    assert error.value.proved
