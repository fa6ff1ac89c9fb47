// RUN: cm-opt %s --split-input-file --verify-diagnostics -p cmcore-verify-control

// Right; what follows differs in one place.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// Without a step that waits for nothing, no limit ever lets the first iteration run.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    // expected-error @below {{not tight: iteration (0) of @writer waits for iteration (0) of @reader and needs nothing of it in @b; no step without `at` releases it}}
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// A first limit that is too low.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    // expected-error @below {{not tight: iteration (1) of @writer waits for iteration (0) of @reader and needs nothing of it in @b; no step without `at` releases it}}
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c0) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// The first limit is right, and later inferences are not.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    // expected-error @below {{not tight: iteration (0) of @writer waits for iteration (3) of @reader, 1 inference earlier, and needs nothing of it in @b (in inference 1)}}
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// What the last step allows, the first one of the next inference does, too: right.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c0) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// An automaton without steps.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    // expected-error @below {{not live: iteration (0) of @writer is never released by @reader on account of @b}}
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// An automaton that is there twice says nothing new.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
    }
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// No core.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  // expected-error @below {{no core runs @reader}}
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
}

// -----

// Two cores.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
  // expected-error @below {{program @reader runs on two cores}}
  cmcore.core @core2 runs @reader at (2)
}

// -----

// Two stores of one element.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      // expected-error @+2 {{@reader stores c[2] more than once}}
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[2] : i = 1 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// An input whose elements share a slot.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    // expected-error @below {{the buffer of @a at @writer has one slot for a[0] and a[3]; what is read of an input needs a slot of its own}}
    %a = cmcore.buffer @a storage #polyhedral.map<"{ a[n, i] -> slot[i mod 3] }"> : memref<3xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// An input whose elements come into each other's slots in other inferences.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    // expected-error @below {{the buffer of @a at @writer has one slot for a[0] and a[3]; what is read of an input needs a slot of its own}}
    %a = cmcore.buffer @a storage #polyhedral.map<"{ a[n, i] -> slot[(n + i) mod 4] }"> : memref<4xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// An input with a buffer for every other inference is right.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a storage #polyhedral.map<"{ a[n, i] -> slot[n mod 2, i] }"> : memref<2x4xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// A parameter whose elements share a slot.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @k parameter "k" : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    // expected-error @below {{the buffer of @k at @reader has one slot for k[0] and k[2]; what is read of a parameter needs a slot of its own}}
    %k = cmcore.buffer @k storage #polyhedral.map<"{ k[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      %k0 = cmcore.load %k at #polyhedral.map<"{ [reader[i] -> lane[]] -> k[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// A parameter that moves.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @k parameter "k" : tensor<1xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    // expected-error @below {{the buffer of @k at @reader has k[0] in another slot in another inference: a parameter stays}}
    %k = cmcore.buffer @k storage #polyhedral.map<"{ k[n, i] -> slot[n mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      %k0 = cmcore.load %k at #polyhedral.map<"{ [reader[i] -> lane[]] -> k[0] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// Which values are read is not a matter of control: backwards is as right.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c2) ahead %c0
      cmcore.release at (%c1) upto (%c3) ahead %c0
      cmcore.release at (%c2) upto (%c0) ahead %c1
      cmcore.release at (%c3) upto (%c1) ahead %c1
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
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[3 - i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
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
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[]] -> b[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}
