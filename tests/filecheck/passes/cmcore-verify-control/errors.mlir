// RUN: cm-opt %s --split-input-file -p cmcore-verify-control --verify-diagnostics

// A limit that is one too far.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c7 = arith.constant 7 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c4 step %c1 {
        %next = arith.addi %i, %c4 : index
        cmcore.release at (%i) upto (%next) ahead %c0
      }
      cmcore.release at (%c4) upto (%c0) ahead %c1
      cmcore.release at (%c5) upto (%c3) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 4] }"> : memref<4xf32>
    // expected-error @below {{cmcore.snoop releases (6), which is no iteration of @reader}}
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      scf.for %j = %c2 to %c8 step %c1 {
        %last = arith.subi %j, %c1 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c6 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// A longer wait.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c7 = arith.constant 7 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c4 step %c1 {
        %next = arith.addi %i, %c4 : index
        cmcore.release at (%i) upto (%next) ahead %c0
      }
      cmcore.release at (%c4) upto (%c0) ahead %c1
      cmcore.release at (%c5) upto (%c3) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 4] }"> : memref<4xf32>
    // expected-error @below {{not tight: iteration (1) of @reader waits for iteration (4) of @writer and needs nothing of it in @b}}
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      scf.for %j = %c2 to %c8 step %c2 {
        %last = arith.subi %j, %c2 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c6 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// The last iteration is forgotten.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c7 = arith.constant 7 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c4 step %c1 {
        %next = arith.addi %i, %c4 : index
        cmcore.release at (%i) upto (%next) ahead %c0
      }
      cmcore.release at (%c4) upto (%c0) ahead %c1
      cmcore.release at (%c5) upto (%c3) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 4] }"> : memref<4xf32>
    // expected-error @below {{not tight: iteration (5) of @reader waits for iteration (2) of @writer, 1 inference later, and needs nothing of it in @b}}
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      %c7 = arith.constant 7 : index
      scf.for %j = %c2 to %c7 step %c1 {
        %last = arith.subi %j, %c2 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c6 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// Room that is not free yet.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    // expected-error @below {{not safe: iteration (5) of @writer may overwrite b[1] before iteration (1) of @reader has read it}}
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c7 = arith.constant 7 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c4 step %c1 {
        %c5_1 = arith.constant 5 : index
        %c7_1 = arith.constant 7 : index
        %sum = arith.addi %i, %c5_1 : index
        %next = arith.minsi %sum, %c7_1 : index
        cmcore.release at (%i) upto (%next) ahead %c0
      }
      cmcore.release at (%c4) upto (%c0) ahead %c1
      cmcore.release at (%c5) upto (%c3) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 4] }"> : memref<4xf32>
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      scf.for %j = %c2 to %c8 step %c1 {
        %last = arith.subi %j, %c2 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c6 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// No credit at all: the first element overwritten is the first one that is kept in its slot.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  // expected-error @below {{not safe: iteration (4) of @writer may overwrite b[0] before iteration (0) of @reader has read it}}
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 4] }"> : memref<4xf32>
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      scf.for %j = %c2 to %c8 step %c1 {
        %last = arith.subi %j, %c2 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c6 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// A ring that is too small for the window.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    // expected-error @below {{not safe: iteration (2) of @writer may overwrite b[0] before iteration (0) of @reader has read it}}
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c7 = arith.constant 7 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c4 step %c1 {
        %next = arith.addi %i, %c4 : index
        cmcore.release at (%i) upto (%next) ahead %c0
      }
      cmcore.release at (%c4) upto (%c0) ahead %c1
      cmcore.release at (%c5) upto (%c3) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 2] }"> : memref<2xf32>
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      scf.for %j = %c2 to %c8 step %c1 {
        %last = arith.subi %j, %c2 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c6 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// Storage that is not alike in all inferences: in inference 1 it is another.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    // expected-error @below {{not safe: iteration (0) of @writer may overwrite b[5] before iteration (5) of @reader, 1 inference earlier, has read it (in inference 1)}}
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c7 = arith.constant 7 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c4 step %c1 {
        %next = arith.addi %i, %c4 : index
        cmcore.release at (%i) upto (%next) ahead %c0
      }
      cmcore.release at (%c4) upto (%c0) ahead %c1
      cmcore.release at (%c5) upto (%c3) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[(i + floor((n + 1) / 2)) mod 4] }"> : memref<4xf32>
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      scf.for %j = %c2 to %c8 step %c1 {
        %last = arith.subi %j, %c2 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c6 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// An iteration twice.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c7 = arith.constant 7 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c4 step %c1 {
        %next = arith.addi %i, %c4 : index
        cmcore.release at (%i) upto (%next) ahead %c0
      }
      cmcore.release at (%c4) upto (%c0) ahead %c1
      cmcore.release at (%c5) upto (%c3) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 4] }"> : memref<4xf32>
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      scf.for %j = %c2 to %c8 step %c1 {
        %last = arith.subi %j, %c2 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    // expected-error @below {{@reader fires iteration (0) twice}}
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c6 step %c1 {
        cmcore.fire(%i)
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// None.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c7 = arith.constant 7 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c4 step %c1 {
        %next = arith.addi %i, %c4 : index
        cmcore.release at (%i) upto (%next) ahead %c0
      }
      cmcore.release at (%c4) upto (%c0) ahead %c1
      cmcore.release at (%c5) upto (%c3) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 4] }"> : memref<4xf32>
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      scf.for %j = %c2 to %c8 step %c1 {
        %last = arith.subi %j, %c2 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    // expected-error @below {{@reader fires no iteration}}
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c6 step %c1 {
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// An element that is not stored.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c7 = arith.constant 7 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c4 step %c1 {
        %next = arith.addi %i, %c4 : index
        cmcore.release at (%i) upto (%next) ahead %c0
      }
      cmcore.release at (%c4) upto (%c0) ahead %c1
      cmcore.release at (%c5) upto (%c3) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 7 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  // expected-error @below {{iteration (5) of @reader reads b[7], which no program stores}}
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 4] }"> : memref<4xf32>
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      scf.for %j = %c2 to %c8 step %c1 {
        %last = arith.subi %j, %c2 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c6 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// An output that is not complete.
// expected-error @below {{output element c[5] is stored by no program}}
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c7 = arith.constant 7 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c4 step %c1 {
        %next = arith.addi %i, %c4 : index
        cmcore.release at (%i) upto (%next) ahead %c0
      }
      cmcore.release at (%c4) upto (%c0) ahead %c1
      cmcore.release at (%c5) upto (%c3) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 4] }"> : memref<4xf32>
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      scf.for %j = %c2 to %c8 step %c1 {
        %last = arith.subi %j, %c2 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 5 : index
      scf.for %i = %c0 to %c6 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// An event that there is none of.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c7 = arith.constant 7 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c4 step %c1 {
        %next = arith.addi %i, %c4 : index
        cmcore.release at (%i) upto (%next) ahead %c0
      }
      cmcore.release at (%c4) upto (%c0) ahead %c1
      cmcore.release at (%c5) upto (%c3) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 4] }"> : memref<4xf32>
    // expected-error @below {{cmcore.snoop waits for (8), which @writer never brings about}}
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      %c9 = arith.constant 9 : index
      scf.for %j = %c2 to %c9 step %c1 {
        %last = arith.subi %j, %c2 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c6 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}

