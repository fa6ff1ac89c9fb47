// RUN: cm-opt %s --split-input-file -p nn-outline-stages,convert-nn-to-polyhedral | filecheck %s

// The last four keys are one read of the array of keys, which has initial values for three inferences.
// CHECK-LABEL: polyhedral.pipeline @keys (@x) -> (@y)
// CHECK: polyhedral.array @k : tensor<1x6xf32> initial @k_initial
// CHECK: polyhedral.array @k_initial parameter dense<0.000000e+00> : tensor<3x1x6xf32>
// CHECK: polyhedral.read @k #polyhedral.map<"{ [tanh1[] -> lane[c, w]] -> k[m = -3 + c, 0, w] : 0 <= c <= 3 and 0 <= w <= 5 }"> across : vector<4x6xf32>
func.func @keys(%x: tensor<1x6xf32>,
                %s: tensor<4x6xf32> {nn.carried_from = 1 : index, nn.initial = dense<0.0> : tensor<4x6xf32>})
    -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %k = nn.relu %x : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %old = nn.slice %s {starts = [1, 0]} : (tensor<4x6xf32>) -> tensor<3x6xf32>
  %n = nn.concat %old, %k {axis = 0} : (tensor<3x6xf32>, tensor<1x6xf32>) -> tensor<4x6xf32>
  %y = nn.tanh %n : (tensor<4x6xf32>) -> tensor<4x6xf32>
  func.return %y, %n : tensor<4x6xf32>, tensor<4x6xf32>
}

// -----

// Two arguments in a row delay an input by two inferences. Their initial values become those of the input.
// CHECK-LABEL: polyhedral.pipeline @delay (@x) -> (@y)
// CHECK: polyhedral.array @x : tensor<2xf32> initial @x_initial
// CHECK: polyhedral.array @x_initial parameter dense<{{\[\[}}3.000000e+00, 4.000000e+00], [1.000000e+00, 1.000000e+00]]> : tensor<2x2xf32>
// CHECK: polyhedral.read @x #polyhedral.map<"{ [add1[] -> lane[c]] -> x[c] : 0 <= c <= 1 }"> : vector<2xf32>
// CHECK: polyhedral.read @x #polyhedral.map<"{ [add1[] -> lane[c]] -> x[m = -2, c] : 0 <= c <= 1 }"> across : vector<2xf32>
func.func @delay(%x: tensor<2xf32>,
                 %a: tensor<2xf32> {nn.carried_from = 1 : index, nn.initial = dense<1.0> : tensor<2xf32>},
                 %b: tensor<2xf32> {nn.carried_from = 2 : index, nn.initial = dense<[3.0, 4.0]> : tensor<2xf32>})
    -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %y = nn.add %x, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %y, %x, %a : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// -----

// A stage that reads state alone has the iterations of the operator that computes it: rows, with all columns as lanes.
// CHECK-LABEL: polyhedral.pipeline @rows (@x) -> (@y)
// CHECK: polyhedral.stage @tanh1 (%c) domain #polyhedral.set<"{ tanh1[c] : 0 <= c <= 2 }">
// CHECK-NEXT: polyhedral.read @h #polyhedral.map<"{ [tanh1[c] -> lane[w]] -> h[m = -1, c, w] : 0 <= c <= 2 and 0 <= w <= 4 }"> across : vector<5xf32>
func.func @rows(%x: tensor<3x5xf32>,
                %s: tensor<3x5xf32> {nn.carried_from = 1 : index, nn.initial = dense<0.0> : tensor<3x5xf32>})
    -> (tensor<3x5xf32>, tensor<3x5xf32>) {
  %y = nn.tanh %s : (tensor<3x5xf32>) -> tensor<3x5xf32>
  %w = nn.parameter "w" : tensor<5x5xf32>
  %h = nn.gemm %x, %w : (tensor<3x5xf32>, tensor<5x5xf32>) -> tensor<3x5xf32>
  func.return %y, %h : tensor<3x5xf32>, tensor<3x5xf32>
}
