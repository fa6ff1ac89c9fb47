// RUN: cm-opt %s --split-input-file -p 'nn-outline-stages{fuse=false},convert-nn-to-polyhedral' | filecheck %s

// Iterations have a coordinate for each factor that a reshape merges, where that makes accesses affine.

// The partition of an image of 6×8 pixels into windows of 3×4: a window and a pixel in it have two digits each.

// CHECK-LABEL: pipeline @windows
// CHECK: stage @softmax1 (%c, %h)
// CHECK: stage @gemm1 (%b00, %b01, %m0, %m1) domain #polyhedral.set<"{ gemm1[b00, b01, m0, m1] : 0 <= b00 <= 1 and 0 <= b01 <= 1 and 0 <= m0 <= 2 and 0 <= m1 <= 3 }"> {
// CHECK: read @n #polyhedral.map<"{ [gemm1[b00, b01, m0, m1] -> lane[k]] -> n[3b00 + m0, 4b01 + m1, k] :
// CHECK: write {{.+}}, @g #polyhedral.map<"{ [gemm1[b00, b01, m0, m1] -> lane[n]] -> g[2b00 + b01, 4m0 + m1, n] :

// Back from windows to pixels.

// CHECK: stage @sub1 (%c0, %c1, %h0, %h1) domain
// CHECK: read @g #polyhedral.map<"{ [sub1[c0, c1, h0, h1] -> lane[w]] -> g[2c0 + h0, 4c1 + h1, w] :
// CHECK: read @n #polyhedral.map<"{ [sub1[c0, c1, h0, h1] -> lane[w]] -> n[3c0 + c1, 4h0 + h1, w] :
func.func @windows(%x: tensor<6x8x5xf32>) -> tensor<6x8x5xf32> {
  %w = nn.parameter "w" : tensor<5x5xf32>
  %n = nn.softmax %x {axes = [2]} : (tensor<6x8x5xf32>) -> tensor<6x8x5xf32>
  %r = nn.reshape %n {shape = [2, 3, 2, 4, 5]} : (tensor<6x8x5xf32>) -> tensor<2x3x2x4x5xf32>
  %t = nn.transpose %r {perm = [0, 2, 1, 3, 4]} : (tensor<2x3x2x4x5xf32>) -> tensor<2x2x3x4x5xf32>
  %f = nn.reshape %t {shape = [4, 12, 5]} : (tensor<2x2x3x4x5xf32>) -> tensor<4x12x5xf32>
  %g = nn.gemm %f, %w : (tensor<4x12x5xf32>, tensor<5x5xf32>) -> tensor<4x12x5xf32>
  %u = nn.reshape %g {shape = [2, 2, 3, 4, 5]} : (tensor<4x12x5xf32>) -> tensor<2x2x3x4x5xf32>
  %v = nn.transpose %u {perm = [0, 2, 1, 3, 4]} : (tensor<2x2x3x4x5xf32>) -> tensor<2x3x2x4x5xf32>
  %b = nn.reshape %v {shape = [6, 8, 5]} : (tensor<2x3x2x4x5xf32>) -> tensor<6x8x5xf32>
  %y = nn.sub %b, %n : (tensor<6x8x5xf32>, tensor<6x8x5xf32>) -> tensor<6x8x5xf32>
  func.return %y : tensor<6x8x5xf32>
}

// -----

// A coordinate of three digits.

// CHECK-LABEL: pipeline @pixels
// CHECK: stage @gemm1 (%m0, %m1, %m2)
// CHECK: read @n #polyhedral.map<"{ [gemm1[m0, m1, m2] -> lane[k]] -> n[m0, k, m1, m2] :
func.func @pixels(%x: tensor<2x5x3x4xf32>) -> tensor<24x6xf32> {
  %w = nn.parameter "w" : tensor<5x6xf32>
  %n = nn.softmax %x {axes = [1]} : (tensor<2x5x3x4xf32>) -> tensor<2x5x3x4xf32>
  %t = nn.transpose %n {perm = [0, 2, 3, 1]} : (tensor<2x5x3x4xf32>) -> tensor<2x3x4x5xf32>
  %f = nn.reshape %t {shape = [24, 5]} : (tensor<2x3x4x5xf32>) -> tensor<24x5xf32>
  %y = nn.gemm %f, %w : (tensor<24x5xf32>, tensor<5x6xf32>) -> tensor<24x6xf32>
  func.return %y : tensor<24x6xf32>
}

// -----

// What digits do not make affine keeps its coordinates: windows that slide over merged axes, and factors that do not
// divide each other. So do axes that are merged within the lanes.

// CHECK-LABEL: pipeline @keep
// CHECK: stage @max_pool1 (%w) domain
// CHECK: stage @softmax2 (%c) domain
// CHECK: stage @gemm1 () domain
func.func @keep(%x: tensor<1x6x4xf32>) -> (tensor<1x23xf32>, tensor<4x6xf32>, tensor<7xf32>) {
  %w = nn.parameter "w" : tensor<24x7xf32>
  %n = nn.softmax %x {axes = [0]} : (tensor<1x6x4xf32>) -> tensor<1x6x4xf32>
  %l = nn.reshape %n {shape = [1, 24]} : (tensor<1x6x4xf32>) -> tensor<1x24xf32>
  %y0 = nn.max_pool %l {kernel = [2]} : (tensor<1x24xf32>) -> tensor<1x23xf32>
  %q = nn.reshape %n {shape = [4, 6]} : (tensor<1x6x4xf32>) -> tensor<4x6xf32>
  %y1 = nn.softmax %q {axes = [1]} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %v = nn.reshape %n {shape = [24]} : (tensor<1x6x4xf32>) -> tensor<24xf32>
  %y2 = nn.gemm %v, %w : (tensor<24xf32>, tensor<24x7xf32>) -> tensor<7xf32>
  func.return %y0, %y1, %y2 : tensor<1x23xf32>, tensor<4x6xf32>, tensor<7xf32>
}
