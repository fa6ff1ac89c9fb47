// RUN: cm-opt %s | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s

// The state of a network: arguments carried from results of the inference before.

// CHECK: func.func @main(%x: tensor<4xf32>, %s: tensor<4xf32> {nn.carried_from = 1 : index, nn.initial = dense<0.000000e+00> : tensor<4xf32>}, %t: tensor<2xi8> {nn.carried_from = 2 : index, nn.initial = "begin"}) -> (tensor<4xf32>, tensor<4xf32>, tensor<2xi8>)
func.func @main(%x: tensor<4xf32>,
                %s: tensor<4xf32> {nn.carried_from = 1 : index, nn.initial = dense<0.0> : tensor<4xf32>},
                %t: tensor<2xi8> {nn.carried_from = 2 : index, nn.initial = "begin"})
    -> (tensor<4xf32>, tensor<4xf32>, tensor<2xi8>) {
  %y = nn.add %x, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return %y, %y, %t : tensor<4xf32>, tensor<4xf32>, tensor<2xi8>
}
