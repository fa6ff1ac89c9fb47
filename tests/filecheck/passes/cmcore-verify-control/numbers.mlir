// RUN: cm-opt %s --split-input-file --verify-diagnostics -p cmcore-verify-control

// A limit 2^63 inferences ahead: counted in iterations, 64 bits would make it one of the same inference.
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
    %b = cmcore.buffer @b : memref<2xf32>
    cmcore.snoop %b from @W {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        // expected-error @below {{numbers in a control loop must be smaller than 2^62}}
        %far = arith.constant 9223372036854775807 : index
        cmcore.release at (%i) upto (%i) ahead %far
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

// -----

// The same by arithmetic.
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
    %b = cmcore.buffer @b : memref<2xf32>
    cmcore.snoop %b from @W {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        %large = arith.constant 2305843009213693952 : index
        %four = arith.addi %c2, %c2 : index
        %eight = arith.addi %four, %four : index
        // expected-error @below {{numbers in a control loop must be smaller than 2^62}}
        %far = arith.muli %large, %eight : index
        cmcore.release at (%i) upto (%i) ahead %far
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

// -----

// A limit so far ahead that counted in iterations it does not fit in 64 bits.
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
    %b = cmcore.buffer @b : memref<2xf32>
    // expected-error @below {{cmcore.snoop reaches 2305843009213693952 inferences away, 4096 at most}}
    cmcore.snoop %b from @W {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        %far = arith.constant 2305843009213693952 : index
        cmcore.release at (%i) upto (%i) ahead %far
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

// -----

// A limit so far behind that it would take as many inferences before anything is released.
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
    %b = cmcore.buffer @b : memref<2xf32>
    // expected-error @below {{cmcore.snoop reaches 1000000000000 inferences away, 4096 at most}}
    cmcore.snoop %b from @W {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        %far = arith.constant -1000000000000 : index
        cmcore.release at (%i) upto (%i) ahead %far
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

// -----

// A limit in the inference before, beside the right one, says nothing new: proved.
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
    %b = cmcore.buffer @b : memref<2xf32>
    cmcore.snoop %b from @W {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        %before = arith.constant -1 : index
        cmcore.release at (%i) upto (%i)
        cmcore.release at (%i) upto (%c1) ahead %before
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

// -----

// Division by zero.
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
    %b = cmcore.buffer @b : memref<2xf32>
    cmcore.snoop %b from @W {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        // expected-error @below {{a control loop divides by zero}}
        %j = arith.floordivsi %i, %c0 : index
        cmcore.release at (%i) upto (%j)
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

// -----

// Loops and conditions carry no values.
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
    %b = cmcore.buffer @b : memref<2xf32>
    cmcore.snoop %b from @W {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        %p = arith.cmpi slt, %i, %c2 : index
        // expected-error @below {{scf.if must not have results in a control loop}}
        %j = scf.if %p -> (index) {
          scf.yield %i : index
        } else {
          scf.yield %c0 : index
        }
        cmcore.release at (%i) upto (%j)
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

// -----

// Narrow integers wrap around, which the control unit does not.
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
    %b = cmcore.buffer @b : memref<2xf32>
    cmcore.snoop %b from @W {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        // expected-error @below {{a control loop computes on `index`, got i8}}
        %k = arith.constant 1 : i8
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

// -----

// Truth values, and a comparison of unsigned numbers: -1 is a large one. Proved.
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
    %b = cmcore.buffer @b : memref<2xf32>
    cmcore.snoop %b from @W {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        %true = arith.constant true
        %before = arith.subi %i, %c2 : index
        %small = arith.cmpi ult, %before, %c2 : index
        %large = arith.xori %small, %true : i1
        scf.if %large {
          cmcore.release at (%i) upto (%i)
        }
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
