// RUN: cm-opt %s --split-input-file -p 'polyhedral-split-matrices{rows=4 columns=2}' 2>/dev/null | filecheck %s
// RUN: cm-opt %s --split-input-file -p 'polyhedral-split-matrices{rows=4 columns=2}' 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: cm-opt %s --split-input-file -p 'polyhedral-split-matrices{rows=4 columns=2},polyhedral-to-cmcore' 2>/dev/null | filecheck %s --check-prefix=CMCORE

// Four outputs on crossbars with two: each core has two rows of the matrix and of the bias, and writes two channels.

// REMARK: remark: the 4×3 matrix of @outputs is split into 2 by outputs
// CHECK: polyhedral.pipeline @by_outputs
// CHECK: polyhedral.stage @outputs [%o] (%m) domain #polyhedral.set<"{ outputs[o, m] : 0 <= o <= 1 and 0 <= m <= 4 }">
// CHECK-NEXT: polyhedral.read @a #polyhedral.map<"{ [outputs[o, m] -> lane[k]] -> a[m, k] : 0 <= o <= 1 and 0 <= m <= 4 and 0 <= k <= 2 }"> : vector<3xf32>
// CHECK-NEXT: polyhedral.matrix @w #polyhedral.map<"[p0] -> { cell[row, col] -> w[2p0 + row, col] : {{.*}} }"> : tensor<2x3xf32>
// CHECK-NEXT: cmcore.mxv {{.*}} -> vector<2xf32>
// CHECK-NEXT: polyhedral.read @bias #polyhedral.map<"{ [outputs[o, m] -> lane[n]] -> bias[2o + n] : {{.*}} }"> : vector<2xf32>
// CHECK-NEXT: arith.addf %{{.*}}, %{{.*}} : vector<2xf32>
// CHECK-NEXT: arith.constant dense<0.000000e+00> : vector<2xf32>
// CHECK-NEXT: arith.maximumf %{{.*}}, %{{.*}} : vector<2xf32>
// CHECK-NEXT: polyhedral.write %{{.*}}, @b #polyhedral.map<"{ [outputs[o, m] -> lane[n]] -> b[m, 2o + n] : {{.*}} }"> : vector<2xf32>

// CMCORE: cmcore.program @outputs
// CMCORE: cmcore.core @core0 runs @outputs[0]
// CMCORE-NEXT: cmcore.core @core1 runs @outputs[1]
polyhedral.pipeline @by_outputs (@a) -> (@b) {
  polyhedral.array @a : tensor<5x3xf32>
  polyhedral.array @w parameter dense<1.0> : tensor<4x3xf32>
  polyhedral.array @bias parameter dense<2.0> : tensor<4xf32>
  polyhedral.array @b : tensor<5x4xf32>
  polyhedral.stage @outputs (%m) domain #polyhedral.set<"{ outputs[m] : 0 <= m < 5 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [outputs[m] -> lane[k]] -> a[m, k] : 0 <= m < 5 and 0 <= k < 3 }"> : vector<3xf32>
    %w = polyhedral.matrix @w #polyhedral.map<"{ cell[row, col] -> w[row, col] }"> : tensor<4x3xf32>
    %y = cmcore.mxv %w, %x : tensor<4x3xf32>, vector<3xf32> -> vector<4xf32>
    %b = polyhedral.read @bias #polyhedral.map<"{ [outputs[m] -> lane[n]] -> bias[n] : 0 <= m < 5 and 0 <= n < 4 }"> : vector<4xf32>
    %s = arith.addf %y, %b : vector<4xf32>
    %zero = arith.constant dense<0.0> : vector<4xf32>
    %r = arith.maximumf %s, %zero : vector<4xf32>
    polyhedral.write %r, @b #polyhedral.map<"{ [outputs[m] -> lane[n]] -> b[m, n] : 0 <= m < 5 and 0 <= n < 4 }"> : vector<4xf32>
  }
}

// -----

// Six inputs that belong together in pairs, on crossbars with four: partial sums of four and of two, which the stage
// adds up before it goes on. The second core's matrix is smaller; it reads nothing where it has no cells.

