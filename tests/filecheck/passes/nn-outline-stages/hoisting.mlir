// RUN: cm-opt %s --split-input-file -p nn-outline-stages --verify-diagnostics | filecheck %s
// RUN: cm-opt %s --split-input-file -p 'nn-outline-stages{fuse=false}' --verify-diagnostics | filecheck %s --check-prefix=APART

// A scale of an attention's heads joins the product that it follows, in front of the layout of the heads.

// CHECK-LABEL: func.func @scale
// CHECK: %s = nn.stage @gemm1(%x_1 = %x : tensor<6x8xf32>) -> (tensor<6x8xf32>) {
// CHECK: %g = nn.gemm %x_1, %w
// CHECK-NEXT: %0 = nn.parameter dense<5.000000e-01> : tensor<f32>
// CHECK-NEXT: %s_1 = nn.mul %g, %0 : (tensor<6x8xf32>, tensor<f32>) -> tensor<6x8xf32>
// CHECK-NEXT: nn.yield %s_1
// CHECK: %0 = nn.reshape %s {shape = [6, 2, 4]} : (tensor<6x8xf32>) -> tensor<6x2x4xf32>
// CHECK-NEXT: %s_1 = nn.transpose %0 {perm = [1, 0, 2]} : (tensor<6x2x4xf32>) -> tensor<2x6x4xf32>
// CHECK-NEXT: nn.stage @softmax1(%s_2 = %s_1 : tensor<2x6x4xf32>)

// APART-LABEL: func.func @scale
// APART: nn.transpose
// APART: nn.stage @mul1(
func.func @scale(%x: tensor<6x8xf32>) -> tensor<2x6x4xf32> {
  %w = nn.parameter "w" : tensor<8x8xf32>
  %half = nn.parameter dense<0.5> : tensor<1x1x1xf32>
  %g = nn.gemm %x, %w : (tensor<6x8xf32>, tensor<8x8xf32>) -> tensor<6x8xf32>
  %r = nn.reshape %g {shape = [6, 2, 4]} : (tensor<6x8xf32>) -> tensor<6x2x4xf32>
  %t = nn.transpose %r {perm = [1, 0, 2]} : (tensor<6x2x4xf32>) -> tensor<2x6x4xf32>
  %s = nn.mul %t, %half : (tensor<2x6x4xf32>, tensor<1x1x1xf32>) -> tensor<2x6x4xf32>
  %y = nn.softmax %s {axes = [2]} : (tensor<2x6x4xf32>) -> tensor<2x6x4xf32>
  func.return %y : tensor<2x6x4xf32>
}

// -----

// A constant of several elements is broadcast and laid out, so that its elements meet the same elements as before.

