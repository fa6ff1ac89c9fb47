// RUN: cm-opt %s --split-input-file -p nn-outline-stages --verify-diagnostics | filecheck %s
// RUN: cm-opt %s --split-input-file -p nn-outline-stages,convert-nn-to-polyhedral,polyhedral-derive-dependences --verify-diagnostics | filecheck %s --check-prefix=POLY

// Windows of 7×7 pixels become a grid of 7×7 pixels, each 4 apart. No digits of a row suit both, so that a reader of the
// grid would meet floors. A copy of the image has them on neither side.

// CHECK-LABEL: func.func @windows_to_grid
// CHECK: %s_1 = nn.reshape %s {shape = [28, 28, 8]} : (tensor<4x7x4x7x8xf32>) -> tensor<28x28x8xf32>
// CHECK-NEXT: %s_copy = nn.stage @copy1(%s_2 = %s_1 : tensor<28x28x8xf32>)
// CHECK: %g = nn.reshape %s_copy {shape = [7, 4, 7, 4, 8]} : (tensor<28x28x8xf32>) -> tensor<7x4x7x4x8xf32>
// CHECK: nn.stage @softmax2

// POLY-LABEL: polyhedral.pipeline @windows_to_grid
// POLY: polyhedral.write %s, @s_copy #polyhedral.map<"{ [copy1[c0, c1, h0, h1] -> lane[w]] -> s_copy[7c0 + c1, 7h0 + h1, w] :
// POLY: polyhedral.read @s_copy #polyhedral.map<"{ [softmax2[c, s0, s1, s2] -> lane[s3]] -> s_copy[4c + s1, 4s0 + s2, s3] :
func.func @windows_to_grid(%x: tensor<4x7x4x7x8xf32>) -> tensor<7x7x4x4x8xf32> {
  %s = nn.softmax %x {axes = [4]} : (tensor<4x7x4x7x8xf32>) -> tensor<4x7x4x7x8xf32>
  // expected-remark @below {{inserted a stage that copies %s: the axes of [4, 7, 4, 7, 8] and [7, 4, 7, 4, 8] cross}}
  %g = nn.reshape %s {shape = [7, 4, 7, 4, 8]} : (tensor<4x7x4x7x8xf32>) -> tensor<7x4x7x4x8xf32>
  %t = nn.transpose %g {perm = [0, 2, 1, 3, 4]} : (tensor<7x4x7x4x8xf32>) -> tensor<7x7x4x4x8xf32>
  %r = nn.softmax %t {axes = [4]} : (tensor<7x7x4x4x8xf32>) -> tensor<7x7x4x4x8xf32>
  func.return %r : tensor<7x7x4x4x8xf32>
}

// -----

// Axes that divide each other need no copy: 8 = 2·4 and 8 = 4·2.

// CHECK-LABEL: func.func @nested
// CHECK-NOT: copy
func.func @nested(%x: tensor<2x4x2x4x8xf32>) -> tensor<4x2x4x2x8xf32> {
  %s = nn.softmax %x {axes = [4]} : (tensor<2x4x2x4x8xf32>) -> tensor<2x4x2x4x8xf32>
  %g = nn.reshape %s {shape = [4, 2, 4, 2, 8]} : (tensor<2x4x2x4x8xf32>) -> tensor<4x2x4x2x8xf32>
  %r = nn.softmax %g {axes = [4]} : (tensor<4x2x4x2x8xf32>) -> tensor<4x2x4x2x8xf32>
  func.return %r : tensor<4x2x4x2x8xf32>
}

// -----

// A pool reads across the borders of the windows that make up the image.

// CHECK-LABEL: func.func @pool_across_windows
// CHECK: %i = nn.reshape
// CHECK-NEXT: %i_copy = nn.stage @copy1
// CHECK: nn.stage @max_pool1
func.func @pool_across_windows(%x: tensor<4x2x7x2x7xf32>) -> tensor<4x14x14xf32> {
  %s = nn.softmax %x {axes = [0]} : (tensor<4x2x7x2x7xf32>) -> tensor<4x2x7x2x7xf32>
  %i = nn.reshape %s {shape = [4, 14, 14]} : (tensor<4x2x7x2x7xf32>) -> tensor<4x14x14xf32>
  // expected-remark @below {{inserted a stage that copies %i: windows would cross the borders of merged axes}}
  %m = nn.max_pool %i {kernel = [3, 3], pads = [1, 1, 1, 1]} : (tensor<4x14x14xf32>) -> tensor<4x14x14xf32>
  func.return %m : tensor<4x14x14xf32>
}

// -----

// Windows that lie between the borders, or read the whole image, need none.

// CHECK-LABEL: func.func @pool_within_windows
// CHECK-NOT: copy
func.func @pool_within_windows(%x: tensor<4x2x6x2x6xf32>) -> (tensor<4x4x4xf32>, tensor<4x1x1xf32>) {
  %s = nn.softmax %x {axes = [0]} : (tensor<4x2x6x2x6xf32>) -> tensor<4x2x6x2x6xf32>
  %i = nn.reshape %s {shape = [4, 12, 12]} : (tensor<4x2x6x2x6xf32>) -> tensor<4x12x12xf32>
  %m = nn.max_pool %i {kernel = [3, 3], strides = [3, 3]} : (tensor<4x12x12xf32>) -> tensor<4x4x4xf32>
  %a = nn.global_average_pool %i : (tensor<4x12x12xf32>) -> tensor<4x1x1xf32>
  func.return %m, %a : tensor<4x4x4xf32>, tensor<4x1x1xf32>
}
