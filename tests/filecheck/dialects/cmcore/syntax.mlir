// RUN: cm-opt %s | filecheck %s
// RUN: cm-opt %s | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | filecheck %s --check-prefix=GENERIC

// CHECK: cmcore.network @main (@a) -> (@c) {
// GENERIC: "cmcore.network"() <{sym_name = "main", inputs = [@a], outputs = [@c]}>
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<2x8xf32>
  polyhedral.array @c : tensor<1xf32>
  polyhedral.array @w parameter "w" : tensor<2x1xf32>

  // CHECK: cmcore.program @P {
  // GENERIC: "cmcore.program"() <{sym_name = "P"}>
  cmcore.program @P {
    // CHECK-NEXT: %a = cmcore.buffer @a : memref<8xf32>
    // GENERIC: %a = "cmcore.buffer"() <{array = @a}> : () -> memref<8xf32>
    %a = cmcore.buffer @a : memref<8xf32>
    // CHECK-NEXT: %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> ways 2 : tensor<2x1xf32>
    // GENERIC: "cmcore.crossbar"() <{array = @w, cells = #polyhedral.map<{{.*}}>, ways = 2 : i64}> : () -> tensor<2x1xf32>
    %m = cmcore.crossbar @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> ways 2 : tensor<2x1xf32>
    // CHECK-NEXT: cmcore.credit @b from @Q {
    // GENERIC: "cmcore.credit"() <{array = @b, source = @Q}>
    cmcore.credit @b from @Q {
      %c0 = arith.constant 0 : index
      %c7 = arith.constant 7 : index
      // CHECK: cmcore.release upto (%c7) ahead %c0{{$}}
      // GENERIC: "cmcore.release"(%c7, %c0) <{unconditional, operandSegmentSizes = array<i32: 0, 1, 1>}> : (index, index) -> ()
      cmcore.release upto (%c7) ahead %c0
      // An event without coordinates is an event.
      // CHECK-NEXT: cmcore.release at () upto (%c7){{$}}
      // GENERIC: "cmcore.release"(%c7) <{operandSegmentSizes = array<i32: 0, 1, 0>}> : (index) -> ()
      cmcore.release at () upto (%c7)
    }
    // CHECK: cmcore.loop_nest {
    // GENERIC: "cmcore.loop_nest"()
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %i = %c0 to %c8 step %c1 {
        // CHECK: cmcore.fire(%i)
        // GENERIC: "cmcore.fire"(%i) : (index) -> ()
        cmcore.fire(%i)
      }
    }
    // CHECK: cmcore.iteration (%w) {
    // GENERIC: "cmcore.iteration"()
    // GENERIC-NEXT: (%w: index):
    cmcore.iteration (%w) {
      // CHECK-NEXT: %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w <= 7 }"> : vector<1xf32>
      // GENERIC: %x = "cmcore.load"(%a) <{maps = [#polyhedral.map<{{.*}}>], pad = 0.000000e+00 : f32}> : (memref<8xf32>) -> vector<1xf32>
      %x = cmcore.load %a at #polyhedral.map<"{ [P[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
      // CHECK-NEXT: %y = cmcore.mxv %m, %x : tensor<2x1xf32>, vector<1xf32> -> vector<2xf32>
      %y = cmcore.mxv %m, %x : tensor<2x1xf32>, vector<1xf32> -> vector<2xf32>
      // CHECK-NEXT: cmcore.store %y, @b #polyhedral.map<"{ [P[w] -> lane[c]] -> b[c, w] : 0 <= w <= 7 and 0 <= c <= 1 }"> : vector<2xf32>
      // GENERIC: "cmcore.store"(%y) <{array = @b, map = #polyhedral.map<{{.*}}>}> : (vector<2xf32>) -> ()
      cmcore.store %y, @b #polyhedral.map<"{ [P[w] -> lane[c]] -> b[c, w] : 0 <= w < 8 and 0 <= c < 2 }"> : vector<2xf32>
    }
  }

  // CHECK: cmcore.program @Q {
  cmcore.program @Q {
    // Channels change places from one inference to the next.
    // CHECK-NEXT: %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, c, w] -> slot[o0, w] : (n + c + o0) mod 2 = 0 and 0 <= o0 <= 1 }"> : memref<2x8xf32>
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, c, w] -> slot[(n + c) mod 2, w] }"> : memref<2x8xf32>
    %w = cmcore.buffer @w : memref<2x1xf32>
    // CHECK: cmcore.snoop %b from @P {
    // GENERIC: "cmcore.snoop"(%b) <{source = @P}>
    cmcore.snoop %b from @P {
      %c0 = arith.constant 0 : index
      %c7 = arith.constant 7 : index
      // CHECK: cmcore.release at (%c0, %c7) upto (){{$}}
      cmcore.release at (%c0, %c7) upto ()
    }
    cmcore.loop_nest {
      // CHECK: cmcore.fire()
      cmcore.fire()
    }
    // CHECK: cmcore.iteration () {
    cmcore.iteration () {
      // Two buffers, with a pad value.
      // CHECK-NEXT: %x = cmcore.load %b at #polyhedral.map<"{ [Q[] -> lane[i = 0, k]] -> b[0, k] : 0 <= k <= 7 }">, %w at #polyhedral.map<"{ [Q[] -> lane[i = 1, k = 0]] -> w[1, 0] }"> pad 2.500000e-01 : vector<2x8xf32>
      %x = cmcore.load %b at #polyhedral.map<"{ [Q[] -> lane[i, k]] -> b[0, k] : i = 0 and 0 <= k < 8 }">, %w at #polyhedral.map<"{ [Q[] -> lane[i, k]] -> w[1, 0] : i = 1 and k = 0 }"> pad 0.25 : vector<2x8xf32>
      // CHECK-NEXT: %y = cmcore.reduce maximumf %x along [0, 1] : vector<2x8xf32> -> vector<f32>
      // GENERIC: %y = "cmcore.reduce"(%x) <{kind = "maximumf", dims = array<i64: 0, 1>}> : (vector<2x8xf32>) -> vector<f32>
      %y = cmcore.reduce maximumf %x along [0, 1] : vector<2x8xf32> -> vector<f32>
      // CHECK-NEXT: cmcore.arg_reduce maximumf %x along 1 : vector<2x8xf32> -> vector<2xi32>
      // GENERIC: "cmcore.arg_reduce"(%x) <{kind = "maximumf", dim = 1 : i64}> : (vector<2x8xf32>) -> vector<2xi32>
      %i = cmcore.arg_reduce maximumf %x along 1 : vector<2x8xf32> -> vector<2xi32>
      // CHECK-NEXT: cmcore.arg_reduce minimumf %x along 0 last attributes {test.tag} : vector<2x8xf32> -> vector<8xi32>
      // GENERIC: "cmcore.arg_reduce"(%x) <{kind = "minimumf", dim = 0 : i64, last}> {test.tag} : (vector<2x8xf32>) -> vector<8xi32>
      %j = cmcore.arg_reduce minimumf %x along 0 last attributes {test.tag} : vector<2x8xf32> -> vector<8xi32>
      // CHECK-NEXT: %t = cmcore.compare le %x, %x : vector<2x8xf32>
      // GENERIC: %t = "cmcore.compare"(%x, %x) <{relation = "le"}> : (vector<2x8xf32>, vector<2x8xf32>) -> vector<2x8xi1>
      %t = cmcore.compare le %x, %x : vector<2x8xf32>
      // CHECK-NEXT: cmcore.select %t, %x, %x : vector<2x8xi1>, vector<2x8xf32>
      %s = cmcore.select %t, %x, %x : vector<2x8xi1>, vector<2x8xf32>
      %v = vector.broadcast %y : vector<f32> to vector<1xf32>
      cmcore.store %v, @c #polyhedral.map<"{ [Q[] -> lane[k]] -> c[0] : k = 0 }"> : vector<1xf32>
    }
  }

  // CHECK: cmcore.core @core0 runs @P at (0, 0)
  // GENERIC: "cmcore.core"() <{sym_name = "core0", programs = [#cmcore.instance<@P>], position = array<i64: 0, 0>}> : () -> ()
  cmcore.core @core0 runs @P at (0, 0)
  // CHECK-NEXT: cmcore.core @core1 runs @Q at (-1, 2)
  cmcore.core @core1 runs @Q at (-1, 2)
}

