// RUN: cm-opt %s --split-input-file --verify-diagnostics

func.func @broadcast(%x: tensor<3xf32>, %y: tensor<4xf32>) {
  // expected-error @+1 {{shapes [3] and [4] do not broadcast to one shape}}
  %0 = nn.mul %x, %y : (tensor<3xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return
}

// -----

func.func @result(%x: tensor<3xf32>) {
  // expected-error @+1 {{result type must be tensor<3xf32>, got tensor<4xf32>}}
  %0 = nn.exp %x : (tensor<3xf32>) -> tensor<4xf32>
  func.return
}

// -----

func.func @unknown(%x: tensor<3xf32>) {
  // expected-error @+1 {{nn.hard_sigmoid has no option `gamma`; it has `alpha`, `beta`}}
  %0 = nn.hard_sigmoid %x {gamma = 1.0} : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

func.func @no_axes(%x: tensor<3xf32>) {
  // expected-error @+1 {{`axes` must be one or several of the 1 dimensions in ascending order, got []}}
  %0 = nn.reduce_sum %x {axes = []} : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

func.func @order(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{`axes` must be one or several of the 2 dimensions in ascending order, got [1, 0]}}
  %0 = nn.softmax %x {axes = [1, 0]} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @outside(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{`axes` must be one or several of the 2 dimensions in ascending order, got [2]}}
  %0 = nn.log_softmax %x {axes = [2]} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @layer_scale(%x: tensor<3x4xf32>, %s: tensor<3xf32>) {
  // expected-error @+1 {{the scale must have the last dimensions of the input, [3, 4], got [3]}}
  %0 = nn.layer_norm %x, %s : (tensor<3x4xf32>, tensor<3xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @layer_rank(%x: tensor<4xf32>, %s: tensor<3x4xf32>) {
  // expected-error @+1 {{the scale must have the last dimensions of the input, [4], got [3, 4]}}
  %0 = nn.layer_norm %x, %s : (tensor<4xf32>, tensor<3x4xf32>) -> tensor<4xf32>
  func.return
}

// -----

func.func @argmax_axis(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{`axis` must be one of the 2 dimensions, got 2}}
  %0 = nn.argmax %x {axis = 2} : (tensor<3x4xf32>) -> tensor<3xi32>
  func.return
}

// -----

func.func @argmin_type(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{result type must be tensor<3xi32>, got tensor<3xf32>}}
  %0 = nn.argmin %x {axis = 1} : (tensor<3x4xf32>) -> tensor<3xf32>
  func.return
}

// -----

func.func @argmax_elements(%x: tensor<3xi4>) {
  // expected-error @+1 {{the operands must have elements of one of f32, f16, bf16, f64, i8, ui8, i16, ui16, i32, i64, got i4}}
  %0 = nn.argmax %x {axis = 0} : (tensor<3xi4>) -> tensor<i32>
  func.return
}

// -----

func.func @less_elements(%x: tensor<3xi1>) {
  // expected-error @+1 {{the operands must have elements of one of f32, f16, bf16, f64, i8, ui8, i16, ui16, i32, i64, got i1}}
  %0 = nn.less %x, %x : (tensor<3xi1>, tensor<3xi1>) -> tensor<3xi1>
  func.return
}

// -----

func.func @where_condition(%x: tensor<3xf32>) {
  // expected-error @+1 {{the condition must have elements of i1, got f32}}
  %0 = nn.where %x, %x, %x : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

func.func @where_values(%c: tensor<3xi1>, %x: tensor<3xf32>, %y: tensor<3xi8>) {
  // expected-error @+1 {{the operands must have elements of one type, got f32 and i8}}
  %0 = nn.where %c, %x, %y : (tensor<3xi1>, tensor<3xf32>, tensor<3xi8>) -> tensor<3xf32>
  func.return
}

// -----

func.func @less(%x: tensor<3xf32>) {
  // expected-error @+1 {{result type must be tensor<3xi1>, got tensor<3xf32>}}
  %0 = nn.less %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

func.func @and(%x: tensor<3xf32>) {
  // expected-error @+1 {{the operands must have elements of i1, got f32}}
  %0 = nn.and %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  func.return
}

// -----

func.func @layer_bias(%x: tensor<3x4xf32>, %s: tensor<4xf32>, %b: tensor<1xf32>) {
  // expected-error @+1 {{the bias must have the shape of the scale, [4], got [1]}}
  %0 = nn.layer_norm %x, %s bias %b : (tensor<3x4xf32>, tensor<4xf32>, tensor<1xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @instance_scale(%x: tensor<3x4xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{the scale must have shape [3], one per channel, got [4]}}
  %0 = nn.instance_norm %x, %s : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @instance_rank(%x: tensor<4xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{the input must have channels and spatial dimensions, got shape [4]}}
  %0 = nn.instance_norm %x, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return
}

// -----

func.func @lrn_size(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{`size` must be > 0, got 0}}
  %0 = nn.lrn %x {size = 0} : (tensor<4x2xf32>) -> tensor<4x2xf32>
  func.return
}

// -----

func.func @gemm_matrices(%x: tensor<2x3x4xf32>, %w: tensor<3x4x5xf32>) {
  // expected-error @+1 {{the weight must have 2 dimensions, or those of the input, [2, 3, 4], in front of them, got [3, 4, 5]}}
  %0 = nn.gemm %x, %w : (tensor<2x3x4xf32>, tensor<3x4x5xf32>) -> tensor<2x3x5xf32>
  func.return
}
