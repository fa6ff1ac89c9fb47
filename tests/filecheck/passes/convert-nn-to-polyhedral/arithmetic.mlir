// RUN: cm-opt %s --split-input-file -p nn-outline-stages,convert-nn-to-polyhedral | filecheck %s

// Broadcasting is a relation: the channel's factor is read at the same place by all iterations.

// CHECK: polyhedral.pipeline @broadcast (@x, @s) -> (@y) {
// CHECK: polyhedral.stage @mul1 (%h, %w) domain #polyhedral.set<"{ mul1[h, w] : 0 <= h <= 2 and 0 <= w <= 3 }"> {
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [mul1[h, w] -> lane[c]] -> x[c, h, w] : 0 <= h <= 2 and 0 <= w <= 3 and 0 <= c <= 1 }"> : vector<2xf32>
// CHECK-NEXT: %s = polyhedral.read @s #polyhedral.map<"{ [mul1[h, w] -> lane[c]] -> s[c, 0, 0] : 0 <= h <= 2 and 0 <= w <= 3 and 0 <= c <= 1 }"> : vector<2xf32>
// CHECK-NEXT: %y = arith.mulf %x, %s : vector<2xf32>
// CHECK-NEXT: polyhedral.write %y, @y #polyhedral.map<"{ [mul1[h, w] -> lane[c]] -> y[c, h, w] : 0 <= h <= 2 and 0 <= w <= 3 and 0 <= c <= 1 }"> : vector<2xf32>
// CHECK-NEXT: }
func.func @broadcast(%x: tensor<2x3x4xf32>, %s: tensor<2x1x1xf32>) -> tensor<2x3x4xf32> {
  %y = nn.mul %x, %s : (tensor<2x3x4xf32>, tensor<2x1x1xf32>) -> tensor<2x3x4xf32>
  func.return %y : tensor<2x3x4xf32>
}

// -----

