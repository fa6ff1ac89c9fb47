(** Several automata: an iteration starts when all of them allow it (docs/mathematics.md, §6). *)

From Coq Require Import Arith Lia List.
From cmir Require Import PrefixMaximum Automaton Release.
Import ListNotations.

(** ** Several automata on one neighbour follow the same events *)

Section OneNeighbour.

Let automaton := ((nat -> nat) * (nat -> nat))%type.    (* await, limit *)

Definition all_allow (l : list automaton) (t i : nat) : Prop :=
  forall a, In a l -> allowed (fst a) (snd a) t i.

(** Iteration [i] waits for the latest of the events for which the automata let it wait. *)
Inductive waits_all (i : nat) : list automaton -> nat -> Prop :=
  | waits_none : waits_all i [] 0
  | waits_more a l k m : waits (fst a) (snd a) i k -> waits_all i l m -> waits_all i (a :: l) (Nat.max k m).

Theorem all_allow_iff l t i : all_allow l t i <-> exists k, waits_all i l k /\ k <= t.
Proof.
  induction l as [|a l IH]; split.
  - intros _. exists 0. split; [constructor|lia].
  - intros _ a [].
  - intro H.
    destruct (proj1 (allowed_iff _ _ t i) (H a (or_introl eq_refl))) as [k [K T]].
    destruct (proj1 IH (fun c C => H c (or_intror C))) as [m [W L]].
    exists (Nat.max k m). split; [constructor; auto|lia].
  - intros [n [W L]]. inversion W; subst. intros c [->|C].
    + apply allowed_iff. exists k. split; [auto|lia].
    + apply IH; [exists m; split; [auto|lia]|auto].
Qed.

Lemma waits_all_unique i l : forall k m, waits_all i l k -> waits_all i l m -> k = m.
Proof.
  induction l; intros k m K W; inversion K; inversion W; subst; auto.
  f_equal; [eapply waits_unique; eauto|auto].
Qed.

Theorem conjunction_exact_iff need l :
  (forall t i, all_allow l t i <-> ready need t i) <-> forall i, waits_all i l (prefix need i).
Proof.
  split.
  - intros H i.
    destruct (proj1 (all_allow_iff l _ i) (proj2 (H _ i) (proj2 (ready_iff need _ i) (le_n _)))) as [k [W K]].
    assert (R : ready need k i) by (apply H, all_allow_iff; eauto).
    apply ready_iff in R. replace (prefix need i) with k by lia. auto.
  - intros H t i. rewrite all_allow_iff, ready_iff. split.
    + intros [k [W K]]. rewrite (waits_all_unique _ _ _ _ (H i) W). auto.
    + intro K. eauto.
Qed.

(** The latest of events that repeat repeats: the step to endless streams holds for several automata, too. *)
Theorem waits_all_repeats N M i l :
  (forall a, In a l -> forall k, waits (fst a) (snd a) i k -> waits (fst a) (snd a) (i + N) (later M k)) ->
  forall k, waits_all i l k -> waits_all (i + N) l (later M k).
Proof.
  induction l as [|a l IH]; intros H k W; inversion W; subst; [constructor|].
  rewrite later_max. constructor.
  - apply H; [left|]; auto.
  - apply IH; [intros c C; apply H; right|]; auto.
Qed.

End OneNeighbour.

(** ** Several neighbours, or several arrays

    [J] is what the core is controlled on account of: a neighbour and an array. [t j] events of [j] have arrived. If
    control is exact on account of each, an iteration is allowed if and only if it, and all before it, have what
    they need of all. *)
Section Neighbours.

Variable J : Type.
Variable allow : J -> nat -> nat -> Prop.
Variable need : J -> nat -> nat.
Hypothesis each_exact : forall j t i, allow j t i <-> ready (need j) t i.

Theorem neighbours_exact (t : J -> nat) i :
  (forall j, allow j (t j) i) <-> forall k, k <= i -> forall j, need j k <= t j.
Proof.
  split.
  - intros H k K j. apply (proj1 (each_exact j (t j) i) (H j)). auto.
  - intros H j. apply each_exact. intros k K. auto.
Qed.

End Neighbours.
