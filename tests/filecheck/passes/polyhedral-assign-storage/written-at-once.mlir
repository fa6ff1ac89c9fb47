// RUN: cm-opt %s -p 'polyhedral-assign-storage{sizes=live},polyhedral-to-cmcore' 2>&1 | filecheck %s
// RUN: cm-opt %s -p 'polyhedral-assign-storage{rows=3},polyhedral-to-cmcore' 2>&1 | filecheck %s --check-prefix=THREE
// RUN: not cm-opt %s -p 'polyhedral-assign-storage{rows=1}' 2>&1 | filecheck %s --check-prefix=ONE
// RUN: not cm-opt %s -p 'polyhedral-assign-storage{rows=2}' 2>&1 | filecheck %s --check-prefix=TWO

// One row would do for the reader, which needs the last one only. But the writer stores rows 0 and 2 at once, then 1
// and 3, and so on; rings of one and of two rows have one slot for them.
// CHECK: remark: buffers take 12 bytes of SRAM, 32 with room for whole inferences (2.7 times as much); no smaller sizes let it run
// CHECK: cmcore.buffer @a storage {{.*}} : memref<3xf32>
// THREE: memref<3xf32>
// ONE: error: with 1 row in the buffer of @a at @R, elements that are stored at once share a slot: use 3 rows
// TWO: error: with 2 rows in the buffer of @a at @R, elements that are stored at once share a slot: use 3 rows

polyhedral.pipeline @main () -> (@out) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @out : tensor<3xf32>
  polyhedral.stage @W (%t, %i) domain #polyhedral.set<"{ W[t, i] : 0 <= t < 2 and 0 <= i < 2 }"> {
    %z = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %z, @a #polyhedral.map<"{ [W[t, i] -> lane[k]] -> a[4t + i + 2k] : 0 <= t < 2 and 0 <= i < 2 and 0 <= k < 2 }"> : vector<2xf32>
  }
  polyhedral.stage @R (%i) domain #polyhedral.set<"{ R[i] : 0 <= i < 3 }"> {
    %r = polyhedral.read @a #polyhedral.map<"{ [R[i] -> lane[k = 0]] -> a[7] : 0 <= i < 3 }"> : vector<1xf32>
    polyhedral.write %r, @out #polyhedral.map<"{ [R[i] -> lane[k = 0]] -> out[i] : 0 <= i < 3 }"> : vector<1xf32>
  }
}