// CHECK: polyhedral.pipeline @row (@x, @r) -> (@y) {
// CHECK: polyhedral.stage @sub1 (%h, %w) domain #polyhedral.set<"{ sub1[h, w] : 0 <= h <= 2 and 0 <= w <= 3 }"> {
// CHECK-NEXT: %r = polyhedral.read @r #polyhedral.map<"{ [sub1[h, w] -> lane[c]] -> r[w] : 0 <= h <= 2 and 0 <= w <= 3 and 0 <= c <= 1 }"> : vector<2xf32>
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [sub1[h, w] -> lane[c]] -> x[c, h, w] : 0 <= h <= 2 and 0 <= w <= 3 and 0 <= c <= 1 }"> : vector<2xf32>
// CHECK-NEXT: %y = arith.subf %r, %x : vector<2xf32>
// CHECK-NEXT: polyhedral.write %y, @y #polyhedral.map<"{ [sub1[h, w] -> lane[c]] -> y[c, h, w] : 0 <= h <= 2 and 0 <= w <= 3 and 0 <= c <= 1 }"> : vector<2xf32>
// CHECK-NEXT: }
func.func @row(%x: tensor<2x3x4xf32>, %r: tensor<4xf32>) -> tensor<2x3x4xf32> {
  %y = nn.sub %r, %x : (tensor<4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  func.return %y : tensor<2x3x4xf32>
}

// -----

// Functions that are made of several are several operations, and join the stage they follow.

// CHECK: polyhedral.pipeline @functions (@x) -> (@l) {
// CHECK: polyhedral.stage @conv1 (%w) domain #polyhedral.set<"{ conv1[w] : 0 <= w <= 3 }"> {
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [conv1[w] -> lane[c, kw = 0]] -> x[c, w] : 0 <= w <= 3 and 0 <= c <= 1 }"> : vector<2x1xf32>
// CHECK-NEXT: %w_1 = polyhedral.matrix @w #polyhedral.map<"{ cell[row, col] -> w[row, col, 0] : 0 <= row <= 1 and 0 <= col <= 1 }"> : tensor<2x2xf32>
// CHECK-NEXT: %c = cmcore.mxv %w_1, %x : tensor<2x2xf32>, vector<2x1xf32> -> vector<2xf32>
// CHECK-NEXT: %0 = arith.constant dense<0.166666672> : vector<2xf32>
// CHECK-NEXT: %1 = arith.mulf %c, %0 : vector<2xf32>
// CHECK-NEXT: %2 = arith.constant dense<5.000000e-01> : vector<2xf32>
// CHECK-NEXT: %3 = arith.addf %1, %2 : vector<2xf32>
// CHECK-NEXT: %4 = arith.constant dense<0.000000e+00> : vector<2xf32>
// CHECK-NEXT: %5 = arith.maximumf %3, %4 : vector<2xf32>
// CHECK-NEXT: %6 = arith.constant dense<1.000000e+00> : vector<2xf32>
// CHECK-NEXT: %7 = arith.minimumf %5, %6 : vector<2xf32>
// CHECK-NEXT: %h = arith.mulf %c, %7 : vector<2xf32>
// CHECK-NEXT: %8 = arith.constant dense<0.707106769> : vector<2xf32>
// CHECK-NEXT: %9 = arith.mulf %h, %8 : vector<2xf32>
// CHECK-NEXT: %10 = math.erf %9 : vector<2xf32>
// CHECK-NEXT: %11 = arith.constant dense<5.000000e-01> : vector<2xf32>
// CHECK-NEXT: %12 = arith.mulf %h, %11 : vector<2xf32>
// CHECK-NEXT: %13 = arith.constant dense<1.000000e+00> : vector<2xf32>
// CHECK-NEXT: %14 = arith.addf %13, %10 : vector<2xf32>
// CHECK-NEXT: %g = arith.mulf %12, %14 : vector<2xf32>
// CHECK-NEXT: %15 = arith.constant dense<6.000000e+00> : vector<2xf32>
// CHECK-NEXT: %l = arith.minimumf %g, %15 : vector<2xf32>
// CHECK-NEXT: polyhedral.write %l, @l #polyhedral.map<"{ [conv1[w] -> lane[c]] -> l[c, w] : 0 <= w <= 3 and 0 <= c <= 1 }"> : vector<2xf32>
// CHECK-NEXT: }
func.func @functions(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w = nn.parameter "w" : tensor<2x2x1xf32>
  %c = nn.conv %x, %w : (tensor<2x4xf32>, tensor<2x2x1xf32>) -> tensor<2x4xf32>
  %h = nn.hard_swish %c : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %g = nn.gelu %h : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %l = nn.clip %g {max = 6.0} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  func.return %l : tensor<2x4xf32>
}

// -----

// All elements along the axis are one iteration.

// CHECK: polyhedral.pipeline @softmax (@x) -> (@y) {
// CHECK: polyhedral.stage @softmax1 (%h, %w) domain #polyhedral.set<"{ softmax1[h, w] : 0 <= h <= 2 and 0 <= w <= 3 }"> {
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [softmax1[h, w] -> lane[c]] -> x[c, h, w] : 0 <= h <= 2 and 0 <= w <= 3 and 0 <= c <= 4 }"> : vector<5xf32>
// CHECK-NEXT: %0 = cmcore.reduce maximumf %x along [0] : vector<5xf32> -> vector<f32>
// CHECK-NEXT: %1 = vector.broadcast %0 : vector<f32> to vector<5xf32>
// CHECK-NEXT: %2 = arith.subf %x, %1 : vector<5xf32>
// CHECK-NEXT: %3 = math.exp %2 : vector<5xf32>
// CHECK-NEXT: %4 = cmcore.reduce add %3 along [0] : vector<5xf32> -> vector<f32>
// CHECK-NEXT: %5 = vector.broadcast %4 : vector<f32> to vector<5xf32>
// CHECK-NEXT: %y = arith.divf %3, %5 : vector<5xf32>
// CHECK-NEXT: polyhedral.write %y, @y #polyhedral.map<"{ [softmax1[h, w] -> lane[c]] -> y[c, h, w] : 0 <= h <= 2 and 0 <= w <= 3 and 0 <= c <= 4 }"> : vector<5xf32>
// CHECK-NEXT: }
func.func @softmax(%x: tensor<5x3x4xf32>) -> tensor<5x3x4xf32> {
  %y = nn.softmax %x {axes = [0]} : (tensor<5x3x4xf32>) -> tensor<5x3x4xf32>
  func.return %y : tensor<5x3x4xf32>
}

