// Networks that take more operations than the limit are left alone, and what has no interpretation is named.
// RUN: cm-opt %s --split-input-file -p 'nn-to-polyhedral,polyhedral-to-cmcore,cmcore-verify-values{most-operations=20000000}' --verify-diagnostics

// expected-remark-re @below {{values not proved: {{[0-9]+}} operations, more than 20000000; cm-run --verify proves them}}
func.func @main(%x: tensor<64xf32>) -> tensor<6400xf32> {
  %w = nn.parameter "w" : tensor<64x6400xf32>
  %y = nn.gemm %x, %w : (tensor<64xf32>, tensor<64x6400xf32>) -> tensor<6400xf32>
  func.return %y : tensor<6400xf32>
}

// -----

// Infinity times a number that may be 0.

// expected-remark @below {{values not proved: an element of output @y that is infinite or NaN is not covered}}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %i = nn.parameter dense<"0x0000807F"> : tensor<f32>
  %y = nn.mul %x, %i : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}
