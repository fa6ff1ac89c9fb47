// RUN: cm-opt %s --split-input-file --verify-diagnostics

// A relation for one core may have that core's coordinates as parameters, and no others.

polyhedral.pipeline @main (@a) -> (@b) {
  polyhedral.array @a : tensor<2xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter dense<1.0> : tensor<4x2xf32>
  polyhedral.stage @S [%o] () domain #polyhedral.set<"{ S[o] : 0 <= o < 2 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [S[o] -> lane[k]] -> a[k] : 0 <= o < 2 and 0 <= k < 2 }"> : vector<2xf32>
    // expected-error @below {{`p1` is no coordinate of a core: there are p0}}
    %m = polyhedral.matrix @w #polyhedral.map<"[p1] -> { cell[r, c] -> w[2p1 + r, c] : 0 <= p1 < 2 }"> : tensor<2x2xf32>
    %y = cmcore.mxv %m, %x : tensor<2x2xf32>, vector<2xf32> -> vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [S[o] -> lane[k]] -> b[2o + k] : 0 <= o < 2 and 0 <= k < 2 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> (@b) {
  polyhedral.array @a : tensor<2xf32>
  polyhedral.array @b : tensor<2xf32>
  polyhedral.stage @S (%i) domain #polyhedral.set<"{ S[i] : 0 <= i < 2 }"> {
    // expected-error @below {{an access is the same on all cores and has no parameters}}
    %x = polyhedral.read @a #polyhedral.map<"[p0] -> { [S[i] -> lane[]] -> a[p0] : 0 <= p0 < 2 and 0 <= i < 2 }"> : vector<f32>
    polyhedral.write %x, @b #polyhedral.map<"{ [S[i] -> lane[]] -> b[i] : 0 <= i < 2 }"> : vector<f32>
  }
}

// -----

// expected-error @below {{has parameters: sizes must be numbers}}
#domain = #polyhedral.set<"[N] -> { S[i] : 0 <= i < N }">

// -----

polyhedral.pipeline @main () -> () {
  // expected-error @below {{a domain has no parameters, got [p0] -> { S[i] : 0 <= i < p0 }}}
  polyhedral.stage @S (%i) domain #polyhedral.set<"[p0] -> { S[i] : 0 <= i < p0 }"> {}
}

// -----

polyhedral.pipeline @main () -> () {
  // expected-error @below {{`spread` must be one of 0 to 1, the coordinates of an iteration, got 2}}
  "polyhedral.stage"() <{sym_name = "S", domain = #polyhedral.set<"{ S[i] : 0 <= i < 2 }">, spread = 2 : i64}> ({
  ^bb0(%i : index):
  }) : () -> ()
}

// -----

polyhedral.pipeline @main () -> (@b) {
  polyhedral.array @b : tensor<2xf32>
  // expected-error @below {{the loops of a stage must take 1 coordinate of cores, got 0}}
  polyhedral.stage @S [%p] () domain #polyhedral.set<"{ S[p] : 0 <= p < 2 }"> {
    %x = arith.constant dense<0.0> : vector<f32>
    polyhedral.write %x, @b #polyhedral.map<"{ [S[p] -> lane[]] -> b[p] : 0 <= p < 2 }"> : vector<f32>
  } loops {}
}

// -----

// The parameters of a dependence are the coordinates of a core of the stage that waits, p, and of one of the other, q.

polyhedral.pipeline @main () -> (@c) {
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.stage @W [%p] () domain #polyhedral.set<"{ W[p] : 0 <= p < 4 }"> {
    %x = arith.constant dense<0.0> : vector<f32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[p] -> lane[]] -> b[p] : 0 <= p < 4 }"> : vector<f32>
  }
  polyhedral.stage @R (%i) domain #polyhedral.set<"{ R[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
  }
  polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"[q0] -> { b[j = q0] -> R[i = q0] : 0 <= q0 < 4 }"> initially #polyhedral.set<"[q0] -> { R[i = q0 - 1] : 0 < q0 < 4 }"> automaton (%q) {
    cmcore.release at (%q) upto (%q)
  }
  // expected-error @below {{`p0` is no coordinate of a core: there are q0}}
  polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"[p0] -> { b[j = p0] -> R[i = p0] : 0 <= p0 < 4 }">
}

// -----

polyhedral.pipeline @main () -> (@c) {
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.stage @W [%p] () domain #polyhedral.set<"{ W[p] : 0 <= p < 4 }"> {
    %x = arith.constant dense<0.0> : vector<f32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[p] -> lane[]] -> b[p] : 0 <= p < 4 }"> : vector<f32>
  }
  polyhedral.stage @R (%i) domain #polyhedral.set<"{ R[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
  }
  // expected-error @below {{an automaton must take 1 coordinate of cores, got 0}}
  polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"[q0] -> { b[j = q0] -> R[i = q0] : 0 <= q0 < 4 }"> automaton {}
}
