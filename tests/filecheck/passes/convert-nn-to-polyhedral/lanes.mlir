// RUN: cm-opt %s --split-input-file -p 'nn-outline-stages{fuse=false},convert-nn-to-polyhedral' | filecheck %s

// The lanes of a point-wise stage are the axes that the iterations of its operands' writers compute at once.

// Both layer norms compute a token in an iteration; so does the stage that multiplies their results.

// CHECK-LABEL: polyhedral.pipeline @tokens
// CHECK: polyhedral.stage @mul1 (%h) domain #polyhedral.set<"{ mul1[h] : 0 <= h <= 16 }"> {
// CHECK: polyhedral.read @a #polyhedral.map<"{ [mul1[h] -> lane[c = 0, w]] -> a[0, h, w] : 0 <= h <= 16 and 0 <= w <= 63 }"> : vector<1x64xf32>
func.func @tokens(%x: tensor<1x17x64xf32>, %z: tensor<17x64xf32>) -> tensor<1x17x64xf32> {
  %s = nn.parameter "s" : tensor<64xf32>
  %a = nn.layer_norm %x, %s : (tensor<1x17x64xf32>, tensor<64xf32>) -> tensor<1x17x64xf32>
  %b = nn.layer_norm %z, %s : (tensor<17x64xf32>, tensor<64xf32>) -> tensor<17x64xf32>
  %y = nn.mul %a, %b : (tensor<1x17x64xf32>, tensor<17x64xf32>) -> tensor<1x17x64xf32>
  func.return %y : tensor<1x17x64xf32>
}

// -----

// A writer seen through layouts: four heads of eight numbers, which an iteration of the product computes at once.

// CHECK-LABEL: polyhedral.pipeline @heads
// CHECK: polyhedral.stage @mul1 (%h) domain #polyhedral.set<"{ mul1[h] : 0 <= h <= 5 }"> {
// CHECK: vector<4x8xf32>
func.func @heads(%x: tensor<6x32xf32>) -> tensor<4x6x8xf32> {
  %w = nn.parameter "w" : tensor<32x32xf32>
  %q = nn.gemm %x, %w : (tensor<6x32xf32>, tensor<32x32xf32>) -> tensor<6x32xf32>
  %r = nn.reshape %q {shape = [6, 4, 8]} : (tensor<6x32xf32>) -> tensor<6x4x8xf32>
  %t = nn.transpose %r {perm = [1, 0, 2]} : (tensor<6x4x8xf32>) -> tensor<4x6x8xf32>
  %f = nn.slice %t {starts = [0, 0, 7], ends = [4, 6, -1], steps = [1, 1, -1]} : (tensor<4x6x8xf32>) -> tensor<4x6x8xf32>
  %y = nn.mul %t, %f : (tensor<4x6x8xf32>, tensor<4x6x8xf32>) -> tensor<4x6x8xf32>
  func.return %y : tensor<4x6x8xf32>
}

// -----

// One writer computes rows, the other columns: of both choices, that with the fewest iterations.

// CHECK-LABEL: pipeline @rows_and_columns
// CHECK: stage @add1 (%c) domain #polyhedral.set<"{ add1[c] : 0 <= c <= 3 }"> {
func.func @rows_and_columns(%x: tensor<4x9xf32>) -> tensor<4x9xf32> {
  %a = nn.softmax %x {axes = [0]} : (tensor<4x9xf32>) -> tensor<4x9xf32>
  %b = nn.softmax %x {axes = [1]} : (tensor<4x9xf32>) -> tensor<4x9xf32>
  %y = nn.add %a, %b : (tensor<4x9xf32>, tensor<4x9xf32>) -> tensor<4x9xf32>
  func.return %y : tensor<4x9xf32>
}

// -----

// A network input counts as written in the pieces that readers take whole, here behind two point-wise stages. A
// broadcast operand is whole in every element.

// CHECK-LABEL: pipeline @input
// CHECK: stage @sub1 (%h) domain #polyhedral.set<"{ sub1[h] : 0 <= h <= 8 }"> {
// CHECK: read @m #polyhedral.map<"{ [sub1[h] -> lane[c = 0, w]] -> m[0] : 0 <= h <= 8 and 0 <= w <= 3 }"> : vector<1x4xf32>
// CHECK: stage @mul1 (%h) domain
func.func @input(%x: tensor<1x9x4xf32>, %m: tensor<1xf32>) -> tensor<1x9x4xf32> {
  %d = nn.sub %x, %m : (tensor<1x9x4xf32>, tensor<1xf32>) -> tensor<1x9x4xf32>
  %f = nn.slice %d {starts = [0, 8, 0], ends = [1, -1, 4], steps = [1, -1, 1]} : (tensor<1x9x4xf32>) -> tensor<1x9x4xf32>
  %p = nn.mul %f, %x : (tensor<1x9x4xf32>, tensor<1x9x4xf32>) -> tensor<1x9x4xf32>
  %y = nn.softmax %p {axes = [2]} : (tensor<1x9x4xf32>) -> tensor<1x9x4xf32>
  func.return %y : tensor<1x9x4xf32>
}

// -----

// Windows take channels whole, but neither rows nor columns.

// CHECK-LABEL: pipeline @image
// CHECK: stage @relu1 (%h, %w) domain
func.func @image(%x: tensor<3x8x8xf32>) -> tensor<3x6x6xf32> {
  %r = nn.relu %x : (tensor<3x8x8xf32>) -> tensor<3x8x8xf32>
  %y = nn.max_pool %r {kernel = [3, 3]} : (tensor<3x8x8xf32>) -> tensor<3x6x6xf32>
  func.return %y : tensor<3x6x6xf32>
}

// -----

// Nothing says which axes: the first with several elements.

// CHECK-LABEL: pipeline @nothing
// CHECK: stage @relu1 (%w) domain #polyhedral.set<"{ relu1[w] : 0 <= w <= 4 }"> {
// CHECK: vector<1x3xf32>
func.func @nothing(%x: tensor<1x3x5xf32>) -> tensor<1x3x5xf32> {
  %y = nn.relu %x : (tensor<1x3x5xf32>) -> tensor<1x3x5xf32>
  func.return %y : tensor<1x3x5xf32>
}

// -----

// Elements of two writers: along the axis of the concatenation, each writer computes all of its elements at once.

// CHECK-LABEL: pipeline @pieces
// CHECK: stage @copy1 (%w) domain #polyhedral.set<"{ copy1[w] : 0 <= w <= 6 }"> {
// CHECK: vector<5xf32>
func.func @pieces(%x: tensor<2x7xf32>, %z: tensor<3x7xf32>) -> tensor<5x7xf32> {
  %a = nn.softmax %x {axes = [0]} : (tensor<2x7xf32>) -> tensor<2x7xf32>
  %b = nn.softmax %z {axes = [0]} : (tensor<3x7xf32>) -> tensor<3x7xf32>
  %c = nn.concat %a, %b {axis = 0} : (tensor<2x7xf32>, tensor<3x7xf32>) -> tensor<5x7xf32>
  %y = nn.copy %c : (tensor<5x7xf32>) -> tensor<5x7xf32>
  func.return %y : tensor<5x7xf32>
}
