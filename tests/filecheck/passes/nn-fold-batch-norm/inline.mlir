// RUN: cm-opt %s --split-input-file -p nn-fold-batch-norm | filecheck %s

// With variance 1 and no epsilon the factor is the scale: weights and bias are those of W·x scaled and shifted.

// CHECK-LABEL: func.func @conv
// CHECK-NEXT: [[W:%.+]] = nn.parameter dense<{{\[\[\[}}2.000000e+00, 4.000000e+00]], {{\[\[}}-9.000000e+00, 1.200000e+01]]]> : tensor<2x1x2xf32>
// CHECK-NEXT: [[B:%.+]] = nn.parameter dense<[-1.000000e+00, 1.600000e+01]> : tensor<2xf32>
// CHECK-NEXT: %y = nn.conv %x, [[W]] bias [[B]] {strides = [2]}
// CHECK-NEXT: func.return %y
func.func @conv(%x: tensor<1x4xf32>) -> tensor<2x2xf32> {
  %w = nn.parameter dense<[[[1.0, 2.0]], [[-3.0, 4.0]]]> : tensor<2x1x2xf32>
  %scale = nn.parameter dense<[2.0, 3.0]> : tensor<2xf32>
  %bias = nn.parameter dense<[1.0, 1.0]> : tensor<2xf32>
  %mean = nn.parameter dense<[1.0, -5.0]> : tensor<2xf32>
  %variance = nn.parameter dense<1.0> : tensor<2xf32>
  %c = nn.conv %x, %w {strides = [2]} : (tensor<1x4xf32>, tensor<2x1x2xf32>) -> tensor<2x2xf32>
  %y = nn.batch_norm %c, %scale, %bias, %mean, %variance {epsilon = 0.0} : (tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  func.return %y : tensor<2x2xf32>
}

// -----

// A bias that is there is scaled too: 0.5 (10 - 4) + 1.

// CHECK-LABEL: func.func @bias
// CHECK: nn.parameter dense<5.000000e-01> : tensor<1x1x1xf32>
// CHECK-NEXT: nn.parameter dense<4.000000e+00> : tensor<1xf32>
// CHECK-NEXT: nn.conv
// CHECK-NOT: nn.batch_norm
func.func @bias(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %w = nn.parameter dense<1.0> : tensor<1x1x1xf32>
  %b = nn.parameter dense<10.0> : tensor<1xf32>
  %one = nn.parameter dense<1.0> : tensor<1xf32>
  %four = nn.parameter dense<4.0> : tensor<1xf32>
  %c = nn.conv %x, %w bias %b : (tensor<1x4xf32>, tensor<1x1x1xf32>, tensor<1xf32>) -> tensor<1x4xf32>
  %y = nn.batch_norm %c, %one, %one, %four, %four {epsilon = 0.0} : (tensor<1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4xf32>
  func.return %y : tensor<1x4xf32>
}

// -----

// Somebody else reads the product: it stays.

// CHECK-LABEL: func.func @shared
// CHECK: nn.conv
// CHECK: nn.batch_norm
func.func @shared(%x: tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<1x4xf32>) {
  %w = nn.parameter dense<1.0> : tensor<1x1x1xf32>
  %one = nn.parameter dense<1.0> : tensor<1xf32>
  %c = nn.conv %x, %w : (tensor<1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x4xf32>
  %y = nn.batch_norm %c, %one, %one, %one, %one : (tensor<1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4xf32>
  func.return %y, %c : tensor<1x4xf32>, tensor<1x4xf32>
}

// -----

// After something that is not linear there is nothing to fold it into.

// CHECK-LABEL: func.func @after_relu
// CHECK: nn.relu
// CHECK: nn.batch_norm
func.func @after_relu(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %one = nn.parameter dense<1.0> : tensor<1xf32>
  %r = nn.relu %x : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %y = nn.batch_norm %r, %one, %one, %one, %one : (tensor<1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4xf32>
  func.return %y : tensor<1x4xf32>
}
