// RUN: cm-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{input @a is not an array in the body}}
cmcore.network @main (@a) -> () {}

// -----

// expected-error @below {{output @a is not an array in the body}}
cmcore.network @main () -> (@a) {}

// -----

// expected-error @below {{output @a is stored by no program}}
cmcore.network @main (@a) -> (@a) {
  polyhedral.array @a : tensor<4xf32>
}

// -----

// expected-error @below {{the body holds polyhedral.array, cmcore.program and cmcore.core only, got func.func}}
cmcore.network @main () -> () {
  func.func private @f()
}

// -----

// expected-error @below {{expects parent op 'cmcore.network'}}
cmcore.core @c runs @P at (0)

// -----

// expected-error @below {{expects parent op 'cmcore.network'}}
cmcore.program @P {
  cmcore.loop_nest {}
  cmcore.iteration () {}
}

// -----

// expected-error @below {{expects parent op 'cmcore.program'}}
cmcore.loop_nest {}

// -----

// expected-error @below {{expects parent op 'cmcore.program'}}
cmcore.iteration () {}

// -----

// expected-error @below {{expects parent op 'cmcore.program'}}
%b = cmcore.buffer @b : memref<4xf32>

// -----

func.func @outside(%i: index) {
  // expected-error @below {{must be in cmcore.loop_nest or polyhedral.stage}}
  cmcore.fire(%i)
  func.return
}

// -----

func.func @outside(%i: index) {
  // expected-error @below {{must be in cmcore.snoop or cmcore.credit or polyhedral.dependence}}
  cmcore.release upto (%i)
  func.return
}

// -----

func.func @mxv(%m: tensor<2x3xf32>, %x: vector<4xf32>) {
  // expected-error @below {{the matrix takes 3 elements, the vector has 4}}
  %y = cmcore.mxv %m, %x : tensor<2x3xf32>, vector<4xf32> -> vector<2xf32>
  func.return
}

// -----

func.func @mxv(%m: tensor<2x2x3xf32>, %x: vector<2x3xf32>) {
  // expected-error @below {{the matrix gives 4 elements, the result has 2}}
  %y = cmcore.mxv %m, %x : tensor<2x2x3xf32>, vector<2x3xf32> -> vector<2xf32>
  func.return
}

// -----

func.func @mxv(%m: tensor<3xf32>, %x: vector<3xf32>) {
  // expected-error @below {{the matrix must have rank 2 or 3, got rank 1}}
  %y = cmcore.mxv %m, %x : tensor<3xf32>, vector<3xf32> -> vector<1xf32>
  func.return
}

// -----

func.func @mxv(%m: tensor<1x3xf32>, %x: vector<3xf16>) {
  // expected-error @below {{the matrix, the vector and the result must have one element type}}
  %y = cmcore.mxv %m, %x : tensor<1x3xf32>, vector<3xf16> -> vector<1xf32>
  func.return
}

// -----

func.func @mxv(%m: vector<1x3xf32>, %x: vector<3xf32>) {
  // expected-error @below {{vector<1x3xf32> should be of base attribute tensor}}
  %y = cmcore.mxv %m, %x : vector<1x3xf32>, vector<3xf32> -> vector<1xf32>
  func.return
}

// -----

func.func @reduce(%x: vector<2x3xf32>) {
  // expected-error @below {{the kind must be one of add, mul, }}
  %y = cmcore.reduce sum %x along [0] : vector<2x3xf32> -> vector<3xf32>
  func.return
}

// -----

func.func @reduce(%x: vector<2x3xf32>) {
  // expected-error @below {{`along` must name dimensions of rank 2, got [2]}}
  %y = cmcore.reduce add %x along [2] : vector<2x3xf32> -> vector<2x3xf32>
  func.return
}

// -----

func.func @reduce(%x: vector<2x3xf32>) {
  // expected-error @below {{`along` must name dimensions of rank 2, got [0, 0]}}
  %y = cmcore.reduce add %x along [0, 0] : vector<2x3xf32> -> vector<3xf32>
  func.return
}

