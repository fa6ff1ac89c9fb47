(** From what the checker accepts to what the reader finds: the files before put together, for one writer, one
    reader and one buffer in an endless stream. *)

From Coq Require Import Arith Lia List.
From cmir Require Import PrefixMaximum Automaton Release Pair Predecessor Shift Checker.

Section Control.

Variable element : Type.
Variable born : element -> nat.
Variable slot : element -> option nat.
Variable reads : nat -> element -> Prop.

Hypothesis kept : forall i e, reads i e -> share element slot e e.
Hypothesis alone : forall i e f, reads i e -> share element slot e f -> born e = born f -> e = f.

Variables need_read need_evict : nat -> nat.
Hypothesis need_read_spec : forall i t, need_read i <= t <-> forall e, reads i e -> born e <= t.
Hypothesis need_evict_spec : forall j t,
  need_evict j <= t <-> forall e i, evicts element born slot j e -> reads i e -> i < t.

(** The number of readers that an iteration would wait for, if it were to wait for those of all older occupants. *)
Variable need_write : nat -> nat.
Hypothesis need_write_spec : forall j t,
  need_write j <= t <-> forall e i, overwrites element born slot j e -> reads i e -> i < t.

(** In execution [x], each core starts an iteration only while its automaton allows it: at that time [t] events have
    arrived, or more. *)
Definition controlled (x : execution) (read_await read_limit write_await write_limit : nat -> nat) : Prop :=
  (forall i, exists t, allowed read_await read_limit t i /\ forall k, k < t -> arrive x k < read x i) /\
  (forall j, exists t, allowed write_await write_limit t j /\ forall k, k < t -> done x k < write x j).

Theorem exact_right x ra rl wa wl : exact need_read ra rl -> exact need_evict wa wl ->
  controlled x ra rl wa wl -> right element born slot reads x.
Proof.
  intros R W [X Y].
  apply (sufficient element born slot reads kept alone need_read need_write need_read_spec need_write_spec
           x (prefix need_read) (prefix need_write)); auto.
  split; intros i k K.
  - destruct (X i) as [t [A T]]. apply R, ready_iff in A. apply T. lia.
  - rewrite <- (predecessor_suffices element born slot reads need_write need_evict need_write_spec
                  need_evict_spec i) in K.
    destruct (Y i) as [t [A T]]. apply W, ready_iff in A. apply T. lia.
Qed.

(** ** Every inference does the same, from reset on; see [Shift] *)

Variable next : element -> element.
Variables M N b far : nat.
Hypothesis born_next : forall e, 0 < born e -> born (next e) = born e + M.
Hypothesis born_first : forall e, born e = 0 -> born (next e) <= M.
Hypothesis born_later : forall f, M < born f -> exists e, f = next e.
Hypothesis reads_next : forall i e, reads (i + N) (next e) <-> reads i e.
Hypothesis share_next : forall e f, share element slot (next e) (next f) <-> share element slot e f.
Hypothesis own : forall i e, b <= i -> reads i e -> 0 < born e.
Hypothesis own_later : forall i f, b <= i -> reads (i + N) f -> exists e, f = next e.
Hypothesis reads_later : forall i e, 0 < born e -> reads i (next e) -> N <= i.
Hypothesis evicted_soon : forall j e, evicts element born slot j e -> j < born e + far * M.

(** Automata that the checker accepts, on finitely many inferences, let the reader find all elements, in all. *)
Theorem accepted_right read_pass write_pass read_ahead write_ahead read_from write_from p q x :
  b <= read_from -> far * M <= write_from ->
  accept read_pass N M read_ahead read_from 1 need_read p = true ->
  accept write_pass M N write_ahead write_from 1 need_evict q = true ->
  controlled x (await read_pass M) (limit read_pass N) (await write_pass N) (limit write_pass M) ->
  right element born slot reads x.
Proof.
  intros B F R W C. eapply exact_right; [| |exact C].
  - eapply checker_sound; [|exact R]. intros i I. rewrite !Nat.mul_1_l.
    eapply need_read_repeats with (b := b); eauto. lia.
  - eapply checker_sound; [|exact W]. intros j J. rewrite !Nat.mul_1_l.
    eapply need_evict_repeats with (far := far); eauto. lia.
Qed.

End Control.
