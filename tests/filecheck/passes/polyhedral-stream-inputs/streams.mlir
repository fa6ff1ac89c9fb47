// RUN: cm-opt %s -p 'polyhedral-stream-inputs' | filecheck %s
// RUN: cm-opt %s -p 'polyhedral-stream-inputs,polyhedral-stream-inputs' | filecheck %s --check-prefix=TWICE
// RUN: cm-opt %s -p 'polyhedral-derive-dependences,polyhedral-stream-inputs' | filecheck %s --check-prefix=DERIVED
// RUN: cm-opt %s -p 'polyhedral-replicate{stage=S copies=2 by=bands},polyhedral-assign-storage' 2>/dev/null | filecheck %s --check-prefix=KEPT
// RUN: cm-opt %s -p 'polyhedral-replicate{stage=S copies=2 by=bands},polyhedral-assign-storage,polyhedral-stream-inputs' 2>/dev/null | filecheck %s --check-prefix=STORAGE
// RUN: cm-opt %s -p 'polyhedral-stream-inputs,polyhedral-to-cmcore' | filecheck %s --check-prefix=CMCORE
// RUN: cm-run %s --random 0 -n 3 --check | filecheck %s --check-prefix=EXECUTED

// A row of an image has one index in its second dimension. The names that are wished for are taken.
// CHECK: polyhedral.array @a_sent2 : tensor<2x4x3xf32>
// CHECK-NEXT: polyhedral.stage @send_a (%row) gcu domain #polyhedral.set<"{ send_a[d1] : 0 <= d1 <= 3 }"> {
// CHECK-NEXT: polyhedral.read @a #polyhedral.map<"{ [send_a[d1] -> lane[d0, d2]] -> a[d0, d1, d2] : {{.*}} }"> : vector<2x3xf32>
// CHECK-NEXT: polyhedral.write %{{.*}}, @a_sent2 #polyhedral.map<"{ [send_a[d1] -> lane[d0, d2]] -> a_sent2[d0, d1, d2] : {{.*}} }"> : vector<2x3xf32>

// Of two dimensions, one in its last; of one, all is a row.
// CHECK: polyhedral.stage @send_b (%row) gcu domain #polyhedral.set<"{ send_b[d1] : 0 <= d1 <= 3 }">
// CHECK-NEXT: polyhedral.read @b {{.*}} : vector<2xf32>
// CHECK: polyhedral.stage @send_c () gcu domain #polyhedral.set<"{ send_c[] }">
// CHECK-NEXT: polyhedral.read @c {{.*}} : vector<2xf32>

// All readers read what is sent, and parameters stay where they are.
// CHECK: polyhedral.stage @S
// CHECK-NEXT: polyhedral.read @a_sent2
// CHECK-NEXT: polyhedral.read @b_sent
// CHECK-NEXT: polyhedral.read @c_sent
// CHECK-NEXT: polyhedral.read @w

// Inputs that are streamed already stay so.
// TWICE-COUNT-3: gcu domain
// TWICE-NOT: gcu domain

// Dependences and storage that no longer hold are dropped.
// DERIVED: gcu domain
// DERIVED-NOT: polyhedral.dependence
// KEPT: polyhedral.storage @a at @S
// STORAGE-NOT: polyhedral.storage @a at @S
// STORAGE: gcu domain
// STORAGE-NOT: polyhedral.storage @a at @S

// CMCORE: cmcore.program @send_a gcu {
// CMCORE: cmcore.credit @a_sent2 from @S
// CMCORE: cmcore.program @S {
// CMCORE: cmcore.snoop %a_sent2 from @send_a
// CMCORE: cmcore.core @core0 runs @S at (0)
// CMCORE-NOT: cmcore.core

// EXECUTED: on 1 core
// EXECUTED: check: equal to NumPy

polyhedral.pipeline @main (@a, @b, @c) -> (@a_sent) {
  polyhedral.array @a : tensor<2x4x3xf32>
  polyhedral.array @b : tensor<2x4xf32>
  polyhedral.array @c : tensor<2xf32>
  polyhedral.array @w parameter dense<2.0> : tensor<2xf32>
  polyhedral.array @a_sent : tensor<2x4xf32>
  polyhedral.stage @S (%h) domain #polyhedral.set<"{ S[h] : 0 <= h < 4 }"> {
    %a = polyhedral.read @a #polyhedral.map<"{ [S[h] -> lane[c]] -> a[c, h, 1] : 0 <= h < 4 and 0 <= c < 2 }"> : vector<2xf32>
    %b = polyhedral.read @b #polyhedral.map<"{ [S[h] -> lane[c]] -> b[c, h] : 0 <= h < 4 and 0 <= c < 2 }"> : vector<2xf32>
    %c = polyhedral.read @c #polyhedral.map<"{ [S[h] -> lane[c]] -> c[c] : 0 <= h < 4 and 0 <= c < 2 }"> : vector<2xf32>
    %w = polyhedral.read @w #polyhedral.map<"{ [S[h] -> lane[c]] -> w[c] : 0 <= h < 4 and 0 <= c < 2 }"> : vector<2xf32>
    %x = arith.addf %a, %b : vector<2xf32>
    %y = arith.addf %x, %c : vector<2xf32>
    %z = arith.mulf %y, %w : vector<2xf32>
    polyhedral.write %z, @a_sent #polyhedral.map<"{ [S[h] -> lane[c]] -> a_sent[c, h] : 0 <= h < 4 and 0 <= c < 2 }"> : vector<2xf32>
  }
}
