// RUN: cm-opt %s --verify-diagnostics

// It is one, so nothing is spread over it.

polyhedral.pipeline @main () -> () {
  // expected-error @below {{there is one global control unit: a stage on it has no cores}}
  polyhedral.stage @S [%p] (%i) gcu domain #polyhedral.set<"{ S[p, i] : 0 <= p < 2 and 0 <= i < 2 }"> {}
}
