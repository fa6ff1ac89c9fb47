// Selection by indices that are data, and conversions between numbers.
// RUN: cm-opt %s --split-input-file --verify-diagnostics | filecheck %s
// RUN: cm-opt %s --split-input-file --verify-diagnostics | cm-opt --split-input-file | filecheck %s

// CHECK-LABEL: func.func @select
func.func @select(%table: tensor<20x6xf32>, %x: tensor<3x4xi8>, %t: tensor<5xi64>, %i: tensor<2x2xi32>, %one: tensor<i64>) {
  // CHECK-NEXT: nn.take %table, %t {axis = 0} : (tensor<20x6xf32>, tensor<5xi64>) -> tensor<5x6xf32>
  %0 = nn.take %table, %t {axis = 0} : (tensor<20x6xf32>, tensor<5xi64>) -> tensor<5x6xf32>
  // CHECK-NEXT: nn.take %x, %i {axis = 1} : (tensor<3x4xi8>, tensor<2x2xi32>) -> tensor<3x2x2xi8>
  %1 = nn.take %x, %i {axis = 1} : (tensor<3x4xi8>, tensor<2x2xi32>) -> tensor<3x2x2xi8>
  // CHECK-NEXT: nn.take %table, %one {axis = 0} : (tensor<20x6xf32>, tensor<i64>) -> tensor<6xf32>
  %2 = nn.take %table, %one {axis = 0} : (tensor<20x6xf32>, tensor<i64>) -> tensor<6xf32>
  func.return
}

// CHECK-LABEL: func.func @cast
func.func @cast(%x: tensor<4xf32>, %t: tensor<4xi64>) {
  // CHECK-NEXT: nn.cast %x : (tensor<4xf32>) -> tensor<4xi64>
  %0 = nn.cast %x : (tensor<4xf32>) -> tensor<4xi64>
  // CHECK-NEXT: nn.cast %t : (tensor<4xi64>) -> tensor<4xi8>
  %1 = nn.cast %t : (tensor<4xi64>) -> tensor<4xi8>
  func.return
}

// -----

func.func @axis(%x: tensor<20x6xf32>, %t: tensor<5xi64>) {
  // expected-error @+1 {{`axis` must be one of the 2 dimensions, counted from 0, got 2}}
  %0 = nn.take %x, %t {axis = 2} : (tensor<20x6xf32>, tensor<5xi64>) -> tensor<20x6x5xf32>
  func.return
}

// -----

func.func @type_of_indices(%x: tensor<20x6xf32>, %t: tensor<5xf32>) {
  // expected-error @+1 {{the indices must have elements of i32 or i64, got f32}}
  %0 = nn.take %x, %t {axis = 0} : (tensor<20x6xf32>, tensor<5xf32>) -> tensor<5x6xf32>
  func.return
}

