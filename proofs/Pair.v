(** One writer, one reader, one buffer: what waiting is necessary and sufficient (Lemma 1 and Theorem 2 of
    docs/mathematics.md).

    Iterations of the writer and of the reader are numbered through the stream, from 0. An element is written once:
    [born e = S j] says that iteration [j] of the writer writes [e], and [born e = 0] that the slot of [e] holds it
    at reset. A buffer that is empty at reset has no element of the second kind. *)

From Coq Require Import Arith Lia.
From cmir Require Import PrefixMaximum.

Section Pair.

Variable element : Type.
Variable born : element -> nat.
Variable slot : element -> option nat.              (* None: the reader does not keep it *)
Variable reads : nat -> element -> Prop.

Definition share (e f : element) : Prop := exists s, slot e = Some s /\ slot f = Some s.

(** What is read is kept, and no iteration of the writer puts another element into the same slot at once. *)
Hypothesis kept : forall i e, reads i e -> share e e.
Hypothesis alone : forall i e f, reads i e -> share e f -> born e = born f -> e = f.

(** ** Executions

    An execution gives the times of four kinds of events: iteration [j] of the writer starts at [write j], and all
    that it writes arrives at [arrive j]; iteration [i] of the reader starts, and reads all of its lanes, at [read
    i], and the writer's control unit sees it as done at [done i]. Times mean nothing but order. *)
Record execution := {
  write : nat -> nat;
  arrive : nat -> nat;
  read : nat -> nat;
  done : nat -> nat;
  write_order : forall j k, j < k -> write j < write k;
  read_order : forall i k, i < k -> read i < read k;
  arrive_after : forall j, write j < arrive j;
  done_after : forall i, read i < done i;
  arrive_order : forall j k, j < k -> arrive j < arrive k;
  done_order : forall i k, i < k -> done i < done k
}.

(** A rule of the reader, and one of the writer: how many events of the other each of its iterations waits for. *)
Definition obeys (x : execution) (wait_read wait_write : nat -> nat) : Prop :=
  (forall i k, k < wait_read i -> arrive x k < read x i) /\
  (forall j k, k < wait_write j -> done x k < write x j).

(** ** Contents of the buffer *)

(** When an element arrives; what is there at reset comes before all events. *)
Definition since (x : execution) (e : element) : nat :=
  match born e with 0 => 0 | S j => S (arrive x j) end.

(** When iteration [i] of the reader starts, [e] is in its slot: it has arrived, and nothing has arrived there after
    it. *)
Definition holds (x : execution) (i : nat) (e : element) : Prop :=
  share e e /\ since x e <= read x i /\
  forall f, share e f -> f <> e -> since x f <= read x i -> since x f < since x e.

(** All reads find what they should. *)
Definition right (x : execution) : Prop := forall i e, reads i e -> holds x i e.

(** ** Needs *)

(** Iteration [j] of the writer overwrites [e], however long ago it was written. *)
Definition overwrites (j : nat) (e : element) : Prop :=
  born e <= j /\ exists f, born f = S j /\ share e f.

Variables need_read need_write : nat -> nat.
Hypothesis need_read_spec : forall i t, need_read i <= t <-> forall e, reads i e -> born e <= t.
Hypothesis need_write_spec : forall j t,
  need_write j <= t <-> forall e i, overwrites j e -> reads i e -> i < t.

Lemma since_order x e f : born e < born f -> since x e < since x f.
Proof.
  unfold since. destruct (born e) as [|j], (born f) as [|k]; try lia.
  intro H. pose proof (arrive_order x j k). lia.
Qed.

(** Waiting for what is needed suffices, in every execution. *)
Theorem sufficient x wait_read wait_write : obeys x wait_read wait_write ->
  (forall i, prefix need_read i <= wait_read i) -> (forall j, prefix need_write j <= wait_write j) -> right x.
Proof.
  intros [O1 O2] R W i e E.
  assert (B : born e <= wait_read i).
  { specialize (R i). pose proof (prefix_upper need_read i i ltac:(lia)).
    apply (proj1 (need_read_spec i (wait_read i))); [lia|auto]. }
  split; [exact (kept i e E)|]. split.
  - unfold since. destruct (born e) as [|j]; [lia|]. specialize (O1 i j). lia.
  - intros f Sh D F. destruct (lt_eq_lt_dec (born f) (born e)) as [[L|L]|L].
    + apply since_order. auto.
    + elim D. symmetry. eapply alone; eauto.
    + exfalso. destruct (born f) as [|j] eqn:Bf; [lia|].
      assert (V : overwrites j e) by (split; [lia|exists f; auto]).
      assert (i < wait_write j).
      { specialize (W j). pose proof (prefix_upper need_write j j ltac:(lia)).
        apply (proj1 (need_write_spec j (wait_write j))) with (e := e); [lia|auto|auto]. }
      unfold since in F. rewrite Bf in F.
      specialize (O2 j i). pose proof (done_after x i). pose proof (arrive_after x j). lia.
Qed.

(** ** Waiting for what is needed is necessary

    Rules come from limits, so what they wait for does not decrease. If they let the stream run at all, and some
    iteration waits for less than it needs, then there is an execution that obeys them and reads a wrong element:
    the one below, in which all that the iteration need not wait for is late. *)
Section Necessity.

Variables wait_read wait_write : nat -> nat.
Hypothesis read_monotone : forall i k, i <= k -> wait_read i <= wait_read k.
Hypothesis write_monotone : forall j k, j <= k -> wait_write j <= wait_write k.

(** An event at [t] that is not among the first [n] of its kind is late by [b]. *)
Let late (b n : nat) (f : nat -> nat) (j : nat) : nat := if j <? n then f j else f j + b.

Lemma late_order b n f : (forall j k, j < k -> f j < f k) -> forall j k, j < k -> late b n f j < late b n f k.
Proof.
  intros H j k J. specialize (H j k J). unfold late.
  destruct (Nat.ltb_spec j n), (Nat.ltb_spec k n); lia.
Qed.

Lemma late_after b m n f g : (forall j, f j < g j) -> n <= m -> forall j, late b m f j < late b n g j.
Proof.
  intros H N j. specialize (H j). unfold late.
  destruct (Nat.ltb_spec j m), (Nat.ltb_spec j n); lia.
Qed.

(** [x], with all late but the first [w] starts and [a] arrivals of the writer, [r] starts of the reader, and [d]
    messages that they are done. *)
Definition delay (x : execution) (b w a r d : nat) (A : a <= w) (D : d <= r) : execution := {|
  write := late b w (write x);
  arrive := late b a (arrive x);
  read := late b r (read x);
  done := late b d (done x);
  write_order := late_order b w _ (write_order x);
  read_order := late_order b r _ (read_order x);
  arrive_after := late_after b w a _ _ (arrive_after x) A;
  done_after := late_after b r d _ _ (done_after x) D;
  arrive_order := late_order b a _ (arrive_order x);
  done_order := late_order b d _ (done_order x)
|}.

(** If what is not late waits only for what is not late, the delayed execution obeys the rules, too. *)
Lemma delay_obeys x b w a r d A D : obeys x wait_read wait_write ->
  (forall i, i < r -> wait_read i <= a) -> (forall j, j < w -> wait_write j <= d) ->
  obeys (delay x b w a r d A D) wait_read wait_write.
Proof.
  intros [O1 O2] R W. split; intros i k K; simpl; unfold late.
  - specialize (O1 i k K). specialize (R i). destruct (Nat.ltb_spec k a), (Nat.ltb_spec i r); lia.
  - specialize (O2 i k K). specialize (W i). destruct (Nat.ltb_spec k d), (Nat.ltb_spec i w); lia.
Qed.

Lemma order_reflects (f : nat -> nat) : (forall j k, j < k -> f j < f k) -> forall j k, f j < f k -> j < k.
Proof. intros H j k L. destruct (lt_eq_lt_dec j k) as [[| ->]|N]; [auto|lia|]. specialize (H k j N). lia. Qed.

Hypothesis always_right : forall x, obeys x wait_read wait_write -> right x.

Theorem necessary_read x : obeys x wait_read wait_write -> forall i, prefix need_read i <= wait_read i.
Proof.
  intros O i. apply prefix_le. intros h Hi. apply need_read_spec. intros e E.
  destruct (le_lt_dec (born e) (wait_read i)) as [|L]; [auto|exfalso].
  (* Only what iteration i waits for arrives before it. *)
  set (a := wait_read i) in *.
  assert (W : forall j, j < a -> wait_write j <= i).
  { intros j J. destruct (wait_write j) as [|k] eqn:K; [lia|].
    destruct O as [O1 O2]. specialize (O2 j k ltac:(lia)). specialize (O1 i j J).
    pose proof (arrive_after x j). pose proof (done_after x k).
    pose proof (order_reflects _ (read_order x) k i ltac:(lia)). lia. }
  assert (D : i <= S i) by lia.
  pose (y := delay x (S (read x i)) a a (S i) i (le_n a) D).
  assert (Y : obeys y wait_read wait_write).
  { apply delay_obeys; auto. intros g G. apply read_monotone. lia. }
  destruct (always_right y Y h e E) as [_ [P _]]. unfold since in P.
  destruct (born e) as [|j]; [lia|]. simpl in P. unfold late in P.
  destruct (Nat.ltb_spec j a), (Nat.ltb_spec h (S i)); try lia.
  pose proof (read_order x h i). destruct (Nat.eq_dec h i) as [->|]; lia.
Qed.

Theorem necessary_write x : obeys x wait_read wait_write -> forall j, prefix need_write j <= wait_write j.
Proof.
  intros O j. apply prefix_le. intros k Kj. apply need_write_spec. intros e i [B [f [F Sh]]] E.
  destruct (le_lt_dec (wait_write j) i) as [L|]; [exfalso|auto].
  (* The reader does nothing that iteration j does not wait for until j's elements have arrived. *)
  set (d := wait_write j) in *.
  assert (R : forall g, g < d -> wait_read g <= S j).
  { intros g G. destruct (wait_read g) as [|h] eqn:H; [lia|].
    destruct O as [O1 O2]. specialize (O1 g h ltac:(lia)). specialize (O2 j g G).
    pose proof (done_after x g). pose proof (arrive_after x h).
    pose proof (order_reflects _ (write_order x) h j ltac:(lia)). lia. }
  pose (y := delay x (S (arrive x j)) (S j) (S j) d d (le_n _) (le_n _)).
  assert (Y : obeys y wait_read wait_write).
  { apply delay_obeys; auto. intros g G. apply write_monotone. lia. }
  destruct (always_right y Y i e E) as [_ [_ P]].
  assert (since y e < since y f) by (apply since_order; lia).
  enough (since y f < since y e) by lia.
  apply P; [auto|intros ->; lia|]. unfold since. rewrite F. simpl. unfold late.
  destruct (Nat.ltb_spec k (S j)), (Nat.ltb_spec i d); try lia.
  pose proof (arrive_order x k j). destruct (Nat.eq_dec k j) as [->|]; lia.
Qed.

End Necessity.

(** Rules that let the stream run are safe if and only if each iteration waits for all that it, or one before it,
    needs. *)
Theorem safe_iff wait_read wait_write :
  (forall i k, i <= k -> wait_read i <= wait_read k) ->
  (forall j k, j <= k -> wait_write j <= wait_write k) ->
  (exists x, obeys x wait_read wait_write) ->
  ((forall x, obeys x wait_read wait_write -> right x) <->
   (forall i, prefix need_read i <= wait_read i) /\ (forall j, prefix need_write j <= wait_write j)).
Proof.
  intros Mr Mw [x O]. split.
  - intro H. split; [eapply necessary_read | eapply necessary_write]; eauto.
  - intros [R W] y Y. eapply sufficient; eauto.
Qed.

End Pair.
