// RUN: cm-opt %s --split-input-file --verify-diagnostics -p cmcore-verify-control

// Two cores that write in turn, and one that reads: proved.

cmcore.network @main () -> (@c) {
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<3xf32>
  cmcore.program @W {
    cmcore.credit @b from @R (%p0) {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %c1 = arith.constant 1 : index
      %0 = arith.addi %p0, %c2 : index
      cmcore.release upto (%p0, %0) ahead %c0
      cmcore.release at (%p0) upto (%p0, %p0) ahead %c1
      %1 = arith.addi %p0, %c2 : index
      cmcore.release at (%c2) upto (%p0, %1) ahead %c1
    }
    cmcore.loop_nest (%p0_1) {
      %c4 = arith.constant 4 : index
      %c2_1 = arith.constant 2 : index
      scf.for %i1 = %p0_1 to %c4 step %c2_1 {
        cmcore.fire(%p0_1, %i1)
      }
    }
    cmcore.iteration [%p] (%i) {
      %x = arith.constant dense<0.000000e+00> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [W[p, i] -> lane[]] -> b[i] : (p + i) mod 2 = 0 and 0 <= p <= 1 and 0 <= i <= 3 }"> : vector<f32>
    }
  }
  cmcore.program @R {
    %b = cmcore.buffer @b : memref<4xf32>
    cmcore.snoop %b from @W (%q0) {
      %c2 = arith.constant 2 : index
      cmcore.release at (%q0) upto (%q0)
      %0 = arith.addi %q0, %c2 : index
      cmcore.release at (%0) upto (%c2)
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c3 = arith.constant 3 : index
      %c1 = arith.constant 1 : index
      scf.for %i0 = %c0 to %c3 step %c1 {
        cmcore.fire(%i0)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [R[i] -> lane[k]] -> b[i + k] : 0 <= i <= 2 and 0 <= k <= 1 }"> : vector<2xf32>
      %y = cmcore.reduce add %x along [0] : vector<2xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [R[i] -> lane[]] -> c[i] : 0 <= i <= 2 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @W[0] at (0)
  cmcore.core @core1 runs @W[1] at (1)
  cmcore.core @core2 runs @R at (2)
}


// -----

// The second element of a core is read before it is there.

cmcore.network @main () -> (@c) {
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<3xf32>
  cmcore.program @W {
    cmcore.credit @b from @R (%p0) {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %c1 = arith.constant 1 : index
      %0 = arith.addi %p0, %c2 : index
      cmcore.release upto (%p0, %0) ahead %c0
      cmcore.release at (%p0) upto (%p0, %p0) ahead %c1
      %1 = arith.addi %p0, %c2 : index
      cmcore.release at (%c2) upto (%p0, %1) ahead %c1
    }
    cmcore.loop_nest (%p0_1) {
      %c4 = arith.constant 4 : index
      %c2_1 = arith.constant 2 : index
      scf.for %i1 = %p0_1 to %c4 step %c2_1 {
        cmcore.fire(%p0_1, %i1)
      }
    }
    cmcore.iteration [%p] (%i) {
      %x = arith.constant dense<0.000000e+00> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [W[p, i] -> lane[]] -> b[i] : (p + i) mod 2 = 0 and 0 <= p <= 1 and 0 <= i <= 3 }"> : vector<f32>
    }
  }
  cmcore.program @R {
    %b = cmcore.buffer @b : memref<4xf32>
    // expected-error @below {{not safe: iteration (1) of @R may read b[2] before iteration (0, 2) of @W has stored it}}
    cmcore.snoop %b from @W (%q0) {
      %c2 = arith.constant 2 : index
      cmcore.release at (%q0) upto (%c2)
      %0 = arith.addi %q0, %c2 : index
      cmcore.release at (%0) upto (%c2)
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c3 = arith.constant 3 : index
      %c1 = arith.constant 1 : index
      scf.for %i0 = %c0 to %c3 step %c1 {
        cmcore.fire(%i0)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [R[i] -> lane[k]] -> b[i + k] : 0 <= i <= 2 and 0 <= k <= 1 }"> : vector<2xf32>
      %y = cmcore.reduce add %x along [0] : vector<2xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [R[i] -> lane[]] -> c[i] : 0 <= i <= 2 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @W[0] at (0)
  cmcore.core @core1 runs @W[1] at (1)
  cmcore.core @core2 runs @R at (2)
}


// -----

// An element is read for the last time earlier than that.

cmcore.network @main () -> (@c) {
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<3xf32>
  cmcore.program @W {
    // expected-error @below {{not tight: iteration (0, 0) of @W waits for iteration (2) of @R, 1 inference earlier, and needs nothing of it in @b}}
    cmcore.credit @b from @R (%p0) {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %c1 = arith.constant 1 : index
      %0 = arith.addi %p0, %c2 : index
      cmcore.release upto (%p0, %0) ahead %c0
      cmcore.release at (%c2) upto (%p0, %p0) ahead %c1
      %1 = arith.addi %p0, %c2 : index
      cmcore.release at (%c2) upto (%p0, %1) ahead %c1
    }
    cmcore.loop_nest (%p0_1) {
      %c4 = arith.constant 4 : index
      %c2_1 = arith.constant 2 : index
      scf.for %i1 = %p0_1 to %c4 step %c2_1 {
        cmcore.fire(%p0_1, %i1)
      }
    }
    cmcore.iteration [%p] (%i) {
      %x = arith.constant dense<0.000000e+00> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [W[p, i] -> lane[]] -> b[i] : (p + i) mod 2 = 0 and 0 <= p <= 1 and 0 <= i <= 3 }"> : vector<f32>
    }
  }
  cmcore.program @R {
    %b = cmcore.buffer @b : memref<4xf32>
    cmcore.snoop %b from @W (%q0) {
      %c2 = arith.constant 2 : index
      cmcore.release at (%q0) upto (%q0)
      %0 = arith.addi %q0, %c2 : index
      cmcore.release at (%0) upto (%c2)
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c3 = arith.constant 3 : index
      %c1 = arith.constant 1 : index
      scf.for %i0 = %c0 to %c3 step %c1 {
        cmcore.fire(%i0)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [R[i] -> lane[k]] -> b[i + k] : 0 <= i <= 2 and 0 <= k <= 1 }"> : vector<2xf32>
      %y = cmcore.reduce add %x along [0] : vector<2xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [R[i] -> lane[]] -> c[i] : 0 <= i <= 2 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @W[0] at (0)
  cmcore.core @core1 runs @W[1] at (1)
  cmcore.core @core2 runs @R at (2)
}


// -----

// An automaton that allows nothing.

cmcore.network @main () -> (@c) {
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<3xf32>
  cmcore.program @W {
    // expected-error @below {{not live: iteration (0, 0) of @W is never released by @R on account of @b}}
    cmcore.credit @b from @R (%p0) {}
    cmcore.loop_nest (%p0_1) {
      %c4 = arith.constant 4 : index
      %c2_1 = arith.constant 2 : index
      scf.for %i1 = %p0_1 to %c4 step %c2_1 {
        cmcore.fire(%p0_1, %i1)
      }
    }
    cmcore.iteration [%p] (%i) {
      %x = arith.constant dense<0.000000e+00> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [W[p, i] -> lane[]] -> b[i] : (p + i) mod 2 = 0 and 0 <= p <= 1 and 0 <= i <= 3 }"> : vector<f32>
    }
  }
  cmcore.program @R {
    %b = cmcore.buffer @b : memref<4xf32>
    cmcore.snoop %b from @W (%q0) {
      %c2 = arith.constant 2 : index
      cmcore.release at (%q0) upto (%q0)
      %0 = arith.addi %q0, %c2 : index
      cmcore.release at (%0) upto (%c2)
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c3 = arith.constant 3 : index
      %c1 = arith.constant 1 : index
      scf.for %i0 = %c0 to %c3 step %c1 {
        cmcore.fire(%i0)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [R[i] -> lane[k]] -> b[i + k] : 0 <= i <= 2 and 0 <= k <= 1 }"> : vector<2xf32>
      %y = cmcore.reduce add %x along [0] : vector<2xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [R[i] -> lane[]] -> c[i] : 0 <= i <= 2 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @W[0] at (0)
  cmcore.core @core1 runs @W[1] at (1)
  cmcore.core @core2 runs @R at (2)
}


// -----

// One of the cores is missing.

cmcore.network @main () -> (@c) {
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<3xf32>
  cmcore.program @W {
    cmcore.credit @b from @R (%p0) {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %c1 = arith.constant 1 : index
      %0 = arith.addi %p0, %c2 : index
      cmcore.release upto (%p0, %0) ahead %c0
      cmcore.release at (%p0) upto (%p0, %p0) ahead %c1
      %1 = arith.addi %p0, %c2 : index
      cmcore.release at (%c2) upto (%p0, %1) ahead %c1
    }
    cmcore.loop_nest (%p0_1) {
      %c4 = arith.constant 4 : index
      %c2_1 = arith.constant 2 : index
      scf.for %i1 = %p0_1 to %c4 step %c2_1 {
        cmcore.fire(%p0_1, %i1)
      }
    }
    cmcore.iteration [%p] (%i) {
      %x = arith.constant dense<0.000000e+00> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [W[p, i] -> lane[]] -> b[i] : (p + i) mod 2 = 0 and 0 <= p <= 1 and 0 <= i <= 3 }"> : vector<f32>
    }
  }
  // expected-error @below {{iteration (0) of @R reads b[1], which no program stores}}
  cmcore.program @R {
    %b = cmcore.buffer @b : memref<4xf32>
    cmcore.snoop %b from @W (%q0) {
      %c2 = arith.constant 2 : index
      cmcore.release at (%q0) upto (%q0)
      %0 = arith.addi %q0, %c2 : index
      cmcore.release at (%0) upto (%c2)
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c3 = arith.constant 3 : index
      %c1 = arith.constant 1 : index
      scf.for %i0 = %c0 to %c3 step %c1 {
        cmcore.fire(%i0)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [R[i] -> lane[k]] -> b[i + k] : 0 <= i <= 2 and 0 <= k <= 1 }"> : vector<2xf32>
      %y = cmcore.reduce add %x along [0] : vector<2xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [R[i] -> lane[]] -> c[i] : 0 <= i <= 2 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @W[0] at (0)
  cmcore.core @core2 runs @R at (2)
}


// -----

// Iterations are another core's.

cmcore.network @main () -> (@c) {
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<3xf32>
  cmcore.program @W {
    cmcore.credit @b from @R (%p0) {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %c1 = arith.constant 1 : index
      %0 = arith.addi %p0, %c2 : index
      cmcore.release upto (%p0, %0) ahead %c0
      cmcore.release at (%p0) upto (%p0, %p0) ahead %c1
      %1 = arith.addi %p0, %c2 : index
      cmcore.release at (%c2) upto (%p0, %1) ahead %c1
    }
    // expected-error @below {{@W fires iteration (1, 0) on a core that has other coordinates}}
    cmcore.loop_nest (%p0_1) {
      %c1_1 = arith.constant 1 : index
      %other = arith.subi %c1_1, %p0_1 : index
      %c4 = arith.constant 4 : index
      %c2_1 = arith.constant 2 : index
      scf.for %i1 = %p0_1 to %c4 step %c2_1 {
        cmcore.fire(%other, %i1)
      }
    }
    cmcore.iteration [%p] (%i) {
      %x = arith.constant dense<0.000000e+00> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [W[p, i] -> lane[]] -> b[i] : (p + i) mod 2 = 0 and 0 <= p <= 1 and 0 <= i <= 3 }"> : vector<f32>
    }
  }
  cmcore.program @R {
    %b = cmcore.buffer @b : memref<4xf32>
    cmcore.snoop %b from @W (%q0) {
      %c2 = arith.constant 2 : index
      cmcore.release at (%q0) upto (%q0)
      %0 = arith.addi %q0, %c2 : index
      cmcore.release at (%0) upto (%c2)
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c3 = arith.constant 3 : index
      %c1 = arith.constant 1 : index
      scf.for %i0 = %c0 to %c3 step %c1 {
        cmcore.fire(%i0)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [R[i] -> lane[k]] -> b[i + k] : 0 <= i <= 2 and 0 <= k <= 1 }"> : vector<2xf32>
      %y = cmcore.reduce add %x along [0] : vector<2xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [R[i] -> lane[]] -> c[i] : 0 <= i <= 2 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @W[0] at (0)
  cmcore.core @core1 runs @W[1] at (1)
  cmcore.core @core2 runs @R at (2)
}

