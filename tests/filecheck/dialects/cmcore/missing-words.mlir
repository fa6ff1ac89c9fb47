// RUN: cm-opt %s --split-input-file --verify-diagnostics

// The kind of a reduction and the relation of a comparison come before the operands.

func.func @reduce(%x: vector<2x3xf32>) {
  // expected-error @below {{expected a kind of reduction: add, mul, maximumf, minimumf, maxsi, maxui, minsi, minui}}
  %y = cmcore.reduce %x along [0] : vector<2x3xf32> -> vector<3xf32>
  func.return
}

// -----

func.func @arg_reduce(%x: vector<2x3xf32>) {
  // expected-error @below {{expected a kind of reduction: maximumf, minimumf, maxsi, maxui, minsi, minui}}
  %y = cmcore.arg_reduce %x along 0 : vector<2x3xf32> -> vector<3xi32>
  func.return
}

// -----

func.func @compare(%a: vector<3xf32>, %b: vector<3xf32>) {
  // expected-error @below {{expected a relation: eq, ne, lt, le, gt, ge}}
  %y = cmcore.compare %a, %b : vector<3xf32>
  func.return
}
