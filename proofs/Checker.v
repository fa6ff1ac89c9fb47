(** A checker by enumeration, and its soundness for endless streams.

    It compares what each iteration of the first inferences waits for, by literal steps from reset, with what it
    needs, and looks once at whether what the last of them needs repeats what an earlier one does. *)

From Coq Require Import Arith Bool Lia List.
From cmir Require Import PrefixMaximum Automaton Release Stream.
Import ListNotations.

Section Checker.

(** One pass of the automaton: for each step the number of the event it awaits, counted from the first of its
    inference, 0 for none; and how many iterations it allows, counted from the first of its inference. *)
Variable pass : list (nat * nat).

(** Iterations of the core and events of the neighbour in an inference; how many inferences limits lie ahead; and
    from which iteration on needs repeat, and after how many inferences: 1 if which elements share a slot is the
    same in all. *)
Variables N M ahead b period : nat.

(** What each iteration needs itself, through the stream. *)
Variable need : nat -> nat.
Hypothesis need_repeats : forall i, b <= i -> need (i + period * N) = later (period * M) (need i).

(** ** The automaton, repeated *)

Let size := length pass.
Let step a := nth (a mod size) pass (0, 0).

Definition await (a : nat) : nat := later (a / size * M) (fst (step a)).
Definition limit (a : nat) : nat := snd (step a) + a / size * N.

(** ** The checker *)

(** What iteration [i] waits for: [d] or the latest event that the steps await up to the first that allows it. *)
Fixpoint find (steps : list (nat * nat)) (d i : nat) : option nat :=
  match steps with
  | [] => None
  | (e, u) :: rest => if i <? u then Some (Nat.max d e) else find rest (Nat.max d e) i
  end.

(** [d] is the most that iterations before [i] need. *)
Fixpoint check (steps : list (nat * nat)) (needs : list nat) (d i : nat) : bool :=
  match needs with
  | [] => true
  | n :: rest =>
      match find steps 0 i with
      | Some k => (k =? Nat.max d n) && check steps rest (Nat.max d n) (1 + i)
      | None => false
      end
  end.

Definition steps (count : nat) : list (nat * nat) := map (fun a => (await a, limit a)) (seq 0 count).

(** [passes]: how many passes of the automaton are looked at. *)
Definition accept (passes : nat) : bool :=
  (0 <? N) && (0 <? period) && (0 <? size)
  && forallb (fun s => (fst s <=? M) && (snd s <=? (ahead + 1) * N)) pass
  && ((ahead + 1) * N <=? b)
  && check (steps (passes * size)) (map need (seq 0 (b + period * N))) 0 0
  && (prefix need (b + period * N) =? later (period * M) (prefix need b)).

(** ** Soundness *)

Lemma find_sound n : forall a d i k, (forall c, c < a -> limit c <= i) ->
  (forall t, Nat.max d (await a) <= t <-> prefix await a <= t) ->
  find (map (fun a => (await a, limit a)) (seq a n)) d i = Some k -> waits await limit i k.
Proof.
  induction n as [|n IH]; intros a d i k F D H; simpl in H; [discriminate|].
  assert (E : Nat.max d (await a) = prefix await a).
  { apply Nat.le_antisymm; [apply D; auto | apply (proj1 (D (Nat.max d (await a)))); auto]. }
  destruct (Nat.ltb_spec i (limit a)) as [L|L].
  - injection H as <-. exists a. split; [split|]; auto.
  - apply (IH (1 + a)) in H; auto.
    + intros c C. destruct (Nat.eq_dec c a) as [->|]; [auto|]. apply F. lia.
    + intro t. rewrite E. simpl. reflexivity.
Qed.

Lemma check_sound l n : forall d i, Nat.max d (need i) = prefix need i ->
  check (steps l) (map need (seq i n)) d i = true ->
  forall j, i <= j < i + n -> waits await limit j (prefix need j).
Proof.
  induction n as [|n IH]; intros d i D H j J; [lia|]. cbn [seq map check] in H.
  destruct (find (steps l) 0 i) as [k|] eqn:F; [|discriminate].
  apply andb_prop in H. destruct H as [E H]. apply Nat.eqb_eq in E.
  destruct (Nat.eq_dec j i) as [->|].
  - rewrite <- D, <- E. apply (find_sound l 0 0 i k); [lia|simpl; reflexivity|auto].
  - apply (IH (Nat.max d (need i)) (1 + i)); [rewrite D; reflexivity|exact H|lia].
Qed.

Lemma await_repeats : 0 < size -> forall a, await (a + size) = later M (await a).
Proof.
  intros P a. unfold await, step.
  replace (a + size) with (a + 1 * size) by lia. rewrite Nat.mod_add, Nat.div_add by lia.
  destruct (fst _); simpl; lia.
Qed.

Lemma limit_repeats : 0 < size -> forall a, limit (a + size) = limit a + N.
Proof.
  intros P a. unfold limit, step.
  replace (a + size) with (a + 1 * size) by lia. rewrite Nat.mod_add, Nat.div_add by lia. lia.
Qed.

Theorem checker_sound passes : accept passes = true -> exact need await limit.
Proof.
  unfold accept. rewrite !andb_true_iff, forallb_forall, !Nat.ltb_lt, Nat.leb_le, Nat.eqb_eq.
  intros [[[[[[PN PQ] PS] First] B] C] Turn].
  assert (Bound : forall a, a < size -> await a <= M /\ limit a <= (ahead + 1) * N).
  { intros a A. specialize (First (nth a pass (0, 0)) (nth_In _ _ A)).
    apply andb_prop in First. rewrite !Nat.leb_le in First.
    unfold await, limit, step. rewrite Nat.mod_small, Nat.div_small by auto.
    destruct (fst _); simpl in *; lia. }
  apply exact_iff. apply (finite_suffices need (period * N) (period * M) b); auto.
  - apply Nat.mul_pos_pos; auto.
  - intros i k I. apply waits_repeats_later with (S := size) (ahead := ahead); try lia.
    + intros a A. apply Bound. auto.
    + apply await_repeats. auto.
    + intros a A. apply Bound. auto.
    + apply limit_repeats. auto.
  - intros i I. apply (check_sound (passes * size) (b + period * N) 0 0); [simpl; auto|auto|lia].
Qed.

End Checker.

(** A core without an automaton on a neighbour never waits for it. That is exact if and only if it needs nothing. *)
Theorem without_automaton need : (forall t i, ready need t i) <-> forall i, need i = 0.
Proof.
  split.
  - intros H i. specialize (H 0 i i (le_n _)). lia.
  - intros H t i j _. rewrite H. lia.
Qed.
