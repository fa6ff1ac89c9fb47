// RUN: cm-opt %s --split-input-file -p cmcore-verify-control --verify-diagnostics

// An iteration overwrites what only it reads, of the inference before.
cmcore.network @main (@x) -> (@h) {
  polyhedral.array @x : tensor<4xf32>
  polyhedral.array @h0 parameter dense<[[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]]> : tensor<1x4xf32>
  polyhedral.array @h : tensor<4xf32> initial @h0
  cmcore.program @s {
    %x = cmcore.buffer @x : memref<4xf32>
    %h = cmcore.buffer @h storage #polyhedral.map<"{ h[n, d0] -> slot[0, d0] }"> : memref<1x4xf32>
    cmcore.snoop %h from @s {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      cmcore.release upto (%c0) ahead %c0
      cmcore.release at (%c0) upto (%c0) ahead %c1
    }
    cmcore.credit @h from @s {
      %c0_1 = arith.constant 0 : index
      %c1_1 = arith.constant 1 : index
      cmcore.release upto (%c0_1) ahead %c0_1
      cmcore.release at (%c0_1) upto (%c0_1) ahead %c1_1
    }
    cmcore.loop_nest {
      %c0_2 = arith.constant 0 : index
      cmcore.fire(%c0_2)
    }
    cmcore.iteration (%i) {
      %x_1 = cmcore.load %x at #polyhedral.map<"{ [s[i = 0] -> lane[c]] -> x[c] : 0 <= c <= 3 }"> : vector<4xf32>
      %p = cmcore.load %h at #polyhedral.map<"{ [s[i = 0] -> lane[c]] -> h[m = -1, c] : 0 <= c <= 3 }"> across : vector<4xf32>
      %s = arith.addf %x_1, %p : vector<4xf32>
      cmcore.store %s, @h #polyhedral.map<"{ [s[i = 0] -> lane[c]] -> h[c] : 0 <= c <= 3 }"> : vector<4xf32>
    }
  }
  cmcore.core @core0 runs @s at (0)
}

// -----

// A store that waits for a read of a later inference, for which the last inferences of a stream would wait forever.
cmcore.network @main (@x) -> (@y) {
  polyhedral.array @x : tensor<1xf32>
  polyhedral.array @k0 parameter dense<0.000000e+00> : tensor<2x1xf32>
  polyhedral.array @k : tensor<1xf32> initial @k0
  polyhedral.array @y : tensor<1xf32>
  cmcore.program @key {
    %x = cmcore.buffer @x : memref<1xf32>
    cmcore.credit @k from @attend {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      cmcore.release upto () ahead %c0
      cmcore.release at () upto () ahead %c1
    }
    cmcore.loop_nest {
      cmcore.fire()
    }
    cmcore.iteration () {
      %x_1 = cmcore.load %x at #polyhedral.map<"{ [key[] -> lane[c = 0]] -> x[0] }"> : vector<1xf32>
      cmcore.store %x_1, @k #polyhedral.map<"{ [key[] -> lane[c = 0]] -> k[0] }"> : vector<1xf32>
    }
  }
  cmcore.program @attend {
    // expected-error @below {{the buffer of @k at @attend has one slot for k[-2, 0] and k[-1, 0] (inference first), and a later inference than the second reads the first: the buffer must hold more inferences}}
    %k = cmcore.buffer @k storage #polyhedral.map<"{ k[n, i] -> slot[0, i] }"> : memref<1x1xf32>
    cmcore.snoop %k from @key {
      %cm1 = arith.constant -1 : index
      %c0 = arith.constant 0 : index
      cmcore.release upto () ahead %cm1
      cmcore.release at (%c0) upto () ahead %c0
    }
    cmcore.loop_nest {
      cmcore.fire()
    }
    cmcore.iteration () {
      %k_1 = cmcore.load %k at #polyhedral.map<"{ [attend[] -> lane[t, c = 0]] -> k[m = -2 + t, 0] : 0 <= t <= 2 }"> across : vector<3x1xf32>
      %y = cmcore.reduce add %k_1 along [0] : vector<3x1xf32> -> vector<1xf32>
      cmcore.store %y, @y #polyhedral.map<"{ [attend[] -> lane[c = 0]] -> y[0] }"> : vector<1xf32>
    }
  }
  cmcore.core @core0 runs @key at (0)
  cmcore.core @core1 runs @attend at (1)
}

// -----

// A window of inputs, which are there from the start of their inference.
cmcore.network @main (@x) -> (@y) {
  polyhedral.array @x0 parameter dense<[[[1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]], [[5.000000e+00, 6.000000e+00], [7.000000e+00, 8.000000e+00]]]> : tensor<2x2x2xf32>
  polyhedral.array @x : tensor<2x2xf32> initial @x0
  polyhedral.array @y : tensor<2x2xf32>
  cmcore.program @s {
    %x = cmcore.buffer @x storage #polyhedral.map<"{ x[n, i, c] -> slot[o0, i, c] : (-n + o0) mod 3 = 0 and 0 <= o0 <= 2 }"> : memref<3x2x2xf32>
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %c1 = arith.constant 1 : index
      scf.for %i0 = %c0 to %c2 step %c1 {
        cmcore.fire(%i0)
      }
    }
    cmcore.iteration (%i) {
      %x_1 = cmcore.load %x at #polyhedral.map<"{ [s[i] -> lane[t, c]] -> x[m = -2 + t, i, c] : 0 <= i <= 1 and 0 <= t <= 2 and 0 <= c <= 1 }"> across : vector<3x2xf32>
      %y = cmcore.reduce add %x_1 along [0] : vector<3x2xf32> -> vector<2xf32>
      cmcore.store %y, @y #polyhedral.map<"{ [s[i] -> lane[c]] -> y[i, c] : 0 <= i <= 1 and 0 <= c <= 1 }"> : vector<2xf32>
    }
  }
  cmcore.core @core0 runs @s at (0)
}

