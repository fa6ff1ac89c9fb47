// RUN: cm-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{an array must have a tensor type, got i32}}
polyhedral.array @a : i32

// -----

// expected-error @below {{an array must have a tensor type, got vector<4xf32>}}
polyhedral.array @a parameter dense<1.0> : vector<4xf32>

// -----

// expected-error @below {{expected the name of a tensor in the weights file, or dense<…>}}
polyhedral.array @a parameter 3 : tensor<4xf32>

// -----

// expected-error @below {{an array must have a static, non-empty shape, got tensor<4x?xf32>}}
polyhedral.array @a : tensor<4x?xf32>

// -----

// expected-error @below {{an array must have a static, non-empty shape, got tensor<0xf32>}}
polyhedral.array @a : tensor<0xf32>

// -----

// expected-error @below {{an array's name must be an identifier, got "a-b"}}
polyhedral.array @"a-b" : tensor<4xf32>

// -----

// expected-error @below {{the name of a parameter must not be empty}}
polyhedral.array @a parameter "" : tensor<4xf32>

// -----

// expected-error @below {{inline elements have type tensor<2xf32>, the array has tensor<4xf32>}}
"polyhedral.array"() <{sym_name = "a", type = tensor<4xf32>, source = dense<1.0> : tensor<2xf32>}> : () -> ()

// -----

// expected-error @below {{input @a is not an array in the body}}
polyhedral.pipeline @main (@a) -> () {}

// -----

// expected-error @below {{output @a is not an array in the body}}
polyhedral.pipeline @main () -> (@a) {}

// -----

// expected-error @below {{input @a is a parameter}}
polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a parameter "a" : tensor<4xf32>
}

// -----

// expected-error @below {{input @a is named twice}}
polyhedral.pipeline @main (@a, @a) -> () {
  polyhedral.array @a : tensor<4xf32>
}

// -----

// expected-error @below {{output @a is written by no stage}}
polyhedral.pipeline @main (@a) -> (@a) {
  polyhedral.array @a : tensor<4xf32>
}

// -----

// expected-error @below {{input @a is written by a stage}}
polyhedral.pipeline @main (@a) -> (@a) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @a #polyhedral.map<"{ [s[i] -> lane[0]] -> a[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

// expected-error @below {{Redefinition of symbol "a"}}
polyhedral.pipeline @main () -> () {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @a : tensor<4xf32>
}

// -----

// expected-error @below {{the body holds polyhedral.array, polyhedral.stage, polyhedral.storage and polyhedral.dependence only, got func.func}}
polyhedral.pipeline @main () -> () {
  func.func private @f()
}

// -----

// expected-error @below {{the body must not take arguments}}
"polyhedral.pipeline"() <{sym_name = "main", inputs = [], outputs = []}> ({
^bb0(%x: index):
}) : () -> ()

// -----

// expected-error @below {{expected a single block, but got 0 blocks}}
"polyhedral.pipeline"() <{sym_name = "main", inputs = [], outputs = []}> ({}) : () -> ()

// -----

// expected-error @below {{Expected 1 region, but got 0}}
"polyhedral.pipeline"() <{sym_name = "main", inputs = [], outputs = []}> : () -> ()

// -----

// expected-error @below {{'(' expected}}
polyhedral.pipeline @main @a -> () {}

// -----