// -----

// A limit that is none.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  cmcore.program @writer {
    %a = cmcore.buffer @a : memref<8xf32>
    // expected-error @below {{cmcore.credit releases (8), which is no iteration of @writer}}
    cmcore.credit @b from @reader {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c7 = arith.constant 7 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c4 step %c1 {
        %next = arith.addi %i, %c4 : index
        %far = arith.addi %next, %c4 : index
        cmcore.release at (%i) upto (%far) ahead %c0
      }
      cmcore.release at (%c4) upto (%c0) ahead %c1
      cmcore.release at (%c5) upto (%c3) ahead %c1
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [writer[i] -> lane[]] -> a[i] : 0 <= i < 8 }"> : vector<f32>
      cmcore.store %x, @b #polyhedral.map<"{ [writer[i] -> lane[]] -> b[i] : 0 <= i < 8 }"> : vector<f32>
    }
  }
  cmcore.program @reader {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[i mod 4] }"> : memref<4xf32>
    cmcore.snoop %b from @writer {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      scf.for %j = %c2 to %c8 step %c1 {
        %last = arith.subi %j, %c2 : index
        cmcore.release at (%j) upto (%last)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c6 = arith.constant 6 : index
      scf.for %i = %c0 to %c6 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [reader[i] -> lane[k]] -> b[i + k] : 0 <= i < 6 and 0 <= k < 3 }"> : vector<3xf32>
      %y = cmcore.reduce add %x along [0] : vector<3xf32> -> vector<f32>
      cmcore.store %y, @c #polyhedral.map<"{ [reader[i] -> lane[]] -> c[i] : 0 <= i < 6 }"> : vector<f32>
    }
  }
  cmcore.core @core0 runs @writer at (0)
  cmcore.core @core1 runs @reader at (1)
}
