// RUN: cm-opt %s --split-input-file -p 'cmcore-verify-control{most-points=0}' --verify-diagnostics

// A loop that ISL cannot describe.
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
        // expected-error @below {{control logic cannot be proved: one factor of a product must be a constant}}
        %square = arith.muli %j, %j : index
        %last = arith.subi %square, %square : index
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

// A step that is not known.
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
      %step = arith.subi %c2, %c1 : index
      // expected-error @below {{control logic cannot be proved: the step of a loop must be a positive constant}}
      scf.for %j = %c2 to %c8 step %step {
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

// A snoop of what the program keeps but does not read.
cmcore.network @main () -> (@c) {
  polyhedral.array @b : tensor<2xf32>
  polyhedral.array @c : tensor<2xf32>
  polyhedral.array @d : tensor<2xf32>
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
      cmcore.store %x, @d #polyhedral.map<"{ [W[i] -> lane[]] -> d[i] : 0 <= i <= 1 }"> : vector<f32>
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
        cmcore.release at (%i) upto (%i)
      }
    }
    %d = cmcore.buffer @d : memref<2xf32>
    // expected-error @below {{cmcore.snoop of @d from @W: @R needs nothing of it}}
    cmcore.snoop %d from @W {
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

// -----

// A constant as a condition: proved.
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
    %b = cmcore.buffer @b : memref<2xf32>
    cmcore.snoop %b from @W {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      scf.for %i = %c0 to %c2 step %c1 {
        %true = arith.constant true
        scf.if %true {
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
