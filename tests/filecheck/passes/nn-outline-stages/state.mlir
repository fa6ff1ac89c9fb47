// RUN: cm-opt %s --split-input-file -p nn-outline-stages --verify-diagnostics | filecheck %s
// RUN: cm-opt %s --split-input-file -p nn-outline-stages,convert-nn-to-polyhedral --verify-diagnostics -o /dev/null

// A window of an input needs no stage.
// CHECK-LABEL: func.func @window
// CHECK-NOT: nn.copy
// CHECK: func.return
func.func @window(%x: tensor<1x3xf32>,
                  %s: tensor<4x3xf32> {nn.carried_from = 1 : index, nn.initial = dense<0.0> : tensor<4x3xf32>})
    -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %old = nn.slice %s {starts = [1, 0]} : (tensor<4x3xf32>) -> tensor<3x3xf32>
  %n = nn.concat %old, %x {axis = 0} : (tensor<3x3xf32>, tensor<1x3xf32>) -> tensor<4x3xf32>
  %y = nn.relu %n : (tensor<4x3xf32>) -> tensor<4x3xf32>
  func.return %y, %n : tensor<4x3xf32>, tensor<4x3xf32>
}

// -----

// A state that no output depends on is removed, in which case indices of results change.
// CHECK-LABEL: func.func @unused(%x: tensor<3xf32>, %b: tensor<3xf32> {nn.carried_from = 1 : index, nn.initial = dense<1.000000e+00> : tensor<3xf32>}) -> (tensor<3xf32>, tensor<3xf32>)
func.func @unused(%a: tensor<3xf32> {nn.carried_from = 1 : index, nn.initial = dense<1.0> : tensor<3xf32>}, %x: tensor<3xf32>,
                  %b: tensor<3xf32> {nn.carried_from = 2 : index, nn.initial = dense<1.0> : tensor<3xf32>})
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %c = nn.tanh %a : (tensor<3xf32>) -> tensor<3xf32>
  %y = nn.add %x, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return %y, %c, %y : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// -----

// The elements rotate for ever: there is no value that they come from.
// CHECK-LABEL: func.func @rotating
// CHECK: nn.copy
func.func @rotating(%x: tensor<3xf32>, %s: tensor<3xf32> {nn.carried_from = 1 : index, nn.initial = dense<1.0> : tensor<3xf32>})
    -> (tensor<3xf32>, tensor<3xf32>) {
  %y = nn.add %x, %s : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %a = nn.slice %s {starts = [1]} : (tensor<3xf32>) -> tensor<2xf32>
  %b = nn.slice %s {ends = [1]} : (tensor<3xf32>) -> tensor<1xf32>
  %c = nn.concat %a, %b {axis = 0} : (tensor<2xf32>, tensor<1xf32>) -> tensor<3xf32>
  // expected-remark @below {{inserted a stage that copies %c: it has elements that only ever are its own}}
  func.return %y, %c : tensor<3xf32>, tensor<3xf32>
}

// -----

// Zeros are shifted in, but the first inferences read initial values.
// CHECK-LABEL: func.func @padding
// CHECK: nn.copy
func.func @padding(%x: tensor<3xf32>, %s: tensor<3xf32> {nn.carried_from = 1 : index, nn.initial = dense<1.0> : tensor<3xf32>})
    -> (tensor<3xf32>, tensor<3xf32>) {
  %y = nn.add %x, %s : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %a = nn.slice %s {starts = [1]} : (tensor<3xf32>) -> tensor<2xf32>
  %c = nn.pad %a {pads = [0, 1]} : (tensor<2xf32>) -> tensor<3xf32>
  // expected-remark @below {{inserted a stage that copies %c: it has padding, which has no initial values}}
  func.return %y, %c : tensor<3xf32>, tensor<3xf32>
}

// -----

// CHECK-LABEL: func.func @parameter
// CHECK: nn.copy
func.func @parameter(%x: tensor<3xf32>, %s: tensor<3xf32> {nn.carried_from = 1 : index, nn.initial = dense<1.0> : tensor<3xf32>})
    -> (tensor<3xf32>, tensor<3xf32>) {
  %c = nn.parameter "c" : tensor<3xf32>
  %y = nn.add %x, %s : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  // expected-remark @below {{inserted a stage that copies %c: it has elements of a parameter, which has no initial values}}
  func.return %y, %c : tensor<3xf32>, tensor<3xf32>
}

// -----

// CHECK-LABEL: func.func @other_initial_values
// CHECK: nn.copy
func.func @other_initial_values(%x: tensor<3xf32>,
    %a: tensor<3xf32> {nn.carried_from = 1 : index, nn.initial = dense<1.0> : tensor<3xf32>},
    %b: tensor<3xf32> {nn.carried_from = 2 : index, nn.initial = dense<2.0> : tensor<3xf32>})
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %y = nn.add %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  // expected-remark @below {{inserted a stage that copies %x: another argument has other initial values of its elements}}
  func.return %y, %x, %x : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}
