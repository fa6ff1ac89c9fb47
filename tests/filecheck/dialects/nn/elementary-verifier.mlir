// RUN: cm-opt %s --split-input-file --verify-diagnostics

func.func @axis(%x: tensor<3x4xf32>) {
  // expected-error @below {{`axis` must be one of the 2 dimensions, counted from 0, got 2}}
  %0 = nn.cum_sum %x {axis = 2} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @elements(%x: tensor<3x4xi8>) {
  // expected-error @below {{the operands must have elements of one of f32, f16, f64, i32, got i8}}
  %0 = nn.cum_prod %x {axis = 1} : (tensor<3x4xi8>) -> tensor<3x4xi8>
  func.return
}

// -----

func.func @power(%x: tensor<3x4xf32>) {
  // expected-error @below {{`p` must be > 0, got 0}}
  %0 = nn.lp_pool %x {kernel = [2], p = 0} : (tensor<3x4xf32>) -> tensor<3x3xf32>
  func.return
}
