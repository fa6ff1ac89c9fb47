// Replacement and ranks of elements by data.
// RUN: cm-opt %s --split-input-file --verify-diagnostics | filecheck %s
// RUN: cm-opt %s --split-input-file --verify-diagnostics | cm-opt --split-input-file | filecheck %s

// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<3x8xf32>, %i: tensor<3x2xi64>, %u: tensor<3x2xf32>, %s: tensor<3xf32>) {
  // CHECK-NEXT: nn.take_elements %x, %i {axis = 1} : (tensor<3x8xf32>, tensor<3x2xi64>) -> tensor<3x2xf32>
  %0 = nn.take_elements %x, %i {axis = 1} : (tensor<3x8xf32>, tensor<3x2xi64>) -> tensor<3x2xf32>
  // CHECK-NEXT: nn.take_slices %x, %i {batch_dims = 0} : (tensor<3x8xf32>, tensor<3x2xi64>) -> tensor<3xf32>
  %1 = nn.take_slices %x, %i {batch_dims = 0} : (tensor<3x8xf32>, tensor<3x2xi64>) -> tensor<3xf32>
  // CHECK-NEXT: nn.put_elements %x, %i, %u {axis = 1, add} : (
  %2 = nn.put_elements %x, %i, %u {axis = 1, add} : (tensor<3x8xf32>, tensor<3x2xi64>, tensor<3x2xf32>) -> tensor<3x8xf32>
  // CHECK-NEXT: nn.put_slices %x, %i, %s : (
  %3 = nn.put_slices %x, %i, %s : (tensor<3x8xf32>, tensor<3x2xi64>, tensor<3xf32>) -> tensor<3x8xf32>
  // CHECK-NEXT: nn.arg_top_k %x {axis = 1, k = 2, largest} : (tensor<3x8xf32>) -> tensor<3x2xi32>
  %4 = nn.arg_top_k %x {axis = 1, k = 2, largest} : (tensor<3x8xf32>) -> tensor<3x2xi32>
  func.return
}

// -----

func.func @sizes(%x: tensor<3x8xf32>, %i: tensor<4x2xi64>) {
  // expected-error @+1 {{the indices must have at most the sizes of the tensor, [3, 8], in all dimensions but 1, got [4, 2]}}
  %0 = nn.take_elements %x, %i {axis = 1} : (tensor<3x8xf32>, tensor<4x2xi64>) -> tensor<4x2xf32>
  func.return
}

// -----

func.func @several_ways(%x: tensor<8xf32>, %i: tensor<2xi64>, %u: tensor<2xf32>) {
  // expected-error @+1 {{updates are combined in one way, got add and max}}
  %0 = nn.put_elements %x, %i, %u {axis = 0, add, max} : (tensor<8xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<8xf32>
  func.return
}

// -----

func.func @slices(%x: tensor<8x3xf32>, %i: tensor<5x3xi64>) {
  // expected-error @+1 {{indices of shape [5, 3] do not select slices of a tensor of shape [8, 3]}}
  %0 = nn.take_slices %x, %i {batch_dims = 0} : (tensor<8x3xf32>, tensor<5x3xi64>) -> tensor<5xf32>
  func.return
}

// -----

func.func @updates(%x: tensor<8x3xf32>, %i: tensor<5x1xi64>, %u: tensor<5xf32>) {
  // expected-error @+1 {{the updates must have the shape [5, 3], got [5]}}
  %0 = nn.put_slices %x, %i, %u : (tensor<8x3xf32>, tensor<5x1xi64>, tensor<5xf32>) -> tensor<8x3xf32>
  func.return
}

// -----

func.func @too_many(%x: tensor<8xf32>) {
  // expected-error @+1 {{`k` must be one of 1 to 8, got 9}}
  %0 = nn.arg_top_k %x {axis = 0, k = 9} : (tensor<8xf32>) -> tensor<9xi32>
  func.return
}
