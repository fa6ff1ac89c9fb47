"""A proof of control logic, by enumeration.

`prove_control` shows of a network that, for endless streams from reset and whatever time iterations and messages take,
no iteration reads an element before it is stored or stores into a slot that is still to be read (safe), none waits for
more than what it and the iterations before it need (tight), and all of them run (live). It assumes what the machine
guarantees: a core runs its iterations in order, events of one neighbour arrive in the order in which they happen, an
iteration reads all of its lanes when it starts, and what it stores arrives later.

What it does
------------

1. Structure. Each program has cores; each core fires iterations of its own, each once. Each element is stored once, and
   those that are read or given out are stored. Accesses are inside their arrays. What is read has a slot, and what is
   there from the start a slot of its own (`stages`, `space`, `arrays`, `slots`, `given`).
2. Needs. For each reader and each writer of an array, what iterations need of each other, inference by inference from
   reset. The writer of each element is an iteration number; what an iteration needs of data is the maximum over its
   lanes, what it needs of room is the last read of what was in its slots; both are accumulated in the core's order
   (`rooms`, `enumeration`).
3. Waits. What each iteration waits for: the automata step by step from reset, where there is no limit (`automata`).
4. Needs and waits must be equal, iteration by iteration, in inferences 0, …, b + p, and the last must repeat the one p
   before it, shifted by p inferences (`pairs`).
5. The network, with these needs, runs from reset (`proof`).

Why finitely many inferences suffice
------------------------------------

Count the iterations of a core through its stream, N in an inference, and the events of a neighbour, M in an inference.
Let D(i) be the event that iteration i itself needs, D'(i) the maximum of D(j) over j <= i, and A(i) the event that it
waits for.

Claim. Let there be b and p with D(i + pN) = D(i) + pM and A(i + pN) = A(i) + pM for all i >= bN, where "nothing" stays
nothing. If D'((b + p)N) = D'(bN) + pM, and A(i) = D'(i) for all i < (b + p)N, then A = D'.

Proof. D'(i + pN) = D'(i) + pM for all i >= bN, by induction on i: it holds for bN, and D'(i + 1 + pN) = max(D'(i + pN),
D(i + 1 + pN)) = max(D'(i), D(i + 1)) + pM. So A(i + pN) = D'(i + pN) follows from A(i) = D'(i), and A = D' by induction
on i. QED

The hypotheses on D'(bN) and on i < (b + p)N are looked at, and more: all of inference b + p. Those on D and A hold by
construction:

- *Automata*, p = 1. The steps of inference n are those of inference 0 with events nM and limits nN later. So are the
  prefix maxima of both from inference 1 on, because an event of inference n is later than all of inferences before, and
  the limits of inference n - 1 lead to the same limit, N less, in each n >= 1. So A repeats from the first iteration on
  that no step of inference 0 releases. Where the largest limit lies a inferences ahead, it lies in inference a + 1 at
  the latest: b >= a + 1.
- *Data*, p = 1. Iteration i of inference n reads what iteration i of inference 0 reads, n inferences later. Any b >= 1
  will do.
- *Room* follows from which element was in a slot before. If sharing of slots is alike in all inferences (`slots`), so
  is the predecessor of an element, once it lies in an inference that has run: p = 1, and b exceeds the largest distance
  to a predecessor. That distance is found by going on until each slot has had an occupant; it is at most a period of
  the map. If sharing is not alike, p is the period P of the storage map. Each slot has been stored into P inferences
  later, so predecessors repeat from inference P on, and from 2P on so do the maxima over P inferences: b >= 2P.

In a ring such as (8n + h) mod 3, an element comes back to its slot after P = 3 inferences only, but elements share
slots alike in all: it takes the first way, with b = 2.

Why a run decides liveness
--------------------------

No iteration needs an event of a later inference, so a cycle of waits lies in one inference. The waits inside an
inference n are the same for all n for which needs are as in the claim with p = 1, and A = D' gives p = 1 for all needs
of a network that is accepted, as automata have it. So the run goes through the inferences whose waits are unlike those
of later ones, and one more.

What is taken as one
--------------------

- Elements of an array that nothing tells apart, such as all channels, or those of a block of a split matrix: see
  `space`.
- Cores of a program are evaluated together; those pairs whose automata have the same steps, counted from the first
  iterations of the two cores, are followed once.

What it trusts
--------------

- `cmir.isl.visits`, which evaluates loops on arrays of points, for the engine, too;
- `cmir.isl.evaluate`, which evaluates relations as formulas. That the formulas are those of the relation is checked:
  ISL reads them back and compares (`stages.compiled`);
- `cmir.timing.recurrence`, which decides deadlock, once needs are known;
- ISL, for that comparison, the parser and the verifiers of the IR, and NumPy.

No code that derives dependences, nor any of its results, is used.

Where there are more points than `MOST_POINTS`, or storage maps without a period, `symbolic` takes over, which trusts
more. The verdict says which one it was.
"""

from __future__ import annotations

from cmir.proof.control.proof import MOST_POINTS, ControlVerdict, prove_control

__all__ = ["MOST_POINTS", "ControlVerdict", "prove_control"]