// Attributes of other dialects, and empty regions.

// CHECK: cmcore.network @tagged () -> () attributes {test.tag} {
cmcore.network @tagged () -> () attributes {test.tag} {
  polyhedral.array @a parameter dense<1.0> : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  // CHECK: cmcore.program @P {
  cmcore.program @P {
    // CHECK-NEXT: cmcore.buffer @a {test.tag} : memref<4xf32>
    %a = cmcore.buffer @a {test.tag} : memref<4xf32>
    %b = cmcore.buffer @b : memref<4xf32>
    // CHECK: cmcore.snoop %b from @P attributes {test.tag} {
    cmcore.snoop %b from @P attributes {test.tag} {}
    // CHECK: cmcore.credit @b from @P attributes {test.tag} {
    cmcore.credit @b from @P attributes {test.tag} {
      // CHECK: cmcore.release upto () {test.tag}
      cmcore.release upto () {test.tag}
    }
    // CHECK: cmcore.loop_nest attributes {test.tag} {
    cmcore.loop_nest attributes {test.tag} {}
    // CHECK: cmcore.iteration () attributes {test.tag} {
    cmcore.iteration () attributes {test.tag} {
      // CHECK-NEXT: cmcore.load %a at #polyhedral.map<{{.*}}> attributes {test.tag} : vector<4xf32>
      %x = cmcore.load %a at #polyhedral.map<"{ [P[] -> lane[k]] -> a[k] : 0 <= k < 4 }"> attributes {test.tag} : vector<4xf32>
      // CHECK-NEXT: cmcore.reduce add %x along [] attributes {test.tag} : vector<4xf32> -> vector<4xf32>
      %y = cmcore.reduce add %x along [] attributes {test.tag} : vector<4xf32> -> vector<4xf32>
      cmcore.store %y, @b #polyhedral.map<"{ [P[] -> lane[k]] -> b[k] : 0 <= k < 4 }"> : vector<4xf32>
    }
  // CHECK: } {test.tag}
  } {test.tag}
  // CHECK-NEXT: cmcore.core @c runs @P at () attributes {test.tag}
  cmcore.core @c runs @P at () attributes {test.tag}
}
