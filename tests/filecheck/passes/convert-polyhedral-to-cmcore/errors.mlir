// RUN: cm-opt %s --split-input-file -p convert-polyhedral-to-cmcore --verify-diagnostics

polyhedral.pipeline @no_loops () -> (@b) {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{stage @W has no loops or automata: run polyhedral-generate-loops first}}
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 4 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @no_automaton () -> (@c) {
  polyhedral.array @b : tensor<1xf32>
  polyhedral.array @c : tensor<1xf32>
  polyhedral.stage @W () domain #polyhedral.set<"{ W[] }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[] -> lane[0]] -> b[0] }"> : vector<1xf32>
  } loops {
    cmcore.fire()
  }
  // expected-error @below {{stage @R has no loops or automata: run polyhedral-generate-loops first}}
  polyhedral.stage @R () domain #polyhedral.set<"{ R[] }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[] -> lane[0]] -> b[0] }"> : vector<1xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[] -> lane[0]] -> c[0] }"> : vector<1xf32>
  } loops {
    cmcore.fire()
  }
  polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[0] -> R[] }">
}
