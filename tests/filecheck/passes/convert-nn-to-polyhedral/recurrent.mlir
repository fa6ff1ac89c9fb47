// An operator reads its own results: those of the step before, in the direction of the sequence.
// RUN: cm-opt %s --split-input-file -p nn-outline-stages,convert-nn-to-polyhedral --verify-diagnostics | filecheck %s

// CHECK-LABEL: polyhedral.pipeline @forward
// CHECK: polyhedral.stage @lstm1 (%t) domain #polyhedral.set<"{ lstm1[t] : 0 <= t <= 4 }"> {
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [lstm1[t] -> lane[g, u]] -> x[t, 2g + u] : 0 <= t <= 4 and 0 <= g <= 3 and 0 <= u <= 1 }"> : vector<4x2xf32>
// CHECK-NEXT: %w = polyhedral.matrix @w
// CHECK-NEXT: %[[H:.*]] = polyhedral.read @h #polyhedral.map<"{ [lstm1[t] -> lane[u]] -> h[-1 + t, u] : 0 < t <= 4 and 0 <= u <= 1 }"> : vector<2xf32>
// CHECK-NEXT: %[[C:.*]] = polyhedral.read @c #polyhedral.map<"{ [lstm1[t] -> lane[u]] -> c[-1 + t, u] : 0 < t <= 4 and 0 <= u <= 1 }"> : vector<2xf32>
// CHECK-NEXT: %[[P:.*]] = cmcore.mxv %w, %[[H]] : tensor<8x2xf32>, vector<2xf32> -> vector<4x2xf32>
// CHECK-NEXT: %[[G:.*]] = arith.addf %x, %[[P]] : vector<4x2xf32>
// CHECK-NEXT: %[[I:.*]] = vector.extract %[[G]][0]
// CHECK: arith.mulf %{{.*}}, %[[C]] : vector<2xf32>
// CHECK: polyhedral.write %h, @h #polyhedral.map<"{ [lstm1[t] -> lane[u]] -> h[t, u] : 0 <= t <= 4 and 0 <= u <= 1 }"> : vector<2xf32>
// CHECK-NEXT: polyhedral.write %c, @c #polyhedral.map<"{ [lstm1[t] -> lane[u]] -> c[t, u] : 0 <= t <= 4 and 0 <= u <= 1 }"> : vector<2xf32>
func.func @forward(%x: tensor<5x8xf32>) -> tensor<5x2xf32> {
  %w = nn.parameter "w" : tensor<8x2xf32>
  %h, %c = nn.lstm %x, %w : (tensor<5x8xf32>, tensor<8x2xf32>) -> (tensor<5x2xf32>, tensor<5x2xf32>)
  func.return %h : tensor<5x2xf32>
}

// -----

// The first step reads the initial state. A reversed sequence begins with its last element.

// CHECK-LABEL: polyhedral.pipeline @reverse
// CHECK: polyhedral.stage @rnn1 (%t, %b) domain #polyhedral.set<"{ rnn1[t, b] : 0 <= t <= 4 and 0 <= b <= 2 }"> {
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [rnn1[t, b] -> lane[u]] -> x[4 - t, b, u] :
// CHECK: %s = polyhedral.read @s #polyhedral.map<"{ [rnn1[t = 0, b] -> lane[u]] -> s[b, u] : 0 <= b <= 2 and 0 <= u <= 1 }">, @h #polyhedral.map<"{ [rnn1[t, b] -> lane[u]] -> h[5 - t, b, u] : 0 < t <= 4 and 0 <= b <= 2 and 0 <= u <= 1 }"> : vector<2xf32>
// CHECK: polyhedral.write %h, @h #polyhedral.map<"{ [rnn1[t, b] -> lane[u]] -> h[4 - t, b, u] :
func.func @reverse(%x: tensor<5x3x2xf32>, %s: tensor<3x2xf32>) -> tensor<5x3x2xf32> {
  %w = nn.parameter "w" : tensor<2x2xf32>
  %h = nn.rnn %x, %w initial_h %s {reverse} : (tensor<5x3x2xf32>, tensor<2x2xf32>, tensor<3x2xf32>) -> tensor<5x3x2xf32>
  func.return %h : tensor<5x3x2xf32>
}

// -----

// A single step reads no result: its state is 0.

// CHECK-LABEL: polyhedral.pipeline @single
// CHECK-NOT: polyhedral.read @h
// CHECK: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<2xf32>
// CHECK-NEXT: cmcore.mxv %w, %[[ZERO]]
func.func @single(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = nn.parameter "w" : tensor<2x2xf32>
  %h = nn.rnn %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  func.return %h : tensor<1x2xf32>
}

// -----

// An output may be another layout of all states; the stage then reads its states in this layout.

// CHECK-LABEL: polyhedral.pipeline @layout
// CHECK: polyhedral.read @t #polyhedral.map<"{ [rnn1[t] -> lane[u]] -> t[u, -1 + t] : 0 < t <= 4 and 0 <= u <= 1 }">
// CHECK: polyhedral.write %h, @t #polyhedral.map<"{ [rnn1[t] -> lane[u]] -> t[u, t] :
func.func @layout(%x: tensor<5x2xf32>) -> tensor<2x5xf32> {
  %w = nn.parameter "w" : tensor<2x2xf32>
  %h = nn.rnn %x, %w : (tensor<5x2xf32>, tensor<2x2xf32>) -> tensor<5x2xf32>
  %t = nn.transpose %h {perm = [1, 0]} : (tensor<5x2xf32>) -> tensor<2x5xf32>
  func.return %t : tensor<2x5xf32>
}

// -----

// An output that holds a part of the states is a copy, because the stage needs all of them.

// CHECK-LABEL: polyhedral.pipeline @part
// CHECK: polyhedral.read @h #polyhedral.map<"{ [rnn1[t] -> lane[u]] -> h[-1 + t, u] :
// CHECK: polyhedral.write %h, @h
// CHECK: polyhedral.stage @copy1 ()
// CHECK-NEXT: polyhedral.read @h #polyhedral.map<"{ [copy1[] -> lane[c = 0, w]] -> h[4, w] : 0 <= w <= 1 }">
func.func @part(%x: tensor<5x2xf32>) -> tensor<1x2xf32> {
  %w = nn.parameter "w" : tensor<2x2xf32>
  %h = nn.rnn %x, %w : (tensor<5x2xf32>, tensor<2x2xf32>) -> tensor<5x2xf32>
  %t = nn.slice %h {starts = [4, 0]} : (tensor<5x2xf32>) -> tensor<1x2xf32>
  // expected-remark @below {{inserted a stage that copies %t: the stage that computes it cannot write it in this layout}}
  func.return %t : tensor<1x2xf32>
}
