(** Slots into which several writers store (Theorem 3 of docs/mathematics.md).

    Nothing orders the arrivals of two writers. Their elements can share a slot if all of them are read, and each is
    written only after the one before it in the slot has been read: then the reads order the arrivals. *)

From Coq Require Import Arith Lia.

Section OrderedWriters.

Variable element : Type.
Variable slot : element -> option nat.
Variable reads : nat -> element -> Prop.

Definition share (e f : element) : Prop := exists s, slot e = Some s /\ slot f = Some s.

(** The place of an element among those of its slot, in the order in which they are to be there: 0, 1, 2, … *)
Variable place : element -> nat.
Hypothesis one_at_a_place : forall e f, share e f -> place e = place f -> e = f.
Hypothesis no_gap : forall f k, share f f -> place f = S k -> exists e, share e f /\ place e = k.

Hypothesis kept : forall i e, reads i e -> share e e.
Hypothesis all_read : forall i e f, reads i e -> share e f -> exists k, reads k f.

(** When each element is written, by whichever core, and arrives; and when each iteration of the reader starts. *)
Variables write arrive : element -> nat.
Variable read : nat -> nat.
Hypothesis arrive_after : forall e, write e < arrive e.

(** The reader waits for what it reads, each writer for those who read what was in the slot before. *)
Hypothesis read_waits : forall i e, reads i e -> arrive e < read i.
Hypothesis write_waits : forall i e f, share e f -> place f = S (place e) -> reads i e -> read i < write f.

Lemma share_trans e f g : share e f -> share f g -> share e g.
Proof. intros [s [E F]] [t [F' G]]. exists s. split; congruence. Qed.

Lemma share_sym e f : share e f -> share f e.
Proof. intros [s [E F]]. exists s. auto. Qed.

Lemma read_before e f : share e f -> place e < place f -> forall i, reads i e -> read i < arrive f.
Proof.
  remember (place f - place e) as d eqn:D. revert f D.
  induction d as [|d IH]; intros f D Sh P i R; [lia|].
  destruct (Nat.eq_dec (place f) (S (place e))) as [E|N].
  - pose proof (write_waits i e f Sh E R). pose proof (arrive_after f). lia.
  - destruct (no_gap f (place f - 1)) as [g [G Pg]].
    { apply (share_trans f e f); [apply share_sym|]; auto. }
    { lia. }
    assert (Eg : share e g) by (apply (share_trans e f g); [|apply share_sym]; auto).
    destruct (all_read i e g R Eg) as [k K].
    specialize (IH g ltac:(lia) Eg ltac:(lia) i R).
    pose proof (read_waits k g K). pose proof (write_waits k g f G ltac:(lia) K).
    pose proof (arrive_after f). lia.
Qed.

(** When an element is read it has arrived, and no other has arrived in its slot since. *)
Theorem ordered_right i e : reads i e ->
  share e e /\ arrive e < read i /\
  forall f, share e f -> f <> e -> arrive f < read i -> arrive f < arrive e.
Proof.
  intro R. split; [eauto|]. split; [auto|]. intros f Sh D F.
  destruct (lt_eq_lt_dec (place e) (place f)) as [[L|L]|L].
  - pose proof (read_before e f Sh L i R). lia.
  - elim D. symmetry. apply one_at_a_place; auto.
  - destruct (all_read i e f R Sh) as [k K].
    pose proof (read_before f e (share_sym _ _ Sh) L k K). pose proof (read_waits k f K). lia.
Qed.

End OrderedWriters.
