// RUN: cm-opt %s -p nn-outline-stages,convert-nn-to-polyhedral --split-input-file | filecheck %s

// A reader of a concatenation reads several arrays; no lane has a location in two.

// CHECK-LABEL: polyhedral.pipeline @concat (@a, @b) -> (@y)
// CHECK: polyhedral.read @a #polyhedral.map<"{ [relu1[w] -> lane[c]] -> a[c, w] : 0 <= w <= 7 and 0 <= c <= 3 }">,
// CHECK-SAME: @b #polyhedral.map<"{ [relu1[w] -> lane[c]] -> b[-4 + c, w] : 0 <= w <= 7 and 4 <= c <= 5 }"> : vector<6xf32>
func.func @concat(%a: tensor<4x8xf32>, %b: tensor<2x8xf32>) -> tensor<6x8xf32> {
  %c = nn.concat %a, %b {axis = 0} : (tensor<4x8xf32>, tensor<2x8xf32>) -> tensor<6x8xf32>
  %y = nn.relu %c : (tensor<6x8xf32>) -> tensor<6x8xf32>
  func.return %y : tensor<6x8xf32>
}

// -----

// Pieces of one array are one relation.

// CHECK-LABEL: polyhedral.pipeline @pieces (@x) -> (@y)
// CHECK: polyhedral.read @x #polyhedral.map<"{{[^"]*}}"> : vector<8xf32>
func.func @pieces(%x: tensor<4x8xf32>) -> tensor<8x8xf32> {
  %c = nn.concat %x, %x {axis = 0} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  %y = nn.relu %c : (tensor<8x8xf32>) -> tensor<8x8xf32>
  func.return %y : tensor<8x8xf32>
}

// -----

// A stage writes an output that is another layout of its result in that layout.

// CHECK-LABEL: polyhedral.pipeline @output (@x) -> (@y)
// CHECK: polyhedral.array @y : tensor<32xf32>
// CHECK: polyhedral.write %{{.*}}, @y #polyhedral.map<"{ [relu1[w] -> lane[c]] -> y[w + 8c] : 0 <= w <= 7 and 0 <= c <= 3 }"> : vector<4xf32>
// CHECK-NOT: polyhedral.stage
func.func @output(%x: tensor<4x8xf32>) -> tensor<32xf32> {
  %r = nn.relu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = nn.reshape %r {shape = [32]} : (tensor<4x8xf32>) -> tensor<32xf32>
  func.return %y : tensor<32xf32>
}

// -----

// Several stages write an output that is a concatenation.

// CHECK-LABEL: polyhedral.pipeline @parts (@x) -> (@y)
// CHECK: polyhedral.write %{{.*}}, @y #polyhedral.map<"{ [relu1[w] -> lane[c]] -> y[c, w] : 0 <= w <= 7 and 0 <= c <= 3 }"> : vector<4xf32>
// CHECK: polyhedral.write %{{.*}}, @y #polyhedral.map<"{ [max_pool1[w] -> lane[c]] -> y[4 + c, w] : 0 <= w <= 7 and 0 <= c <= 3 }"> : vector<4xf32>
func.func @parts(%x: tensor<4x8xf32>) -> tensor<8x8xf32> {
  %a = nn.relu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %b = nn.max_pool %x {kernel = [3], pads = [1, 1]} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = nn.concat %a, %b {axis = 0} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  func.return %y : tensor<8x8xf32>
}

// -----

// CHECK-LABEL: polyhedral.pipeline @transposed (@x) -> (@y)
// CHECK: polyhedral.read @x #polyhedral.map<"{ [conv_transpose1[w] -> lane[c, kw]] -> x[c, x0] : {{[^"]*}}2x0 = w - kw{{[^"]*}}"> : vector<2x3xf32>
// CHECK: polyhedral.matrix @w #polyhedral.map<"{ cell[row, col] -> w[o0, row, col - 3o0] : {{[^"]*}}"> : tensor<4x6xf32>
func.func @transposed(%x: tensor<2x5xf32>) -> tensor<4x11xf32> {
  %w = nn.parameter "w" : tensor<2x4x3xf32>
  %y = nn.conv_transpose %x, %w {strides = [2]} : (tensor<2x5xf32>, tensor<2x4x3xf32>) -> tensor<4x11xf32>
  func.return %y : tensor<4x11xf32>
}