// expected-error @below {{expects parent op 'polyhedral.pipeline'}}
polyhedral.stage @s () domain #polyhedral.set<"{ s[] }"> {}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{the domain must be a set of s[…], got { t[i] : 0 <= i <= 3 }}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ t[i] : 0 <= i < 4 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{the domain must be a set of s[…]}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ [s[i] -> t[]] : 0 <= i < 4 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{the body must take the 2 coordinates of an iteration, got 1}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i, j] : 0 <= i, j < 4 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{the iteration domain is not bounded: { s[i] : i >= 0 }}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{expected a #polyhedral.set, got #polyhedral.map<"{ s[i] -> [i] }">}}
  polyhedral.stage @s (%i) domain #polyhedral.map<"{ s[i] -> [i] }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{'(' expected}}
  polyhedral.stage @s %i domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{the schedule must map s[…] to times, got { t[i] -> [i] }}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> schedule #polyhedral.map<"{ t[i] -> [i] }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{the schedule must map s[…] to times, got { s[i, j] -> [i] }}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> schedule #polyhedral.map<"{ s[i, j] -> [i] }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{times must be plain tuples [t0, t1, …], got { s[i] -> T[i] }}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> schedule #polyhedral.map<"{ s[i] -> T[i] }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{times must be plain tuples}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> schedule #polyhedral.map<"{ s[i] -> [[i] -> [i]] }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{the schedule gives no time to iteration s[0]}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> schedule #polyhedral.map<"{ s[i] -> [i] : i > 0 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{the schedule gives iteration s[0] two times}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> schedule #polyhedral.map<"{ s[i] -> [i, j] : 0 <= j <= 1 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{the schedule gives iterations s[2] and s[3] the same time}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> schedule #polyhedral.map<"{ s[i] -> [floor(i/2)] }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{expected a #polyhedral.map, got 3 : i64}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> schedule 3 {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{a stage must write an array}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    // %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : 0 <= i < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  // expected-error @below {{Region 'body' at position 0 entry arguments do not verify}}
  "polyhedral.stage"() <{sym_name = "s", domain = #polyhedral.set<"{ s[i] : 0 <= i <= 3 }">}> ({
  ^bb0(%i: f32):
  }) : () -> ()
}

// -----

polyhedral.pipeline @main () -> () {
  // expected-error @below {{expected a single block, but got 0 blocks}}
  "polyhedral.stage"() <{sym_name = "s", domain = #polyhedral.set<"{ s[i] : 0 <= i <= 3 }">}> ({
  }) : () -> ()
}

// -----