// CHECK-LABEL: func.func @scale_of_channels
// CHECK: %y = nn.stage @gemm1(
// CHECK: nn.gemm
// CHECK-NEXT: %s = nn.parameter "s" : tensor<4x1xf32>
// CHECK-NEXT: %0 = nn.expand %s {shape = [4, 6]} : (tensor<4x1xf32>) -> tensor<4x6xf32>
// CHECK-NEXT: %1 = nn.transpose %0 {perm = [1, 0]} : (tensor<4x6xf32>) -> tensor<6x4xf32>
// CHECK-NEXT: nn.mul %1, %g : (tensor<6x4xf32>, tensor<6x4xf32>) -> tensor<6x4xf32>
// CHECK: nn.transpose %y {perm = [1, 0]}
// CHECK-NOT: nn.stage
func.func @scale_of_channels(%x: tensor<6x8xf32>) -> tensor<4x6xf32> {
  %w = nn.parameter "w" : tensor<8x4xf32>
  %s = nn.parameter "s" : tensor<4x1xf32>
  %g = nn.gemm %x, %w : (tensor<6x8xf32>, tensor<8x4xf32>) -> tensor<6x4xf32>
  %t = nn.transpose %g {perm = [1, 0]} : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %y = nn.mul %s, %t : (tensor<4x1xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  func.return %y : tensor<4x6xf32>
}

// -----

// Two values in the same layout: the sum joins the second product.

// CHECK-LABEL: func.func @same_layout
// CHECK: %a = nn.stage @gemm1(
// CHECK: nn.stage @gemm2(
// CHECK: nn.add %a_1, %b : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
// CHECK-NOT: nn.stage
func.func @same_layout(%x: tensor<6x8xf32>) -> tensor<48xf32> {
  %w = nn.parameter "w" : tensor<8x8xf32>
  %a = nn.gemm %x, %w : (tensor<6x8xf32>, tensor<8x8xf32>) -> tensor<6x8xf32>
  %b = nn.gemm %x, %w : (tensor<6x8xf32>, tensor<8x8xf32>) -> tensor<6x8xf32>
  %c = nn.reshape %a {shape = [48]} : (tensor<6x8xf32>) -> tensor<48xf32>
  %d = nn.reshape %b {shape = [48]} : (tensor<6x8xf32>) -> tensor<48xf32>
  %y = nn.add %c, %d : (tensor<48xf32>, tensor<48xf32>) -> tensor<48xf32>
  func.return %y : tensor<48xf32>
}

// -----

// A sum with a value from before joins the stage of the value that is computed last, and reads the other one in the order
// of that stage.

// CHECK-LABEL: func.func @residual
// CHECK: %a = nn.stage @softmax1(
// CHECK: nn.transpose %a {perm = [1, 0]} : (tensor<4x6xf32>) -> tensor<6x4xf32>
// CHECK: %y = nn.stage @gemm1(
// CHECK: nn.add
// CHECK-NOT: nn.stage
func.func @residual(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %w = nn.parameter "w" : tensor<4x4xf32>
  %a = nn.softmax %x {axes = [0]} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %t = nn.transpose %a {perm = [1, 0]} : (tensor<4x6xf32>) -> tensor<6x4xf32>
  %g = nn.gemm %t, %w : (tensor<6x4xf32>, tensor<4x4xf32>) -> tensor<6x4xf32>
  %u = nn.transpose %g {perm = [1, 0]} : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %y = nn.add %u, %a : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  func.return %y : tensor<4x6xf32>
}

// -----

// What stays: values in different layouts, layouts that drop elements, broadcast values, and functions of inputs, which
// no stage computes.

// CHECK-LABEL: func.func @stay
// CHECK: nn.reshape %a
// CHECK: nn.stage @relu1(
// CHECK: nn.transpose %g
// CHECK: nn.stage @add1(
// CHECK: nn.slice %g
// CHECK: nn.stage @relu2(
// CHECK: nn.reshape
// CHECK: nn.stage @add2(
func.func @stay(%x: tensor<8x8xf32>, %a: tensor<64xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>, tensor<8x8x8xf32>) {
  %w = nn.parameter "w" : tensor<8x8xf32>
  %i = nn.reshape %a {shape = [8, 8]} : (tensor<64xf32>) -> tensor<8x8xf32>
  %y0 = nn.relu %i : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %g = nn.gemm %x, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %t = nn.transpose %g {perm = [1, 0]} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %y1 = nn.add %g, %t : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %s = nn.slice %g {starts = [4, 0], ends = [8, 8]} : (tensor<8x8xf32>) -> tensor<4x8xf32>
  %y2 = nn.relu %s : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = nn.reshape %g {shape = [8, 1, 8]} : (tensor<8x8xf32>) -> tensor<8x1x8xf32>
  %n = nn.parameter "n" : tensor<1x8x1xf32>
  %y3 = nn.add %r, %n : (tensor<8x1x8xf32>, tensor<1x8x1xf32>) -> tensor<8x8x8xf32>
  func.return %y0, %y1, %y2, %y3 : tensor<8x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>, tensor<8x8x8xf32>
}
