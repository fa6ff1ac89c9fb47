// RUN: cm-opt %s -p 'polyhedral-derive-dependences,polyhedral-generate-loops' | filecheck %s
// RUN: cm-opt %s -p 'polyhedral-derive-dependences,polyhedral-generate-loops{separate=always}' | filecheck %s
// RUN: cm-opt %s -p 'polyhedral-derive-dependences,polyhedral-generate-loops{separate=never}' | filecheck %s --check-prefix=JOINT

// A 3x3 window with a border of 1: the last column and the last row release more than one iteration, in loops of
// their own and without conditions.
// CHECK: polyhedral.dependence raw @conv1 -> @conv2 on @b
// CHECK-NEXT: %c1 = arith.constant 1 : index
// CHECK-NEXT: %c7 = arith.constant 7 : index
// CHECK-NEXT: %c6 = arith.constant 6 : index
// CHECK-NEXT: scf.for %i0 = %c1 to %c7 step %c1 {
// CHECK-NEXT:   %0 = arith.subi %i0, %c1 : index
// CHECK-NEXT:   scf.for %i1 = %c1 to %c7 step %c1 {
// CHECK-NEXT:     %1 = arith.subi %i1, %c1 : index
// CHECK-NEXT:     cmcore.release at (%i0, %i1) upto (%0, %1)
// CHECK-NEXT:   }
// CHECK-NEXT:   cmcore.release at (%i0, %c7) upto (%0, %c7)
// CHECK-NEXT: }
// CHECK-NEXT: scf.for %i1_1 = %c1 to %c7 step %c1 {
// CHECK-NEXT:   %2 = arith.subi %i1_1, %c1 : index
// CHECK-NEXT:   cmcore.release at (%c7, %i1_1) upto (%c6, %2)
// CHECK-NEXT: }
// CHECK-NEXT: cmcore.release at (%c7, %c7) upto (%c7, %c7)
// CHECK-NEXT: }

// The step that waits for nothing comes first and shares its constants with the loops.
// CHECK: polyhedral.dependence war @conv2 -> @conv1 on @b
// CHECK-NEXT: %c0 = arith.constant 0 : index
// CHECK-NEXT: %c7 = arith.constant 7 : index
// CHECK-NEXT: %c1 = arith.constant 1 : index
// CHECK-NEXT: %c6 = arith.constant 6 : index
// CHECK-NEXT: cmcore.release upto (%c7, %c7) ahead %c0
// CHECK-NEXT: scf.for
// CHECK-NOT: arith.constant
// CHECK-NOT: arith.cmpi
// CHECK-NOT: arith.select

// Fewer loops, and a condition in one of them.
// JOINT: polyhedral.dependence raw @conv1 -> @conv2 on @b
// JOINT: scf.for %i0 = %c1 to %c8 step %c1 {
// JOINT: scf.for %i1 = %c1 to %c7 step %c1 {
// JOINT: [[LAST:%.+]] = arith.cmpi sle, %i0, %c6 : index
// JOINT-NEXT: scf.if [[LAST]] {

polyhedral.pipeline @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8x8xf32>
  polyhedral.array @b : tensor<8x8xf32>
  polyhedral.array @c : tensor<8x8xf32>
  polyhedral.stage @conv1 (%h, %w) domain #polyhedral.set<"{ conv1[h, w] : 0 <= h < 8 and 0 <= w < 8 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [conv1[h, w] -> lane[l]] -> a[h, w] : 0 <= h < 8 and 0 <= w < 8 and l = 0 }"> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [conv1[h, w] -> lane[l]] -> b[h, w] : 0 <= h < 8 and 0 <= w < 8 and l = 0 }"> : vector<1xf32>
  }
  polyhedral.stage @conv2 (%h, %w) domain #polyhedral.set<"{ conv2[h, w] : 0 <= h < 8 and 0 <= w < 8 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [conv2[h, w] -> lane[k, l]] -> b[h + k - 1, w + l - 1] : 0 <= h < 8 and 0 <= w < 8 and 0 <= k < 3 and 0 <= l < 3 and 1 <= h + k <= 8 and 1 <= w + l <= 8 }"> : vector<3x3xf32>
    %y = cmcore.reduce add %x along [0, 1] : vector<3x3xf32> -> vector<f32>
    polyhedral.write %y, @c #polyhedral.map<"{ [conv2[h, w] -> lane[]] -> c[h, w] : 0 <= h < 8 and 0 <= w < 8 }"> : vector<f32>
  }
}
