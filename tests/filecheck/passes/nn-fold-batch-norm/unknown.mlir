// RUN: cm-opt %s -p nn-fold-batch-norm --verify-diagnostics | filecheck %s

// Without the values of its parameters it stays, and becomes part of the body of the stage.

// CHECK: nn.conv
// CHECK: nn.batch_norm
func.func @main(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %w = nn.parameter "w" : tensor<1x1x1xf32>
  %one = nn.parameter dense<1.0> : tensor<1xf32>
  %c = nn.conv %x, %w : (tensor<1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x4xf32>
  // expected-remark @below {{not folded: the values of its parameters are unknown (see --weights)}}
  %y = nn.batch_norm %c, %one, %one, %one, %one : (tensor<1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4xf32>
  func.return %y : tensor<1x4xf32>
}
