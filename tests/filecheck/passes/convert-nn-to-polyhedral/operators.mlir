// RUN: cm-opt %s --split-input-file -p nn-outline-stages,convert-nn-to-polyhedral | filecheck %s

// Strides and asymmetric padding are in the access relation: lanes that fall outside are not in it.

// CHECK: polyhedral.pipeline @conv (@x) -> (@y) {
// CHECK-NEXT: polyhedral.array @x : tensor<2x6x6xf32>
// CHECK-NEXT: polyhedral.array @y : tensor<3x3x2xf32>
// CHECK-NEXT: polyhedral.array @w parameter "w" : tensor<3x2x3x3xf32>
// CHECK-NEXT: polyhedral.array @b parameter "b" : tensor<3xf32>
// CHECK-NEXT: polyhedral.stage @conv1 (%h, %w) domain #polyhedral.set<"{ conv1[h, w] : 0 <= h <= 2 and 0 <= w <= 1 }"> {
// CHECK-NEXT: [[X:%.+]] = polyhedral.read @x #polyhedral.map<"{ [conv1[h, w] -> lane[c, kh, kw]] -> x[c, -1 + 2h + kh, 3w + kw] : h <= 2 and 0 <= w <= 1 and 0 <= c <= 1 and kh >= 0 and -2h < kh <= 2 and 0 <= kw <= 2 }"> : vector<2x3x3xf32>
// CHECK-NEXT: [[M:%.+]] = polyhedral.matrix @w #polyhedral.map<"{ cell[row, col] -> w[row, o1, o2, col - 9o1 - 3o2]
// CHECK-SAME: tensor<3x18xf32>
// CHECK-NEXT: [[B:%.+]] = polyhedral.read @b #polyhedral.map<"{ [conv1[h, w] -> lane[c]] -> b[c] : 0 <= h <= 2 and 0 <= w <= 1 and 0 <= c <= 2 }"> : vector<3xf32>
// CHECK-NEXT: [[P:%.+]] = cmcore.mxv [[M]], [[X]] : tensor<3x18xf32>, vector<2x3x3xf32> -> vector<3xf32>
// CHECK-NEXT: [[Y:%.+]] = arith.addf [[P]], [[B]] : vector<3xf32>
// CHECK-NEXT: polyhedral.write [[Y]], @y #polyhedral.map<"{ [conv1[h, w] -> lane[c]] -> y[c, h, w] : 0 <= h <= 2 and 0 <= w <= 1 and 0 <= c <= 2 }"> : vector<3xf32>
// CHECK-NEXT: }
func.func @conv(%x: tensor<2x6x6xf32>) -> tensor<3x3x2xf32> {
  %w = nn.parameter "w" : tensor<3x2x3x3xf32>
  %b = nn.parameter "b" : tensor<3xf32>
  %y = nn.conv %x, %w bias %b {strides = [2, 3], pads = [1, 0, 1, 0]} : (tensor<2x6x6xf32>, tensor<3x2x3x3xf32>, tensor<3xf32>) -> tensor<3x3x2xf32>
  func.return %y : tensor<3x3x2xf32>
}

// -----

// A depthwise convolution is a block-diagonal matrix; dilation spreads the lanes.

// CHECK: polyhedral.pipeline @depthwise
// CHECK: polyhedral.read @x #polyhedral.map<"{ [conv1[w] -> lane[c, kw]] -> x[c, w + 2kw]
// CHECK: polyhedral.matrix @w #polyhedral.map<"{ cell[block, row = 0, col] -> w[block, 0, col] : 0 <= block <= 1 and 0 <= col <= 2 }"> : tensor<2x1x3xf32>
// CHECK: cmcore.mxv {{.+}} : tensor<2x1x3xf32>, vector<2x3xf32> -> vector<2xf32>
func.func @depthwise(%x: tensor<2x8xf32>) -> tensor<2x4xf32> {
  %w = nn.parameter "w" : tensor<2x1x3xf32>
  %y = nn.conv %x, %w {dilations = [2], groups = 2} : (tensor<2x8xf32>, tensor<2x1x3xf32>) -> tensor<2x4xf32>
  func.return %y : tensor<2x4xf32>
}

// -----

// A product of a vector is one iteration. It reads what a reshape shows it in the array behind; the transposed
// weights are the same parameter, read by columns.

