// Selection of elements of a vector by indices that are data, and conversions that keep low bits.
// RUN: cm-opt %s --split-input-file --verify-diagnostics | filecheck %s
// RUN: cm-opt %s --split-input-file --verify-diagnostics --print-op-generic | cm-opt --split-input-file | filecheck %s

// CHECK-LABEL: func.func @pick
func.func @pick(%x: vector<20x6xf32>, %i: vector<5xi64>, %o: vector<i32>) {
  // CHECK-NEXT: cmcore.pick %x at %i : vector<20x6xf32>, vector<5xi64> -> vector<5x6xf32>
  %0 = cmcore.pick %x at %i : vector<20x6xf32>, vector<5xi64> -> vector<5x6xf32>
  // CHECK-NEXT: cmcore.pick %x at %o : vector<20x6xf32>, vector<i32> -> vector<6xf32>
  %1 = cmcore.pick %x at %o : vector<20x6xf32>, vector<i32> -> vector<6xf32>
  // CHECK-NEXT: cmcore.convert %i wrapping : vector<5xi64> -> vector<5xi8>
  %2 = cmcore.convert %i wrapping : vector<5xi64> -> vector<5xi8>
  func.return
}

// -----

func.func @number(%x: vector<f32>, %i: vector<5xi64>) {
  // expected-error @+1 {{the vector must have a dimension to pick along}}
  %0 = cmcore.pick %x at %i : vector<f32>, vector<5xi64> -> vector<5xf32>
  func.return
}

// -----

func.func @type_of_indices(%x: vector<4xf32>, %i: vector<5xf32>) {
  // expected-error @+1 {{the indices must have elements of i32 or i64, got f32}}
  %0 = cmcore.pick %x at %i : vector<4xf32>, vector<5xf32> -> vector<5xf32>
  func.return
}

// -----

func.func @type_of_result(%x: vector<4x3xf32>, %i: vector<5xi64>) {
  // expected-error @+1 {{the result must have type vector<5x3xf32>, got vector<5xf32>}}
  %0 = cmcore.pick %x at %i : vector<4x3xf32>, vector<5xi64> -> vector<5xf32>
  func.return
}

// -----

func.func @wrapping_float(%x: vector<4xf32>) {
  // expected-error @+1 {{`wrapping` is for integers, got f32 and i8}}
  %0 = cmcore.convert %x wrapping : vector<4xf32> -> vector<4xi8>
  func.return
}
