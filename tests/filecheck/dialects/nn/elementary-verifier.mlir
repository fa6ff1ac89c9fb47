// RUN: cm-opt %s --split-input-file --verify-diagnostics

func.func @axis(%x: tensor<3x4xf32>) {
  // expected-error @below {{`axis` must be one of the 2 dimensions, counted from 0, got 2}}
  %0 = nn.cum_sum %x {axis = 2} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @elements(%x: tensor<3x4xi8>) {
  // expected-error @below {{the operands must have elements of one of f32, f16, bf16, f64, i32, i64, got i8}}
  %0 = nn.cum_prod %x {axis = 1} : (tensor<3x4xi8>) -> tensor<3x4xi8>
  func.return
}

// -----

func.func @power(%x: tensor<3x4xf32>) {
  // expected-error @below {{`p` must be > 0, got 0}}
  %0 = nn.lp_pool %x {kernel = [2], p = 0} : (tensor<3x4xf32>) -> tensor<3x3xf32>
  func.return
}

// -----

func.func @windows(%x: tensor<3x2x4xf32>) {
  // expected-error @below {{4 windows of 2 elements do not fit a size of 6 in spatial dimension 0, where there is room for 5}}
  %0 = nn.fold %x {shape = [6]} : (tensor<3x2x4xf32>) -> tensor<3x6xf32>
  func.return
}

// -----

func.func @sizes(%x: tensor<3x2xf32>) {
  // expected-error @below {{the operand must have channels, and 1 dimension of windows and of their positions, got [3, 2]}}
  %0 = nn.fold %x {shape = [6]} : (tensor<3x2xf32>) -> tensor<3x6xf32>
  func.return
}

// -----

func.func @widths(%x: tensor<3x2xf32>) {
  // expected-error @below {{elements of f32 cannot be reinterpreted as i64}}
  %0 = nn.bitcast %x : (tensor<3x2xf32>) -> tensor<3x2xi64>
  func.return
}
