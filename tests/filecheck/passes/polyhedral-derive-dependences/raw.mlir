// RUN: cm-opt %s --split-input-file -p polyhedral-derive-dependences | filecheck %s
// RUN: cm-opt %s --split-input-file -p polyhedral-derive-dependences,polyhedral-derive-dependences | filecheck %s

// The textbook case: a window of three.

// CHECK: polyhedral.pipeline @window
// CHECK: polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[j] -> R[w = -2 + j] : 2 <= j <= 7 }">{{$}}
// CHECK: polyhedral.dependence war @R -> @W on @b
// CHECK-NOT: polyhedral.dependence
polyhedral.pipeline @window (@a) -> (@c) {
  polyhedral.array @a : tensor<8xf32>
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<6xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [W[w] -> lane[0]] -> a[w] : 0 <= w < 8 }"> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 6 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[k]] -> b[j = w + k] : 0 <= w < 6 and 0 <= k < 3 }"> : vector<3xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 6 }"> : vector<3xf32>
  }
}

// -----

// A reader of which only a middle part depends on the writer: iterations before it are free at once, those behind
// it are released by the last write that it waits for, and the rest of the writes are waited for by nobody.

// CHECK: polyhedral.pipeline @part
// CHECK: polyhedral.dependence raw @W -> @R on @b
// CHECK-SAME: release #polyhedral.map<"{ b[i0] -> R[i = 3 + i0] : 0 <= i0 <= 1; b[i0 = 2] -> R[i = 9] }">
// CHECK-SAME: initially #polyhedral.set<"{ R[i = 2] }">{{$}}
polyhedral.pipeline @part () -> (@c) {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<10xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%i) domain #polyhedral.set<"{ R[i] : 0 <= i < 10 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[i] -> lane[0]] -> b[i - 3] : 3 <= i < 6 }"> : vector<1xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[i] -> lane[0]] -> c[i] : 0 <= i < 10 }"> : vector<1xf32>
  }
}

// -----

// An iteration writes a column at once: the event is the first location of the write.

// CHECK: polyhedral.pipeline @column
// CHECK: polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[0, i1] -> R[w = i1] : 0 <= i1 <= 3 }">{{$}}
polyhedral.pipeline @column () -> (@c) {
  polyhedral.array @b : tensor<2x4xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 4 }"> {
    %x = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[l]] -> b[l, w] : 0 <= w < 4 and 0 <= l < 2 }"> : vector<2xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 4 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[0]] -> b[1, w] : 0 <= w < 4 }"> : vector<1xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
}

// -----

// A stride that skips writes waits for every other one.

// CHECK: polyhedral.pipeline @stride
// CHECK: polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[i0] -> R[w] : (i0) mod 2 = 0 and 0 <= i0 <= 6 and 0 <= w <= 3 and i0 <= 2w <= 1 + i0 }">
polyhedral.pipeline @stride () -> (@c) {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<4xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 8 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 4 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[0]] -> b[2w] : 0 <= w < 4 }"> : vector<1xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
}

// -----

// Two reads of one array by a stage are one dependence, of what both need. Inputs and parameters make none.

// CHECK: polyhedral.pipeline @two_reads
// CHECK: polyhedral.dependence raw @W -> @R on @b release #polyhedral.map<"{ b[i0] -> R[w = -1 + i0] : 0 < i0 <= 3 }">
// CHECK: polyhedral.dependence war @R -> @W on @b
// CHECK-NOT: polyhedral.dependence
polyhedral.pipeline @two_reads (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @p parameter "p" : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<3xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [W[w] -> lane[0]] -> a[w] : 0 <= w < 4 }"> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 3 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[0]] -> b[w] : 0 <= w < 3 }"> : vector<1xf32>
    %y = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[0]] -> b[w + 1] : 0 <= w < 3 }"> : vector<1xf32>
    %p = polyhedral.read @p #polyhedral.map<"{ [R[w] -> lane[0]] -> p[w] : 0 <= w < 3 }"> : vector<1xf32>
    %s = arith.addf %x, %y : vector<1xf32>
    %t = arith.addf %s, %p : vector<1xf32>
    polyhedral.write %t, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 3 }"> : vector<1xf32>
  }
}

// -----

// An array with two writers has a dependence on each.

// CHECK: polyhedral.pipeline @two_writers
// CHECK: polyhedral.dependence raw @A -> @R on @b release #polyhedral.map<"{ b[i0] -> R[w = i0] : 0 <= i0 <= 2; b[i0 = 3] -> R[w = 7] }">{{$}}
// CHECK: polyhedral.dependence raw @B -> @R on @b release #polyhedral.map<"{ b[i0] -> R[w = i0] : 4 <= i0 <= 7 }"> initially #polyhedral.set<"{ R[w = 3] }">{{$}}
polyhedral.pipeline @two_writers () -> (@c) {
  polyhedral.array @b : tensor<8xf32>
  polyhedral.array @c : tensor<8xf32>
  polyhedral.stage @A (%w) domain #polyhedral.set<"{ A[w] : 0 <= w < 4 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [A[w] -> lane[0]] -> b[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
  polyhedral.stage @B (%w) domain #polyhedral.set<"{ B[w] : 0 <= w < 4 }"> {
    %x = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [B[w] -> lane[0]] -> b[w + 4] : 0 <= w < 4 }"> : vector<1xf32>
  }
  polyhedral.stage @R (%w) domain #polyhedral.set<"{ R[w] : 0 <= w < 8 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [R[w] -> lane[0]] -> b[w] : 0 <= w < 8 }"> : vector<1xf32>
    polyhedral.write %x, @c #polyhedral.map<"{ [R[w] -> lane[0]] -> c[w] : 0 <= w < 8 }"> : vector<1xf32>
  }
}

// -----

// A recurrence: a stage that reads what earlier iterations of its own have written. It waits for itself.

// CHECK: polyhedral.pipeline @scan
// CHECK: polyhedral.dependence raw @W -> @W on @b release #polyhedral.map<"{ b[i0] -> W[w = 1 + i0] : 0 <= i0 <= 2 }"> initially #polyhedral.set<"{ W[w = 0] }">{{$}}
polyhedral.pipeline @scan () -> (@b) {
  polyhedral.array @b : tensor<4xf32>
  polyhedral.stage @W (%w) domain #polyhedral.set<"{ W[w] : 0 <= w < 4 }"> {
    %x = polyhedral.read @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w - 1] : 1 <= w < 4 }"> : vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [W[w] -> lane[0]] -> b[w] : 0 <= w < 4 }"> : vector<1xf32>
  }
}
