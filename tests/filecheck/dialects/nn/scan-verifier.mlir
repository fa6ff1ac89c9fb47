// RUN: cm-opt %s --split-input-file --verify-diagnostics

func.func @nothing(%s: tensor<2xf32>) {
  // expected-error @below {{a scan must yield a value}}
  nn.scan carried(%h = %s : tensor<2xf32>) -> () {
    nn.yield
  }
  func.return
}

// -----

func.func @lengths(%a: tensor<2x3xf32>, %b: tensor<4x3xf32>) {
  // expected-error @below {{results, and operands that a scan goes over, must have the same first dimension, > 0}}
  %r = nn.scan over(%x = %a : tensor<2x3xf32>, %y = %b : tensor<4x3xf32>) -> (tensor<2x3xf32>) {
    nn.yield %x : tensor<3xf32>
  }
  func.return
}

// -----

func.func @result(%a: tensor<2x3xf32>) {
  // expected-error @below {{result 0 must have the type of yielded value 0, tensor<2x3xf32>, got tensor<2x4xf32>}}
  %r = nn.scan over(%x = %a : tensor<2x3xf32>) -> (tensor<2x4xf32>) {
    nn.yield %x : tensor<3xf32>
  }
  func.return
}

// -----

func.func @carried(%s: tensor<2xf32>, %a: tensor<5x3xf32>) {
  // expected-error @below {{carried value 0 must have the type of first yielded value 0, tensor<3xf32>, got tensor<2xf32>}}
  %r = nn.scan carried(%h = %s : tensor<2xf32>) over(%x = %a : tensor<5x3xf32>) -> (tensor<5x3xf32>) {
    nn.yield %x : tensor<3xf32>
  }
  func.return
}

// -----

func.func @element(%a: tensor<f32>) {
  // expected-error @below {{expected a tensor with a first dimension}}
  %r = nn.scan over(%x = %a : tensor<f32>) -> (tensor<5xf32>) {
    nn.yield %x : tensor<f32>
  }
  func.return
}

// -----

func.func @outside(%s: tensor<2xf32>) {
  // expected-error @below {{'nn.yield' expects parent op to be one of 'nn.stage', 'nn.scan'}}
  nn.yield %s : tensor<2xf32>
}
