// The textbook example as it stands in textbooks: stages CONV1 and CONV2 over one-dimensional arrays.

// RUN: cm-opt %s -p polyhedral-derive-dependences | filecheck %s
// RUN: cm-opt %s -p polyhedral-to-cmcore | filecheck %s --check-prefix=CMCORE
// RUN: cm-opt %s -p polyhedral-to-cmcore,cmcore-verify-control -o /dev/null

// CHECK: polyhedral.dependence raw @CONV1 -> @CONV2 on @b release #polyhedral.map<"{ b[j] -> CONV2[w = -2 + j] : 2 <= j <= 7 }">{{$}}

// With room for one inference: CONV2[w] leaves b[w] to the next inference, and its last iteration leaves the rest.
// CHECK-NEXT: polyhedral.dependence war @CONV2 -> @CONV1 on @b
// CHECK-SAME: release #polyhedral.map<"{ CONV2[w] -> CONV1[ahead = 1, w' = w] : 0 <= w <= 4; CONV2[w = 5] -> CONV1[ahead = 1, w' = 7] }">
// CHECK-SAME: initially #polyhedral.set<"{ CONV1[ahead = 0, w = 7] }">{{$}}

// CMCORE: cmcore.program @CONV2 {
// CMCORE: cmcore.snoop %b from @CONV1 {
// CMCORE: scf.for [[J:%.+]] = %c2 to %c8 step %c1 {
// CMCORE-NEXT: [[W:%.+]] = arith.subi [[J]], %c2 : index
// CMCORE-NEXT: cmcore.release at ([[J]]) upto ([[W]])
// CMCORE-NEXT: }
// CMCORE-NEXT: }

polyhedral.pipeline @main (@a) -> (@c) {
  polyhedral.array @a : tensor<10xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.array @k parameter dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  polyhedral.stage @CONV1 (%w) domain #polyhedral.set<"{ CONV1[w] : 0 <= w < 8 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [CONV1[w] -> lane[k]] -> a[w + k] : 0 <= w < 8 and 0 <= k < 3 }"> : vector<3xf32>
    %m = polyhedral.matrix @k #polyhedral.map<"{ cell[r, c] -> k[r, c] }"> : tensor<1x3xf32>
    %y = cmcore.mxv %m, %x : tensor<1x3xf32>, vector<3xf32> -> vector<1xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [CONV1[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @CONV2 (%w) domain #polyhedral.set<"{ CONV2[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [CONV2[w] -> lane[k]] -> b[j = w + k] : 0 <= w < 6 and 0 <= k < 3 }"> : vector<3xf32>
    %m = polyhedral.matrix @k #polyhedral.map<"{ cell[r, c] -> k[r, c] }"> : tensor<1x3xf32>
    %y = cmcore.mxv %m, %x : tensor<1x3xf32>, vector<3xf32> -> vector<1xf32>
    polyhedral.write %y, @c #polyhedral.map<"{ [CONV2[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<1xf32>
  }
}
