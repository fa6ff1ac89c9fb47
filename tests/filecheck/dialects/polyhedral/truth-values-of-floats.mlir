// RUN: cm-opt %s --verify-diagnostics

polyhedral.pipeline @main (@a) -> (@b) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.stage @copy (%w) domain #polyhedral.set<"{ copy[w] : 0 <= w < 4 }"> {
    // expected-error @below {{truth values are elements of vectors of i1}}
    %x = polyhedral.read @a #polyhedral.map<"{ [copy[w] -> lane[k = 0]] -> a[w + 1] : 0 <= w < 3 }"> pad true : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [copy[w] -> lane[k = 0]] -> b[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
}
