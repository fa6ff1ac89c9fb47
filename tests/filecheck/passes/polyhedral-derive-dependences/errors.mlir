// RUN: cm-opt %s --split-input-file -p polyhedral-derive-dependences --verify-diagnostics

polyhedral.pipeline @unwritten () -> (@c) {
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 3 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 3 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 4 }"> {
    // expected-error @below {{stage @R reads b[3], which no stage writes}}
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[0]] -> b[w] : 0 <= w < 4 }"> : vector<1xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @twice_by_one () -> (@b) {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{stage @W writes an element of @b twice}}
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 4 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 4 }"> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[3 - w] : 0 <= w < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @twice_by_two () -> (@b) {
  polyhedral.array @b : tensor<4xf32>
  polyhedral.stage @A (%w) domain #polyhedral.set<"{ A[w] : 0 <= w < 3 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [A[w] -> lane[0]] -> b[w] : 0 <= w < 3 }"> : vector<1xf32>
  }
  // expected-error @below {{stages @A and @B both write b[2]}}
  polyhedral.stage @B (%w) domain #polyhedral.set<"{ B[w] : 2 <= w < 4 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [B[w] -> lane[0]] -> b[w] : 2 <= w < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @self () -> (@b) {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{iteration W[0] reads @b before the stage itself writes it; compute what it reads in a separate stage}}
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 4 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w + 1] : 0 <= w < 3 }"> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
}

// -----

// One slot for each element, and a reader that comes two inferences later: every write would wait for the next
// inference, and the last ones for inferences that never come.

polyhedral.pipeline @too_late (@x) -> (@y) {
  polyhedral.array @x : tensor<4xf32>
  polyhedral.array @h0 parameter dense<0.0> : tensor<2x4xf32>
  polyhedral.array @h : tensor<4xf32> initial @h0
  polyhedral.array @y : tensor<4xf32>
  polyhedral.storage @h at @R #polyhedral.map<"{ h[n, d] -> slot[d] }"> : memref<4xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 4 }"> {
    %x = polyhedral.read @x #polyhedral.map<"{ [W[w] -> lane[0]] -> x[w] : 0 <= w < 4 }"> : vector<1xf32>
    polyhedral.write %x, @h #polyhedral.map<"{ [W[w] -> lane[0]] -> h[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 4 }"> {
    // expected-error @below {{@W overwrites @h at @R before it is read 1 inference later: the buffer must hold more inferences}}
    %x = polyhedral.read @h #polyhedral.map<"{ [R[w] -> lane[0]] -> h[m = -2, w] : 0 <= w < 4 }"> across : vector<1xf32>
    polyhedral.write %x, @y #polyhedral.map<"{ [R[w] -> lane[0]] -> y[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
}
