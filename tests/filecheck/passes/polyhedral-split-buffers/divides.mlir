// RUN: cm-opt %s --split-input-file -p 'polyhedral-split-buffers{hardware=%S/small.toml}' 2>/dev/null | filecheck %s
// RUN: cm-opt %s --split-input-file -p 'polyhedral-split-buffers{hardware=%S/small.toml}' 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: cm-opt %s --split-input-file -p 'polyhedral-split-buffers{hardware=ideal}' 2>&1 | filecheck %s --check-prefix=IDEAL

// Without a limit nothing is divided.
// IDEAL-NOT: remark
// IDEAL-NOT: [%o]
// IDEAL-NOT: [%p]

// What is read at once is divided by channels: each core sums up three of six.

// REMARK: remark: @sum needs 384 bytes of buffers, more than the 200 of a core: divided into 2 parts by outputs
// CHECK: polyhedral.stage @many (%h, %w)
// CHECK: polyhedral.stage @sum [%o] () domain #polyhedral.set<"{ sum[o] : 0 <= o <= 1 }">
// CHECK-NEXT: polyhedral.read @b #polyhedral.map<"{ [sum[o] -> lane[c, h, w]] -> b[3o + c, h, w] : 0 <= o <= 1 and 0 <= c <= 2 and 0 <= h <= 3 and 0 <= w <= 3 }"> : vector<3x4x4xf32>
// CHECK-NEXT: cmcore.reduce add {{.*}} along [1, 2] : vector<3x4x4xf32> -> vector<3xf32>
// CHECK-NEXT: polyhedral.write {{.*}} : vector<3xf32>
polyhedral.pipeline @channels (@a) -> (@c) {
  polyhedral.array @a : tensor<1x4x4xf32>
  polyhedral.array @b : tensor<6x4x4xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @many (%h, %w) domain #polyhedral.set<"{ many[h, w] : 0 <= h < 4 and 0 <= w < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [many[h, w] -> lane[c]] -> a[0, h, w] : 0 <= h < 4 and 0 <= w < 4 and 0 <= c < 6 }"> : vector<6xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [many[h, w] -> lane[c]] -> b[c, h, w] : 0 <= h < 4 and 0 <= w < 4 and 0 <= c < 6 }"> : vector<6xf32>
  }
  polyhedral.stage @sum () domain #polyhedral.set<"{ sum[] }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [sum[] -> lane[c, h, w]] -> b[c, h, w] : 0 <= h < 4 and 0 <= w < 4 and 0 <= c < 6 }"> : vector<6x4x4xf32>
    %y = cmcore.reduce add %x along [1, 2] : vector<6x4x4xf32> -> vector<6xf32>
    polyhedral.write %y, @c #polyhedral.map<"{ [sum[] -> lane[c]] -> c[c] : 0 <= c < 6 }"> : vector<6xf32>
  }
}

// -----

// One channel: a copy for each half of the columns, which keeps two rows of them and one column more.

// REMARK: remark: @blur needs 256 bytes of buffers, more than the 200 of a core: divided into 2 parts by columns
// CHECK: polyhedral.stage @blur [%p] (%h, %w) domain
polyhedral.pipeline @columns (@a) -> (@c) {
  polyhedral.array @a : tensor<3x1xf32>
  polyhedral.array @b : tensor<3x32xf32>
  polyhedral.array @c : tensor<2x31xf32>
  polyhedral.stage @wide (%h, %w) domain #polyhedral.set<"{ wide[h, w] : 0 <= h < 3 and 0 <= w < 32 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [wide[h, w] -> lane[]] -> a[h, 0] : 0 <= h < 3 and 0 <= w < 32 }"> : vector<f32>
    polyhedral.write %x, @b #polyhedral.map<"{ [wide[h, w] -> lane[]] -> b[h, w] : 0 <= h < 3 and 0 <= w < 32 }"> : vector<f32>
  }
  polyhedral.stage @blur (%h, %w) domain #polyhedral.set<"{ blur[h, w] : 0 <= h < 2 and 0 <= w < 31 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [blur[h, w] -> lane[i, j]] -> b[h + i, w + j] : 0 <= h < 2 and 0 <= w < 31 and 0 <= i < 2 and 0 <= j < 2 }"> : vector<2x2xf32>
    %y = cmcore.reduce add %x along [0, 1] : vector<2x2xf32> -> vector<f32>
    polyhedral.write %y, @c #polyhedral.map<"{ [blur[h, w] -> lane[]] -> c[h, w] : 0 <= h < 2 and 0 <= w < 31 }"> : vector<f32>
  }
}

// -----

// One element of output needs all: nothing to divide, and the buffers are too large wherever they are checked.

// REMARK-NOT: remark: @all
// CHECK: polyhedral.stage @all () domain
polyhedral.pipeline @all_at_once (@a) -> (@c) {
  polyhedral.array @a : tensor<8x8xf32>
  polyhedral.array @c : tensor<1xf32>
  polyhedral.stage @all () domain #polyhedral.set<"{ all[] }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [all[] -> lane[h, w]] -> a[h, w] : 0 <= h < 8 and 0 <= w < 8 }"> : vector<8x8xf32>
    %y = cmcore.reduce add %x along [0, 1] : vector<8x8xf32> -> vector<f32>
    polyhedral.write %y, @c #polyhedral.map<"{ [all[] -> lane[]] -> c[0] }"> : vector<f32>
  }
}
