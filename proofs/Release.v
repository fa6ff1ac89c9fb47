(** Theorem 1: the release relation gives an automaton that is exact, and none has fewer events. *)

From Coq Require Import Arith Lia.
From cmir Require Import PrefixMaximum Automaton.

Section Release.

(** [need i]: how many events must have arrived before iteration [i] has what it reads or overwrites; 0 is none. *)
Variable need : nat -> nat.

(** After [t] events, iteration [i] and all before it have what they need. *)
Definition ready (t i : nat) : Prop := forall j, j <= i -> need j <= t.

Lemma ready_iff t i : ready t i <-> prefix need i <= t.
Proof. symmetry. apply prefix_le. Qed.

(** Safe, from left to right; tight and live, from right to left. *)
Definition exact (await limit : nat -> nat) : Prop :=
  forall t i, allowed await limit t i <-> ready t i.

(** Exactness, as a comparison of numbers: each iteration waits for what it needs. *)
Theorem exact_iff await limit : exact await limit <-> forall i, waits await limit i (prefix need i).
Proof.
  split.
  - intros H i.
    assert (A : allowed await limit (prefix need i) i) by (apply H, ready_iff; auto).
    apply allowed_iff in A. destruct A as [k [W K]].
    assert (B : allowed await limit k i) by (apply allowed_iff; eauto).
    apply H, ready_iff in B. replace (prefix need i) with k by lia. auto.
  - intros H t i. rewrite allowed_iff, ready_iff. split.
    + intros [k [W K]]. rewrite (waits_unique _ _ _ _ _ (H i) W). auto.
    + intro K. eauto.
Qed.

(** Step [a] of the automaton allows the iterations up to [last a] once all of them are ready. Every iteration has a
    step at or after it that awaits no more than the iteration needs. The release relation has one such step for
    each value of D'; where the value is 0, it is the step without an event, which gives the limit after reset. *)
Section Steps.

Variable last : nat -> nat.
Hypothesis ordered : forall a b, a < b -> last a < last b.
Hypothesis covering : forall i, exists a, i <= last a /\ prefix need (last a) = prefix need i.

Let await a := prefix need (last a).
Let limit a := last a + 1.

Theorem release_exact : exact await limit.
Proof.
  assert (U : forall a, prefix await a = await a).
  { intro a. apply prefix_fixed. intros b c B. apply prefix_monotone.
    destruct (Nat.eq_dec b c) as [->|]; [auto|]. specialize (ordered b c). lia. }
  apply exact_iff. intro i. destruct (covering i) as [a [A E]].
  destruct (first_release limit i a) as [b [B R]]; [unfold limit; lia|].
  exists b. split; [auto|]. rewrite U. apply Nat.le_antisymm.
  - apply prefix_monotone. destruct R as [R _]. unfold limit in R. lia.
  - rewrite <- E. apply prefix_monotone. destruct (Nat.eq_dec b a) as [->|]; [auto|].
    specialize (ordered b a). lia.
Qed.

End Steps.

(** No automaton that is exact has fewer events: it awaits every value of D'. *)
Theorem fewest_events await limit : exact await limit -> forall i, exists a, await a = prefix need i.
Proof.
  intros H i. apply exact_iff with (i := i) in H. destruct H as [a [_ ->]].
  destruct (prefix_attained await a) as [b [_ E]]. exists b. auto.
Qed.

End Release.
