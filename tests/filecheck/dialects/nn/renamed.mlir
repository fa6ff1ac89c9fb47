// RUN: cm-opt %s --verify-diagnostics
// RUN: cm-opt %s 2>&1 | filecheck %s

// Operations are read by their old names, in both forms.

func.func @casts(%x: tensor<4xf32>, %q: tensor<4xui8>) -> (tensor<4xf64>, tensor<4xi32>) {
  // expected-remark @+2 {{operation 'nn.to_f16' is called 'nn.cast' now}}
  // CHECK: nn.cast %x : (tensor<4xf32>) -> tensor<4xf16>
  %h = nn.to_f16 %x : (tensor<4xf32>) -> tensor<4xf16>
  // expected-remark @+2 {{operation 'nn.to_f32' is called 'nn.cast' now}}
  // CHECK: nn.cast %h : (tensor<4xf16>) -> tensor<4xf32>
  %f = "nn.to_f32"(%h) : (tensor<4xf16>) -> tensor<4xf32>
  // expected-remark @+2 {{operation 'nn.to_f64' is called 'nn.cast' now}}
  // CHECK: nn.cast %f : (tensor<4xf32>) -> tensor<4xf64>
  %d = nn.to_f64 %f : (tensor<4xf32>) -> tensor<4xf64>
  // expected-remark @+2 {{operation 'nn.widen' is called 'nn.cast' now}}
  // CHECK: nn.cast %q : (tensor<4xui8>) -> tensor<4xi32>
  %i = nn.widen %q : (tensor<4xui8>) -> tensor<4xi32>
  func.return %d, %i : tensor<4xf64>, tensor<4xi32>
}
