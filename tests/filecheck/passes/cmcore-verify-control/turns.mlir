// RUN: cm-opt %s --verify-diagnostics -p cmcore-verify-control

// Two writers share slots. Iterations of the reader give their order at one core, but not at its copies: copy 2 reads
// only b[2], and nothing orders the arrivals of b[0] and b[2] in its buffer.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @A {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.credit @b from @R {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1)
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      cmcore.fire(%c0)
      cmcore.fire(%c1)
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [A[i] -> lane[]] -> a[i] : 0 <= i < 2 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [A[i] -> lane[]] -> b[i] : 0 <= i < 2 }"> : vector<f32>
    }
  }
  cmcore.program @B {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.credit @b from @R {
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
      %x = cmcore.load %a at #polyhedral.map<"{ [B[i] -> lane[]] -> a[2 + i] : 0 <= i < 2 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [B[i] -> lane[]] -> b[2 + i] : 0 <= i < 2 }"> : vector<f32>
    }
  }
  cmcore.program @R {
    // expected-error @below {{the buffers of @b at the copies of @R have slots that several cores store into: what one copy reads does not order what arrives at another}}
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @A {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      cmcore.release at (%c0) upto (%c0)
      cmcore.release at (%c1) upto (%c3)
    }
    cmcore.snoop %b from @B {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1)
      cmcore.release at (%c2) upto (%c2)
      cmcore.release at (%c3) upto (%c3)
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [R[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [R[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @A at (0)
  cmcore.core @core1 runs @B at (1)
  cmcore.core @r0 runs @R turn 0 of 3 at (10)
  cmcore.core @r1 runs @R turn 1 of 3 at (11)
  cmcore.core @r2 runs @R turn 2 of 3 at (12)
}
