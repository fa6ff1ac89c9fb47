// The textbook example (docs/design.md) at every level: two convolutions with a window of three, one after the other.

// RUN: cm-opt %s -p nn-outline-stages | filecheck %s --check-prefix=NN
// RUN: cm-opt %s -p nn-to-polyhedral,polyhedral-derive-dependences | filecheck %s --check-prefix=POLYHEDRAL
// RUN: cm-opt %s -p nn-to-cmcore | filecheck %s --check-prefix=CMCORE
// RUN: cm-opt %s -p nn-to-cmcore,cmcore-verify-control -o /dev/null
// RUN: cm-run %s --random 1 -n 3 --check | filecheck %s --check-prefix=RUN3
// RUN: cm-run %s --random 1 -n 3 --check --chunk 1 | filecheck %s --check-prefix=RUN3

// NN: %b = nn.stage @conv1(%a_1 = %a : tensor<1x10xf32>) -> (tensor<1x8xf32>) {
// NN: %c = nn.stage @conv2(%b_1 = %b : tensor<1x8xf32>) -> (tensor<1x6xf32>) {

// POLYHEDRAL: polyhedral.pipeline @main (@a) -> (@c) {
// POLYHEDRAL-NEXT: polyhedral.array @a : tensor<1x10xf32>
// POLYHEDRAL-NEXT: polyhedral.array @b : tensor<1x8xf32>
// POLYHEDRAL-NEXT: polyhedral.array @w1 parameter dense<{{.+}}> : tensor<1x1x3xf32>
// POLYHEDRAL-NEXT: polyhedral.array @c : tensor<1x6xf32>
// POLYHEDRAL-NEXT: polyhedral.array @w2 parameter dense<{{.+}}> : tensor<1x1x3xf32>
// POLYHEDRAL-NEXT: polyhedral.stage @conv1 (%w) domain #polyhedral.set<"{ conv1[w] : 0 <= w <= 7 }"> {
// POLYHEDRAL-NEXT: %a = polyhedral.read @a #polyhedral.map<"{ [conv1[w] -> lane[c = 0, kw]] -> a[0, w + kw] :
// POLYHEDRAL-NEXT: %w1 = polyhedral.matrix @w1 #polyhedral.map<"{ cell[row = 0, col] -> w1[0, 0, col] : 0 <= col <= 2 }"> : tensor<1x3xf32>
// POLYHEDRAL-NEXT: %b = cmcore.mxv %w1, %a : tensor<1x3xf32>, vector<1x3xf32> -> vector<1xf32>
// POLYHEDRAL-NEXT: polyhedral.write %b, @b #polyhedral.map<"{ [conv1[w] -> lane[c = 0]] -> b[0, w] : 0 <= w <= 7 }"> : vector<1xf32>
// POLYHEDRAL: polyhedral.stage @conv2 (%w) domain #polyhedral.set<"{ conv2[w] : 0 <= w <= 5 }"> {
// POLYHEDRAL: polyhedral.dependence raw @conv1 -> @conv2 on @b release #polyhedral.map<"{ b[0, i1] -> conv2[w = -2 + i1] : 2 <= i1 <= 7 }">{{$}}
// POLYHEDRAL-NEXT: polyhedral.dependence war @conv2 -> @conv1 on @b

// The snoop is the loop of the release relation: b[0, i] lets conv2 go on to i - 2.
// CMCORE: cmcore.program @conv1 {
// CMCORE: cmcore.credit @b from @conv2 {
// CMCORE: cmcore.program @conv2 {
// CMCORE-NEXT: %b = cmcore.buffer @b : memref<1x8xf32>
// CMCORE: cmcore.snoop %b from @conv1 {
// CMCORE: scf.for [[I:%.+]] = %c2 to %c8 step %c1 {
// CMCORE-NEXT: [[LAST:%.+]] = arith.subi [[I]], %c2 : index
// CMCORE-NEXT: cmcore.release at (%c0, [[I]]) upto ([[LAST]])
// CMCORE: cmcore.loop_nest {
// CMCORE: scf.for [[W:%.+]] = %c0{{.*}} to %c6{{.*}} step %c1{{.*}} {
// CMCORE-NEXT: cmcore.fire([[W]])
// CMCORE: cmcore.iteration (%w) {
// CMCORE: cmcore.core @core0 runs @conv1 at (0)
// CMCORE-NEXT: cmcore.core @core1 runs @conv2 at (1)

// The second starts when three elements are there and then keeps pace; the first never waits.
// RUN3: latency of one inference 9
// RUN3: check: equal to NumPy {{.*}}in all 3 inferences

func.func @main(%a: tensor<1x10xf32>) -> tensor<1x6xf32> {
  %w1 = nn.parameter dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %w2 = nn.parameter dense<[[[1.0, 0.0, -1.0]]]> : tensor<1x1x3xf32>
  %b = nn.conv %a, %w1 : (tensor<1x10xf32>, tensor<1x1x3xf32>) -> tensor<1x8xf32>
  %c = nn.conv %b, %w2 : (tensor<1x8xf32>, tensor<1x1x3xf32>) -> tensor<1x6xf32>
  func.return %c : tensor<1x6xf32>
}
