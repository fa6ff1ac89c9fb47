// Recurrent operators: syntax, and what the verifier refuses.
// RUN: cm-opt %s --split-input-file --verify-diagnostics | filecheck %s
// RUN: cm-opt %s --split-input-file --verify-diagnostics | cm-opt --split-input-file | filecheck %s
// RUN: cm-opt %s --split-input-file --verify-diagnostics --print-op-generic | cm-opt --split-input-file | filecheck %s

// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<5x8xf32>, %b: tensor<5x3x6xf32>, %r: tensor<5x2xf32>, %w: tensor<8x2xf32>, %w3: tensor<6x2xf32>, %w2: tensor<4x2xf32>, %w1: tensor<2x2xf32>, %s: tensor<2xf32>, %s3: tensor<3x2xf32>) {
  // CHECK-NEXT: %0, %1 = nn.lstm %x, %w : (tensor<5x8xf32>, tensor<8x2xf32>) -> (tensor<5x2xf32>, tensor<5x2xf32>)
  %0, %1 = nn.lstm %x, %w : (tensor<5x8xf32>, tensor<8x2xf32>) -> (tensor<5x2xf32>, tensor<5x2xf32>)
  // CHECK-NEXT: nn.lstm %x, %w initial_c %s peepholes %s3 {clip = 2.000000e+00, input_forget, reverse} : (
  %2, %3 = nn.lstm %x, %w initial_c %s peepholes %s3 {input_forget, reverse, clip = 2.0} : (tensor<5x8xf32>, tensor<8x2xf32>, tensor<2xf32>, tensor<3x2xf32>) -> (tensor<5x2xf32>, tensor<5x2xf32>)
  // CHECK-NEXT: nn.gru %b, %w3 initial_h %s3 bias %s {activations = ["hard_sigmoid", "relu"], alphas = [0.2, 0.0], betas = [0.5, 0.0]} : (
  %4 = nn.gru %b, %w3 initial_h %s3 bias %s {activations = ["hard_sigmoid", "relu"], alphas = [0.2, 0.0], betas = [0.5, 0.0]} : (tensor<5x3x6xf32>, tensor<6x2xf32>, tensor<3x2xf32>, tensor<2xf32>) -> tensor<5x3x2xf32>
  // CHECK-NEXT: nn.gru %b, %w2 candidate %w1 : (
  %5 = nn.gru %b, %w2 candidate %w1 : (tensor<5x3x6xf32>, tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<5x3x2xf32>
  // CHECK-NEXT: nn.rnn %r, %w1 {reverse} : (
  %6 = nn.rnn %r, %w1 {activations = ["tanh"], reverse} : (tensor<5x2xf32>, tensor<2x2xf32>) -> tensor<5x2xf32>
  func.return
}

// -----

func.func @rank(%x: tensor<8xf32>, %w: tensor<8x2xf32>) {
  // expected-error @+1 {{the input must have 2 or 3 dimensions, steps, batch and gates, got [8]}}
  %0, %1 = nn.lstm %x, %w : (tensor<8xf32>, tensor<8x2xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  func.return
}

// -----

func.func @gates(%x: tensor<5x7xf32>, %w: tensor<8x2xf32>) {
  // expected-error @+1 {{the input must have one step or more of 4 gates, got [5, 7]}}
  %0, %1 = nn.lstm %x, %w : (tensor<5x7xf32>, tensor<8x2xf32>) -> (tensor<5x2xf32>, tensor<5x2xf32>)
  func.return
}

// -----

func.func @weight(%x: tensor<5x8xf32>, %w: tensor<8x3xf32>) {
  // expected-error @+1 {{`weight` must have the shape [8, 2], got [8, 3]}}
  %0, %1 = nn.lstm %x, %w : (tensor<5x8xf32>, tensor<8x3xf32>) -> (tensor<5x2xf32>, tensor<5x2xf32>)
  func.return
}

// -----

func.func @state(%x: tensor<5x3x8xf32>, %w: tensor<8x2xf32>, %c: tensor<2xf32>) {
  // expected-error @+1 {{`initial_c` must have the shape [3, 2], got [2]}}
  %0, %1 = nn.lstm %x, %w initial_c %c : (tensor<5x3x8xf32>, tensor<8x2xf32>, tensor<2xf32>) -> (tensor<5x3x2xf32>, tensor<5x3x2xf32>)
  func.return
}

// -----

func.func @second_result(%x: tensor<5x8xf32>, %w: tensor<8x2xf32>) {
  // expected-error @+1 {{result type must be tensor<5x2xf32>, got tensor<2xf32>}}
  %0, %1 = nn.lstm %x, %w : (tensor<5x8xf32>, tensor<8x2xf32>) -> (tensor<5x2xf32>, tensor<2xf32>)
  func.return
}

// -----

func.func @one_result(%x: tensor<5x8xf32>, %w: tensor<8x2xf32>) {
  // expected-error @+1 {{expected the types of 2 operands and of 2 results, got 2 and 1}}
  %0 = nn.lstm %x, %w : (tensor<5x8xf32>, tensor<8x2xf32>) -> tensor<5x2xf32>
  func.return
}

// -----

func.func @unknown_activation(%x: tensor<5x2xf32>, %w: tensor<2x2xf32>) {
  // expected-error @+1 {{`activations` must be among affine, elu, hard_sigmoid, leaky_relu, relu, scaled_tanh, sigmoid, softplus, softsign, tanh, thresholded_relu, got gelu}}
  %0 = nn.rnn %x, %w {activations = ["gelu"]} : (tensor<5x2xf32>, tensor<2x2xf32>) -> tensor<5x2xf32>
  func.return
}

// -----

func.func @activations(%x: tensor<5x2xf32>, %w: tensor<2x2xf32>) {
  // expected-error @+1 {{`activations` must have 1 entry, got 2}}
  %0 = nn.rnn %x, %w {activations = ["tanh", "tanh"]} : (tensor<5x2xf32>, tensor<2x2xf32>) -> tensor<5x2xf32>
  func.return
}

// -----

func.func @alphas(%x: tensor<5x6xf32>, %w: tensor<6x2xf32>) {
  // expected-error @+1 {{`alphas` must have 2 entries, got 1}}
  %0 = nn.gru %x, %w {alphas = [0.5]} : (tensor<5x6xf32>, tensor<6x2xf32>) -> tensor<5x2xf32>
  func.return
}

// -----

func.func @clip(%x: tensor<5x2xf32>, %w: tensor<2x2xf32>) {
  // expected-error @+1 {{`clip` must be > 0, got -1.0}}
  %0 = nn.rnn %x, %w {clip = -1.0} : (tensor<5x2xf32>, tensor<2x2xf32>) -> tensor<5x2xf32>
  func.return
}

// -----

func.func @bias_of_candidate(%x: tensor<5x6xf32>, %w: tensor<4x2xf32>, %c: tensor<2x2xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{with `candidate`, the input includes the `bias`}}
  %0 = nn.gru %x, %w bias %b candidate %c : (tensor<5x6xf32>, tensor<4x2xf32>, tensor<2xf32>, tensor<2x2xf32>) -> tensor<5x2xf32>
  func.return
}
