// RUN: cm-opt %s -p 'polyhedral-assign-storage' 2>&1 | filecheck %s
// RUN: cm-opt %s -p 'polyhedral-assign-storage{rows=1}' 2>&1 | filecheck %s --check-prefix=ONE
// RUN: cm-opt %s -p 'polyhedral-schedule{stage=lower reverse=0},polyhedral-assign-storage{sizes=full}' 2>&1 | filecheck %s --check-prefix=FULL
// RUN: cm-opt %s -p 'polyhedral-assign-storage,polyhedral-to-cmcore' 2>/dev/null | filecheck %s --check-prefix=CMCORE

// Two stages write one below the other: each part is a ring of two rows, one ring after the other.
// CHECK: remark: buffers take 160 bytes of SRAM, 192 with room for whole inferences (1.2 times as much); no smaller sizes keep the interval
// CHECK: polyhedral.storage @b at @read #polyhedral.map<"{ b[n, d0, d1] -> slot[o0] : (2d0 - d1 + o0) mod 4 = 0 and 0 <= d0 <= 7 and 0 <= d1 <= 1 and d1 <= o0 <= 6 + d1 and ((d0 >= 4 and o0 >= 4 + d1) or (d0 <= 3 and o0 <= 2 + d1)) }"> : memref<8xf32>

// ONE: polyhedral.storage @b at @read #polyhedral.map<"{ b[n, d0, d1] -> slot[2 + d1] : 4 <= d0 <= 7 and 0 <= d1 <= 1; b[n, d0, d1] -> slot[d1] : 0 <= d0 <= 3 and 0 <= d1 <= 1 }"> : memref<4xf32>

// The stages need not go the same way. With room for an inference the parts take what the array does.
// FULL: polyhedral.storage @b at @read {{.*}} : memref<16xf32>

// What the reader is done with of a part is a credit for the stage that writes it.
// CMCORE-LABEL: cmcore.program @upper
// CMCORE: cmcore.credit @b from @read
// CMCORE-LABEL: cmcore.program @lower
// CMCORE: cmcore.credit @b from @read
// CMCORE-LABEL: cmcore.program @read
// CMCORE: cmcore.buffer @b storage {{.*}} : memref<8xf32>
// CMCORE: cmcore.snoop %b from @upper
// CMCORE: cmcore.snoop %b from @lower

polyhedral.pipeline @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8x2xf32>
  polyhedral.array @b : tensor<8x2xf32>
  polyhedral.array @c : tensor<8xf32>
  polyhedral.stage @upper (%h) domain #polyhedral.set<"{ upper[h] : 0 <= h < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [upper[h] -> lane[w]] -> a[h, w] : 0 <= h < 4 and 0 <= w < 2 }"> : vector<2xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [upper[h] -> lane[w]] -> b[h, w] : 0 <= h < 4 and 0 <= w < 2 }"> : vector<2xf32>
  }
  polyhedral.stage @lower (%h) domain #polyhedral.set<"{ lower[h] : 0 <= h < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [lower[h] -> lane[w]] -> a[h + 4, w] : 0 <= h < 4 and 0 <= w < 2 }"> : vector<2xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [lower[h] -> lane[w]] -> b[h + 4, w] : 0 <= h < 4 and 0 <= w < 2 }"> : vector<2xf32>
  }
  polyhedral.stage @read (%h) domain #polyhedral.set<"{ read[h] : 0 <= h < 8 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [read[h] -> lane[w]] -> b[h, w] : 0 <= h < 8 and 0 <= w < 2 }"> : vector<2xf32>
    %y = cmcore.reduce add %x along [0] : vector<2xf32> -> vector<f32>
    polyhedral.write %y, @c #polyhedral.map<"{ [read[h] -> lane[]] -> c[h] : 0 <= h < 8 }"> : vector<f32>
  }
}
