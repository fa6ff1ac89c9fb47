// RUN: cm-opt %s --split-input-file | cm-opt --split-input-file | filecheck %s
// RUN: cm-opt %s --split-input-file --print-op-generic | cm-opt --split-input-file | filecheck %s

polyhedral.pipeline @main (@a) -> (@b) {
  polyhedral.array @a : tensor<4xi1>
  polyhedral.array @b : tensor<4xi1>
  polyhedral.stage @copy (%w) domain #polyhedral.set<"{ copy[w] : 0 <= w < 4 }"> {
    // CHECK: pad true : vector<1xi1>
    %x = polyhedral.read @a #polyhedral.map<"{ [copy[w] -> lane[k = 0]] -> a[w + 1] : 0 <= w < 3 }"> pad true : vector<1xi1>
    polyhedral.write %x, @b #polyhedral.map<"{ [copy[w] -> lane[k = 0]] -> b[w] : 0 <= w < 4 }"> : vector<1xi1>
  }
}