polyhedral.pipeline @main () -> () {
  // expected-error @below {{should be of base attribute polyhedral.set}}
  "polyhedral.stage"() <{sym_name = "s", domain = 3}> ({
  ^bb0(%i: index):
  }) : () -> ()
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<4xf32>
  // expected-error @below {{the iteration domain is empty}}
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : false }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [s[i] -> lane[0]] -> b[i] : false }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{an access relates [iteration -> lane] to a location, got { s[i] -> a[0, i] : 0 <= i <= 3 }}}
    %x = polyhedral.read @a #polyhedral.map<"{ s[i] -> a[0, i] : 0 <= i < 4 }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{an iteration and a lane have no parts}}
    %x = polyhedral.read @a #polyhedral.map<"{ [[s[i] -> t[]] -> lane[k]] -> a[0, i + k] }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{an iteration and a lane have no parts}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> [lane[k] -> t[]]] -> a[0, i + k] }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{the iteration must be a point of s[…], got { [t[i] -> lane[k]] -> a[0, i + k] }}}
    %x = polyhedral.read @a #polyhedral.map<"{ [t[i] -> lane[k]] -> a[0, i + k] }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{the iteration must have 1 coordinate, got 2}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i, j] -> lane[k]] -> a[0, i + k] }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{the lane must have 1 coordinate, the rank of the vector, got 2}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k, l]] -> a[0, i + k] }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{the location must be a point of a[…], got { [s[i] -> lane[k]] -> b[0, i + k] }}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> b[0, i + k] }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{the location must have 2 coordinates, the rank of the array, got 1}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[i + k] }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{a lane must have one location at most}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, j] : 0 <= i < 4 and 0 <= k < 3 and 0 <= j < 2 }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{iterations outside the domain: s[4]}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, k] : 0 <= i < 5 and 0 <= k < 3 }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{lanes outside the vector: lane[3]}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i] : 0 <= i < 4 and 0 <= k < 4 }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{locations outside the array: a[0, 6]}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k + 1] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{a lane has locations in two arrays: [s[0] -> lane[2]]}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> , @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i] : 0 <= i < 4 and k = 2 }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{there is no polyhedral.array @z}}
    %x = polyhedral.read @z #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{expected a #polyhedral.map, got #polyhedral.set<"{ s[i] }">}}
    %x = polyhedral.read @a #polyhedral.set<"{ s[i] }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{expect symbol name}}
    %x = polyhedral.read a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{expected a vector type, got tensor<3xf32>}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : tensor<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{floating-point, got index}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xindex>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{the vector has elements of type f16, @a of f32}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf16>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{integer or float literal expected}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> pad "x" : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    // expected-error @below {{0x1ff800000 has more bits than f32}}
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> pad 0x1ff800000 : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{there is no polyhedral.array @z}}
    %m = polyhedral.matrix @z #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{a matrix has elements of a parameter, and @a is none}}
    %m = polyhedral.matrix @a #polyhedral.map<"{ cell[r, c] -> a[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{a matrix has a static shape of rank 2, or 3 when block-diagonal; got tensor<6xf32>}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<6xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{a matrix has a static shape}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x?xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{the matrix has elements of type f16, @w of f32}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf16>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{should be of base attribute tensor}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : vector<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{the cells must be elements of { w[d0, d1] : 0 <= d0 <= 1 and 0 <= d1 <= 2 }}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> v[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{the cells must be elements of { w[d0, d1]}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{a cell must have 2 coordinates, the rank of the matrix}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ [cell[r] -> t[c]] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{a cell must have 2 coordinates, the rank of the matrix}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[c] -> w[0, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{a cell must have one element}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, j] : 0 <= j < 3 }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{a cell without an element: cell[0, 2]}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] : c < 2 }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    // expected-error @below {{elements outside the array: w[0, 3]}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c + 1] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    // expected-error @below {{there is no polyhedral.array @z}}
    polyhedral.write %y, @z #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    // expected-error @below {{@w is a parameter, which is never written}}
    polyhedral.write %y, @w #polyhedral.map<"{ [s[i] -> lane[k]] -> w[0, 0] : i = 0 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    // expected-error @below {{two lanes or iterations write one location}}
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[0] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main (@a) -> () {
  polyhedral.array @a : tensor<1x6xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : 0 <= i < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[i] -> lane[k]] -> a[0, i + k] : 0 <= i < 4 and 0 <= k < 3 }"> : vector<3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] }"> : tensor<2x3xf32>
    %y = arith.constant dense<0.0> : vector<2xf32>
    // expected-error @below {{locations outside the array: b[4]}}
    polyhedral.write %y, @b #polyhedral.map<"{ [s[i] -> lane[k]] -> b[i + 1] : 0 <= i < 4 and k = 0 }"> : vector<2xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.stage @s () domain #polyhedral.set<"{ s[] }"> {
    // expected-error @below {{the pad value has type f64, the vector has elements of type f32}}
    %x = "polyhedral.read"() <{arrays = [@a], maps = [#polyhedral.map<"{ [s[] -> lane[k]] -> a[k] : 0 <= k <= 3 }">], pad = 0.0 : f64}> : () -> vector<4xf32>
    polyhedral.write %x, @a #polyhedral.map<"{ [s[] -> lane[k]] -> a[k] : 0 <= k <= 3 }"> : vector<4xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.stage @s () domain #polyhedral.set<"{ s[] }"> {
    // expected-error @below {{2 arrays for 1 access relations}}
    %x = "polyhedral.read"() <{arrays = [@a, @a], maps = [#polyhedral.map<"{ [s[] -> lane[k]] -> a[k] : 0 <= k <= 3 }">], pad = 0.0 : f32}> : () -> vector<4xf32>
    polyhedral.write %x, @a #polyhedral.map<"{ [s[] -> lane[k]] -> a[k] : 0 <= k <= 3 }"> : vector<4xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.stage @s () domain #polyhedral.set<"{ s[] }"> {
    // expected-error @below {{a read must name an array}}
    %x = "polyhedral.read"() <{arrays = [], maps = [], pad = 0.0 : f32}> : () -> vector<4xf32>
    polyhedral.write %x, @a #polyhedral.map<"{ [s[] -> lane[k]] -> a[k] : 0 <= k <= 3 }"> : vector<4xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.stage @s () domain #polyhedral.set<"{ s[] }"> {
    // expected-error @below {{property 'arrays' expected in operation 'polyhedral.read'}}
    %x = "polyhedral.read"() <{maps = [#polyhedral.map<"{ [s[] -> lane[k]] -> a[k] : 0 <= k <= 3 }">], pad = 0.0 : f32}> : () -> vector<4xf32>
    polyhedral.write %x, @a #polyhedral.map<"{ [s[] -> lane[k]] -> a[k] : 0 <= k <= 3 }"> : vector<4xf32>
  }
}

// -----

func.func @outside() {
  %x = arith.constant dense<0.0> : vector<1xf32>
  // expected-error @below {{expects parent op 'polyhedral.stage'}}
  polyhedral.write %x, @a #polyhedral.map<"{ [s[] -> lane[k]] -> a[k] : k = 0 }"> : vector<1xf32>
  func.return
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{there is no polyhedral.array @z}}
  polyhedral.storage @z at @R #polyhedral.map<"{ b[n, w] -> slot[w mod 4] }"> : memref<4xf32>
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{there is no polyhedral.stage @S}}
  polyhedral.storage @b at @S #polyhedral.map<"{ b[n, w] -> slot[w mod 4] }"> : memref<4xf32>
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{stage @R does not read @c}}
  polyhedral.storage @c at @R #polyhedral.map<"{ b[n, w] -> slot[w mod 4] }"> : memref<4xf32>
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{the buffer has elements of type f16, @b of f32}}
  polyhedral.storage @b at @R #polyhedral.map<"{ b[n, w] -> slot[w mod 4] }"> : memref<4xf16>
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{a buffer must have a static, non-empty shape, got memref<?xf32>}}
  polyhedral.storage @b at @R #polyhedral.map<"{ b[n, w] -> slot[w mod 4] }"> : memref<?xf32>
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{the storage must map points b[n, …] of tensor<8xf32> to slots, got { b[w] -> slot[w] }}}
  polyhedral.storage @b at @R #polyhedral.map<"{ b[w] -> slot[w] }"> : memref<4xf32>
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{the storage must map points b[n, …] of tensor<8xf32> to slots}}
  polyhedral.storage @b at @R #polyhedral.map<"{ c[n, w] -> slot[w] }"> : memref<4xf32>
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{a slot must have 1 coordinate, the rank of the buffer}}
  polyhedral.storage @b at @R #polyhedral.map<"{ b[n, w] -> slot[w, 0] }"> : memref<4xf32>
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{an element must have one slot}}
  polyhedral.storage @b at @R #polyhedral.map<"{ b[n, w] -> slot[s] }"> : memref<4xf32>
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{an element without a slot: b[0, 4]}}
  polyhedral.storage @b at @R #polyhedral.map<"{ b[n, w] -> slot[w] : w < 4 }"> : memref<4xf32>
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{slots outside the buffer: slot[4]}}
  polyhedral.storage @b at @R #polyhedral.map<"{ b[n, w] -> slot[w mod 5] }"> : memref<4xf32>
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{expected `raw` or `war`}}
  polyhedral.dependence foo @W -> @R on @b release #polyhedral.map<"{ b[j] -> R[j - 2] : 2 <= j < 8 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{there is no polyhedral.stage @S}}
  polyhedral.dependence raw @W -> @S on @b release #polyhedral.map<"{ b[j] -> R[j - 2] : 2 <= j < 8 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{there is no polyhedral.stage @b}}
  polyhedral.dependence raw @b -> @R on @b release #polyhedral.map<"{ b[j] -> R[j - 2] : 2 <= j < 8 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{there is no polyhedral.array @z}}
  polyhedral.dependence raw @W -> @R on @z release #polyhedral.map<"{ b[j] -> R[j - 2] : 2 <= j < 8 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{stage @W does not write @c}}
  polyhedral.dependence raw @W -> @R on @c release #polyhedral.map<"{ b[j] -> R[j - 2] : 2 <= j < 8 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{stage @W does not read @b}}
  polyhedral.dependence raw @W -> @W on @b release #polyhedral.map<"{ b[j] -> R[j - 2] : 2 <= j < 8 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{expected a #polyhedral.map, got "x"}}
  polyhedral.dependence raw @W -> @R on @b release "x"
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{the events must be points of { b[d0] : 0 <= d0 <= 7 }, got { W[j] -> R[-2 + j] : 2 <= j <= 7 }}}
  polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ W[j] -> R[j - 2] : 2 <= j < 8 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{the events must be points of { b[d0] : 0 <= d0 <= 7 }}}
  polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[j, k] -> R[j - 2] : 2 <= j < 8 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{the limits must be points of { R[w] : 0 <= w <= 5 }, got { b[j] -> W[-2 + j] : 2 <= j <= 7 }}}
  polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[j] -> W[j - 2] : 2 <= j < 8 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{the limits must be points of { R[w] : 0 <= w <= 5 }}}
  polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[j] -> R[ahead = 0, j - 2] : 2 <= j < 8 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{an event must release up to one iteration}}
  polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[j] -> R[w] : 2 <= j < 8 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{b[8] is no event: it is not in { b[d0] : 0 <= d0 <= 7 }}}
  polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[j] -> R[j - 2] : 2 <= j < 9 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{R[6] is no limit: it is not in { R[w] : 0 <= w <= 5 }}}
  polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[j] -> R[j - 1] : 2 <= j < 8 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{stage @R does not write @b}}
  polyhedral.dependence war @W -> @R on @b release #polyhedral.map<"{ R[w] -> W[ahead = 1, w] : 0 <= w < 6 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{the limits must be points of { W[ahead, w] : 0 <= w <= 7 }, got { R[w] -> W[w] : 0 <= w <= 5 }}}
  polyhedral.dependence war @R -> @W on @b release #polyhedral.map<"{ R[w] -> W[w] : 0 <= w < 6 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{expected a #polyhedral.set, got 3 : i64}}
  polyhedral.dependence war @R -> @W on @b release #polyhedral.map<"{ R[w] -> W[ahead = 1, w] : 0 <= w < 6 }"> initially 3
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{`initially` must be one point of { W[ahead, w] : 0 <= w <= 7 }, got { W[w = 7] }}}
  polyhedral.dependence war @R -> @W on @b release #polyhedral.map<"{ R[w] -> W[ahead = 1, w] : 0 <= w < 6 }"> initially #polyhedral.set<"{ W[w] : w = 7 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{`initially` must be one point of}}
  polyhedral.dependence war @R -> @W on @b release #polyhedral.map<"{ R[w] -> W[ahead = 1, w] : 0 <= w < 6 }"> initially #polyhedral.set<"{ W[0, w] : 6 <= w <= 7 }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{`initially` must be one point of}}
  polyhedral.dependence war @R -> @W on @b release #polyhedral.map<"{ R[w] -> W[ahead = 1, w] : 0 <= w < 6 }"> initially #polyhedral.set<"{ W[0, w] : false }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  // expected-error @below {{`initially` must be one point of}}
  polyhedral.dependence war @R -> @W on @b release #polyhedral.map<"{ R[w] -> W[ahead = 1, w] : 0 <= w < 6 }"> initially #polyhedral.set<"{ W[0, 8] }">
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + 2k] : 0 <= w < 6 and 0 <= k < 2 }"> : vector<2xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<2xf32>
  }
  polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[j] -> R[j - 2] : 2 <= j < 8 }"> automaton {
    %c0 = arith.constant 0 : index
    // expected-error @below {{the iteration has 1 coordinate, got 2}}
    cmcore.release upto (%c0, %c0)
  }
}

