// RUN: cm-opt %s -p 'polyhedral-assign-storage{sizes=live}' 2>&1 | filecheck %s --check-prefix=RINGS
// RUN: cm-opt %s -p 'polyhedral-assign-storage' 2>&1 | filecheck %s --check-prefix=RINGS
// RUN: cm-opt %s -p 'polyhedral-assign-storage{sizes=scheduled}' 2>&1 | filecheck %s --check-prefix=SCHEDULED
// RUN: cm-opt %s -p 'polyhedral-assign-storage{sizes=lossless interval=40}' 2>&1 | filecheck %s --check-prefix=RINGS
// RUN: cm-opt %s -p 'polyhedral-assign-storage{rows=4},polyhedral-assign-storage{rows=5 array=b reader=skip}' 2>&1 | filecheck %s --check-prefix=HAND
// RUN: cm-opt %s -p 'polyhedral-schedule{stage=copy reverse=0},polyhedral-assign-storage{rows=9 reader=window}' 2>&1 | filecheck %s --check-prefix=DOWN
// RUN: cm-opt %s -p 'polyhedral-schedule{stage=window interchange=1,0},polyhedral-schedule{stage=skip interchange=1,0},polyhedral-assign-storage{rows=2 reader=skip array=c}' 2>&1 | filecheck %s --check-prefix=COLUMNS
// RUN: cm-opt %s -p 'polyhedral-assign-storage{sizes=live},polyhedral-to-cmcore' 2>/dev/null | filecheck %s --check-prefix=CMCORE

// A window of three rows; the skip waits as long as the window does; what the window gives is used at once.
// Rings of a schedule have a few rows more where they repeat sooner with these.
// SCHEDULED: remark: buffers take 272 bytes of SRAM, 480 with room for whole inferences (1.8 times as much); those of a schedule

// RINGS: sizes.mlir:{{[0-9]+}}:1: remark: buffers take 240 bytes of SRAM, 480 with room for whole inferences (2.0 times as much); {{no smaller sizes let it run|no smaller sizes keep the interval}}
// RINGS: polyhedral.storage @b at @window #polyhedral.map<"{ b[n, d0, d1] -> slot[o0, d1] : (n - d0 + o0) mod 3 = 0 and 0 <= o0 <= 2 }"> : memref<3x4xf32>
// RINGS-NEXT: polyhedral.storage @b at @skip #polyhedral.map<"{ b[n, d0, d1] -> slot[o0, d1] : (n - d0 + o0) mod 3 = 0 and 0 <= o0 <= 2 }"> : memref<3x4xf32>
// RINGS-NEXT: polyhedral.storage @c at @skip #polyhedral.map<"{ c[n, d0, d1] -> slot[0, d1] }"> : memref<1x4xf32>
// RINGS-NEXT: polyhedral.stage @copy

// One buffer after the others: they stay as they are, and are counted so.
// HAND: remark: buffers take 320 bytes of SRAM, 480 with room for whole inferences (1.5 times as much){{$}}
// HAND: remark: buffers take 336 bytes
// HAND: @b at @window {{.*}} : memref<4x4xf32>
// HAND-NEXT: @c at @skip {{.*}} : memref<4x4xf32>
// HAND-NEXT: @b at @skip {{.*}} (2n - d0 + o0) mod 5 = 0 {{.*}} : memref<5x4xf32>
// HAND-NOT: polyhedral.storage

// Rows are numbered as they are written: from the last to the first.
// DOWN: polyhedral.storage @b at @window #polyhedral.map<"{ b[n, d0, d1] -> slot[o0, d1] : (2 + n + d0 + o0) mod 9 = 0

// What is written column by column is kept in columns.
// COLUMNS: polyhedral.storage @c at @skip {{.*}} : memref<6x2xf32>

// CMCORE: cmcore.buffer @b storage #polyhedral.map<"{ b[n, d0, d1] -> slot[o0, d1] : (n - d0 + o0) mod 3 = 0 and 0 <= o0 <= 2 }"> : memref<3x4xf32>

polyhedral.pipeline @main (@a) -> (@d) {
  polyhedral.array @a : tensor<8x4xf32>
  polyhedral.array @b : tensor<8x4xf32>
  polyhedral.array @c : tensor<6x4xf32>
  polyhedral.array @d : tensor<6x4xf32>
  polyhedral.stage @copy (%h, %w) domain #polyhedral.set<"{ copy[h, w] : 0 <= h < 8 and 0 <= w < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [copy[h, w] -> lane[]] -> a[h, w] : 0 <= h < 8 and 0 <= w < 4 }"> : vector<f32>
    polyhedral.write %x, @b #polyhedral.map<"{ [copy[h, w] -> lane[]] -> b[h, w] : 0 <= h < 8 and 0 <= w < 4 }"> : vector<f32>
  }
  polyhedral.stage @window (%h, %w) domain #polyhedral.set<"{ window[h, w] : 0 <= h < 6 and 0 <= w < 4 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [window[h, w] -> lane[k]] -> b[h + k, w] : 0 <= h < 6 and 0 <= w < 4 and 0 <= k < 3 }"> : vector<3xf32>
    %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
    polyhedral.write %y, @c #polyhedral.map<"{ [window[h, w] -> lane[]] -> c[h, w] : 0 <= h < 6 and 0 <= w < 4 }"> : vector<f32>
  }
  polyhedral.stage @skip (%h, %w) domain #polyhedral.set<"{ skip[h, w] : 0 <= h < 6 and 0 <= w < 4 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [skip[h, w] -> lane[]] -> b[h, w] : 0 <= h < 6 and 0 <= w < 4 }"> : vector<f32>
    %y = polyhedral.read @c #polyhedral.map<"{ [skip[h, w] -> lane[]] -> c[h, w] : 0 <= h < 6 and 0 <= w < 4 }"> : vector<f32>
    %z = arith.addf %x, %y : vector<f32>
    polyhedral.write %z, @d #polyhedral.map<"{ [skip[h, w] -> lane[]] -> d[h, w] : 0 <= h < 6 and 0 <= w < 4 }"> : vector<f32>
  }
}