// -----

// The input of an inference takes the place of the one before, which is still read.
cmcore.network @main (@x) -> (@y) {
  polyhedral.array @x0 parameter dense<[[[1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]], [[5.000000e+00, 6.000000e+00], [7.000000e+00, 8.000000e+00]]]> : tensor<2x2x2xf32>
  polyhedral.array @x : tensor<2x2xf32> initial @x0
  polyhedral.array @y : tensor<2x2xf32>
  cmcore.program @s {
    // expected-error @below {{the buffer of @x at @s has one slot for x[0, 0, 0] and x[1, 0, 0] (inference first), and the second or a later inference reads the first}}
    %x = cmcore.buffer @x storage #polyhedral.map<"{ x[n, i, c] -> slot[0, i, c] }"> : memref<1x2x2xf32>
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %c1 = arith.constant 1 : index
      scf.for %i0 = %c0 to %c2 step %c1 {
        cmcore.fire(%i0)
      }
    }
    cmcore.iteration (%i) {
      %x_1 = cmcore.load %x at #polyhedral.map<"{ [s[i] -> lane[t, c]] -> x[m = -2 + t, i, c] : 0 <= i <= 1 and 0 <= t <= 2 and 0 <= c <= 1 }"> across : vector<3x2xf32>
      %y = cmcore.reduce add %x_1 along [0] : vector<3x2xf32> -> vector<2xf32>
      cmcore.store %y, @y #polyhedral.map<"{ [s[i] -> lane[c]] -> y[i, c] : 0 <= i <= 1 and 0 <= c <= 1 }"> : vector<2xf32>
    }
  }
  cmcore.core @core0 runs @s at (0)
}

// -----

// Nothing says which of two initial values is in a slot.
cmcore.network @main (@x) -> (@y) {
  polyhedral.array @x : tensor<2xf32>
  polyhedral.array @h0 parameter dense<1.000000e+00> : tensor<1x2xf32>
  polyhedral.array @h : tensor<2xf32> initial @h0
  polyhedral.array @y : tensor<2xf32>
  cmcore.program @a {
    %x = cmcore.buffer @x : memref<2xf32>
    cmcore.credit @h from @r {
      %cm1 = arith.constant -1 : index
      %c0 = arith.constant 0 : index
      cmcore.release upto () ahead %cm1
      cmcore.release at (%c0) upto () ahead %c0
    }
    cmcore.loop_nest {
      cmcore.fire()
    }
    cmcore.iteration () {
      %x_1 = cmcore.load %x at #polyhedral.map<"{ [a[] -> lane[c = 0]] -> x[0] }"> : vector<1xf32>
      cmcore.store %x_1, @h #polyhedral.map<"{ [a[] -> lane[c = 0]] -> h[0] }"> : vector<1xf32>
    }
  }
  cmcore.program @b {
    %x = cmcore.buffer @x : memref<2xf32>
    cmcore.credit @h from @r {
      %cm1 = arith.constant -1 : index
      %c1 = arith.constant 1 : index
      %c0 = arith.constant 0 : index
      cmcore.release upto () ahead %cm1
      cmcore.release at (%c1) upto () ahead %c0
    }
    cmcore.loop_nest {
      cmcore.fire()
    }
    cmcore.iteration () {
      %x_1 = cmcore.load %x at #polyhedral.map<"{ [b[] -> lane[c = 0]] -> x[1] }"> : vector<1xf32>
      cmcore.store %x_1, @h #polyhedral.map<"{ [b[] -> lane[c = 0]] -> h[1] }"> : vector<1xf32>
    }
  }
  cmcore.program @r {
    // expected-error @below {{the buffer of @h at @r has initial values in slots that several cores store into, in no order}}
    %h = cmcore.buffer @h storage #polyhedral.map<"{ h[n, i] -> slot[0] }"> : memref<1xf32>
    cmcore.snoop %h from @a {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      cmcore.release upto (%c1) ahead %c0
      cmcore.release at (%c0) upto (%c1) ahead %c1
    }
    cmcore.snoop %h from @b {
      %c1_1 = arith.constant 1 : index
      %c0_1 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      cmcore.release upto (%c0_1) ahead %c1_1
      cmcore.release at (%c1_1) upto (%c0_1) ahead %c2
    }
    cmcore.loop_nest {
      %c0_2 = arith.constant 0 : index
      %c2_1 = arith.constant 2 : index
      %c1_2 = arith.constant 1 : index
      scf.for %i0 = %c0_2 to %c2_1 step %c1_2 {
        cmcore.fire(%i0)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %h at #polyhedral.map<"{ [r[i] -> lane[c = 0]] -> h[m = -1, i] : 0 <= i <= 1 }"> across : vector<1xf32>
      cmcore.store %x, @y #polyhedral.map<"{ [r[i] -> lane[c = 0]] -> y[i] : 0 <= i <= 1 }"> : vector<1xf32>
    }
  }
  cmcore.core @core0 runs @a at (0)
  cmcore.core @core1 runs @b at (1)
  cmcore.core @core2 runs @r at (2)
}
