(** Prefix maxima of functions on iteration numbers.

    Events are counted. A function [f] says for iteration [i] how many events it asks for itself, and 0 means none.
    [prefix f i] is how many iteration [i], or one before it, asks for: D' of docs/mathematics.md, §2. *)

From Coq Require Import Arith Lia.

Fixpoint prefix (f : nat -> nat) (i : nat) : nat :=
  match i with
  | 0 => f 0
  | S j => Nat.max (prefix f j) (f (S j))
  end.

Lemma prefix_upper f i : forall j, j <= i -> f j <= prefix f i.
Proof.
  induction i as [|i IH]; intros j H; simpl.
  - replace j with 0 by lia. lia.
  - destruct (Nat.eq_dec j (S i)) as [->|]; [lia|]. specialize (IH j). lia.
Qed.

Lemma prefix_attained f i : exists j, j <= i /\ f j = prefix f i.
Proof.
  induction i as [|i [j [H E]]]; simpl.
  - exists 0. lia.
  - destruct (le_lt_dec (f (S i)) (prefix f i)).
    + exists j. lia.
    + exists (S i). lia.
Qed.

(** The least upper bound: an iteration is ready when it and all before it have what they ask for. *)
Lemma prefix_le f i t : prefix f i <= t <-> forall j, j <= i -> f j <= t.
Proof.
  split.
  - intros H j J. pose proof (prefix_upper f i j J). lia.
  - intro H. destruct (prefix_attained f i) as [j [J <-]]. auto.
Qed.

(** Lemma 2. *)
Lemma prefix_monotone f i j : i <= j -> prefix f i <= prefix f j.
Proof. intro H. apply prefix_le. intros k K. apply prefix_upper. lia. Qed.

Lemma prefix_equal f g i : (forall j, j <= i -> f j = g j) -> prefix f i = prefix g i.
Proof.
  intro H. apply Nat.le_antisymm; apply prefix_le; intros j J.
  - rewrite H by lia. apply prefix_upper. lia.
  - rewrite <- H by lia. apply prefix_upper. lia.
Qed.

(** A function that does not decrease is its own prefix maximum. *)
Lemma prefix_fixed f i : (forall j k, j <= k -> f j <= f k) -> prefix f i = f i.
Proof.
  intro H. apply Nat.le_antisymm.
  - apply prefix_le. intros j J. auto.
  - apply prefix_upper. lia.
Qed.

(** One inference later: what asks for nothing still does. *)
Definition later (M k : nat) : nat := match k with 0 => 0 | S _ => k + M end.

Lemma later_le M k l : k <= l -> later M k <= later M l.
Proof. destruct k, l; simpl; lia. Qed.

Lemma later_max M k l : later M (Nat.max k l) = Nat.max (later M k) (later M l).
Proof. destruct k, l; simpl; lia. Qed.

Lemma later_0 M k : later M k = 0 -> k = 0.
Proof. destruct k; simpl; lia. Qed.
