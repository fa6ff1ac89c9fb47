// RUN: cm-opt %s --split-input-file -p polyhedral-derive-dependences | filecheck %s

// The last iteration of an inference releases the first of the next. At reset, the initial values release the first
// iteration of all. By default, the buffer has room for two inferences.

// CHECK: polyhedral.pipeline @cell
// CHECK: polyhedral.storage @h at @cell #polyhedral.map<"{ h[n, d0] -> slot[o0, d0] : (n + o0) mod 2 = 0 and 0 <= o0 <= 1 }"> : memref<2x6xf32>
// CHECK: polyhedral.dependence raw @cell -> @cell on @h
// CHECK-SAME: release #polyhedral.map<"{ h[i0] -> cell[ahead = 0, t = 1 + i0] : 0 <= i0 <= 4; h[i0 = 5] -> cell[ahead = 1, t = 0] }">
// CHECK-SAME: initially #polyhedral.set<"{ cell[ahead = 0, t = 0] }">{{$}}
// CHECK: polyhedral.dependence war @cell -> @cell on @h
// CHECK-SAME: release #polyhedral.map<"{ cell[t] -> cell[ahead = 2, t' = -1 + t] : 0 < t <= 5; cell[t = 0] -> cell[ahead = 1, t' = 5] }">
// CHECK-SAME: initially #polyhedral.set<"{ cell[ahead = 1, t = 4] }">{{$}}
polyhedral.pipeline @cell () -> (@h) {
  polyhedral.array @h0 parameter dense<0.5> : tensor<1x6xf32>
  polyhedral.array @h : tensor<6xf32> initial @h0
  polyhedral.stage @cell (%t) domain #polyhedral.set<"{ cell[t] : 0 <= t < 6 }"> {
    %p = polyhedral.read @h #polyhedral.map<"{ [cell[t] -> lane[0]] -> h[m = 0, t - 1] : 1 <= t < 6; [cell[t = 0] -> lane[0]] -> h[m = -1, 5] }"> across : vector<1xf32>
    polyhedral.write %p, @h #polyhedral.map<"{ [cell[t] -> lane[0]] -> h[t] : 0 <= t < 6 }"> : vector<1xf32>
  }
}

// -----

// An iteration reads before it writes, so one slot serves a stage that alone reads what it overwrites.

// CHECK: polyhedral.pipeline @in_place
// CHECK: polyhedral.dependence war @s -> @s on @h
// CHECK-SAME: release #polyhedral.map<"{ s[i = 0] -> s[ahead = 1, i' = 0] }">
// CHECK-SAME: initially #polyhedral.set<"{ s[ahead = 0, i = 0] }">{{$}}
polyhedral.pipeline @in_place () -> (@h) {
  polyhedral.array @h0 parameter dense<0.5> : tensor<1x4xf32>
  polyhedral.array @h : tensor<4xf32> initial @h0
  polyhedral.storage @h at @s #polyhedral.map<"{ h[n, d] -> slot[d] }"> : memref<4xf32>
  polyhedral.stage @s (%i) domain #polyhedral.set<"{ s[i] : i = 0 }"> {
    %p = polyhedral.read @h #polyhedral.map<"{ [s[i] -> lane[c]] -> h[m = -1, c] : i = 0 and 0 <= c < 4 }"> across : vector<4xf32>
    polyhedral.write %p, @h #polyhedral.map<"{ [s[i] -> lane[c]] -> h[c] : i = 0 and 0 <= c < 4 }"> : vector<4xf32>
  }
}

// -----

// Lanes choose the inference: a window of the last four.

// CHECK: polyhedral.pipeline @window
// CHECK: memref<4x3xf32>
// CHECK: polyhedral.dependence raw @key -> @sum on @k
// CHECK-SAME: release #polyhedral.map<"{ k[i0] -> sum[ahead = 0, i = i0] : 0 <= i0 <= 2 }">
// CHECK-SAME: initially #polyhedral.set<"{ sum[ahead = -1, i = 2] }">{{$}}
// CHECK: polyhedral.dependence war @sum -> @key on @k
// CHECK-SAME: release #polyhedral.map<"{ sum[i] -> key[ahead = 1, i' = i] : 0 <= i <= 2 }">
polyhedral.pipeline @window (@x) -> (@y) {
  polyhedral.array @x : tensor<3xf32>
  polyhedral.array @k0 parameter dense<0.0> : tensor<3x3xf32>
  polyhedral.array @k : tensor<3xf32> initial @k0
  polyhedral.array @y : tensor<3xf32>
  polyhedral.stage @key (%i) domain #polyhedral.set<"{ key[i] : 0 <= i < 3 }"> {
    %x = polyhedral.read @x #polyhedral.map<"{ [key[i] -> lane[0]] -> x[i] : 0 <= i < 3 }"> : vector<1xf32>
    polyhedral.write %x, @k #polyhedral.map<"{ [key[i] -> lane[0]] -> k[i] : 0 <= i < 3 }"> : vector<1xf32>
  }
  polyhedral.stage @sum (%i) domain #polyhedral.set<"{ sum[i] : 0 <= i < 3 }"> {
    %w = polyhedral.read @k #polyhedral.map<"{ [sum[i] -> lane[t, 0]] -> k[m = t - 3, i] : 0 <= i < 3 and 0 <= t < 4 }"> across : vector<4x1xf32>
    %y = cmcore.reduce add %w along [0] : vector<4x1xf32> -> vector<1xf32>
    polyhedral.write %y, @y #polyhedral.map<"{ [sum[i] -> lane[0]] -> y[i] : 0 <= i < 3 }"> : vector<1xf32>
  }
}

// -----

// Inputs that are read across inferences are kept as long: nothing else waits for them.

// CHECK: polyhedral.pipeline @inputs
// CHECK: polyhedral.storage @x at @sum #polyhedral.map<"{ x[n, d0] -> slot[o0, d0] : (-n + o0) mod 3 = 0 and 0 <= o0 <= 2 }"> : memref<3x3xf32>
// CHECK-NOT: polyhedral.dependence
polyhedral.pipeline @inputs (@x) -> (@y) {
  polyhedral.array @x0 parameter dense<0.0> : tensor<2x3xf32>
  polyhedral.array @x : tensor<3xf32> initial @x0
  polyhedral.array @y : tensor<3xf32>
  polyhedral.stage @sum (%i) domain #polyhedral.set<"{ sum[i] : 0 <= i < 3 }"> {
    %w = polyhedral.read @x #polyhedral.map<"{ [sum[i] -> lane[t, 0]] -> x[m = t - 2, i] : 0 <= i < 3 and 0 <= t < 3 }"> across : vector<3x1xf32>
    %y = cmcore.reduce add %w along [0] : vector<3x1xf32> -> vector<1xf32>
    polyhedral.write %y, @y #polyhedral.map<"{ [sum[i] -> lane[0]] -> y[i] : 0 <= i < 3 }"> : vector<1xf32>
  }
}
