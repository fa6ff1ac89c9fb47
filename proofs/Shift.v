(** Needs repeat from some inference on, since every inference does the same (Lemma 3 of docs/mathematics.md).

    [next e] is the element of the next inference at the same location. The writer has [M] iterations in an
    inference, the reader [N]. *)

From Coq Require Import Arith Lia.
From cmir Require Import PrefixMaximum Pair Predecessor.

Section Shift.

Variable element : Type.
Variable born : element -> nat.
Variable slot : element -> option nat.
Variable reads : nat -> element -> Prop.
Variable next : element -> element.
Variables M N : nat.

Let share := share element slot.
Let evicts := evicts element born slot.

(** Elements written in the first inference have numbers up to [M]; those at reset, 0, have their successors there. *)
Hypothesis born_next : forall e, 0 < born e -> born (next e) = born e + M.
Hypothesis born_first : forall e, born e = 0 -> born (next e) <= M.
Hypothesis born_later : forall f, M < born f -> exists e, f = next e.

Hypothesis reads_next : forall i e, reads (i + N) (next e) <-> reads i e.

(** Of the storage map only this is asked for: whether two elements share a slot is the same in every inference. *)
Hypothesis share_next : forall e f, share (next e) (next f) <-> share e f.

Lemma later_element f : M < born f -> exists e, f = next e /\ 0 < born e /\ born f = born e + M.
Proof.
  intro H. destruct (born_later f H) as [e ->]. exists e.
  assert (P : 0 < born e) by (destruct (born e) eqn:E; [pose proof (born_first e E); lia|lia]).
  repeat split; auto.
Qed.

(** ** Read after write

    From iteration [b] on, only elements that have been written in the stream are read. Where each inference reads
    its own elements, [b] is 0. *)
Section Read.

Variable b : nat.
Hypothesis own : forall i e, b <= i -> reads i e -> 0 < born e.
Hypothesis own_later : forall i f, b <= i -> reads (i + N) f -> exists e, f = next e.

Variable need_read : nat -> nat.
Hypothesis need_read_spec : forall i t, need_read i <= t <-> forall e, reads i e -> born e <= t.

Theorem need_read_repeats i : b <= i -> need_read (i + N) = later M (need_read i).
Proof.
  intro B. apply Nat.le_antisymm.
  - apply need_read_spec. intros f F. destruct (own_later i f B F) as [e ->].
    apply (proj1 (reads_next i e)) in F. pose proof (own i e B F). rewrite born_next by auto.
    pose proof (proj1 (need_read_spec i (need_read i)) (le_n _) e F).
    destruct (need_read i); simpl; lia.
  - destruct (need_read i) as [|k] eqn:K; [simpl; lia|].
    destruct (le_lt_dec (S k + M) (need_read (i + N))) as [|L]; [auto|exfalso].
    enough (need_read i <= k) by lia. apply need_read_spec. intros e E.
    pose proof (own i e B E).
    apply (proj2 (reads_next i e)) in E. apply (proj1 (need_read_spec (i + N) (need_read (i + N)))) in E; [|auto].
    rewrite born_next in E by auto. lia.
Qed.

End Read.

(** ** Write after read

    An element is evicted less than [far] inferences of the writer after it was written. *)
Section Write.

Variable far : nat.
Hypothesis evicted_soon : forall j e, evicts j e -> j < born e + far * M.

Lemma evicts_next j e : 0 < born e -> evicts (j + M) (next e) <-> evicts j e.
Proof.
  intro P. pose proof (born_next e P) as B. split.
  - intros [[A [f [F Sh]]] L]. destruct (later_element f ltac:(lia)) as [g [-> [G Eg]]].
    split; [split; [lia|]|].
    + exists g. split; [lia|]. apply (proj1 (share_next e g)). auto.
    + intros h H K. assert (0 < born h) by lia. specialize (L (next h)).
      rewrite (born_next h) in L by auto. specialize (L (proj2 (share_next e h) H)). lia.
  - intros [[A [f [F Sh]]] L]. split; [split; [lia|]|].
    + exists (next f). rewrite born_next by lia. split; [lia|]. apply (proj2 (share_next e f)). auto.
    + intros h H K. destruct (later_element h ltac:(lia)) as [g [-> [G Eg]]].
      specialize (L g (proj1 (share_next e g) H)). lia.
Qed.

Variable need_evict : nat -> nat.
Hypothesis need_evict_spec : forall j t,
  need_evict j <= t <-> forall e i, evicts j e -> reads i e -> i < t.

(** The reader reads no element before the inference in which it is written. *)
Hypothesis reads_later : forall i e, 0 < born e -> reads i (next e) -> N <= i.

Theorem need_evict_repeats j : far * M <= j -> need_evict (j + M) = later N (need_evict j).
Proof.
  intro J. apply Nat.le_antisymm.
  - apply need_evict_spec. intros f i E R.
    pose proof (evicted_soon _ _ E) as Soon.
    destruct (later_element f ltac:(lia)) as [e [-> [P B]]].
    pose proof (reads_later i e P R).
    apply (proj1 (evicts_next j e P)) in E.
    replace i with (i - N + N) in R by lia. apply (proj1 (reads_next _ _)) in R.
    pose proof (proj1 (need_evict_spec j (need_evict j)) (le_n _) e _ E R).
    destruct (need_evict j); simpl; lia.
  - destruct (need_evict j) as [|k] eqn:K; [simpl; lia|].
    destruct (le_lt_dec (S k + N) (need_evict (j + M))) as [|L]; [auto|exfalso].
    enough (need_evict j <= k) by lia. apply need_evict_spec. intros e i E R.
    assert (P : 0 < born e) by (pose proof (evicted_soon _ _ E); lia).
    apply (proj2 (evicts_next j e P)) in E. apply (proj2 (reads_next i e)) in R.
    pose proof (proj1 (need_evict_spec (j + M) _) (le_n _) _ _ E R). lia.
Qed.

End Write.

(** ** Storage maps with a period

    If elements have the same slots again some inferences later, take that many inferences for one. Then [far] is 1.
    *)
Section Period.

Hypothesis inference : 0 < M.
Hypothesis born_next_positive : forall e, 0 < born (next e).
Hypothesis same_slot : forall e, slot (next e) = slot e.

Theorem period_far j e : evicts j e -> j < born e + 1 * M.
Proof.
  intros [[_ [f [_ [s [E _]]]]] L].
  assert (Sh : share e (next e)) by (exists s; rewrite same_slot; auto).
  specialize (L (next e) Sh). pose proof (born_next_positive e).
  destruct (born e) as [|b] eqn:B.
  - pose proof (born_first e B). lia.
  - rewrite born_next in L by lia. lia.
Qed.

End Period.
End Shift.