// -----

// CHECK: polyhedral.pipeline @softmax_of_rows (@x) -> (@y) {
// CHECK: polyhedral.stage @softmax1 (%c) domain #polyhedral.set<"{ softmax1[c] : 0 <= c <= 4 }"> {
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [softmax1[c] -> lane[w]] -> x[c, w] : 0 <= c <= 4 and 0 <= w <= 3 }"> : vector<4xf32>
// CHECK-NEXT: %0 = cmcore.reduce maximumf %x along [0] : vector<4xf32> -> vector<f32>
// CHECK-NEXT: %1 = vector.broadcast %0 : vector<f32> to vector<4xf32>
// CHECK-NEXT: %2 = arith.subf %x, %1 : vector<4xf32>
// CHECK-NEXT: %3 = math.exp %2 : vector<4xf32>
// CHECK-NEXT: %4 = cmcore.reduce add %3 along [0] : vector<4xf32> -> vector<f32>
// CHECK-NEXT: %5 = vector.broadcast %4 : vector<f32> to vector<4xf32>
// CHECK-NEXT: %y = arith.divf %3, %5 : vector<4xf32>
// CHECK-NEXT: polyhedral.write %y, @y #polyhedral.map<"{ [softmax1[c] -> lane[w]] -> y[c, w] : 0 <= c <= 4 and 0 <= w <= 3 }"> : vector<4xf32>
// CHECK-NEXT: }
func.func @softmax_of_rows(%x: tensor<5x4xf32>) -> tensor<5x4xf32> {
  %y = nn.softmax %x {axes = [1]} : (tensor<5x4xf32>) -> tensor<5x4xf32>
  func.return %y : tensor<5x4xf32>
}

// -----

// Reducing channels goes with the stream: one position at a time.

// CHECK: polyhedral.pipeline @reduce_channels (@x) -> (@y) {
// CHECK: polyhedral.stage @reduce_mean1 (%h, %w) domain #polyhedral.set<"{ reduce_mean1[h, w] : 0 <= h <= 2 and 0 <= w <= 3 }"> {
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [reduce_mean1[h, w] -> lane[c]] -> x[c, h, w] : 0 <= h <= 2 and 0 <= w <= 3 and 0 <= c <= 4 }"> : vector<5xf32>
// CHECK-NEXT: %0 = cmcore.reduce add %x along [0] : vector<5xf32> -> vector<f32>
// CHECK-NEXT: %1 = arith.constant dense<5.000000e+00> : vector<f32>
// CHECK-NEXT: %y = arith.divf %0, %1 : vector<f32>
// CHECK-NEXT: polyhedral.write %y, @y #polyhedral.map<"{ [reduce_mean1[h, w] -> lane[]] -> y[0, h, w] : 0 <= h <= 2 and 0 <= w <= 3 }"> : vector<f32>
// CHECK-NEXT: }
func.func @reduce_channels(%x: tensor<5x3x4xf32>) -> tensor<1x3x4xf32> {
  %y = nn.reduce_mean %x {axes = [0], keepdims} : (tensor<5x3x4xf32>) -> tensor<1x3x4xf32>
  func.return %y : tensor<1x3x4xf32>
}

// -----

// Halves are computed with as single precision, and each operator rounds its result.

// CHECK: polyhedral.stage @mul1 ()
// CHECK-NEXT: %x = polyhedral.read {{.*}} : vector<4xf16>
// CHECK-NEXT: %s = polyhedral.read {{.*}} : vector<4xf16>
// CHECK-NEXT: %0 = cmcore.convert %x : vector<4xf16> -> vector<4xf32>
// CHECK-NEXT: %1 = cmcore.convert %s : vector<4xf16> -> vector<4xf32>
// CHECK-NEXT: %2 = arith.mulf %0, %1 : vector<4xf32>
// CHECK-NEXT: %y = cmcore.convert %2 : vector<4xf32> -> vector<4xf16>
// CHECK-NEXT: %z = cmcore.convert %y : vector<4xf16> -> vector<4xf64>
// CHECK-NEXT: polyhedral.write %z
func.func @halves(%x: tensor<4xf16>, %s: tensor<4xf16>) -> tensor<4xf64> {
  %y = nn.mul %x, %s : (tensor<4xf16>, tensor<4xf16>) -> tensor<4xf16>
  %z = nn.cast %y : (tensor<4xf16>) -> tensor<4xf64>
  func.return %z : tensor<4xf64>
}