// CHECK: polyhedral.pipeline @gemm
// CHECK: polyhedral.stage @gemm1 () domain #polyhedral.set<"{ gemm1[] }"> {
// CHECK-NEXT: polyhedral.read @r #polyhedral.map<"{ [gemm1[] -> lane[k]] -> r[o0, k - 4o0] : 0 <= o0 <= 1 and -3 + k <= 4o0 <= k }"> : vector<8xf32>
// CHECK-NEXT: polyhedral.matrix @w #polyhedral.map<"{ cell[row, col] -> w[col, row] : 0 <= row <= 2 and 0 <= col <= 7 }"> : tensor<3x8xf32>
// CHECK-NEXT: cmcore.mxv
// CHECK-NEXT: polyhedral.write {{.+}}, @y #polyhedral.map<"{ [gemm1[] -> lane[n]] -> y[n] : 0 <= n <= 2 }"> : vector<3xf32>
func.func @gemm(%x: tensor<2x4xf32>) -> tensor<3xf32> {
  %w = nn.parameter "w" : tensor<8x3xf32>
  %r = nn.relu %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %f = nn.reshape %r {shape = [8]} : (tensor<2x4xf32>) -> tensor<8xf32>
  %y = nn.gemm %f, %w : (tensor<8xf32>, tensor<8x3xf32>) -> tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// -----

// A weight that the network computes is read like anything else, and multiplied on the DPU.

// CHECK: polyhedral.pipeline @computed_weight (@x, @w) -> (@y) {
// CHECK-NOT: polyhedral.matrix
// CHECK: polyhedral.read @w #polyhedral.map<"{ [gemm1[] -> lane[n, k]] -> w[k, n] : 0 <= n <= 1 and 0 <= k <= 2 }"> : vector<2x3xf32>
// CHECK: cmcore.reduce add {{.+}} along [1] : vector<2x3xf32> -> vector<2xf32>
func.func @computed_weight(%x: tensor<3xf32>, %w: tensor<3x2xf32>) -> tensor<2xf32> {
  %y = nn.gemm %x, %w : (tensor<3xf32>, tensor<3x2xf32>) -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// -----

// What lies outside a maximum's window is -inf. An average counts what it sees by reading ones through the same
// window, unless every window sees the same number.

// CHECK: polyhedral.pipeline @pools
// CHECK: polyhedral.array @constant parameter dense<1.000000e+00> : tensor<4xf32>
// CHECK: polyhedral.stage @max_pool1
// CHECK: polyhedral.read @x #polyhedral.map<"{ [max_pool1[w] -> lane[kw, c]] -> x[c, -1 + w + kw]
// CHECK-SAME: }"> pad 0xff800000 : vector<3x2xf32>
// CHECK-NEXT: cmcore.reduce maximumf {{.+}} along [0] : vector<3x2xf32> -> vector<2xf32>
// CHECK: polyhedral.stage @average_pool1
// CHECK: polyhedral.read @constant #polyhedral.map<"{ [average_pool1[w] -> lane[kw]] -> constant[-1 + w + kw]
// CHECK: arith.divf
// CHECK: polyhedral.stage @average_pool2
// CHECK-NOT: polyhedral.read @constant
// CHECK: arith.constant dense<2.000000e+00> : vector<2xf32>
// CHECK-NEXT: arith.divf
// CHECK: polyhedral.stage @global_average_pool1 ()
// CHECK: cmcore.reduce add {{.+}} along [1] : vector<2x2xf32> -> vector<2xf32>
func.func @pools(%x: tensor<2x4xf32>) -> tensor<2x1xf32> {
  %m = nn.max_pool %x {kernel = [3], strides = [1], pads = [1, 1]} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %a = nn.average_pool %m {kernel = [3], pads = [1, 1]} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %b = nn.average_pool %a {kernel = [2], strides = [2]} : (tensor<2x4xf32>) -> tensor<2x2xf32>
  %g = nn.global_average_pool %b : (tensor<2x2xf32>) -> tensor<2x1xf32>
  func.return %g : tensor<2x1xf32>
}

// -----

// A sum that was fused reads its other operand at the element that it writes.

// CHECK: polyhedral.pipeline @residual (@x) -> (@s) {
// CHECK: polyhedral.stage @conv2 (%w)
// CHECK: [[P:%.+]] = cmcore.mxv
// CHECK-NEXT: [[R:%.+]] = polyhedral.read @r1 #polyhedral.map<"{ [conv2[w] -> lane[c = 0]] -> r1[0, w] : 0 <= w <= 7 }"> : vector<1xf32>
// CHECK-NEXT: [[S:%.+]] = arith.addf [[P]], [[R]] : vector<1xf32>
// CHECK-NEXT: polyhedral.write [[S]], @s
func.func @residual(%x: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %w = nn.parameter "w" : tensor<1x1x3xf32>
  %c1 = nn.conv %x, %w {pads = [1, 1]} : (tensor<1x8xf32>, tensor<1x1x3xf32>) -> tensor<1x8xf32>
  %r1 = nn.relu %c1 : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %c2 = nn.conv %r1, %w {pads = [1, 1]} : (tensor<1x8xf32>, tensor<1x1x3xf32>) -> tensor<1x8xf32>
  %s = nn.add %c2, %r1 : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
  func.return %s : tensor<1x8xf32>
}
