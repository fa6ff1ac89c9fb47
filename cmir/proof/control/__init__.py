"""Proof of control logic by enumeration.

`prove_control` proves three properties of a network, for endless streams from reset and for any durations of iterations
and messages. Safe: no iteration reads an element before it is stored, or overwrites a slot that is still to be read.
Tight: no iteration waits for more than it and the iterations before it need. Live: every iteration runs. The proof
assumes the guarantees of the hardware: a core runs its iterations in order, events of one neighbour arrive in the order
in which they happen, an iteration reads all of its lanes when it starts, and the elements that it stores arrive later.

Steps
-----

1. Structure. Each program has cores; each core fires its own iterations, each once. Each element is stored at most
   once, and elements that are read or are outputs are stored. Accesses are inside their arrays. Elements that are read
   have a slot, and elements that exist from the start have a slot of their own (`stages`, `space`, `arrays`, `slots`,
   `given`).
2. Needs. For each reader and each writer of an array, compute the events that iterations need of each other, inference
   by inference from reset. The writer of each element is an iteration number. The data need of an iteration is the
   maximum over its lanes; its room need is the last read of the previous contents of its slots. Both are accumulated in
   the core's order (`rooms`, `enumeration`).
3. Waits. Compute the event that each iteration waits for, by running the automata step by step from reset (`automata`).
4. Comparison. Needs and waits must be equal, iteration by iteration, in inferences 0, …, b + p, and the last inference
   must repeat the one p before it, shifted by p inferences (`pairs`).
5. Liveness. The network, with these needs, runs from reset (`proof`).

Why finitely many inferences suffice
------------------------------------

Number the iterations of a core through its stream, N per inference, and the events of a neighbour, M per inference.
Let D(i) be the event that iteration i itself needs, D'(i) the maximum of D(j) over j <= i, and A(i) the event that
iteration i waits for.

Claim. Let there be b and p with D(i + pN) = D(i) + pM and A(i + pN) = A(i) + pM for all i >= bN, where "nothing" stays
nothing. If D'((b + p)N) = D'(bN) + pM, and A(i) = D'(i) for all i < (b + p)N, then A = D'.

Proof. D'(i + pN) = D'(i) + pM for all i >= bN, by induction on i: it holds for bN, and D'(i + 1 + pN) = max(D'(i + pN),
D(i + 1 + pN)) = max(D'(i), D(i + 1)) + pM. So A(i + pN) = D'(i + pN) follows from A(i) = D'(i), and A = D' by induction
on i. QED

The proof checks the hypotheses on D'(bN) and on i < (b + p)N, and, beyond these, all of inference b + p. The hypotheses
on D and A hold by construction:

- *Automata*, p = 1. The steps of inference n are those of inference 0 with events nM and limits nN later. So are the
  prefix maxima of both from inference 1 on, because an event of inference n is later than all of inferences before, and
  the limits of inference n - 1 lead to the same limit, N less, in each n >= 1. So A repeats from the first iteration on
  that no step of inference 0 releases. Where the largest limit lies a inferences ahead, it lies in inference a + 1 at
  the latest: b >= a + 1.
- *Data*, p = 1. Iteration i of inference n reads the same elements as iteration i of inference 0, n inferences later.
  Elements of inferences before 0 are there at reset, so b must be at least 1, and exceed the largest number of
  inferences that a read reaches back.
- *Room* depends on the previous occupant of a slot, the predecessor of an element. If elements share slots alike in all
  inferences (`slots`), predecessors are alike, too, as soon as they lie in an inference that has run: p = 1, and b
  exceeds the largest distance to a predecessor. The proof finds that distance by continuing until each slot has had an
  occupant; it is at most a period of the map. Otherwise, p is the period P of the storage map. Every slot has been
  stored into after P inferences, so predecessors repeat from inference P on, and the maxima over P inferences from 2P
  on: b >= 2P.

In a ring such as (8n + h) mod 3, an element returns to its slot only after P = 3 inferences, but elements share slots
alike in all inferences, so the first case applies, with b = 2.

Why one run decides liveness
----------------------------

No iteration needs an event of a later inference, which the proof checks, so every cycle of waits lies in one inference.
The waits within inference n are the same for all n for which the needs satisfy the claim with p = 1. Automata have p =
1, and A = D', so all needs of an accepted network have p = 1. The run therefore covers the inferences whose waits
differ from those of later inferences, and one more.

Arrays with initial values
--------------------------

At reset, buffers hold what the inferences before the first, for which the array has initial values, would have left in
their slots. The walk through the slots begins there. An iteration of a core that reads what it stores itself reads
before it stores, so it needs nothing of itself: it may overwrite in place what only it is still to read.

Equivalence classes
-------------------

- Elements of an array that no access distinguishes, such as all channels, or those of a block of a split matrix, are
  represented by one (see `space`).
- Cores of a program are evaluated together. Pairs of cores whose automata have the same steps, counted from the first
  iterations of the two cores, are followed once.

Trusted code
------------

- `cmir.isl.visits`, which evaluates loops on arrays of points, also for the simulator;
- `cmir.isl.evaluate`, which evaluates relations as formulas. ISL reads the formulas back and compares them with the
  relation (`stages.compiled`);
- `cmir.timing.recurrence`, which decides deadlock, given the needs;
- ISL, for that comparison, the parser and the verifiers of the IR, and NumPy.

The proof uses neither the code that derives dependences nor its results.

Networks with more points than `MOST_POINTS`, or with storage maps without a period, are proved by `symbolic`, which
trusts more code. The verdict reports which proof was used.
"""

from __future__ import annotations

from cmir.proof.control.proof import MOST_POINTS, ControlVerdict, prove_control

__all__ = ["MOST_POINTS", "ControlVerdict", "prove_control"]
