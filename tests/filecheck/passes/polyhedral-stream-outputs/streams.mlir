// RUN: cm-opt %s -p 'polyhedral-stream-outputs' | filecheck %s
// RUN: cm-opt %s -p 'polyhedral-schedule{stage=S reverse=0},polyhedral-stream-outputs' | filecheck %s --check-prefix=REVERSE
// RUN: cm-opt %s -p 'polyhedral-schedule{stage=S interchange=1,0},polyhedral-stream-outputs' | filecheck %s --check-prefix=COLUMNS
// RUN: cm-opt %s -p 'polyhedral-stream-outputs,polyhedral-stream-outputs' | filecheck %s --check-prefix=TWICE
// RUN: cm-opt %s -p 'polyhedral-stream-outputs,polyhedral-to-cmcore' | filecheck %s --check-prefix=CMCORE
// RUN: cm-run %s --random 0 -n 8 --check --hardware %S/slow.toml 2>/dev/null | filecheck %s --check-prefix=RATE

// Rows are those in which the output is produced. What reads it, too, reads what is computed.
// CHECK: polyhedral.array @b : tensor<4x3xf32>
// CHECK-NEXT: polyhedral.array @b_computed : tensor<4x3xf32>
// CHECK: polyhedral.stage @S
// CHECK: polyhedral.write %{{.*}}, @b_computed
// CHECK: polyhedral.stage @T
// CHECK-NEXT: polyhedral.read @b_computed
// CHECK: polyhedral.stage @collect_b (%row) gcu domain #polyhedral.set<"{ collect_b[d0] : 0 <= d0 <= 3 }"> {
// CHECK-NEXT: polyhedral.read @b_computed #polyhedral.map<"{ [collect_b[d0] -> lane[d1]] -> b_computed[d0, d1] : {{.*}} }"> : vector<3xf32>
// CHECK-NEXT: polyhedral.write %{{.*}}, @b #polyhedral.map<"{ [collect_b[d0] -> lane[d1]] -> b[d0, d1] : {{.*}} }"> : vector<3xf32>

// What one iteration writes is a row.
// CHECK: polyhedral.stage @collect_c () gcu domain
// CHECK-NEXT: polyhedral.read @c_computed {{.*}} : vector<3xf32>

// REVERSE: polyhedral.read @b_computed #polyhedral.map<"{ [collect_b[d0] -> lane[d1]] -> b_computed[3 - d0, d1] : {{.*}} }">
// COLUMNS: polyhedral.read @b_computed #polyhedral.map<"{ [collect_b[d1] -> lane[d0]] -> b_computed[d0, d1] : {{.*}} }"> : vector<4xf32>

// TWICE-COUNT-2: gcu domain
// TWICE-NOT: gcu domain

// Cores wait for room at the global control unit.
// CMCORE: cmcore.program @S {
// CMCORE: cmcore.credit @b_computed from @collect_b
// CMCORE: cmcore.program @collect_b gcu {
// CMCORE: cmcore.snoop %b_computed from @S
// CMCORE: cmcore.core @core1 runs @T at (1)
// CMCORE-NOT: cmcore.core

// Four rows of three elements, and a cycle for each element: as long as the core takes.
// RATE: steady-state interval {{ *}}12
// RATE: collect_b {{ *}}32
// RATE: outputs: 15 elements an inference, at least 15 cycles at 1 a cycle
// RATE: check: equal to NumPy

polyhedral.pipeline @main (@a) -> (@b, @c) {
  polyhedral.array @a : tensor<4x3xf32>
  polyhedral.array @b : tensor<4x3xf32>
  polyhedral.array @c : tensor<3xf32>
  polyhedral.stage @S (%h, %w) domain #polyhedral.set<"{ S[h, w] : 0 <= h < 4 and 0 <= w < 3 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [S[h, w] -> lane[]] -> a[h, w] : 0 <= h < 4 and 0 <= w < 3 }"> : vector<f32>
    %y = arith.addf %x, %x : vector<f32>
    polyhedral.write %y, @b #polyhedral.map<"{ [S[h, w] -> lane[]] -> b[h, w] : 0 <= h < 4 and 0 <= w < 3 }"> : vector<f32>
  }
  polyhedral.stage @T () domain #polyhedral.set<"{ T[] }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [T[] -> lane[w]] -> b[3, w] : 0 <= w < 3 }"> : vector<3xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [T[] -> lane[w]] -> c[w] : 0 <= w < 3 }"> : vector<3xf32>
  }
}
