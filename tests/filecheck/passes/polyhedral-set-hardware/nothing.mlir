// RUN: cm-opt %s --verify-diagnostics -p polyhedral-split-buffers
// RUN: cm-opt %s -p cmcore-set-hardware{hardware=hermes} | filecheck %s

// CHECK: polyhedral.pipeline @main (@a) -> (@b) {

// expected-error @below {{give the `hardware`: the pipeline carries none, see polyhedral-set-hardware}}
polyhedral.pipeline @main (@a) -> (@b) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.stage @copy (%i) domain #polyhedral.set<"{ copy[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [copy[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
    polyhedral.write %x, @b #polyhedral.map<"{ [copy[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
  }
}
