// Control units start from reset: @P is never let go, because its credit has no limit before @Q has read.
// RUN: not cm-run %s --random 0 -n 2 2>&1 | filecheck %s
// CHECK: error: deadlock: @P waits for room in the buffer of @b at @Q, @Q waits for data in its buffer of @b from @P

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<2xf32>
  polyhedral.array @b : tensor<2xf32>
  polyhedral.array @c : tensor<2xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<2xf32>
    cmcore.credit @b from @Q {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      cmcore.release at (%c0) upto (%c0) ahead %c1
      cmcore.release at (%c1) upto (%c1) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      cmcore.fire(%c0)
      cmcore.fire(%c1)
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[i] -> lane[]] -> a[i] : 0 <= i < 2 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[i] -> lane[]] -> b[i] : 0 <= i < 2 }"> : vector<f32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<2xf32>
    cmcore.snoop %b from @P {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      cmcore.release at (%c0) upto (%c0)
      cmcore.release at (%c1) upto (%c1)
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      cmcore.fire(%c0)
      cmcore.fire(%c1)
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [Q[i] -> lane[]] -> b[i] : 0 <= i < 2 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [Q[i] -> lane[]] -> c[i] : 0 <= i < 2 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @P at (0)
  cmcore.core @core1 runs @Q at (1)
}
