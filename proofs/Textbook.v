(** The textbook pair, to see that the hypotheses can be met: a window of three over rows of eight elements, in a
    ring of three. The writer has eight iterations in an inference and writes element [e] of the stream in iteration
    [e]; the reader has six, and reads [e], [e + 1] and [e + 2]. *)

From Coq Require Import Arith Bool ZArith Lia List ZifyNat.
From cmir Require Import PrefixMaximum Automaton Release Pair Predecessor Shift Checker Control.
Import ListNotations.

Ltac Zify.zify_post_hook ::= Z.to_euclidean_division_equations.

Definition born (e : nat) : nat := S e.
Definition slot (e : nat) : option nat := Some (e mod 3).
Definition reads (i e : nat) : Prop := let first := i / 6 * 8 + i mod 6 in first <= e < first + 3.
Definition next (e : nat) : nat := e + 8.

(** D of read after write and of write after read, as numbers of events. *)
Definition need_read (i : nat) : nat := i / 6 * 8 + i mod 6 + 3.
Definition need_evict (j : nat) : nat :=
  if j <? 3 then 0 else (j - 3) / 8 * 6 + Nat.min ((j - 3) mod 8 + 1) 6.

(** One pass of each automaton: of the reader, which has an event for each element from the third on; and of the
    writer, whose first step has no event and gives the limit after reset. *)
Definition snoop : list (nat * nat) := [(3, 1); (4, 2); (5, 3); (6, 4); (7, 5); (8, 6)].
Definition credit : list (nat * nat) := (0, 3) :: [(1, 4); (2, 5); (3, 6); (4, 7); (5, 8); (6, 11)].

Lemma share_iff e f : share nat slot e f <-> e mod 3 = f mod 3.
Proof.
  unfold share, slot. split.
  - intros [s [E F]]. congruence.
  - intro H. exists (e mod 3). split; congruence.
Qed.

Lemma evicts_iff j e : evicts nat born slot j e <-> j = e + 3.
Proof.
  unfold evicts, overwrites, born. split.
  - intros [[B [f [F Sh]]] L]. rewrite share_iff in Sh.
    specialize (L (e + 3)). rewrite share_iff in L. lia.
  - intros ->. split; [split; [lia|exists (e + 3); rewrite share_iff; lia]|].
    intros f Sh. rewrite share_iff in Sh. lia.
Qed.

Lemma need_read_spec i t : need_read i <= t <-> forall e, reads i e -> born e <= t.
Proof.
  unfold need_read, reads, born. split.
  - intros H e E. lia.
  - intro H. specialize (H (i / 6 * 8 + i mod 6 + 2)). lia.
Qed.

Lemma need_evict_spec j t :
  need_evict j <= t <-> forall e i, evicts nat born slot j e -> reads i e -> i < t.
Proof.
  unfold need_evict. setoid_rewrite evicts_iff. unfold reads. split.
  - intros H e i -> R. destruct (Nat.ltb_spec (e + 3) 3); [lia|].
    replace (e + 3 - 3) with e in H by lia. lia.
  - intro H. destruct (Nat.ltb_spec j 3); [lia|].
    specialize (H (j - 3) ((j - 3) / 8 * 6 + Nat.min ((j - 3) mod 8) 5)). lia.
Qed.

(** All older occupants of the slot: the same number, by the predecessor argument. *)
Definition need_write (j : nat) : nat := need_evict j.

Lemma need_write_spec j t :
  need_write j <= t <-> forall e i, overwrites nat born slot j e -> reads i e -> i < t.
Proof.
  unfold need_write. rewrite need_evict_spec. split.
  - intros H e i [B [f [F Sh]]] R. unfold born in *. rewrite share_iff in Sh.
    assert (O : need_evict j <= t) by (apply need_evict_spec; auto).
    unfold need_evict in O. destruct (Nat.ltb_spec j 3); unfold reads in R; lia.
  - intros H e i [O _]. apply H. auto.
Qed.

Theorem textbook x :
  controlled x (await snoop 8) (limit snoop 6) (await credit 6) (limit credit 8) -> right nat born slot reads x.
Proof.
  apply (accepted_right nat born slot reads) with (need_read := need_read) (need_evict := need_evict)
    (need_write := need_write) (next := next) (b := 0) (far := 1)
    (read_ahead := 0) (write_ahead := 1) (read_from := 6) (write_from := 16) (p := 2) (q := 3);
    unfold born, next; try lia; try reflexivity.
  - intros i e _. apply share_iff. reflexivity.
  - apply need_read_spec.
  - apply need_evict_spec.
  - apply need_write_spec.
  - intros f F. exists (f - 8). lia.
  - intros i e. unfold reads. lia.
  - intros e f. rewrite !share_iff. lia.
  - intros i f _ R. unfold reads in R. exists (f - 8). lia.
  - intros i e _. unfold reads. lia.
  - intros j e E. apply evicts_iff in E. lia.
Qed.

(** Without the step that gives the limit after reset, the credit is refused: from reset, nothing would ever run. *)
Example never_starts : accept (tl credit) 8 6 1 16 1 need_evict 3 = false.
Proof. reflexivity. Qed.

(** A limit after reset that is too low is refused, too, and so is one that is too high. *)
Example starts_once : accept ((0, 1) :: tl credit) 8 6 1 16 1 need_evict 3 = false.
Proof. reflexivity. Qed.

Example overwrites_early : accept ((0, 4) :: tl credit) 8 6 1 16 1 need_evict 3 = false.
Proof. reflexivity. Qed.

(** The automata of the pair do not block each other: there is an execution. Iteration [e] of the writer starts at
    10 e, and each window is read as soon as its last element is there. *)
Program Definition running : execution := {|
  write j := 10 * j;
  arrive j := 10 * j + 1;
  read i := 10 * need_read i - 5;
  done i := 10 * need_read i - 4
|}.
Solve All Obligations with (unfold need_read; lia).

Theorem textbook_runs :
  controlled running (await snoop 8) (limit snoop 6) (await credit 6) (limit credit 8).
Proof.
  assert (R : exact need_read (await snoop 8) (limit snoop 6)).
  { apply checker_sound with (ahead := 0) (b := 6) (period := 1) (passes := 2); [|reflexivity].
    intros i _. rewrite !Nat.mul_1_l. unfold need_read, later. destruct (i / 6 * 8 + i mod 6 + 3) eqn:E; lia. }
  assert (W : exact need_evict (await credit 6) (limit credit 8)).
  { apply checker_sound with (ahead := 1) (b := 16) (period := 1) (passes := 3); [|reflexivity].
    intros j J. rewrite !Nat.mul_1_l. unfold need_evict.
    destruct (Nat.ltb_spec (j + 8) 3), (Nat.ltb_spec j 3); try lia.
    unfold later. destruct ((j - 3) / 8 * 6 + Nat.min ((j - 3) mod 8 + 1) 6) eqn:E; lia. }
  split.
  - intro i. exists (prefix need_read i). split; [apply R, ready_iff; auto|].
    intros k K. rewrite prefix_fixed in K by (unfold need_read; lia). simpl. lia.
  - intro j. exists (prefix need_evict j). split; [apply W, ready_iff; auto|].
    intros k K. simpl.
    assert (need_evict j > k).
    { rewrite prefix_fixed in K; [auto|]. intros a b A. unfold need_evict.
      destruct (Nat.ltb_spec a 3), (Nat.ltb_spec b 3); lia. }
    unfold need_evict in *. destruct (Nat.ltb_spec j 3); [lia|]. unfold need_read. lia.
Qed.