// -----

func.func @reduce(%x: vector<2x3xf32>) {
  // expected-error @below {{the result must have type vector<3xf32>, got vector<2xf32>}}
  %y = cmcore.reduce add %x along [0] : vector<2x3xf32> -> vector<2xf32>
  func.return
}

// -----

func.func @arg_reduce(%x: vector<2x3xf32>) {
  // expected-error @below {{the kind must be one of maximumf, minimumf, maxsi, maxui, minsi, minui, got add}}
  %y = cmcore.arg_reduce add %x along 0 : vector<2x3xf32> -> vector<3xi32>
  func.return
}

// -----

func.func @arg_reduce(%x: vector<2x3xf32>) {
  // expected-error @below {{`along` must name a dimension of rank 2, got 2}}
  %y = cmcore.arg_reduce maximumf %x along 2 : vector<2x3xf32> -> vector<2x3xi32>
  func.return
}

// -----

func.func @arg_reduce(%x: vector<2x3xf32>) {
  // expected-error @below {{the result must have type vector<3xi32>, got vector<3xf32>}}
  %y = cmcore.arg_reduce maximumf %x along 0 last : vector<2x3xf32> -> vector<3xf32>
  func.return
}

// -----

func.func @compare(%x: vector<3xf32>) {
  // expected-error @below {{the relation must be one of eq, ne, lt, le, gt, ge, got ult}}
  %y = cmcore.compare ult %x, %x : vector<3xf32>
  func.return
}

// -----

func.func @compare(%x: vector<3xf32>, %z: vector<1xf32>) {
  // expected-error @below {{the operands must have one type, got vector<3xf32> and vector<1xf32>}}
  %y = "cmcore.compare"(%x, %z) <{relation = "eq"}> : (vector<3xf32>, vector<1xf32>) -> vector<3xi1>
  func.return
}

// -----

func.func @compare(%x: vector<3xf32>) {
  // expected-error @below {{the result must have type vector<3xi1>, got vector<3xf32>}}
  %y = "cmcore.compare"(%x, %x) <{relation = "eq"}> : (vector<3xf32>, vector<3xf32>) -> vector<3xf32>
  func.return
}

// -----

func.func @select(%c: vector<1xi1>, %x: vector<3xf32>) {
  // expected-error @below {{the condition must have type vector<3xi1>, got vector<1xi1>}}
  %y = cmcore.select %c, %x, %x : vector<1xi1>, vector<3xf32>
  func.return
}

// -----

func.func @reduce(%x: tensor<2x3xf32>) {
  // expected-error @below {{operand 'vector' at position 0 does not verify: tensor<2x3xf32> should be of base attribute vector}}
  %y = cmcore.reduce add %x along [0] : tensor<2x3xf32> -> vector<3xf32>
  func.return
}

// -----

// expected-error @below {{input @b is stored by a program}}
cmcore.network @main (@b) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

// expected-error @below {{input @w is a parameter}}
cmcore.network @main (@w) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

