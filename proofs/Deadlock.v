(** Deadlock and earliest starts, on the graph of waits of a whole network (docs/mathematics.md, §5). *)

From Coq Require Import Arith Lia Wf_nat.

(** ** One inference completes, so all do (Theorem 3)

    A node is an inference and an iteration of some core. [waits x y]: [x] must happen before [y]. *)
Section Deadlock.

Variable iteration : Type.
Variable waits : nat * iteration -> nat * iteration -> Prop.

(** Nothing waits for a later inference, and inference [n] waits for itself as inference 0 does. *)
Hypothesis no_later : forall m x n y, waits (m, x) (n, y) -> m <= n.
Hypothesis same_inside : forall n x y, waits (n, x) (n, y) -> waits (0, x) (0, y).

(** [Acc waits y]: all that [y] waits for, directly or not, comes to an end: no cycle leads to [y], and no endless path. As
    every node waits for finitely many others, that is to say that [y] runs at last. *)
Theorem one_inference_suffices : (forall x, Acc waits (0, x)) -> forall n x, Acc waits (n, x).
Proof.
  intros First n. induction n as [n Earlier] using lt_wf_ind. intro x.
  assert (H : forall y, Acc waits y -> fst y = 0 -> Acc waits (n, snd y)).
  { intros y A. induction A as [y _ IH]. intro Z. destruct y as [k y]. simpl in *. subst k.
    constructor. intros [m z] W. destruct (Nat.eq_dec m n) as [->|].
    - apply (IH (0, z)); [eapply same_inside; eauto|auto].
    - apply Earlier. pose proof (no_later _ _ _ _ W). lia. }
  exact (H (0, x) (First x) eq_refl).
Qed.

End Deadlock.

(** ** Earliest starts (Theorem 4)

    [delay x y]: how long after the start of [x] node [y] can start at the earliest, if [y] waits for [x]. *)
Section Earliest.

Variable node : Type.
Variable waits : node -> node -> Prop.
Variable delay : node -> node -> nat.
Variables start other : node -> nat.

(** With tight control, a node starts at once when all that it waits for is there. *)
Hypothesis tight : forall y, start y = 0 \/ exists x, waits x y /\ start y = start x + delay x y.

(** Another control waits for the same, and perhaps for more: Theorems 1 and 2 say that it has to, if it is safe. *)
Hypothesis safe : forall x y, waits x y -> other x + delay x y <= other y.

Theorem earliest y : Acc waits y -> start y <= other y.
Proof.
  induction 1 as [y _ IH]. destruct (tight y) as [->|[x [W ->]]]; [lia|].
  specialize (IH x W). specialize (safe x y W). lia.
Qed.

End Earliest.
