// The operators of a step become stages whose first coordinate is the step.
// RUN: cm-opt %s --split-input-file -p nn-outline-stages,convert-nn-to-polyhedral --verify-diagnostics | filecheck %s

// CHECK-LABEL: polyhedral.pipeline @steps
// CHECK: polyhedral.array @u : tensor<5x4xf32>
// CHECK: polyhedral.stage @gemm1 (%t) domain #polyhedral.set<"{ gemm1[t] : 0 <= t <= 4 }"> {
// CHECK-NEXT: %s = polyhedral.read @h0 #polyhedral.map<"{ [gemm1[t = 0] -> lane[k]] -> h0[k] : 0 <= k <= 3 }">, @h #polyhedral.map<"{ [gemm1[t] -> lane[k]] -> h[-1 + t, k] : 0 < t <= 4 and 0 <= k <= 3 }"> : vector<4xf32>
// CHECK-NEXT: %w = polyhedral.matrix @w
// CHECK: polyhedral.write %{{.*}}, @u #polyhedral.map<"{ [gemm1[t] -> lane[n]] -> u[t, n] :
// CHECK: polyhedral.stage @softmax1 (%t) domain #polyhedral.set<"{ softmax1[t] : 0 <= t <= 4 }"> {
// CHECK-NEXT: polyhedral.read @u #polyhedral.map<"{ [softmax1[t] -> lane[c]] -> u[t, c] :
// CHECK: %x = polyhedral.read @xs #polyhedral.map<"{ [softmax1[t] -> lane[c]] -> xs[4 - t, c] :
// CHECK: %c = polyhedral.read @k #polyhedral.map<"{ [softmax1[t] -> lane[c]] -> k[c] :
// CHECK: polyhedral.write %{{.*}}, @h #polyhedral.map<"{ [softmax1[t] -> lane[c]] -> h[t, c] :
func.func @steps(%xs: tensor<5x4xf32>, %h0: tensor<4xf32>, %k: tensor<4xf32>) -> tensor<5x4xf32> {
  %r = nn.slice %xs {starts = [4, 0], ends = [-1, 4], steps = [-1, 1]} : (tensor<5x4xf32>) -> tensor<5x4xf32>
  %h = nn.scan carried(%s = %h0 : tensor<4xf32>) over(%x = %r : tensor<5x4xf32>) with(%c = %k : tensor<4xf32>)
      -> (tensor<5x4xf32>) {
    %w = nn.parameter "w" : tensor<4x4xf32>
    %u = nn.gemm %s, %w : (tensor<4xf32>, tensor<4x4xf32>) -> tensor<4xf32>
    %p = nn.softmax %u {axes = [0]} : (tensor<4xf32>) -> tensor<4xf32>
    %a = nn.add %p, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %n = nn.mul %a, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    nn.yield %n : tensor<4xf32>
  }
  func.return %h : tensor<5x4xf32>
}

// -----

// A step of the outer scan has all steps of the inner one. State of the network is the first step's.

// CHECK-LABEL: polyhedral.pipeline @nested
// CHECK: polyhedral.array @h : tensor<2x4xf32> initial @h_initial
// CHECK: polyhedral.stage @tanh1 (%t, %t_1) domain #polyhedral.set<"{ tanh1[t, t_1] : 0 <= t <= 1 and 0 <= t_1 <= 2 }"> {
// CHECK-NEXT: %d = polyhedral.read @h #polyhedral.map<"{ [tanh1[t, t_1 = 0] -> lane[c]] -> h[m = -1 + t, 1 - t, c] : 0 <= t <= 1 and 0 <= c <= 3 }">, @z #polyhedral.map<"{ [tanh1[t, t_1] -> lane[c]] -> z[0, t, -1 + t_1, c] : 0 <= t <= 1 and 0 < t_1 <= 2 and 0 <= c <= 3 }"> across : vector<4xf32>
func.func @nested(%x: tensor<2x3x4xf32>, %s: tensor<4xf32> {nn.carried_from = 1 : index, nn.initial = dense<0.0> : tensor<4xf32>})
    -> (tensor<2x3x4xf32>, tensor<4xf32>) {
  %h, %z = nn.scan carried(%c = %s : tensor<4xf32>) over(%a = %x : tensor<2x3x4xf32>) -> (tensor<2x4xf32>, tensor<2x3x4xf32>) {
    %y = nn.scan carried(%d = %c : tensor<4xf32>) over(%b = %a : tensor<3x4xf32>) -> (tensor<3x4xf32>) {
      %t = nn.tanh %d : (tensor<4xf32>) -> tensor<4xf32>
      %e = nn.add %t, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      nn.yield %e : tensor<4xf32>
    }
    %l = nn.slice %y {starts = [2, 0], ends = [3, 4]} : (tensor<3x4xf32>) -> tensor<1x4xf32>
    %n = nn.reshape %l {shape = [4]} : (tensor<1x4xf32>) -> tensor<4xf32>
    // expected-remark @below {{inserted a stage that copies %n: the stage that computes it cannot write it in this layout}}
    nn.yield %n, %y : tensor<4xf32>, tensor<3x4xf32>
  }
  %l = nn.slice %h {starts = [1, 0], ends = [2, 4]} : (tensor<2x4xf32>) -> tensor<1x4xf32>
  %n = nn.reshape %l {shape = [4]} : (tensor<1x4xf32>) -> tensor<4xf32>
  func.return %z, %n : tensor<2x3x4xf32>, tensor<4xf32>
}