// -----

// Comparisons, and choices by them.

// CHECK: polyhedral.stage @less1 ()
// CHECK-NEXT: %x = polyhedral.read {{.*}} : vector<4xf32>
// CHECK-NEXT: %s = polyhedral.read {{.*}} : vector<4xf32>
// CHECK-NEXT: %c = cmcore.compare lt %x, %s : vector<4xf32>
// CHECK-NEXT: %0 = arith.constant dense<true> : vector<4xi1>
// CHECK-NEXT: %n = arith.xori %c, %0 : vector<4xi1>
// CHECK-NEXT: %x_1 = polyhedral.read @x {{.*}} : vector<4xf32>
// CHECK-NEXT: %s_1 = polyhedral.read @s {{.*}} : vector<4xf32>
// CHECK-NEXT: %y = cmcore.select %n, %x_1, %s_1 : vector<4xi1>, vector<4xf32>
// CHECK-NEXT: polyhedral.write %y
func.func @choice(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<4xf32> {
  %c = nn.less %x, %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  %n = nn.not %c : (tensor<4xi1>) -> tensor<4xi1>
  %y = nn.where %n, %x, %s : (tensor<4xi1>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// -----

// Indices of channels.

// CHECK: polyhedral.pipeline @argmax (@x) -> (@y) {
// CHECK: polyhedral.stage @argmax1 (%h, %w) domain #polyhedral.set<"{ argmax1[h, w] : 0 <= h <= 2 and 0 <= w <= 3 }"> {
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [argmax1[h, w] -> lane[c]] -> x[c, h, w] : 0 <= h <= 2 and 0 <= w <= 3 and 0 <= c <= 4 }"> : vector<5xf32>
// CHECK-NEXT: %y = cmcore.arg_reduce maximumf %x along 0 : vector<5xf32> -> vector<i32>
// CHECK-NEXT: polyhedral.write %y, @y #polyhedral.map<"{ [argmax1[h, w] -> lane[]] -> y[h, w] : 0 <= h <= 2 and 0 <= w <= 3 }"> : vector<i32>
// CHECK-NEXT: }
func.func @argmax(%x: tensor<5x3x4xf32>) -> tensor<3x4xi32> {
  %y = nn.argmax %x {axis = 0} : (tensor<5x3x4xf32>) -> tensor<3x4xi32>
  func.return %y : tensor<3x4xi32>
}

// -----

// And of positions in rows, of integers, all channels of a row.

// CHECK: polyhedral.stage @argmin1 (%h) domain
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [argmin1[h] -> lane[w, c]] -> x[c, h, w] : 0 <= h <= 2 and 0 <= w <= 3 and 0 <= c <= 4 }"> : vector<4x5xui8>
// CHECK-NEXT: %y = cmcore.arg_reduce minui %x along 0 last : vector<4x5xui8> -> vector<5xi32>
func.func @argmin(%x: tensor<5x3x4xui8>) -> tensor<5x3xi32> {
  %y = nn.argmin %x {axis = 2, last} : (tensor<5x3x4xui8>) -> tensor<5x3xi32>
  func.return %y : tensor<5x3xi32>
}

// -----

// Reducing rows: all channels of a row.

// CHECK: polyhedral.pipeline @reduce_rows (@x) -> (@y) {
// CHECK: polyhedral.stage @reduce_max1 (%h) domain #polyhedral.set<"{ reduce_max1[h] : 0 <= h <= 2 }"> {
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [reduce_max1[h] -> lane[w, c]] -> x[c, h, w] : 0 <= h <= 2 and 0 <= w <= 3 and 0 <= c <= 4 }"> : vector<4x5xf32>
// CHECK-NEXT: %y = cmcore.reduce maximumf %x along [0] : vector<4x5xf32> -> vector<5xf32>
// CHECK-NEXT: polyhedral.write %y, @y #polyhedral.map<"{ [reduce_max1[h] -> lane[c]] -> y[c, h] : 0 <= h <= 2 and 0 <= c <= 4 }"> : vector<5xf32>
// CHECK-NEXT: }
func.func @reduce_rows(%x: tensor<5x3x4xf32>) -> tensor<5x3xf32> {
  %y = nn.reduce_max %x {axes = [2]} : (tensor<5x3x4xf32>) -> tensor<5x3xf32>
  func.return %y : tensor<5x3xf32>
}

