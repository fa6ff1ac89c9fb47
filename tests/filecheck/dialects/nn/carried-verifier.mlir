// RUN: cm-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{argument %s: `nn.carried_from` must be the index of one of 1 results, got 1 : index}}
func.func @index(%s: tensor<4xf32> {nn.carried_from = 1 : index, nn.initial = dense<0.0> : tensor<4xf32>})
    -> tensor<4xf32> {
  func.return %s : tensor<4xf32>
}

// -----

// expected-error @below {{argument %s: `nn.carried_from` must be the index of one of 1 results, got 0 : i64}}
func.func @type_of_index(%s: tensor<4xf32> {nn.carried_from = 0 : i64, nn.initial = "s"}) -> tensor<4xf32> {
  func.return %s : tensor<4xf32>
}

// -----

// expected-error @below {{argument %s: it has type tensor<4xf32>, its result 0 has tensor<3xf32>}}
func.func @types(%x: tensor<3xf32>, %s: tensor<4xf32> {nn.carried_from = 0 : index, nn.initial = "s"}) -> tensor<3xf32> {
  func.return %x : tensor<3xf32>
}

// -----

// expected-error @below {{argument %s: a carried argument needs `nn.initial`, elements or the name of a tensor}}
func.func @no_initial_value(%s: tensor<4xf32> {nn.carried_from = 0 : index}) -> tensor<4xf32> {
  func.return %s : tensor<4xf32>
}

// -----

// expected-error @below {{argument %s: it has type tensor<4xf32>, its initial value tensor<1xf32>}}
func.func @initial_value(%s: tensor<4xf32> {nn.carried_from = 0 : index, nn.initial = dense<0.0> : tensor<1xf32>})
    -> tensor<4xf32> {
  func.return %s : tensor<4xf32>
}

// -----

// expected-error @below {{argument %s: `nn.initial` needs `nn.carried_from`}}
func.func @initial_value_alone(%s: tensor<4xf32> {nn.initial = dense<0.0> : tensor<4xf32>}) -> tensor<4xf32> {
  func.return %s : tensor<4xf32>
}

// -----

func.func @twice(%s: tensor<4xf32> {nn.carried_from = 0 : index, nn.initial = "s"},
                 // expected-error @below {{argument %t: result 0 is carried to %s: return the value twice}}
                 %t: tensor<4xf32> {nn.carried_from = 0 : index, nn.initial = "t"}) -> tensor<4xf32> {
  func.return %s : tensor<4xf32>
}
