// The textbook example on four cores: two pipelines of two cores, each of which computes a region, half of the result.
// Element b[4] crosses from the second pipeline to the first, and b[3] from the first to the second.

// RUN: cm-opt %s -p 'nn-to-polyhedral,polyhedral-replicate{by=bands cores=4},polyhedral-derive-dependences' | filecheck %s
// RUN: cm-opt %s -p 'nn-to-polyhedral,polyhedral-replicate{by=bands cores=4},polyhedral-to-cmcore,cmcore-verify-control,cmcore-verify-values' -o %t.mlir
// RUN: filecheck %s --check-prefix=CMCORE < %t.mlir
// RUN: cm-run %t.mlir --random 1 -n 3 --check --check-against %s --timeline | filecheck %s --check-prefix=RUN3
// RUN: cm-run %t.mlir --random 1 -n 3 --check --check-against %s --chunk 1 | filecheck %s --check-prefix=CHECKED

// CHECK: polyhedral.stage @conv1 [%p] (%w) domain #polyhedral.set<"{ conv1[p, w] : 0 <= p <= 1 and w >= 4p and 0 <= w <= 7 and w <= 3 + 4p }"> {
// CHECK: polyhedral.stage @conv2 [%p] (%w) domain #polyhedral.set<"{ conv2[p, w] : 0 <= p <= 1 and w >= 3p and 0 <= w <= 5 and w <= 2 + 3p }"> {

// Reader p0 waits for writer q0. The first pipeline needs b[2] and b[3] of its own, and b[4] of the other one, without
// which it may run up to iteration 1. The second needs b[3] of the other one, and b[5] to b[7] of its own.
// CHECK: polyhedral.dependence raw @conv1 -> @conv2 on @b release #polyhedral.map<"[p0, q0] -> {
// CHECK-SAME: b[0, i1] -> conv2[p = p0, w = -2 + i1] : q0 = 1 and p0 <= 1 and i1 >= 2 + 3p0 and 4 <= i1 <= 4 + 3p0
// CHECK-SAME: b[0, i1 = 3] -> conv2[p = p0, w = 2 + 3p0] : q0 = 0 and 0 <= p0 <= 1
// CHECK-SAME: b[0, i1 = 2] -> conv2[p = 0, w = 0] : p0 = 0 and q0 = 0 }
// CHECK-SAME: initially #polyhedral.set<"[p0, q0] -> { conv2[p = 0, w = 1] : p0 = 0 and q0 = 1 }">

// CMCORE: cmcore.snoop %b from @conv1 (%p0, %q0) {
// CMCORE: cmcore.core @core0 runs @conv1[0] at (0)
// CMCORE-NEXT: cmcore.core @core1 runs @conv1[1] at (1)
// CMCORE-NEXT: cmcore.core @core2 runs @conv2[0] at (2)
// CMCORE-NEXT: cmcore.core @core3 runs @conv2[1] at (3)

// Half the interval of two cores. conv2[1] starts when b[3], b[4] and b[5] are there. With room for one b, conv1[1]
// overwrites b[4] when both readers have read it, the last of them in cycle 5.
// RUN3: latency of one inference 7
// RUN3-NEXT: steady-state interval 4
// RUN3: conv1[0] 000011112222
// RUN3-NEXT: conv1[1] 0000xx11112222
// RUN3-NEXT: conv2[0] ---000-111-222
// RUN3-NEXT: conv2[1] ----000-111-222
// RUN3: check: equal to NumPy {{.*}}in all 3 inferences
// CHECKED: check: equal to NumPy {{.*}}in all 3 inferences

func.func @main(%a: tensor<1x10xf32>) -> tensor<1x6xf32> {
  %w1 = nn.parameter dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %w2 = nn.parameter dense<[[[1.0, 0.0, -1.0]]]> : tensor<1x1x3xf32>
  %b = nn.conv %a, %w1 : (tensor<1x10xf32>, tensor<1x1x3xf32>) -> tensor<1x8xf32>
  %c = nn.conv %b, %w2 : (tensor<1x8xf32>, tensor<1x1x3xf32>) -> tensor<1x6xf32>
  func.return %c : tensor<1x6xf32>
}
