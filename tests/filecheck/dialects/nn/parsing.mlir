// RUN: cm-opt %s --split-input-file --verify-diagnostics

func.func @unknown_option(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{nn.max_pool has no option `stride`; it has `kernel`, `strides`, `pads`, `dilations`, `ceil_mode`}}
  %0 = nn.max_pool %x {kernel = [2], stride = [2]} : (tensor<3x4xf32>) -> tensor<3x2xf32>
  func.return
}

// -----

func.func @no_options(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{nn.relu has no option `alpha`; it has none}}
  %0 = nn.relu %x {alpha = 1.0} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @twice(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{option `kernel` is given twice}}
  %0 = nn.max_pool %x {kernel = [2], kernel = [2]} : (tensor<3x4xf32>) -> tensor<3x3xf32>
  func.return
}

// -----

func.func @list(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{'[' expected}}
  %0 = nn.max_pool %x {kernel = 2} : (tensor<3x4xf32>) -> tensor<3x3xf32>
  func.return
}

// -----

func.func @flag(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{'}' expected}}
  %0 = nn.max_pool %x {kernel = [2], ceil_mode = true} : (tensor<3x4xf32>) -> tensor<3x3xf32>
  func.return
}

// -----

func.func @types(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{expected the types of 2 operands and of 1 result, got 1 and 1}}
  %0 = nn.add %x, %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @dynamic(%x: tensor<3x?xf32>) {
  // expected-error @+1 {{expected a tensor with a static shape, got tensor<3x?xf32>}}
  %0 = nn.relu %x : (tensor<3x?xf32>) -> tensor<3x?xf32>
  func.return
}

// -----

func.func @not_a_tensor(%x: f32) {
  // expected-error @+1 {{expected a tensor with a static shape, got f32}}
  %0 = nn.relu %x : (f32) -> f32
  func.return
}

// -----

func.func @parameter() {
  // expected-error @+1 {{Expected 'dense'}}
  %0 = nn.parameter 1.0 : tensor<1xf32>
  func.return
}
