(** Automata of a control unit, as literal steps from reset (docs/mathematics.md, §1 and §6).

    Step [a] awaits the event [await a] and then raises the limit to [limit a]. Steps are taken in their order, and
    there are infinitely many: those of one inference after those of another. Events are counted from 1 in the order
    in which they arrive, so that step [a] awaits the arrival of the first [await a] events; 0 awaits nothing.
    Limits are numbers of iterations: a limit [u] allows the iterations [0 .. u - 1]. Before the first step no
    iteration is allowed. A step that is awaited after its event has arrived is taken at once. *)

From Coq Require Import Arith Lia Wf_nat.
From cmir Require Import PrefixMaximum.

Section Steps.

Variables await limit : nat -> nat.

(** After [t] events, step [a] has been taken. *)
Definition taken (t a : nat) : Prop := forall b, b <= a -> await b <= t.

(** After [t] events, iteration [i] may start: some step that has been taken allows it. *)
Definition allowed (t i : nat) : Prop := exists a, taken t a /\ i < limit a.

(** Step [a] is the first that allows iteration [i]. *)
Definition releases (a i : nat) : Prop := i < limit a /\ forall b, b < a -> limit b <= i.

(** Iteration [i] waits for [k] events. An iteration that no step allows waits for no number of events. *)
Definition waits (i k : nat) : Prop := exists a, releases a i /\ k = prefix await a.

Lemma releases_unique a b i : releases a i -> releases b i -> a = b.
Proof.
  intros [A A'] [B B']. destruct (lt_eq_lt_dec a b) as [[H|H]|H]; auto.
  - specialize (B' a H). lia.
  - specialize (A' b H). lia.
Qed.

Lemma waits_unique i k l : waits i k -> waits i l -> k = l.
Proof. intros [a [A ->]] [b [B ->]]. rewrite (releases_unique a b i); auto. Qed.

(** Somewhere in a stream of steps that allows [i] is the first step that does. *)
Lemma first_release i a : i < limit a -> exists b, b <= a /\ releases b i.
Proof.
  induction a as [a IH] using lt_wf_ind. intro H.
  assert (D : (exists b, b < a /\ i < limit b) \/ forall b, b < a -> limit b <= i).
  { clear. induction a as [|a [[b [B L]]|N]].
    - right. lia.
    - left. exists b. lia.
    - destruct (le_lt_dec (limit a) i).
      + right. intros b B. destruct (Nat.eq_dec b a) as [->|]; [lia|]. apply N. lia.
      + left. exists a. lia. }
  destruct D as [[b [B L]]|N].
  - destruct (IH b B L) as [c [C R]]. exists c. split; [lia|auto].
  - exists a. repeat split; auto.
Qed.

(** Lemma 5. *)
Theorem allowed_iff t i : allowed t i <-> exists k, waits i k /\ k <= t.
Proof.
  split.
  - intros [a [T L]]. destruct (first_release i a L) as [b [B R]].
    exists (prefix await b). split; [exists b; auto|].
    apply prefix_le. intros c C. apply T. lia.
  - intros [k [[a [[L _] ->]] K]]. exists a. split; [|auto].
    intros b B. exact (proj1 (prefix_le await a t) K b B).
Qed.

(** What iterations wait for does not decrease, since a limit allows all iterations before it. *)
Lemma waits_monotone i j k l : i <= j -> waits i k -> waits j l -> k <= l.
Proof.
  intros H [a [[_ A] ->]] [b [[B _] ->]]. apply prefix_monotone.
  destruct (le_lt_dec a b); [auto|]. specialize (A b). lia.
Qed.

End Steps.

(** An automaton of [S] steps is repeated in every inference. The neighbour has [M] events in an inference, and the
    core [N] iterations. A pass of the automaton awaits events of its own inference, and its limits lie at most
    [ahead] inferences after it. *)
Section Repetition.

Variables (await limit : nat -> nat) (S N M ahead : nat).
Hypothesis await_first : forall a, a < S -> await a <= M.
Hypothesis await_repeats : forall a, await (a + S) = later M (await a).
Hypothesis limit_first : forall a, a < S -> limit a <= (ahead + 1) * N.
Hypothesis limit_repeats : forall a, limit (a + S) = limit a + N.

(** From the second pass on, the latest event so far is a pass later than a pass before. *)
Lemma await_prefix_repeats a : S <= a -> prefix await (a + S) = later M (prefix await a).
Proof.
  intro H. apply Nat.le_antisymm.
  - apply prefix_le. intros b B. destruct (le_lt_dec S b).
    + replace b with (b - S + S) by lia. rewrite await_repeats. apply later_le, prefix_upper. lia.
    + pose proof (prefix_upper await a b ltac:(lia)). specialize (await_first b ltac:(lia)).
      destruct (prefix await a); simpl; lia.
  - destruct (prefix_attained await a) as [b [B E]]. rewrite <- E, <- await_repeats. apply prefix_upper. lia.
Qed.

Lemma release_repeats a i : (ahead + 1) * N <= i -> releases limit a i ->
  S <= a /\ releases limit (a + S) (i + N).
Proof.
  intros I [L F]. assert (S <= a) as A.
  { destruct (le_lt_dec S a); [auto|]. specialize (limit_first a ltac:(lia)). lia. }
  split; [auto|]. split.
  - rewrite limit_repeats. lia.
  - intros b B. destruct (le_lt_dec S b).
    + replace b with (b - S + S) by lia. rewrite limit_repeats. specialize (F (b - S)). lia.
    + specialize (limit_first b ltac:(lia)). lia.
Qed.

(** From inference [ahead + 1] on, iterations wait for what they waited for in the inference before, an inference
    later. *)
Theorem waits_repeats i k : (ahead + 1) * N <= i -> waits await limit i k ->
  waits await limit (i + N) (later M k).
Proof.
  intros I [a [R ->]]. destruct (release_repeats a i I R) as [A Q].
  exists (a + S). split; [auto|]. symmetry. apply await_prefix_repeats. auto.
Qed.

Corollary waits_repeats_later q i k : (ahead + 1) * N <= i -> waits await limit i k ->
  waits await limit (i + q * N) (later (q * M) k).
Proof.
  induction q as [|q IH]; intros I W.
  - replace (i + 0 * N) with i by lia. replace (later (0 * M) k) with k by (destruct k; simpl; lia). auto.
  - replace (i + Datatypes.S q * N) with (i + q * N + N) by lia.
    replace (later (Datatypes.S q * M) k) with (later M (later (q * M) k)) by (destruct k; simpl; lia).
    apply waits_repeats; [lia|auto].
Qed.

End Repetition.