// -----

// CHECK: polyhedral.pipeline @layer_norm (@x) -> (@y) {
// CHECK: polyhedral.stage @layer_norm1 (%c) domain #polyhedral.set<"{ layer_norm1[c] : 0 <= c <= 4 }"> {
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [layer_norm1[c] -> lane[w]] -> x[c, w] : 0 <= c <= 4 and 0 <= w <= 3 }"> : vector<4xf32>
// CHECK-NEXT: %s = polyhedral.read @s #polyhedral.map<"{ [layer_norm1[c] -> lane[w]] -> s[w] : 0 <= c <= 4 and 0 <= w <= 3 }"> : vector<4xf32>
// CHECK-NEXT: %s_1 = polyhedral.read @s #polyhedral.map<"{ [layer_norm1[c] -> lane[w]] -> s[w] : 0 <= c <= 4 and 0 <= w <= 3 }"> : vector<4xf32>
// CHECK-NEXT: %0 = cmcore.reduce add %x along [0] : vector<4xf32> -> vector<f32>
// CHECK-NEXT: %1 = arith.constant dense<2.500000e-01> : vector<f32>
// CHECK-NEXT: %2 = arith.mulf %0, %1 : vector<f32>
// CHECK-NEXT: %3 = vector.broadcast %2 : vector<f32> to vector<4xf32>
// CHECK-NEXT: %4 = arith.subf %x, %3 : vector<4xf32>
// CHECK-NEXT: %5 = arith.mulf %4, %4 : vector<4xf32>
// CHECK-NEXT: %6 = cmcore.reduce add %5 along [0] : vector<4xf32> -> vector<f32>
// CHECK-NEXT: %7 = arith.constant dense<2.500000e-01> : vector<f32>
// CHECK-NEXT: %8 = arith.mulf %6, %7 : vector<f32>
// CHECK-NEXT: %9 = arith.constant dense<1.000000e-05> : vector<f32>
// CHECK-NEXT: %10 = arith.addf %8, %9 : vector<f32>
// CHECK-NEXT: %11 = math.sqrt %10 : vector<f32>
// CHECK-NEXT: %12 = vector.broadcast %11 : vector<f32> to vector<4xf32>
// CHECK-NEXT: %13 = arith.divf %4, %12 : vector<4xf32>
// CHECK-NEXT: %14 = arith.mulf %13, %s : vector<4xf32>
// CHECK-NEXT: %y = arith.addf %14, %s_1 : vector<4xf32>
// CHECK-NEXT: polyhedral.write %y, @y #polyhedral.map<"{ [layer_norm1[c] -> lane[w]] -> y[c, w] : 0 <= c <= 4 and 0 <= w <= 3 }"> : vector<4xf32>
// CHECK-NEXT: }
func.func @layer_norm(%x: tensor<5x4xf32>) -> tensor<5x4xf32> {
  %s = nn.parameter "s" : tensor<4xf32>
  %y = nn.layer_norm %x, %s bias %s : (tensor<5x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<5x4xf32>
  func.return %y : tensor<5x4xf32>
}

// -----

// The neighbours of a channel that do not exist are no elements, and count as zeros.

// CHECK: polyhedral.pipeline @lrn (@x) -> (@y) {
// CHECK: polyhedral.stage @lrn1 (%w) domain #polyhedral.set<"{ lrn1[w] : 0 <= w <= 5 }"> {
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [lrn1[w] -> lane[k, c]] -> x[-1 + k + c, w] : 0 <= w <= 5 and 0 <= k <= 2 and c >= 0 and -k < c <= 5 - k and c <= 4 }"> : vector<3x5xf32>
// CHECK-NEXT: %0 = arith.mulf %x, %x : vector<3x5xf32>
// CHECK-NEXT: %1 = cmcore.reduce add %0 along [0] : vector<3x5xf32> -> vector<5xf32>
// CHECK-NEXT: %2 = vector.extract %x[1] : vector<5xf32> from vector<3x5xf32>
// CHECK-NEXT: %3 = arith.constant dense<3.33333337e-05> : vector<5xf32>
// CHECK-NEXT: %4 = arith.mulf %1, %3 : vector<5xf32>
// CHECK-NEXT: %5 = arith.constant dense<1.000000e+00> : vector<5xf32>
// CHECK-NEXT: %6 = arith.addf %4, %5 : vector<5xf32>
// CHECK-NEXT: %7 = arith.constant dense<7.500000e-01> : vector<5xf32>
// CHECK-NEXT: %8 = math.powf %6, %7 : vector<5xf32>
// CHECK-NEXT: %y = arith.divf %2, %8 : vector<5xf32>
// CHECK-NEXT: polyhedral.write %y, @y #polyhedral.map<"{ [lrn1[w] -> lane[c]] -> y[c, w] : 0 <= w <= 5 and 0 <= c <= 4 }"> : vector<5xf32>
// CHECK-NEXT: }
func.func @lrn(%x: tensor<5x6xf32>) -> tensor<5x6xf32> {
  %y = nn.lrn %x {size = 3} : (tensor<5x6xf32>) -> tensor<5x6xf32>
  func.return %y : tensor<5x6xf32>
}

