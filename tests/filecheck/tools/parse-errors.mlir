// RUN: cm-opt %s --split-input-file --verify-diagnostics
// RUN: not cm-opt %s --split-input-file 2>&1 | filecheck %s

func.func @undefined() -> i32 {
  // CHECK: parse-errors.mlir:[[# @LINE + 3]]:15: error: value '%x' is used but not defined
  // CHECK-NEXT:   func.return %x : i32
  // CHECK-NEXT: {{^}}              ^^
  func.return %x : i32 // expected-error {{value '%x' is used but not defined}}
}

// -----

func.func @unknown() {
  // CHECK: parse-errors.mlir:[[# @LINE + 2]]:3: error: operation 'nonsense.op' is not registered
  // expected-error @below {{operation 'nonsense.op' is not registered}}
  nonsense.op
}

// -----

func.func @attribute() {
  // CHECK: parse-errors.mlir:[[# @LINE + 2]]:3: error: {{.+}}
  // expected-error @+1 {{Integer value 300 is out of range}}
  %c = arith.constant 300 : i8
  func.return
}

// -----

// expected-error @+3 {{expected an operation, a block or '}'}}
func.func @unclosed() {
  func.return