// expected-error @below {{the places of cores must have one number of coordinates}}
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1, 0)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  // expected-error @below {{there is no cmcore.program @R}}
  cmcore.core @c0 runs @R at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  // expected-error @below {{Expected integer literal}}
  cmcore.core @c1 runs @Q at (x)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  // expected-error @below {{program @Q must have one cmcore.loop_nest, got 0}}
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  // expected-error @below {{program @Q must have one cmcore.iteration, got 2}}
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%i, %j) {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  // expected-error @below {{the body holds cmcore.buffer, cmcore.crossbar, cmcore.snoop, cmcore.credit, cmcore.loop_nest and cmcore.iteration only, got arith.constant}}
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    %z = arith.constant 0 : index
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    // expected-error @below {{there is no polyhedral.array @z}}
    %a = cmcore.buffer @z : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    // expected-error @below {{a buffer without `storage` is like its array, tensor<8xf32>}}
    %a = cmcore.buffer @a : memref<9xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    // expected-error @below {{a buffer without `storage` is like its array, tensor<8xf32>}}
    %a = cmcore.buffer @a : memref<8xf16>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    // expected-error @below {{tensor<8xf32> should be of base attribute memref}}
    %a = cmcore.buffer @a : tensor<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    // expected-error @below {{slots outside the buffer: slot[4]}}
    %a = cmcore.buffer @a storage #polyhedral.map<"{ a[n, w] -> slot[w mod 5] }"> : memref<4xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    // expected-error @below {{should be of base attribute polyhedral.map}}
    %a = cmcore.buffer @a storage #polyhedral.set<"{ a[n, w] }"> : memref<4xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    // expected-error @below {{there is no polyhedral.array @z}}
    %m = cmcore.crossbar @z #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    // expected-error @below {{a matrix has elements of a parameter, and @a is none}}
    %m = cmcore.crossbar @a #polyhedral.map<"{ cell[r, c] -> a[r] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    // expected-error @below {{a cell without an element: cell[0, 0]}}
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] : r > 0 }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    // expected-error @below {{there is no polyhedral.array @z}}
    cmcore.credit @z from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    // expected-error @below {{there is no cmcore.program @R}}
    cmcore.credit @b from @R {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    // expected-error @below {{program @Q does not buffer @a}}
    cmcore.credit @a from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    // expected-error @below {{there is no cmcore.program @R}}
    cmcore.snoop %b from @R {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    // expected-error @below {{program @Q does not store @b}}
    cmcore.snoop %b from @Q {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    // expected-error @below {{tensor<1x1xf32> should be of base attribute memref}}
    cmcore.snoop %m from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      // expected-error @below {{the reader's iteration has 2 coordinates, got 1}}
      cmcore.release at (%h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      // expected-error @below {{the iteration has 1 coordinate, got 0}}
      cmcore.release at (%h, %h) upto ()
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      // expected-error @below {{the location has 1 coordinate, got 2}}
      cmcore.release at (%g, %g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      // expected-error @below {{the iteration has 2 coordinates, got 1}}
      cmcore.release at (%g) upto (%g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      // expected-error @below {{operation 'at' is not registered}}
      cmcore.release upto (%g, %g) at (%g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      // expected-error @below {{Expected 'upto'}}
      cmcore.release from (%g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      // expected-error @below {{an unconditional step must not have `at`}}
      "cmcore.release"(%g, %g, %g) <{operandSegmentSizes = array<i32: 1, 2, 0>, unconditional}> : (index, index, index) -> ()
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      // expected-error @below {{must be in cmcore.loop_nest or polyhedral.stage}}
      cmcore.fire(%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      // expected-error @below {{the iteration has 1 coordinate, got 2}}
      cmcore.fire(%i, %i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      // expected-error @below {{Expected '('}}
      cmcore.fire %i
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      // expected-error @below {{should be of base attribute memref}}
      %x = cmcore.load %m at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      // expected-error @below {{the location must be a point of a[…]}}
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      // expected-error @below {{an access relates [iteration -> lane] to a location}}
      %x = cmcore.load %a at #polyhedral.map<"{ P[w] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      // expected-error @below {{the iteration must have 1 coordinate, got 2}}
      %x = cmcore.load %a at #polyhedral.map<"{ [P[h, w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      // expected-error @below {{lanes outside the vector: lane[1]}}
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[1]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      // expected-error @below {{locations outside the array: a[8]}}
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 9 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      // expected-error @below {{a lane has locations in two arrays: [Q[0, 0] -> lane[1]]}}
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }">, %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : k = 1 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      // expected-error @below {{there is no polyhedral.array @z}}
      cmcore.store %x, @z #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      // expected-error @below {{the location must be a point of c[…]}}
      cmcore.store %x, @c #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      // expected-error @below {{@w is a parameter, which is never written}}
      cmcore.store %x, @w #polyhedral.map<"{ [P[w] -> lane[0]] -> w[0, 0] : w = 0 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      // expected-error @below {{two lanes or iterations write one location}}
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[0] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and w = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.credit @b from @Q {
      %h = arith.constant 3 : index
      cmcore.release at (%h, %h) upto (%h)
    }
    cmcore.loop_nest {
      %i = arith.constant 0 : index
      cmcore.fire(%i)
    }
    cmcore.iteration (%w) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [P[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    }
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<8xf32>
    cmcore.snoop %b from @P {
      %g = arith.constant 7 : index
      cmcore.release at (%g) upto (%g, %g)
    }
    cmcore.loop_nest {}
    cmcore.iteration (%h, %w) {
      %y = cmcore.load %b at #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
      // expected-error @below {{two lanes or iterations write one location}}
      cmcore.store %y, @c #polyhedral.map<"{ [Q[h, w] -> lane[k]] -> c[k] : h = 0 and 0 <= k < 4 }"> : vector<4xf32>
    }
  }
  cmcore.core @c0 runs @P at (0)
  cmcore.core @c1 runs @Q at (1)
}

// -----

cmcore.network @main () -> () {
  polyhedral.array @a parameter "a" : tensor<4xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.loop_nest {}
    cmcore.iteration () {
      // expected-error @below {{the pad value has type f64, the vector has elements of type f32}}
      %x = "cmcore.load"(%a) <{maps = [#polyhedral.map<"{ [P[] -> lane[k]] -> a[k] : 0 <= k <= 3 }">], pad = 0.0 : f64}> : (memref<4xf32>) -> vector<4xf32>
    }
  }
}

// -----

cmcore.network @main () -> () {
  polyhedral.array @a parameter "a" : tensor<4xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.loop_nest {}
    cmcore.iteration () {
      // expected-error @below {{1 buffer for 0 access relations}}
      %x = "cmcore.load"(%a) <{maps = [], pad = 0.0 : f32}> : (memref<4xf32>) -> vector<4xf32>
    }
  }
}

// -----

cmcore.network @main () -> () {
  polyhedral.array @a parameter "a" : tensor<4xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.loop_nest {}
    cmcore.iteration () {
      // expected-error @below {{a load must read a cmcore.buffer}}
      %x = "cmcore.load"() <{maps = [], pad = 0.0 : f32}> : () -> vector<4xf32>
    }
  }
}

// -----

cmcore.network @main () -> () {
  polyhedral.array @a parameter "a" : tensor<4xf32>
  cmcore.program @P {
    cmcore.loop_nest {}
    // expected-error @below {{Region 'body' at position 0 entry arguments do not verify}}
    "cmcore.iteration"() ({
    ^bb0(%i: f32):
    }) : () -> ()
  }
}

// -----

cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  // expected-error @below {{program @P has two buffers of @a; one holds all that is read of it}}
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<4xf32>
    %b = cmcore.buffer @a storage #polyhedral.map<"{ a[n, i] -> slot[i] }"> : memref<4xf32>
    cmcore.loop_nest {}
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [P[i] -> lane[]] -> a[i] : 0 <= i < 4 }"> : vector<f32>
      cmcore.store %x, @c #polyhedral.map<"{ [P[i] -> lane[]] -> c[i] : 0 <= i < 4 }"> : vector<f32>
    }
  }
  cmcore.core @c0 runs @P at (0)
}

// -----

// expected-error @below {{cores @core0 and @core1 are both at (3)}}
cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.core @core0 runs @P at (3)
  cmcore.core @core1 runs @Q at (3)
}

// -----

cmcore.network @main () -> () {
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    // expected-error @below {{`ways` must be at least 1, got 0}}
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> ways 0 : tensor<1x1xf32>
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
}

// -----

cmcore.network @main () -> () {
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  cmcore.program @P {
    // expected-error @below {{the matrices of a core take turns together: they must have the same `ways`, got 2 and 1}}
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> ways 2 : tensor<1x1xf32>
    %n = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<1x1xf32>
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
}