// -----

// A product of two tensors that the network computes reads both.

// CHECK: polyhedral.pipeline @product (@x, @w) -> (@y) {
// CHECK: polyhedral.stage @gemm1 (%b0, %m) domain #polyhedral.set<"{ gemm1[b0, m] : 0 <= b0 <= 1 and 0 <= m <= 2 }"> {
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [gemm1[b0, m] -> lane[k]] -> x[b0, m, k] : 0 <= b0 <= 1 and 0 <= m <= 2 and 0 <= k <= 3 }"> : vector<4xf32>
// CHECK-NEXT: %w = polyhedral.read @w #polyhedral.map<"{ [gemm1[b0, m] -> lane[n, k]] -> w[b0, k, n] : 0 <= b0 <= 1 and 0 <= m <= 2 and 0 <= n <= 4 and 0 <= k <= 3 }"> : vector<5x4xf32>
// CHECK-NEXT: %0 = vector.broadcast %x : vector<4xf32> to vector<5x4xf32>
// CHECK-NEXT: %1 = arith.mulf %0, %w : vector<5x4xf32>
// CHECK-NEXT: %y = cmcore.reduce add %1 along [1] : vector<5x4xf32> -> vector<5xf32>
// CHECK-NEXT: polyhedral.write %y, @y #polyhedral.map<"{ [gemm1[b0, m] -> lane[n]] -> y[b0, m, n] : 0 <= b0 <= 1 and 0 <= m <= 2 and 0 <= n <= 4 }"> : vector<5xf32>
// CHECK-NEXT: }
func.func @product(%x: tensor<2x3x4xf32>, %w: tensor<2x4x5xf32>) -> tensor<2x3x5xf32> {
  %y = nn.gemm %x, %w : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
  func.return %y : tensor<2x3x5xf32>
}

// -----

// What is the same number for all elements is a constant of the body: it has no array.

// CHECK: polyhedral.pipeline @numbers (@x) -> (@y) {
// CHECK-NEXT: polyhedral.array @x : tensor<2x4xf32>
// CHECK-NEXT: polyhedral.array @y : tensor<2x4xf32>
// CHECK-NEXT: polyhedral.stage @div1
// CHECK-NEXT: %x = polyhedral.read @x
// CHECK-NEXT: [[SIX:%.+]] = arith.constant dense<6.000000e+00> : vector<2xf32>
// CHECK-NEXT: %y = arith.divf %x, [[SIX]] : vector<2xf32>
func.func @numbers(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %six = nn.parameter dense<6.0> : tensor<1xf32>
  %y = nn.div %x, %six : (tensor<2x4xf32>, tensor<1xf32>) -> tensor<2x4xf32>
  func.return %y : tensor<2x4xf32>
}
