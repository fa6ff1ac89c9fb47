// An array that nobody stores and a load without a location in it: nothing is needed of anybody.
// RUN: cm-opt %s -p cmcore-verify-control | filecheck %s

// CHECK: cmcore.buffer @b storage

cmcore.network @main () -> (@c) {
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @R {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [R[i] -> lane[]] -> b[i] : 4 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [R[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @R at (0)
}
