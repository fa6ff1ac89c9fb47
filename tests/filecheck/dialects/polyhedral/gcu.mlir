// RUN: cm-opt %s | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s

// A stage on the global control unit.

// CHECK: polyhedral.stage @send (%i) gcu domain #polyhedral.set<"{ send[i] : 0 <= i <= 3 }"> schedule #polyhedral.map<"{ send[i] -> [3 - i] : 0 <= i <= 3 }"> {
polyhedral.pipeline @main (@a) -> (@b) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.stage @send (%i) gcu domain #polyhedral.set<"{ send[i] : 0 <= i < 4 }"> schedule #polyhedral.map<"{ send[i] -> [3 - i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [send[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
    polyhedral.write %x, @b #polyhedral.map<"{ [send[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
  }
}