// -----

polyhedral.pipeline @main () -> () {
  // expected-error @below {{`kind` must be raw or war, got waw}}
  "polyhedral.dependence"() <{kind = "waw", source = @W, target = @R, array = @b, release = #polyhedral.map<"{ b[] -> R[] }">}> : () -> ()
}

// -----

polyhedral.pipeline @later () -> (@h) {
  polyhedral.array @h0 parameter dense<0.0> : tensor<1x4xf32>
  polyhedral.array @h : tensor<4xf32> initial @h0
  polyhedral.stage @S (%w) domain #polyhedral.set<"{ S[w] : 0 <= w < 4 }"> {
    // expected-error @below {{a read must not reach into a later inference: m exceeds 0}}
    %x = polyhedral.read @h #polyhedral.map<"{ [S[w] -> lane[0]] -> h[m = 1, w] : 0 <= w < 4 }"> across : vector<1xf32>
    polyhedral.write %x, @h #polyhedral.map<"{ [S[w] -> lane[0]] -> h[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @too_far_back () -> (@h) {
  polyhedral.array @h0 parameter dense<0.0> : tensor<1x4xf32>
  polyhedral.array @h : tensor<4xf32> initial @h0
  polyhedral.stage @S (%w) domain #polyhedral.set<"{ S[w] : 0 <= w < 4 }"> {
    // expected-error @below {{the read reaches back 2 inferences, @h has initial values for 1}}
    %x = polyhedral.read @h #polyhedral.map<"{ [S[w] -> lane[0]] -> h[m = -2, w] : 0 <= w < 4 }"> across : vector<1xf32>
    polyhedral.write %x, @h #polyhedral.map<"{ [S[w] -> lane[0]] -> h[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @no_inference () -> (@h) {
  polyhedral.array @h0 parameter dense<0.0> : tensor<1x4xf32>
  polyhedral.array @h : tensor<4xf32> initial @h0
  polyhedral.stage @S (%w) domain #polyhedral.set<"{ S[w] : 0 <= w < 4 }"> {
    // expected-error @below {{the location must have 2 coordinates, the inference m and the rank of the array, got 1}}
    %x = polyhedral.read @h #polyhedral.map<"{ [S[w] -> lane[0]] -> h[w] : 0 <= w < 4 }"> across : vector<1xf32>
    polyhedral.write %x, @h #polyhedral.map<"{ [S[w] -> lane[0]] -> h[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
}

// -----

polyhedral.pipeline @initial_shape () -> (@h) {
  polyhedral.array @h0 parameter dense<0.0> : tensor<4xf32>
  // expected-error @below {{initial values @h0 have type tensor<4xf32>; they must have the elements of tensor<4xf32> for each inference before the first}}
  polyhedral.array @h : tensor<4xf32> initial @h0
}

// -----

polyhedral.pipeline @initial_computed () -> (@h) {
  polyhedral.array @g : tensor<1x4xf32>
  // expected-error @below {{initial values @g must be a parameter}}
  polyhedral.array @h : tensor<4xf32> initial @g
}

// -----

polyhedral.pipeline @initial_of_a_parameter () -> (@h) {
  polyhedral.array @h0 parameter dense<0.0> : tensor<1x4xf32>
  // expected-error @below {{a parameter is the same in all inferences: it has no initial values}}
  polyhedral.array @w parameter "w" : tensor<4xf32> initial @h0
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @P (%i) domain #polyhedral.set<"{ P[i] : i = 0 }"> {
    // expected-error @below {{`ways` must be at least 1, got -1}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] : 0 <= r < 2 and 0 <= c < 3 }"> ways -1 : tensor<2x3xf32>
  }
}

// -----

polyhedral.pipeline @main () -> () {
  polyhedral.array @w parameter "w" : tensor<2x3xf32>
  polyhedral.stage @P (%i) domain #polyhedral.set<"{ P[i] : i = 0 }"> {
    // expected-error @below {{the matrices of a core take turns together: they must have the same `ways`, got 1 and 4}}
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] : 0 <= r < 2 and 0 <= c < 3 }"> : tensor<2x3xf32>
    %n = polyhedral.matrix @w #polyhedral.map<"{ cell[r, c] -> w[r, c] : 0 <= r < 2 and 0 <= c < 3 }"> ways 4 : tensor<2x3xf32>
  }
}
