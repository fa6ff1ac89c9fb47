// Replacement of elements at indices that are data, and ranks of elements.
// RUN: cm-opt %s --split-input-file --verify-diagnostics | filecheck %s
// RUN: cm-opt %s --split-input-file --verify-diagnostics --print-op-generic | cm-opt --split-input-file | filecheck %s

// CHECK-LABEL: func.func @place
func.func @place(%x: vector<8x8x3xf32>, %i: vector<5xi64>, %u: vector<5x3xf32>) {
  // CHECK-NEXT: cmcore.place %u into %x at %i, %i : vector<5x3xf32>, vector<8x8x3xf32>, vector<5xi64>, vector<5xi64>
  %0 = cmcore.place %u into %x at %i, %i : vector<5x3xf32>, vector<8x8x3xf32>, vector<5xi64>, vector<5xi64>
  // CHECK-NEXT: cmcore.place add %u into %x at %i, %i : vector<5x3xf32>,
  %1 = cmcore.place add %u into %x at %i, %i : vector<5x3xf32>, vector<8x8x3xf32>, vector<5xi64>, vector<5xi64>
  // CHECK-NEXT: cmcore.pick %x at %i, %i : vector<8x8x3xf32>, vector<5xi64>, vector<5xi64> -> vector<5x3xf32>
  %2 = cmcore.pick %x at %i, %i : vector<8x8x3xf32>, vector<5xi64>, vector<5xi64> -> vector<5x3xf32>
  func.return
}

// CHECK-LABEL: func.func @ranks
func.func @ranks(%x: vector<8xf32>) {
  // CHECK-NEXT: cmcore.arg_top_k %x largest : vector<8xf32> -> vector<3xi32>
  %0 = cmcore.arg_top_k %x largest : vector<8xf32> -> vector<3xi32>
  // CHECK-NEXT: cmcore.arg_top_k %x : vector<8xf32> -> vector<8xi32>
  %1 = cmcore.arg_top_k %x : vector<8xf32> -> vector<8xi32>
  func.return
}

// -----

func.func @updates(%x: vector<8x3xf32>, %i: vector<5xi64>, %u: vector<5xf32>) {
  // expected-error @+1 {{the updates must have type vector<5x3xf32>, got vector<5xf32>}}
  %0 = cmcore.place %u into %x at %i : vector<5xf32>, vector<8x3xf32>, vector<5xi64>
  func.return
}

// -----

func.func @indices(%x: vector<8xf32>, %i: vector<5xi64>) {
  // expected-error @+1 {{there must be indices for 1 to 1 dimension of the vector, got 2}}
  %0 = cmcore.pick %x at %i, %i : vector<8xf32>, vector<5xi64>, vector<5xi64> -> vector<5xf32>
  func.return
}

// -----

func.func @different_indices(%x: vector<8x8xf32>, %i: vector<5xi64>, %j: vector<4xi64>) {
  // expected-error @+1 {{the indices must have one type, got vector<5xi64> and vector<4xi64>}}
  %0 = cmcore.pick %x at %i, %j : vector<8x8xf32>, vector<5xi64>, vector<4xi64> -> vector<5xf32>
  func.return
}

// -----

func.func @too_many(%x: vector<8xf32>) {
  // expected-error @+1 {{the result must have type vector<Kxi32> with 1 <= K <= 8, got vector<9xi32>}}
  %0 = cmcore.arg_top_k %x : vector<8xf32> -> vector<9xi32>
  func.return
}
