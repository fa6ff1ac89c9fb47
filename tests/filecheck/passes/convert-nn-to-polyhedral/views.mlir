// RUN: cm-opt %s --split-input-file -p nn-outline-stages,convert-nn-to-polyhedral | filecheck %s

// The shortcut of a residual network that halves the image and doubles the channels: slice and pad become an access
// relation, and the new channels read as zero.

// CHECK: polyhedral.pipeline @shortcut (@x) -> (@y) {
// CHECK-NOT: polyhedral.array @s
// CHECK: polyhedral.stage @conv1
// CHECK: polyhedral.read @x #polyhedral.map<"{ [conv1[w] -> lane[c]] -> x[-1 + c, 2w] : 0 <= w <= 3 and 0 < c <= 2 }"> : vector<4xf32>
// CHECK-NOT: polyhedral.stage
func.func @shortcut(%x: tensor<2x8xf32>) -> tensor<4x4xf32> {
  %w = nn.parameter "w" : tensor<4x2x3xf32>
  %c = nn.conv %x, %w {strides = [2], pads = [1, 1]} : (tensor<2x8xf32>, tensor<4x2x3xf32>) -> tensor<4x4xf32>
  %s = nn.slice %x {starts = [0, 0], ends = [2, 8], steps = [1, 2]} : (tensor<2x8xf32>) -> tensor<2x4xf32>
  %p = nn.pad %s {pads = [1, 0, 1, 0]} : (tensor<2x4xf32>) -> tensor<4x4xf32>
  %y = nn.add %c, %p : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  func.return %y : tensor<4x4xf32>
}

// -----

// Padding by a value of its own is the pad value of the read.

// CHECK: polyhedral.pipeline @pad_value
// CHECK: polyhedral.read @x #polyhedral.map<"{ [relu1[] -> lane[c]] -> x[-1 + c] : 0 < c <= 4 }"> pad 2.500000e+00 : vector<5xf32>
func.func @pad_value(%x: tensor<4xf32>) -> tensor<5xf32> {
  %p = nn.pad %x {pads = [1, 0], value = 2.5} : (tensor<4xf32>) -> tensor<5xf32>
  %r = nn.relu %p : (tensor<5xf32>) -> tensor<5xf32>
  func.return %r : tensor<5xf32>
}

// -----

// A parameter seen through a transpose has one array; its matrix is read the other way round.

// CHECK: polyhedral.pipeline @transposed_weight
// CHECK: polyhedral.array @w parameter "w" : tensor<2x3xf32>
// CHECK-NOT: polyhedral.array
// CHECK: polyhedral.matrix @w #polyhedral.map<"{ cell[row, col] -> w[row, col] : 0 <= row <= 1 and 0 <= col <= 2 }"> : tensor<2x3xf32>
func.func @transposed_weight(%x: tensor<3xf32>) -> tensor<2xf32> {
  %w = nn.parameter "w" : tensor<2x3xf32>
  %t = nn.transpose %w {perm = [1, 0]} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %y = nn.gemm %x, %t : (tensor<3xf32>, tensor<3x2xf32>) -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// -----

// An output that is another layout of what a stage computes is written in that layout.

// CHECK: polyhedral.pipeline @output_view (@x) -> (@f) {
// CHECK: polyhedral.write {{.+}}, @f #polyhedral.map<"{ [relu1[w] -> lane[c]] -> f[w, c] : 0 <= w <= 2 and 0 <= c <= 1 }"> : vector<2xf32>
func.func @output_view(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %r = nn.relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %f = nn.transpose %r {perm = [1, 0]} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  func.return %f : tensor<3x2xf32>
}

// -----

// Names of values become names of arrays, fit for symbols and for ISL, and different from those of stages.

// CHECK: polyhedral.pipeline @names (@input0, @input1) -> (@a_b_c) {
// CHECK: polyhedral.array @a_b_c : tensor<2xf32>
// CHECK: polyhedral.array @relu1_1 : tensor<4xf32>
// CHECK: polyhedral.stage @relu1
// CHECK: polyhedral.write {{.+}}, @relu1_1
func.func @names(%0: tensor<4xf32>, %9: tensor<4xf32>) -> tensor<2xf32> {
  %relu1 = nn.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  %r = nn.reshape %relu1 {shape = [2, 2]} : (tensor<4xf32>) -> tensor<2x2xf32>
  %g = nn.global_average_pool %r : (tensor<2x2xf32>) -> tensor<2x1xf32>
  %f = nn.reshape %g {shape = [2]} : (tensor<2x1xf32>) -> tensor<2xf32>
  %a.b-c = nn.relu %f : (tensor<2xf32>) -> tensor<2xf32>
  func.return %a.b-c : tensor<2xf32>
}
