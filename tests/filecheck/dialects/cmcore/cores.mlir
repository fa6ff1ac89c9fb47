// RUN: cm-opt %s | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s

// Two cores that share a program.

// CHECK: cmcore.buffer @a storage #polyhedral.map<"[p0] -> { a[n, i] -> slot[-2p0 + i] : 0 <= p0 <= 1 and 2p0 <= i <= 1 + 2p0 }"> : memref<2xf32>
// CHECK: cmcore.loop_nest (%p) {
// CHECK: cmcore.iteration [%p{{.*}}] (%i{{.*}}) {
// CHECK: cmcore.core @core0 runs @P[0] at (0)
// CHECK-NEXT: cmcore.core @core1 runs @P[1] at (1)
cmcore.network @main (@a) -> (@b) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a storage #polyhedral.map<"[p0] -> { a[n, i] -> slot[i - 2p0] : 0 <= p0 < 2 and 2p0 <= i < 2p0 + 2 }"> : memref<2xf32>
    cmcore.loop_nest (%p) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        cmcore.fire(%p, %i)
      }
    }
    cmcore.iteration [%p] (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[p, i] -> lane[]] -> a[2p + i] : 0 <= p < 2 and 0 <= i < 2 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[p, i] -> lane[]] -> b[2p + i] : 0 <= p < 2 and 0 <= i < 2 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @P[0] at (0)
  cmcore.core @core1 runs @P[1] at (1)
}
