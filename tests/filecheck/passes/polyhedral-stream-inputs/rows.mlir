// RUN: cm-opt %s --split-input-file -p nn-to-polyhedral,polyhedral-stream-inputs | filecheck %s

// Rows run along the first axis along which iterations of a reader read different elements.

// CHECK-LABEL: pipeline @tokens
// CHECK: stage @send_x (%row) gcu domain #polyhedral.set<"{ send_x[d0] : 0 <= d0 <= 5 }">
func.func @tokens(%x: tensor<6x8xf32>) -> tensor<6x8xf32> {
  %y = nn.softmax %x {axes = [1]} : (tensor<6x8xf32>) -> tensor<6x8xf32>
  func.return %y : tensor<6x8xf32>
}

// -----

// CHECK-LABEL: pipeline @image
// CHECK: stage @send_x (%row) gcu domain #polyhedral.set<"{ send_x[d2] : 0 <= d2 <= 3 }">
func.func @image(%x: tensor<1x2x4x5xf32>) -> tensor<2x3x4xf32> {
  %r = nn.reshape %x {shape = [2, 4, 5]} : (tensor<1x2x4x5xf32>) -> tensor<2x4x5xf32>
  %y = nn.max_pool %r {kernel = [2, 2]} : (tensor<2x4x5xf32>) -> tensor<2x3x4xf32>
  func.return %y : tensor<2x3x4xf32>
}

// -----

// A reader of some channels only reads those whole.

// CHECK-LABEL: pipeline @some_channels
// CHECK: stage @send_x (%row) gcu domain #polyhedral.set<"{ send_x[d1] : 0 <= d1 <= 4 }">
func.func @some_channels(%x: tensor<3x5xf32>) -> tensor<2x4xf32> {
  %s = nn.slice %x {starts = [1, 0], ends = [3, 5]} : (tensor<3x5xf32>) -> tensor<2x5xf32>
  %y = nn.max_pool %s {kernel = [2]} : (tensor<2x5xf32>) -> tensor<2x4xf32>
  func.return %y : tensor<2x4xf32>
}

// -----

// An iteration that reads everything does not say.

// CHECK-LABEL: pipeline @whole
// CHECK: stage @send_x (%row) gcu domain #polyhedral.set<"{ send_x[d1] : 0 <= d1 <= 4 }">
func.func @whole(%x: tensor<2x5x4xf32>) -> tensor<2x1x1xf32> {
  %y = nn.global_average_pool %x : (tensor<2x5x4xf32>) -> tensor<2x1x1xf32>
  func.return %y : tensor<2x1x1xf32>
}
