// RUN: cm-opt %s --split-input-file -p polyhedral-derive-dependences | filecheck %s

// With room for one inference, b[w] of the next inference may be written when the last read of b[w] is done. The
// last read frees all that remains; one inference can go ahead before any.

// CHECK: polyhedral.pipeline @full
// CHECK: polyhedral.dependence war @R -> @W on @b
// CHECK-SAME: release #polyhedral.map<"{ R[w] -> W[ahead = 1, w' = w] : 0 <= w <= 4; R[w = 5] -> W[ahead = 1, w' = 7] }">
// CHECK-SAME: initially #polyhedral.set<"{ W[ahead = 0, w = 7] }">{{$}}
polyhedral.pipeline @full () -> (@c) {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[w + k] : 0 <= w < 6 and 0 <= k < 3 }"> : vector<3xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<3xf32>
  }
}

// -----

// A reader that turns back at the end of every inference holds on to the first element until it is through.

// CHECK: polyhedral.pipeline @reversed
// CHECK: polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[7] -> R[w = 0] }">{{$}}
// CHECK: polyhedral.dependence war @R -> @W on @b
// CHECK-SAME: release #polyhedral.map<"{ R[w = 0] -> W[ahead = 1, w' = 7] }">
// CHECK-SAME: initially #polyhedral.set<"{ W[ahead = 0, w = 7] }">{{$}}
polyhedral.pipeline @reversed () -> (@c) {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<8xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 8 }"> schedule #polyhedral.map<"{ R[w] -> [7 - w] }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
}

// -----

// Both reversed: the order of times counts, not that of coordinates.

// CHECK: polyhedral.pipeline @both_reversed
// CHECK: polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[i0] -> R[w = i0] : 0 <= i0 <= 7 }">{{$}}
polyhedral.pipeline @both_reversed () -> (@c) {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<8xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> schedule #polyhedral.map<"{ W[w] -> [-w] }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 8 }"> schedule #polyhedral.map<"{ R[w] -> [7 - w] }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
}

// -----

// A reader that goes by columns, and reads the last row of each: every such write releases what is free of the next
// column too. Nothing reads the other rows, so the writer may go on to those of one more inference.

// CHECK: polyhedral.pipeline @interchanged
// CHECK: polyhedral.dependence raw @W -> @R on @b
// CHECK-SAME: release #polyhedral.map<"{ b[3, i1] -> R[h = 2, w = 1 + i1] : 0 <= i1 <= 2; b[3, i1 = 3] -> R[h = 3, w = 3] }">
// CHECK-SAME: initially #polyhedral.set<"{ R[h = 2, w = 0] }">{{$}}
// CHECK: polyhedral.dependence war @R -> @W on @b
// CHECK-SAME: R[h = 3, w = 3] -> W[ahead = 2, h' = 2, w' = 3] }">
// CHECK-SAME: initially #polyhedral.set<"{ W[ahead = 1, h = 2, w = 3] }">{{$}}
polyhedral.pipeline @interchanged () -> (@c) {
  polyhedral.array @b : tensor<4x4xf32>
  polyhedral.array @c : tensor<4x4xf32>
  polyhedral.stage @W (%h, %w) domain #polyhedral.set<"{ W[h, w] : 0 <= h, w < 4 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[h, w] -> lane[0]] -> b[h, w] : 0 <= h, w < 4 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%h, %w) domain #polyhedral.set<"{ R[h, w] : 0 <= h, w < 4 }"> schedule #polyhedral.map<"{ R[h, w] -> [w, h] }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[h, w] -> lane[0]] -> b[h, w] : 0 <= h, w < 4 and h = 3 }"> : vector<1xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[h, w] -> lane[0]] -> c[h, w] : 0 <= h, w < 4 }"> : vector<1xf32>
  }
}

// -----

// A ring of four: b[w] takes the place of b[w - 4], so the writer may be four ahead of the reader, and, the array
// having eight, the next inference follows without a gap.

// CHECK: polyhedral.pipeline @ring
// CHECK: polyhedral.dependence war @R -> @W on @b
// CHECK-SAME: release #polyhedral.map<"{ R[w] -> W[ahead = 0, w' = 4 + w] : 0 <= w <= 3; R[w] -> W[ahead = 1, w' = -4 + w] : 4 <= w <= 7 }">
// CHECK-SAME: initially #polyhedral.set<"{ W[ahead = 0, w = 3] }">{{$}}
polyhedral.pipeline @ring () -> (@c) {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<8xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 8 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.storage @b at @R #polyhedral.map<"{ b[n, w] -> slot[w mod 4] }"> : memref<4xf32>
}
