// RUN: cm-opt %s -p polyhedral-derive-dependences,polyhedral-generate-loops,convert-polyhedral-to-cmcore | filecheck %s
// RUN: cm-opt %s -p polyhedral-to-cmcore,cmcore-verify-control -o /dev/null

// Arrays stay, for the relations; stages become programs; each has a core.

// CHECK: cmcore.network @main (@a) -> (@c) {
// CHECK-NEXT: polyhedral.array @a : tensor<8xf32>
// CHECK-NEXT: polyhedral.array @b : tensor<8xf32>
// CHECK-NEXT: polyhedral.array @c : tensor<6xf32>
// CHECK-NEXT: polyhedral.array @k parameter "k" : tensor<1x3xf32>

// The writer waits for credit, its reader for data. A buffer belongs to the core that reads it.

// CHECK-NEXT: cmcore.program @W {
// CHECK-NEXT: [[A:%.+]] = cmcore.buffer @a : memref<8xf32>
// CHECK-NEXT: cmcore.credit @b from @R {
// CHECK: cmcore.release upto ({{.+}}) ahead
// CHECK: scf.for [[I:%.+]] = %c0 to %c5 step %c1 {
// CHECK-NEXT: cmcore.release at ([[I]]) upto ([[I]]) ahead %c1
// CHECK: cmcore.loop_nest {
// CHECK: scf.for [[I2:%.+]] = {{.+}} to {{.+}} step {{.+}} {
// CHECK-NEXT: cmcore.fire([[I2]])
// CHECK: cmcore.iteration (%w) {
// CHECK-NEXT: [[X:%.+]] = cmcore.load [[A]] at #polyhedral.map<"{ [W[w] -> lane[0]] -> a[w] : 0 <= w <= 7 }"> pad 1.000000e+00 : vector<1xf32>
// CHECK-NEXT: cmcore.store [[X]], @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w <= 7 }"> : vector<1xf32>
// CHECK-NEXT: }
// CHECK-NEXT: }

// Storage goes to the buffer. Two reads of an array share a buffer; the matrix is programmed outside the iteration,
// and the rest of the body is as it was.

// CHECK-NEXT: cmcore.program @R {
// CHECK-NEXT: [[B:%.+]] = cmcore.buffer @b storage #polyhedral.map<"{ b[n, w] -> slot[w] }"> : memref<8xf32>
// CHECK-NEXT: [[M:%.+]] = cmcore.crossbar @k #polyhedral.map<"{ cell[r, c] -> k[r, c] }"> : tensor<1x3xf32>
// CHECK-NEXT: cmcore.snoop [[B]] from @W {
// CHECK: cmcore.release at ({{%.+}}) upto
// CHECK: cmcore.loop_nest {
// CHECK: cmcore.iteration (%w) {
// CHECK-NEXT: [[X:%.+]] = cmcore.load [[B]]
// CHECK-NEXT: [[Y:%.+]] = cmcore.mxv [[M]], [[X]]
// CHECK-NEXT: [[Z:%.+]] = cmcore.load [[B]]
// CHECK-NEXT: [[S:%.+]] = arith.addf [[Y]], [[Z]]
// CHECK-NEXT: cmcore.store [[S]], @c

// CHECK: cmcore.core @core0 runs @W at (0)
// CHECK-NEXT: cmcore.core @core1 runs @R at (1)
// CHECK-NOT: polyhedral.stage
// CHECK-NOT: polyhedral.dependence

polyhedral.pipeline @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.array @k parameter "k" : tensor<1x3xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [W[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> pad 1.0 : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + k] : 0 <= w < 6 and 0 <= k < 3 }"> : vector<3xf32>
    %m = polyhedral.matrix @k #polyhedral.map<"{ cell[r, c] -> k[r, c] }"> : tensor<1x3xf32>
    %y = cmcore.mxv %m, %x : tensor<1x3xf32>, vector<3xf32> -> vector<1xf32>
    %z = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[0]] -> b[w] : 0 <= w < 6 }"> : vector<1xf32>
    %s = arith.addf %y, %z : vector<1xf32>
    polyhedral.write %s, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<1xf32>
  }
  polyhedral.storage @b at @R #polyhedral.map<"{ b[n, w] -> slot[w] }"> : memref<8xf32>
}
