(** Deadlock and earliest starts, on the graph of waits of a whole network (docs/mathematics.md, §5). *)

From Coq Require Import Arith Lia Wf_nat.

(** ** The first inferences complete, so all do (Theorem 4)

    A node is an inference and an iteration of some core. [waits x y]: [x] must happen before [y]. *)
Section Deadlock.

Variable iteration : Type.
Variable waits : nat * iteration -> nat * iteration -> Prop.

(** Nothing waits for a later inference, and from inference [b] on each waits for itself as inference [b] does. *)
Variable b : nat.
Hypothesis no_later : forall m x n y, waits (m, x) (n, y) -> m <= n.
Hypothesis same_inside : forall n x y, b <= n -> waits (n, x) (n, y) -> waits (b, x) (b, y).

(** [Acc waits y]: all that [y] waits for, directly or not, comes to an end: no cycle leads to [y], and no endless
    path. As every node waits for finitely many others, that is to say that [y] runs at last. *)
Theorem first_inferences_suffice :
  (forall n x, n <= b -> Acc waits (n, x)) -> forall n x, Acc waits (n, x).
Proof.
  intros First n. induction n as [n Earlier] using lt_wf_ind. intro x.
  destruct (le_lt_dec n b) as [|L]; [auto|].
  assert (H : forall y, Acc waits y -> fst y = b -> Acc waits (n, snd y)).
  { intros y A. induction A as [y _ IH]. intro Z. destruct y as [k y]. simpl in *. subst k.
    constructor. intros [m z] W. destruct (Nat.eq_dec m n) as [->|].
    - apply (IH (b, z)); [apply (same_inside n); auto; lia|auto].
    - apply Earlier. pose proof (no_later _ _ _ _ W). lia. }
  exact (H (b, x) (First b x (le_n _)) eq_refl).
Qed.

End Deadlock.

(** ** Earliest starts (Theorem 5)

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
