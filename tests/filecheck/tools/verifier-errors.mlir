// RUN: cm-opt %s --split-input-file --verify-diagnostics
// RUN: not cm-opt %s --split-input-file -o %t.mlir 2>&1 | filecheck %s
// RUN: not cm-opt %t.mlir 2>&1 | filecheck %s --check-prefix=UNWRITTEN

// A chunk with an error gives one line; there is no output file if any chunk has one.
// UNWRITTEN: error: No such file or directory

func.func @first() {
  func.return
}

// -----

func.func @types(%a: i32) {
  // CHECK: verifier-errors.mlir:[[# @LINE + 2]]:3: error: 'arith.addi' op {{.+}}
  // expected-error @+1 {{'arith.addi' op}}
  %c = "arith.addi"(%a, %a) : (i32, i32) -> i64
  func.return
}

// -----

// A location in the text takes precedence.
// CHECK-NEXT: model.onnx:12:3: error: 'arith.addi' op
// expected-error @unknown {{'arith.addi' op}}
func.func @located(%a: i32) {
  %c = "arith.addi"(%a, %a) : (i32, i32) -> i64 loc("model.onnx":12:3)
  func.return
}
