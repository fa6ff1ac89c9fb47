// RUN: cm-opt %s -p cmcore-verify-control | filecheck %s

// Two cores store elements that nobody reads into one slot of a buffer, in no order: proved.

// CHECK: cmcore.core @core2 runs @R at (2)
cmcore.network @main () -> (@c) {
  polyhedral.array @b : tensor<3xf32>
  polyhedral.array @c : tensor<1xf32>
  cmcore.program @V {
    cmcore.credit @b from @R {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      cmcore.release upto (%c1)
      cmcore.release at (%c0) upto (%c1) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      cmcore.fire(%c0)
      cmcore.fire(%c1)
    }
    cmcore.iteration (%i) {
      %x = arith.constant dense<0.0> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [V[i] -> lane[]] -> b[i] : 0 <= i <= 1 }"> : vector<f32>
    }
  }
  cmcore.program @W {
    cmcore.credit @b from @R {
      %c0 = arith.constant 0 : index
      cmcore.release upto (%c0)
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      cmcore.fire(%c0)
    }
    cmcore.iteration (%i) {
      %x = arith.constant dense<0.0> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [W[0] -> lane[]] -> b[2] }"> : vector<f32>
    }
  }
  cmcore.program @R {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, 0] -> slot[0]; b[n, i] -> slot[1] : 1 <= i <= 2 }"> : memref<2xf32>
    cmcore.snoop %b from @V {
      %c0 = arith.constant 0 : index
      cmcore.release at (%c0) upto (%c0)
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      cmcore.fire(%c0)
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [R[0] -> lane[]] -> b[0] }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [R[0] -> lane[]] -> c[0] }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @V at (0)
  cmcore.core @core1 runs @W at (1)
  cmcore.core @core2 runs @R at (2)
}
