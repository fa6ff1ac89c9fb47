(** What the theorems rest on: nothing but Coq's logic. `make proofs` refuses any other answer. *)

From cmir Require Import PrefixMaximum Automaton Release Pair Predecessor OrderedWriters Stream Shift Checker
  Conjunction Control
  Deadlock Textbook.

Print Assumptions prefix_monotone.
Print Assumptions allowed_iff.
Print Assumptions waits_repeats.
Print Assumptions exact_iff.
Print Assumptions release_exact.
Print Assumptions fewest_events.
Print Assumptions sufficient.
Print Assumptions necessary_read.
Print Assumptions necessary_write.
Print Assumptions safe_iff.
Print Assumptions predecessor_suffices.
Print Assumptions ordered_right.
Print Assumptions finite_suffices.
Print Assumptions need_read_repeats.
Print Assumptions need_evict_repeats.
Print Assumptions period_far.
Print Assumptions checker_sound.
Print Assumptions without_automaton.
Print Assumptions all_allow_iff.
Print Assumptions conjunction_exact_iff.
Print Assumptions waits_all_repeats.
Print Assumptions neighbours_exact.
Print Assumptions exact_right.
Print Assumptions accepted_right.
Print Assumptions first_inferences_suffice.
Print Assumptions earliest.
Print Assumptions textbook.
Print Assumptions textbook_runs.
