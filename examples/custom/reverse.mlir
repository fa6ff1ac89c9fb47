// A network that subtracts from each element of a signal the mean of the three elements before it, and reverses the
// result. No layer of a network library reads backwards. Here, a relation to b[99 - t] does, and the compiler derives
// the control logic from it: the automaton of the reader waits for one element, the last, and then for nothing.
//
//   cm-run examples/custom/reverse.mlir --random 0 -n 3 --check

polyhedral.pipeline @main (@x) -> (@y) {
  polyhedral.array @x : tensor<100xf32>
  polyhedral.array @b : tensor<100xf32>
  polyhedral.array @y : tensor<100xf32>

  // Lane 0 is the element, lanes 1 to 3 are those before it; where there are none, they read as 0.
  polyhedral.stage @trend (%t) domain #polyhedral.set<"{ trend[t] : 0 <= t < 100 }"> {
    %v = polyhedral.read @x #polyhedral.map<"{ [trend[t] -> lane[k]] -> x[t - k] : 0 <= t < 100 and 0 <= k < 4 and k <= t }"> : vector<4xf32>
    %now = vector.extract %v[0] : f32 from vector<4xf32>
    %sum = vector.reduction <add>, %v : vector<4xf32> into f32
    %before = arith.subf %sum, %now : f32
    %third = arith.constant 0.333333333 : f32
    %mean = arith.mulf %before, %third : f32
    %difference = arith.subf %now, %mean : f32
    %r = vector.broadcast %difference : f32 to vector<1xf32>
    polyhedral.write %r, @b #polyhedral.map<"{ [trend[t] -> lane[k]] -> b[t] : 0 <= t < 100 and k = 0 }"> : vector<1xf32>
  }

  polyhedral.stage @reverse (%t) domain #polyhedral.set<"{ reverse[t] : 0 <= t < 100 }"> {
    %v = polyhedral.read @b #polyhedral.map<"{ [reverse[t] -> lane[k]] -> b[99 - t] : 0 <= t < 100 and k = 0 }"> : vector<1xf32>
    polyhedral.write %v, @y #polyhedral.map<"{ [reverse[t] -> lane[k]] -> y[t] : 0 <= t < 100 and k = 0 }"> : vector<1xf32>
  }
}
