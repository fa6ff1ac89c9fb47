// RUN: cm-opt %s | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s

// A program of the global control unit, which no core runs.

// CHECK: cmcore.program @send gcu {
cmcore.network @main (@a) -> (@b) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  cmcore.program @send gcu {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [send[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [send[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
}
