(** From finitely many inferences to all (Theorem 6 of docs/mathematics.md). *)

From Coq Require Import Arith Lia Wf_nat.
From cmir Require Import PrefixMaximum Automaton Release.

Section Stream.

(** The core has [N] iterations in an inference, the neighbour [M] events. Where needs repeat after several inferences,
    these count as one. [b] is where repetition begins. *)
Variables (need : nat -> nat) (N M b : nat).
Hypothesis iterations : 0 < N.
Hypothesis need_repeats : forall i, b <= i -> need (i + N) = later M (need i).

(** Looked at once: iteration [b + N] needs what iteration [b] does, an inference later. *)
Hypothesis turn : prefix need (b + N) = later M (prefix need b).

Lemma prefix_repeats i : b <= i -> prefix need (i + N) = later M (prefix need i).
Proof.
  intro I. induction I as [|i I IH]; [auto|].
  replace (S i + N) with (S (i + N)) by lia. simpl.
  rewrite IH. replace (S (i + N)) with (S i + N) by lia.
  rewrite need_repeats by lia. symmetry. apply later_max.
Qed.

(** [waits i k]: iteration [i] waits for [k] events, on account of whatever controls it. *)
Variable waits : nat -> nat -> Prop.
Hypothesis waits_repeat : forall i k, b <= i -> waits i k -> waits (i + N) (later M k).

Theorem finite_suffices :
  (forall i, i < b + N -> waits i (prefix need i)) -> forall i, waits i (prefix need i).
Proof.
  intros C i. induction i as [i IH] using lt_wf_ind.
  destruct (le_lt_dec (b + N) i); [|auto].
  replace i with (i - N + N) by lia. rewrite prefix_repeats by lia.
  apply waits_repeat; [lia|]. apply IH. lia.
Qed.

End Stream.