// REMARK: remark: the 1×6 matrix of @inputs is split into 2 by inputs, added up by @inputs
// CHECK: polyhedral.array @inputs_partial_sums : tensor<2x1x5xf32>
// CHECK: polyhedral.stage @inputs_partial [%q] (%m) domain #polyhedral.set<"{ inputs_partial[q, m] : 0 <= q <= 1 and 0 <= m <= 4 }">
// CHECK-NEXT: polyhedral.read @a #polyhedral.map<"{ [inputs_partial[q, m] -> lane[c, k]] -> a[2q + c, m + k] : q >= 0 and 0 <= m <= 4 and 0 <= c <= 2 - 2q and c <= 1 and 0 <= k <= 1 }"> : vector<2x2xf32>
// CHECK-NEXT: polyhedral.matrix @w #polyhedral.map<"[p0] -> { cell[row = 0, col] -> w[0, {{.*}}] : {{.*}} }"> : tensor<1x4xf32>
// CHECK-NEXT: cmcore.mxv {{.*}} : tensor<1x4xf32>, vector<2x2xf32> -> vector<1xf32>
// CHECK-NEXT: polyhedral.write %{{.*}}, @inputs_partial_sums #polyhedral.map<"{ [inputs_partial[q, m] -> lane[row = 0]] -> inputs_partial_sums[part = q, 0, m] : 0 <= q <= 1 and 0 <= m <= 4 }"> : vector<1xf32>
// CHECK: polyhedral.stage @inputs (%m)
// CHECK-NEXT: polyhedral.read @inputs_partial_sums {{.*}} : vector<2x1xf32>
// CHECK-NEXT: cmcore.reduce add %{{.*}} along [0] : vector<2x1xf32> -> vector<1xf32>
// CHECK-NEXT: math.absf
// CHECK-NEXT: polyhedral.write %{{.*}}, @b
polyhedral.pipeline @by_inputs (@a) -> (@b) {
  polyhedral.array @a : tensor<3x6xf32>
  polyhedral.array @w parameter dense<1.0> : tensor<1x6xf32>
  polyhedral.array @b : tensor<1x5xf32>
  polyhedral.stage @inputs (%m) domain #polyhedral.set<"{ inputs[m] : 0 <= m < 5 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [inputs[m] -> lane[c, k]] -> a[c, m + k] : 0 <= m < 5 and 0 <= c < 3 and 0 <= k < 2 }"> : vector<3x2xf32>
    %w = polyhedral.matrix @w #polyhedral.map<"{ cell[row, col] -> w[row, col] }"> : tensor<1x6xf32>
    %y = cmcore.mxv %w, %x : tensor<1x6xf32>, vector<3x2xf32> -> vector<1xf32>
    %z = math.absf %y : vector<1xf32>
    polyhedral.write %z, @b #polyhedral.map<"{ [inputs[m] -> lane[n]] -> b[n, m] : 0 <= m < 5 and 0 <= n < 1 }"> : vector<1xf32>
  }
}

// -----

// Blocks of a block-diagonal matrix, two side by side in one crossbar: three crossbars for five.

// REMARK: remark: the 5×1×2 matrix of @blocks is split into 3 by outputs
// CHECK: polyhedral.stage @blocks [%o] (%m)
// CHECK-NEXT: -> a[2o + c, m + k] : {{.*}} : vector<2x2xf32>
// CHECK-NEXT: #polyhedral.map<"[p0] -> { cell[b, row = 0, col] -> w[2p0 + b, 0, col] : {{.*}} }"> : tensor<2x1x2xf32>
// CHECK-NEXT: cmcore.mxv
// CHECK-NEXT: -> b[2o + n, m] : {{.*}} : vector<2xf32>
polyhedral.pipeline @by_blocks (@a) -> (@b) {
  polyhedral.array @a : tensor<5x6xf32>
  polyhedral.array @w parameter dense<1.0> : tensor<5x1x2xf32>
  polyhedral.array @b : tensor<5x5xf32>
  polyhedral.stage @blocks (%m) domain #polyhedral.set<"{ blocks[m] : 0 <= m < 5 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [blocks[m] -> lane[c, k]] -> a[c, m + k] : 0 <= m < 5 and 0 <= c < 5 and 0 <= k < 2 }"> : vector<5x2xf32>
    %w = polyhedral.matrix @w #polyhedral.map<"{ cell[b, row, col] -> w[b, row, col] }"> : tensor<5x1x2xf32>
    %y = cmcore.mxv %w, %x : tensor<5x1x2xf32>, vector<5x2xf32> -> vector<5xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [blocks[m] -> lane[n]] -> b[n, m] : 0 <= m < 5 and 0 <= n < 5 }"> : vector<5xf32>
  }
}

// -----

// A choice by a comparison is made for each part.

// CHECK: polyhedral.stage @S [%o] (%m) domain
// CHECK: %y = cmcore.mxv {{.*}} -> vector<2xf32>
// CHECK-NEXT: %l = cmcore.compare lt %y, %t : vector<2xf32>
// CHECK-NEXT: %z = cmcore.select %l, %t, %y : vector<2xi1>, vector<2xf32>
// CHECK-NEXT: polyhedral.write %z
polyhedral.pipeline @choice (@a) -> (@b) {
  polyhedral.array @a : tensor<2x5xf32>
  polyhedral.array @w parameter dense<1.0> : tensor<8x2xf32>
  polyhedral.array @b : tensor<8x5xf32>
  polyhedral.stage @S (%m) domain #polyhedral.set<"{ S[m] : 0 <= m < 5 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [S[m] -> lane[k]] -> a[k, m] : 0 <= m < 5 and 0 <= k < 2 }"> : vector<2xf32>
    %w = polyhedral.matrix @w #polyhedral.map<"{ cell[row, col] -> w[row, col] }"> : tensor<8x2xf32>
    %t = arith.constant dense<0.5> : vector<8xf32>
    %y = cmcore.mxv %w, %x : tensor<8x2xf32>, vector<2xf32> -> vector<8xf32>
    %l = cmcore.compare lt %y, %t : vector<8xf32>
    %z = cmcore.select %l, %t, %y : vector<8xi1>, vector<8xf32>
    polyhedral.write %z, @b #polyhedral.map<"{ [S[m] -> lane[c]] -> b[c, m] : 0 <= m < 5 and 0 <= c < 8 }"> : vector<8xf32>
  }
}
