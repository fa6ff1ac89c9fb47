(** Write after read: it suffices to wait for the readers of the element that each slot holds, and not of those that
    it held before (the corollary of Theorem 2 in docs/mathematics.md). *)

From Coq Require Import Arith Lia.
From cmir Require Import PrefixMaximum Pair.

Section Predecessor.

Variable element : Type.
Variable born : element -> nat.
Variable slot : element -> option nat.
Variable reads : nat -> element -> Prop.

Let share := share element slot.
Let overwrites := overwrites element born slot.

(** Iteration [j] overwrites [e], which is the last in its slot by then, whether anything reads it or not. *)
Definition evicts (j : nat) (e : element) : Prop :=
  overwrites j e /\ forall f, share e f -> born e < born f -> j < born f.

Variables need_write need_evict : nat -> nat.
Hypothesis need_write_spec : forall j t,
  need_write j <= t <-> forall e i, overwrites j e -> reads i e -> i < t.
Hypothesis need_evict_spec : forall j t,
  need_evict j <= t <-> forall e i, evicts j e -> reads i e -> i < t.

(** Whatever reads an older occupant has been waited for by the iteration that evicted it. *)
Lemma evicted_before j e i : overwrites j e -> reads i e -> i < prefix need_evict j.
Proof.
  induction j as [j IH] using lt_wf_ind. intros V R.
  destruct (le_lt_dec (prefix need_evict j) i) as [L|]; [exfalso|auto].
  assert (N : need_evict j <= i) by (pose proof (prefix_upper need_evict j j (le_n _)); lia).
  assert (E : evicts j e).
  { split; [auto|]. intros f Sh B. destruct (le_lt_dec (born f) j) as [C|]; [exfalso|auto].
    destruct (born f) as [|k] eqn:F; [lia|].
    assert (V' : overwrites k e) by (split; [lia|exists f; auto]).
    specialize (IH k ltac:(lia) V' R).
    pose proof (prefix_monotone need_evict k j ltac:(lia)). lia. }
  pose proof (proj1 (need_evict_spec j i) N e i E R). lia.
Qed.

Theorem predecessor_suffices j : prefix need_evict j = prefix need_write j.
Proof.
  apply Nat.le_antisymm; apply prefix_le; intros k K.
  - apply need_evict_spec. intros e i [V _] R.
    pose proof (proj1 (need_write_spec k (need_write k)) (le_n _) e i V R).
    pose proof (prefix_upper need_write j k K). lia.
  - apply need_write_spec. intros e i V R.
    pose proof (evicted_before k e i V R). pose proof (prefix_monotone need_evict k j K). lia.
Qed.

End Predecessor.
