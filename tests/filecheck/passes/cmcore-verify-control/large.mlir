// RUN: cm-opt %s --verify-diagnostics -p cmcore-verify-control

// A buffer with more slots than are enumerated is proved symbolically.

// expected-remark @below {{control proved for endless streams, symbolically}}
cmcore.network @main () -> (@c) {
  polyhedral.array @b : tensor<2xf32>
  polyhedral.array @c : tensor<2xf32>
  cmcore.program @W {
    cmcore.credit @b from @R {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      cmcore.release upto (%c1)
      scf.for %i = %c0 to %c2 step %c1 {
        cmcore.release at (%i) upto (%i) ahead %c1
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = arith.constant dense<0.0> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [W[i] -> lane[]] -> b[i] : 0 <= i <= 1 }"> : vector<f32>
    }
  }
  cmcore.program @R {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i] : 0 <= i <= 1 }"> : memref<1000000000000xf32>
    cmcore.snoop %b from @W {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [R[i] -> lane[]] -> b[i] : 0 <= i <= 1 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [R[i] -> lane[]] -> c[i] : 0 <= i <= 1 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @W at (0)
  cmcore.core @core1 runs @R at (1)
}
