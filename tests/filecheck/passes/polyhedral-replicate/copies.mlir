// RUN: cm-opt %s -p 'polyhedral-replicate{stage=A copies=2 by=rows}' | filecheck %s --check-prefix=ROWS
// RUN: cm-opt %s -p 'polyhedral-replicate{stage=A copies=2 by=bands}' | filecheck %s --check-prefix=BANDS
// RUN: cm-opt %s -p 'polyhedral-replicate{stage=A copies=2}' | filecheck %s --check-prefix=COLUMNS
// RUN: cm-opt %s -p 'polyhedral-schedule{stage=A interchange=1,0},polyhedral-replicate{stage=A copies=2 by=rows}' | filecheck %s --check-prefix=SCHEDULE
// RUN: cm-opt %s -p 'polyhedral-replicate{stage=A copies=2 by=rows},polyhedral-replicate{stage=B copies=2 by=rows},polyhedral-to-cmcore' | filecheck %s --check-prefix=CMCORE
// RUN: cm-opt %s -p 'polyhedral-replicate{cores=6 by=rows}' 2>&1 | filecheck %s --check-prefix=BALANCE
// RUN: cm-opt %s -p 'polyhedral-replicate{stage=A copies=2 by=rows},polyhedral-replicate{stage=B copies=2 by=rows},polyhedral-to-cmcore' | cm-opt | cm-opt --print-op-generic | cm-opt | filecheck %s --check-prefix=CMCORE
// RUN: cm-opt %s -p 'polyhedral-replicate{stage=A copies=2 by=rows},polyhedral-replicate{stage=B copies=2 by=rows},polyhedral-assign-storage{sizes=live}' 2>/dev/null | filecheck %s --check-prefix=BANKS

// Rows are dealt out; what an iteration reads and writes stays what it was.
// ROWS: polyhedral.stage @A [%p] (%h, %w) domain #polyhedral.set<"{ A[p, h, w] : (p + h) mod 2 = 0 and 0 <= p <= 1 and 0 <= h <= 5 and 0 <= w <= 3 }">
// ROWS-NEXT: polyhedral.read @a #polyhedral.map<"{ [A[p, h, w] -> lane[]] -> a[h, w] :
// ROWS: polyhedral.stage @B (%h, %w)

// BANDS: polyhedral.stage @A [%p] (%h, %w) domain #polyhedral.set<"{ A[p, h, w] : 0 <= p <= 1 and 3p <= h <= 2 + 3p and 0 <= w <= 3 }">

// Each copy has a run of columns of all rows.
// COLUMNS: polyhedral.stage @A [%p] (%h, %w) domain #polyhedral.set<"{ A[p, h, w] : 0 <= p <= 1 and 0 <= h <= 5 and w >= 2p and 0 <= w <= 3 and w <= 1 + 2p }">

// The order on each core is that of the schedule; times are made different on different cores.
// SCHEDULE: polyhedral.stage @A [%p] (%h, %w) domain {{.*}} schedule #polyhedral.map<"{ A[p, h, w] -> [p, w, h] }">

// One program for all copies. A snoop is for each pair of a core here and one there.
// CMCORE: cmcore.program @B {
// CMCORE: cmcore.snoop %b from @A (%[[P:.*]], %[[Q:.*]]) {
// CMCORE: cmcore.release at (%{{.*}}, %{{.*}}) upto (%[[P]], %{{.*}}, %{{.*}})
// CMCORE: cmcore.loop_nest (%[[L:.*]]) {
// CMCORE: scf.for %[[H:.*]] = %[[L]] to
// CMCORE: cmcore.fire(%[[L]], %[[H]], %{{.*}})
// CMCORE: cmcore.iteration [%p] (%h, %w) {
// CMCORE: cmcore.core @core0 runs @A[0] at (0)
// CMCORE-NEXT: cmcore.core @core1 runs @A[1] at (1)
// CMCORE-NEXT: cmcore.core @core2 runs @B[0] at (2)
// CMCORE-NEXT: cmcore.core @core3 runs @B[1] at (3)
// CMCORE-NEXT: }

// Three copies of A leave two rows each, and B with its four rows is no slower with two copies: five cores are enough.
// BALANCE: copies.mlir:{{[0-9]+}}:1: remark: 5 of 6 cores in use; the busiest takes 8 cycles for an inference, 24 without copies
// BALANCE: polyhedral.stage @A [%p] (%h, %w) domain {{.*}}mod 3 = 0 and 0 <= p <= 2
// BALANCE: polyhedral.stage @B [%p] (%h, %w) domain {{.*}}mod 2 = 0 and 0 <= p <= 1

// What two cores write in turn is kept in two banks, each a ring of its own. Each core keeps five of the six input rows.
// BANKS: polyhedral.storage @b at @B #polyhedral.map<"[p0] -> { b[n, d0, d1] -> slot[o0, o1, d1] : (d0 + o0) mod 2 = 0 {{.*}} }"> : memref<2x2x4xf32>
// BANKS: polyhedral.storage @a at @A #polyhedral.map<"[p0] -> { a[n, d0, d1] -> slot[-p0 + d0, d1] : 0 <= p0 <= 1 and p0 <= d0 <= 4 + p0 and 0 <= d1 <= 3 }"> : memref<5x4xf32>

polyhedral.pipeline @main (@a) -> (@c) {
  polyhedral.array @a : tensor<6x4xf32>
  polyhedral.array @b : tensor<6x4xf32>
  polyhedral.array @c : tensor<4x4xf32>
  polyhedral.stage @A (%h, %w) domain #polyhedral.set<"{ A[h, w] : 0 <= h < 6 and 0 <= w < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [A[h, w] -> lane[]] -> a[h, w] : 0 <= h < 6 and 0 <= w < 4 }"> : vector<f32>
    polyhedral.write %x, @b #polyhedral.map<"{ [A[h, w] -> lane[]] -> b[h, w] : 0 <= h < 6 and 0 <= w < 4 }"> : vector<f32>
  }
  polyhedral.stage @B (%h, %w) domain #polyhedral.set<"{ B[h, w] : 0 <= h < 4 and 0 <= w < 4 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [B[h, w] -> lane[k]] -> b[h + k, w] : 0 <= h < 4 and 0 <= w < 4 and 0 <= k < 3 }"> : vector<3xf32>
    %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
    polyhedral.write %y, @c #polyhedral.map<"{ [B[h, w] -> lane[]] -> c[h, w] : 0 <= h < 4 and 0 <= w < 4 }"> : vector<f32>
  }
}
